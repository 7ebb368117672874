"""Download: a card in, its files in a folder, each as its publisher lists it.

    card ── addresses ──> listings ──> for every file:  here and right?  ──yes──> kept
                                                              │no
                                                              └──> `<name>.part` ──> checked ──> its name ──> unpacked

Running it again fetches only what is missing or has changed. Nothing that was good is removed before its replacement is
whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from wearfm.datasets.base import Dataset
from wearfm.datasets.download.ledger import Ledger, Line
from wearfm.datasets.download.listing import LEDGER, Member, members
from wearfm.datasets.download.part import Receipt, make_room, receipt_of
from wearfm.datasets.download.transfer import PAUSES_S, Wire
from wearfm.datasets.download.unpack import is_archive, unpack
from wearfm.errors import BadConfiguration

Progress = Callable[[int, int, str], None]  # megabytes done, in all, file
_UNITS = {"kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12}


@dataclass(frozen=True, kw_only=True)
class DownloadSummary:
    """What came of a download. fetched: files that came now. kept: files that were there. unpacked: files out of archives.

    size: bytes of the fetched and kept files.
    """

    folder: str
    fetched: int = 0
    kept: int = 0
    unpacked: int = 0
    size: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the summary as plain values."""
        return asdict(self)


def download(
    dataset: Dataset,
    folder: str | Path,
    *,
    mirrors: Mapping[str, str] = MappingProxyType({}),
    progress: Progress | None = None,
    pauses_s: Sequence[float] = PAUSES_S,
) -> DownloadSummary:
    """Bring the files of an open data set into a folder, unpacked, each checked; a second call goes on where one stopped.

    mirrors: beginnings of official addresses -> what to ask instead, where a network has copies of its own. pauses_s: waits
    between fruitless tries. BadConfiguration if the set can only be had by hand, CannotDownload for what a server does not
    give, CannotWrite for a disk that is full.
    """
    if not dataset.addresses:
        how = dataset.by_hand or f"download it from {dataset.homepage}"
        raise BadConfiguration(f"data set {dataset.name} has no direct address; {how}, then use wearfm datasets prepare")
    return _Download(dataset, Path(folder), Wire(mirrors=mirrors, pauses_s=pauses_s), progress).run()


class _Download:
    """One data set on its way into one folder."""

    def __init__(self, dataset: Dataset, folder: Path, wire: Wire, progress: Progress | None) -> None:
        self._dataset = dataset
        self._folder = folder
        self._wire = wire
        self._progress = progress
        self._ledger = Ledger(folder, dataset=dataset.name)
        self._done = self._total = 0
        self._label = ""

    def run(self) -> DownloadSummary:
        wanted = [one for address in self._dataset.addresses for one in members(address, self._wire.ask)]
        self._total = self._expected(wanted)
        make_room(self._folder, self._total - sum(self._present(one) for one in wanted))
        self._folder.mkdir(parents=True, exist_ok=True)
        summary = DownloadSummary(folder=str(self._folder))
        try:
            for member in wanted:
                summary = self._take(member, summary)
        finally:
            self._ledger.save()
        return summary

    def _take(self, member: Member, so_far: DownloadSummary) -> DownloadSummary:
        """Bring one file, and what is packed in it, to the folder."""
        self._label, path, line = member.path, self._folder / member.path, self._ledger.find(member)
        receipt = self._kept(member, path, line)
        kept = receipt is not None
        if receipt is None:
            receipt = self._wire.fetch(self._with_hash(member, line), path, count=self._count)
        else:
            self._count(receipt.size)
        unpacked = line.unpacked if line is not None and line.sha256 == receipt.sha256 else None
        if not kept or line is None:
            self._ledger.enter(member, receipt, unpacked=unpacked)
        if member.unpack and is_archive(path) and not self._is_unpacked(path, unpacked):
            unpacked = unpack(path)
            self._ledger.enter(member, receipt, unpacked=unpacked)
        return replace(
            so_far,
            fetched=so_far.fetched + (not kept),
            kept=so_far.kept + kept,
            unpacked=so_far.unpacked + len(unpacked or {}),
            size=so_far.size + receipt.size,
        )

    def _kept(self, member: Member, path: Path, line: Line | None) -> Receipt | None:
        """Return what lies there if it is what is listed, or what came the first time; None if it must come (again)."""
        expected = self._with_hash(member, line)
        if path.is_file() and expected.hash and member.size in (None, path.stat().st_size):
            receipt = receipt_of(path)
            return None if receipt.fault(expected) else receipt
        gone = not path.exists() and line is not None and line.published == member.hash
        if gone and line is not None and line.unpacked and self._is_unpacked(path, line.unpacked):
            return Receipt(size=line.size, sha256=line.sha256, md5="")  # the archive was removed, what it held is here
        return None

    @staticmethod
    def _with_hash(member: Member, line: Line | None) -> Member:
        """Return the file with the hash of its first download, if its publisher gives none."""
        if line is None or member.hash:
            return member
        since = f"was that of the first download, {line.when} (to accept the new file, remove its line from {LEDGER})"
        return replace(member, hash=f"sha256:{line.sha256}", hash_from=since)

    @staticmethod
    def _is_unpacked(archive: Path, unpacked: Mapping[str, int] | None) -> bool:
        """Return whether all that an archive held lies there with its size."""
        if unpacked is None:
            return False
        files = ((archive.parent / name, size) for name, size in unpacked.items())
        return all(file.is_file() and file.stat().st_size == size for file, size in files)

    def _expected(self, wanted: Sequence[Member]) -> int:
        """Return the bytes to expect: the sum of the listings, or what the card states where they do not say."""
        listed = sum(member.size or 0 for member in wanted)
        is_whole = all(not address.only for address in self._dataset.addresses)
        if all(member.size is not None for member in wanted) or not is_whole:
            return listed
        return max(listed, published_bytes(self._dataset.size))

    def _present(self, member: Member) -> int:
        path = self._folder / member.path
        return path.stat().st_size if path.is_file() else 0

    def _count(self, size: int) -> None:
        self._done += size
        self._total = max(self._total, self._done)
        if self._progress is not None:
            self._progress(round(self._done / 1e6), round(self._total / 1e6), self._label)


def published_bytes(size: str) -> int:
    """Return the bytes of a size as cards state it, "3.2 GB"; 0 if it states none."""
    found = re.match(r"\s*([\d.,]+)\s*([kmgt]b)\b", size.lower())
    return int(float(found[1].replace(",", "")) * _UNITS[found[2]]) if found else 0
