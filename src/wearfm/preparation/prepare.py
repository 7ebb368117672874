"""Prepare: files in, a store out; parallel, resumable, and the same result for any number of workers.

    sources ── divide ──> units ──> workers read and stage shards ──> one committer, in the order of the sources

Running it again on the same input changes nothing: sources are known by the hash of their content. A run killed at
any moment loses only what was not committed yet.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from importlib import metadata
from multiprocessing.connection import wait
from pathlib import Path

from wearfm import readers
from wearfm.errors import BadConfiguration, BadRecording, UnknownFormat, WearfmError
from wearfm.preparation.sources import SourceFile, find_sources
from wearfm.preparation.summary import Fate, PreparationSummary, Progress, Tally, silent
from wearfm.preparation.work import Delivery, End, ParticipantFrom, ReadFile, Unit, deliver, deliver_all, divide
from wearfm.signals.recording import Recording
from wearfm.store.catalogue import Source
from wearfm.store.shard import in_batches
from wearfm.store.store import Store, taken

_AHEAD = 2  # units in work per worker: the committer never waits, and few shards are staged at a time


def prepare(
    sources: Sequence[str | Path],
    store_path: str | Path,
    *,
    workers: int | None = None,
    participant_from: ParticipantFrom = "file",
    progress: Progress = silent,
    read: ReadFile | None = None,
) -> PreparationSummary:
    """Read every recording in and below the sources into the store in that folder, and say what came of each.

    workers: processes that read; None for one per core. With more than one, a script needs the usual
    `if __name__ == "__main__":`. participant_from: "file" takes the participant that the reader found, "folder" the
    first folder below the source ("raw/p07/night.edf" of source "raw" is participant "p07"). read: how a path becomes
    recordings; None for wearfm's own readers. A source that cannot be read is refused with its reason, and the others
    go on.
    """
    if workers is not None and workers < 1:
        raise BadConfiguration(f"workers {workers} must be at least 1; leave it out for one per core")
    found = find_sources(sources, recognises=_format if read is None else partial(_taken_by, read))
    read = read or readers.read
    settings = _settings(read, participant_from)
    with Store.create(store_path) as store, store.writing(), _swept(store):
        units = [
            Unit(store=store.path, first=first, sources=some, read=read, participant_from=participant_from, settings=settings)
            for first, some in divide(found)
        ]
        ledger = _Ledger(store, found, settings, progress)
        with contextlib.closing(_work(units, workers=min(workers or os.cpu_count() or 1, len(units)))) as deliveries:
            for delivery in deliveries:
                ledger.enter(delivery)
    return PreparationSummary.of(ledger.fates)


def prepare_recordings(
    recordings: Iterable[Recording], store_path: str | Path, *, total: int = 0, progress: Progress = silent
) -> PreparationSummary:
    """Commit recordings that are made or read elsewhere, in batches of one shard; holds one batch in memory.

    total: how many will come, for progress; 0 if not known. A recording that the store has already is counted as skipped;
    one that it has with other content is a BadConfiguration.
    """
    tally, skipped, done = Tally(), 0, 0
    with Store.create(store_path) as store, store.writing(), _swept(store):
        known = {(row.participant, row.name) for row in store.recordings()}
        for batch in in_batches(recordings):
            store.commit(batch)
            fresh = [each for each in batch if (each.participant, each.name) not in known]
            known.update((each.participant, each.name) for each in fresh)
            tally = sum(map(Tally.of, fresh), start=tally)
            skipped += len(batch) - len(fresh)
            done += len(batch)
            progress(done, max(total, done), batch[-1].name)
    return PreparationSummary(prepared=tally.recordings, skipped=skipped, tally=tally)


class _Ledger:
    """Enters deliveries in the store in their order, and keeps the count."""

    def __init__(self, store: Store, sources: Sequence[SourceFile], settings: str, progress: Progress) -> None:
        self.fates: list[Fate] = []
        self._store = store
        self._sources = sources
        self._settings = settings
        self._progress = progress
        self._open: dict[int, Tally] = {}
        self._conflict: dict[int, str] = {}

    def enter(self, delivery: Delivery) -> None:
        """Commit what a worker delivered, in one transaction, and count it."""
        staged = delivery.staged
        conflicts = {entry.digest: entry for entry in self._store.conflicts(staged)} if staged else {}
        for number, digest, tally in delivery.recordings:
            if digest in conflicts:
                self._conflict[number] = taken(conflicts[digest])
            else:
                self._open[number] = self._open.get(number, Tally()) + tally
        if staged:
            staged = staged.without(conflicts)
        self._store.adopt(staged, sources=[self._provenance(end) for end in delivery.ends if end.earlier is None])
        for end in delivery.ends:
            self._close(end)

    def _provenance(self, end: End) -> Source:
        reason = end.reason or self._conflict.get(end.number, "")
        tally = self._open.get(end.number, Tally())
        summary = {"outcome": "refused" if reason else "prepared", "reason": reason, "tally": tally.to_json()}
        return Source(
            source=self._sources[end.number].label,
            sha256=end.sha256,
            settings=self._settings,
            summary=json.dumps(summary, sort_keys=True),
        )

    def _close(self, end: End) -> None:
        source = self._sources[end.number]
        reason = end.reason or self._conflict.pop(end.number, "")
        fresh = self._open.pop(end.number, Tally())
        self.fates.append(
            Fate(
                source=source.label,
                outcome="refused" if reason else "prepared" if end.earlier is None else "skipped",
                format=source.format,
                companions=tuple(each.name for each in source.companions),
                reason=reason,
                tally=fresh if end.earlier is None else end.earlier,
            )
        )
        self._progress(len(self.fates), len(self._sources), source.label)


def _work(units: Sequence[Unit], *, workers: int) -> Generator[Delivery]:
    """Yield the deliveries of all units in their order, made in this process or in several others."""
    if workers <= 1:
        for unit in units:
            yield from deliver(unit)
        return
    waiting: deque[Future[list[Delivery]]] = deque()
    pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"), initializer=_die_with_parent)
    try:
        for unit in units:
            waiting.append(pool.submit(deliver_all, unit))
            if len(waiting) > workers * _AHEAD:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    except BrokenProcessPool as error:
        raise WearfmError(
            "a worker process died; all that was committed is kept: rerun, with fewer workers if memory ran out"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


@contextlib.contextmanager
def _swept(store: Store) -> Iterator[None]:
    """Leave no file in the store that its catalogue does not know, neither of an earlier run nor of this one."""
    store.sweep()
    try:
        yield
    finally:
        store.sweep()


def _die_with_parent() -> None:
    """End this worker as soon as the process that started it is gone, however it went."""
    parent = multiprocessing.parent_process()
    assert parent is not None, "a worker has a parent"

    def watch(sentinel: int) -> None:
        wait([sentinel])
        os._exit(1)

    threading.Thread(target=watch, args=(parent.sentinel,), daemon=True).start()


def _format(path: Path) -> str:
    """Return the name of the reader that knows a path, "" for none; "damaged" if that cannot be judged: reading it says why."""
    try:
        return readers.find_reader(path).name
    except UnknownFormat:
        return ""
    except BadRecording:
        return "damaged"


def _taken_by(read: ReadFile, path: Path) -> str:
    """Return the name of a caller's own reader for any file."""
    return read.__name__ if path.is_file() else ""


def _settings(read: ReadFile, participant_from: ParticipantFrom) -> str:
    """Return what decides the result besides the bytes of a source: the reader, its version, and how people are named."""
    try:
        version = metadata.version("wearfm")
    except metadata.PackageNotFoundError:
        version = "source"
    return f"{read.__module__}.{read.__qualname__} of wearfm {version}, participant from {participant_from}"
