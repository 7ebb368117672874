"""The store: recordings on disk in immutable, checksummed, memory-mapped shards under one catalogue."""

from wearfm.store.catalogue import Source
from wearfm.store.store import Store
from wearfm.store.tables import ChannelTable, Damage, RecordingRow

__all__ = ["ChannelTable", "Damage", "RecordingRow", "Source", "Store"]
