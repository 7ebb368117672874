"""The store: a folder of immutable shards and one catalogue; the only thing that training and embedding read.

    store/
      catalogue.sqlite      what there is, and where (SQLite, WAL, synchronous=FULL)
      shards/<hash>.arrow   samples (Arrow IPC, uncompressed, memory-mapped)
      writer.lock           held by the one process that writes

A commit writes a shard under a temporary name, brings it to the disk, renames it, and then enters it in the catalogue
in one transaction. A process killed at any moment leaves a store without the open commit, and at most a file that the
catalogue does not know; such files are garbage, and the next writer sweeps them.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wearfm.errors import BadConfiguration, DamagedStore
from wearfm.signals.recording import Events, Recording
from wearfm.signals.spans import Spans
from wearfm.store import catalogue, schema
from wearfm.store.catalogue import Source
from wearfm.store.damage import find_damage
from wearfm.store.disk import failures_named, make_folder, publish
from wearfm.store.entries import ChannelEntry, RecordingEntry, hash_samples, hash_text, to_text, unpack_events
from wearfm.store.gather import Gatherer
from wearfm.store.lock import sole_writer
from wearfm.store.shard import SHARDS, StagedShard, in_batches, map_shard, stage, view
from wearfm.store.tables import ChannelTable, Damage, RecordingRow, RowFinder


@dataclass(frozen=True, kw_only=True, eq=False)
class _Snapshot:
    """What the catalogue said when it was last read."""

    channels: ChannelTable
    spans: dict[int, Spans]
    finder: RowFinder
    gatherer: Gatherer


class Store:
    """Recordings on disk: `commit` and `read` them, `gather` windows from them.

    A store object sees what was committed when it was opened or last committed; `refresh` looks again. It keeps no
    file or connection open, can be shared between threads and processes, and pickles as its path.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._snapshot: _Snapshot | None = None
        self._loading = threading.Lock()
        self._writing = 0

    @classmethod
    def create(cls, path: str | Path) -> Self:
        """Open the store in that folder, or make an empty one."""
        folder = Path(path)
        if not schema.is_laid_out(folder):
            make_folder(folder / SHARDS)
            with sole_writer(folder):
                schema.lay_out(folder)
        return cls.open(folder)

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Open the store in that folder; BadConfiguration if there is none, or of another version."""
        folder = Path(path)
        if not schema.is_laid_out(folder):
            raise BadConfiguration(f"{folder} holds no store; make one with `wearfm prepare`, or correct the path")
        schema.check_version(folder)
        return cls(folder)

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return type(self).open, (str(self.path),)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of mapped shards; the object can still be used and maps them again."""
        self.refresh()

    def refresh(self) -> None:
        """Forget what was read of the catalogue, so that other writers' commits are seen."""
        self._snapshot = None
        self.__dict__.pop("_recordings", None)

    # --- writing

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Be the one writer for a while; BadConfiguration at once if another is. Commits do it on their own."""
        if self._writing:
            yield
            return
        with sole_writer(self.path):
            self._writing += 1
            try:
                yield
            finally:
                self._writing -= 1

    def commit(self, recordings: Sequence[Recording], *, sources: Sequence[Source] = ()) -> str:
        """Add recordings and their provenance, all or none, in one immutable shard; return its name, "" if nothing was new.

        A recording that is there already with equal content is passed over; with other content it is a
        BadConfiguration. CannotWrite leaves the store as it was.
        """
        with self.writing():
            return self.adopt(self.stage(recordings), sources=sources)

    def stage(self, recordings: Sequence[Recording], *, entries: Sequence[RecordingEntry] | None = None) -> StagedShard | None:
        """Write recordings to a file of this store without entering it; None if all are in the store, equal, already.

        Any process may stage for the one writer, who holds the lock and adopts. entries: of the recordings, where the
        caller has them; None to make them here.
        """
        entries = entries or [RecordingEntry.of(recording) for recording in recordings]
        with schema.reading(self.path) as database:
            known = {catalogue.digest_of(database, entry.key) for entry in entries}
        rows = [row for row, entry in enumerate(entries) if entry.digest not in known]
        return stage(self.path, [recordings[row] for row in rows], [entries[row] for row in rows]) if rows else None

    def conflicts(self, staged: StagedShard) -> list[RecordingEntry]:
        """Return what cannot be adopted: its participant and name stand for other content, here or earlier in the shard."""
        seen: dict[tuple[str, str], str] = {}
        found = []
        with schema.reading(self.path) as database:
            for entry in staged.entries:
                known = seen.get(entry.key) or catalogue.digest_of(database, entry.key) or entry.digest
                seen[entry.key] = known
                if known != entry.digest:
                    found.append(entry)
        return found

    def adopt(self, staged: StagedShard | None, *, sources: Sequence[Source] = ()) -> str:
        """Enter a staged shard and provenance in the catalogue, in one transaction; return the shard's name, "" for none."""
        with self.writing(), _discarding(staged):
            fresh = self._fresh(staged) if staged else []
            if staged and fresh:
                publish(staged.written, self.path / SHARDS / staged.name)
            if fresh or sources:
                with schema.writing(self.path) as database:
                    if staged and fresh:
                        catalogue.add_shard(database, staged, fresh)
                    catalogue.add_sources(database, sources)
                self.refresh()
        return staged.name if staged and fresh else ""

    def _fresh(self, staged: StagedShard) -> list[RecordingEntry]:
        """Return the recordings of the shard that are not in the store; BadConfiguration if one has another content there."""
        for entry in self.conflicts(staged):
            raise BadConfiguration(taken(entry))
        with schema.reading(self.path) as database:
            return [entry for entry in staged.entries if catalogue.digest_of(database, entry.key) is None]

    def repair(self) -> list[Damage]:
        """Take recordings out of the catalogue that `verify` finds damaged; return what it found.

        Provenance is forgotten, so that preparing the same sources again puts the recordings back, and only those.
        A damaged catalogue is a DamagedStore: it cannot be repaired from itself.
        """
        with self.writing():
            damages = self.verify()
            lost = {triple[:2] for damage in damages for triple in damage.affected}
            if any(not damage.affected and damage.path.endswith(schema.CATALOGUE) for damage in damages):
                raise DamagedStore(f"{damages[0].path}: {damages[0].problem}; restore a copy, or prepare into a new folder")
            with schema.writing(self.path) as database:
                catalogue.remove_recordings(database, sorted(lost))
            self.refresh()
            self.sweep()
        return damages

    def merge(self, other: Store) -> int:
        """Add all recordings and the provenance of another store; return how many recordings were new.

        Stops with BadConfiguration at a recording that this store has with other content; those before it stay.
        """
        before = len(self.recordings())
        with self.writing():
            for batch in in_batches(other.read(row.id) for row in other.recordings()):
                self.commit(batch)
            self.adopt(None, sources=other.sources())
        return len(self.recordings()) - before

    def sweep(self) -> list[str]:
        """Remove shard files that the catalogue does not know, what killed commits left; return their names."""
        with self.writing():
            with schema.reading(self.path) as database:
                known = {name for name, _, _ in catalogue.shards(database).values()}
            garbage = sorted(file for file in (self.path / SHARDS).iterdir() if file.name not in known)
            for file in garbage:
                with failures_named(file, size=0):
                    file.unlink(missing_ok=True)
        return [file.name for file in garbage]

    # --- reading

    @cached_property
    def _recordings(self) -> list[RecordingRow]:
        with schema.reading(self.path) as database:
            return catalogue.recordings(database)

    def recordings(self) -> list[RecordingRow]:
        """Return all recordings, sorted by participant and name."""
        return list(self._recordings)

    def channels(self) -> ChannelTable:
        """Return all channels as columns, sorted by participant, recording name and position."""
        return self._look().channels

    def spans(self) -> dict[int, Spans]:
        """Return channel id -> spans where it is valid."""
        return self._look().spans

    def events(self, recording: int, kind: str | None = None) -> Events:
        """Return the events of a recording, in their order; of one kind, if one is named."""
        with schema.reading(self.path) as database:
            _, packed = catalogue.events(database, recording)
        found = unpack_events(packed)
        return found if kind is None else found.of_kind(kind)

    def sources(self) -> list[Source]:
        """Return the provenance: what was read, with which settings, and what came of it."""
        with schema.reading(self.path) as database:
            return [source for source, _ in catalogue.sources(database)]

    def read(self, recording: int) -> Recording:
        """Return a recording exactly as it was committed; DamagedStore if a byte of its samples has changed."""
        with schema.reading(self.path) as database:
            found, shards = catalogue.entry(database, recording), catalogue.shards(database)
        if found is None:
            raise BadConfiguration(f"recording id {recording} is not in {self.path}; take ids from Store.recordings()")
        entry, places, _ = found
        pairs = zip(entry.channels, places, strict=True)
        return entry.rebuild([self._samples(entry, channel, shards[place]) for channel, place in pairs])

    def _samples(self, entry: RecordingEntry, channel: ChannelEntry, shard: tuple[str, int, str]) -> NDArray[Any]:
        path = self.path / SHARDS / shard[0]
        samples = view(map_shard(path, size=shard[1]), channel.dtype)
        first = channel.at // samples.itemsize
        samples = samples[first : first + channel.length].copy()
        if hash_samples(samples) != channel.sha256:
            raise DamagedStore(
                f"{path}: channel {channel.name!r} of recording {entry.name!r} of {entry.participant!r} is not what was"
                " committed; repair the store, then prepare its source again"
            )
        return samples

    def gather(self, channels: ArrayLike, starts: ArrayLike, length: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return windows of `length` samples: physical values (N, length) and which of them are valid (N, length).

        channels: (N,) channel ids. starts: (N,) sample numbers. What is not valid or lies outside its channel is 0.0
        and False; nothing is ever NaN.
        """
        ids, first = np.asarray(channels, dtype=np.int64), np.asarray(starts, dtype=np.int64)
        if ids.shape != first.shape or ids.ndim != 1 or length < 1:
            raise BadConfiguration(
                f"channels {ids.shape}, starts {first.shape}, length {length}: give (N,), (N,) and at least 1"
            )
        if len(ids) == 0:
            return np.empty((0, length), dtype=np.float32), np.empty((0, length), dtype=np.bool_)
        now = self._look()
        return now.gatherer.gather(now.finder.rows(ids), first, length)

    def fingerprint(self) -> str:
        """Return the SHA-256 of the logical content, whatever the order of commits and the layout of shards."""
        with schema.reading(self.path) as database:
            return hash_text(to_text(["wearfm store 1", catalogue.digests(database)]))

    def verify(self) -> list[Damage]:
        """Read every byte and return what is not as it was committed; an empty list if all is."""
        return find_damage(self.path)

    def _look(self) -> _Snapshot:
        with self._loading:
            if self._snapshot is None:
                self._snapshot = self._load()
            return self._snapshot

    def _load(self) -> _Snapshot:
        with schema.reading(self.path) as database:
            (table, layout), shards = catalogue.layout(database), catalogue.shards(database)
        bounds = np.split(layout.bounds, layout.firsts[1:-1]) if len(table) else []
        return _Snapshot(
            channels=table,
            spans={identity: Spans(each) for identity, each in zip(table.id.tolist(), bounds, strict=True)},
            finder=RowFinder(table.id),
            gatherer=Gatherer(self.path, table, layout, shards),
        )


def taken(entry: RecordingEntry) -> str:
    """Say that a recording's participant and name stand for other content already."""
    return (
        f"recording {entry.name!r} of participant {entry.participant!r} is in the store with other content;"
        " give it another name, prepare with --participant-from folder if folders are people, or prepare into another store"
    )


@contextlib.contextmanager
def _discarding(staged: StagedShard | None) -> Iterator[None]:
    """Remove the staged file if it is still there at the end; an adopted one has another name by then."""
    try:
        yield
    finally:
        if staged is not None:
            with contextlib.suppress(OSError):
                staged.written.unlink(missing_ok=True)
