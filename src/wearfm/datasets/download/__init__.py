"""Downloads of open data sets: resumable, and held against the publisher's hashes."""

from wearfm.datasets.download.fetch import DownloadSummary, download

__all__ = ["DownloadSummary", "download"]
