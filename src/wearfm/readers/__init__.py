"""Readers of device files: each turns one format into recordings, recognised by content and never by suffix."""

from wearfm.readers.base import Reader
from wearfm.readers.formats import READERS, find, find_reader, read

__all__ = ["READERS", "Reader", "find", "find_reader", "read"]
