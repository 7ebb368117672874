"""Prepare: files in, a store out; parallel, resumable, and the same result for any number of workers.

    sources ── divide ──> units ──> workers read and stage shards ──> one committer, in the order of the sources

Running it again on the same input changes nothing: sources are known by the hash of their content. A run killed at
any moment loses only what was not committed yet.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Generator, Iterable, Iterator, Sequence
from functools import partial
from importlib import metadata
from pathlib import Path

from wearfm import readers
from wearfm.engines import Engine, EngineName, choose
from wearfm.errors import BadConfiguration, BadRecording, UnknownFormat
from wearfm.preparation.remote import find_all
from wearfm.preparation.sources import SourceFile
from wearfm.preparation.summary import Fate, PreparationSummary, Progress, Tally, silent
from wearfm.preparation.work import Delivery, End, ParticipantFrom, ReadFile, Unit, Work, divide
from wearfm.signals.recording import Recording
from wearfm.signals.zone import find_zone
from wearfm.store.catalogue import Source
from wearfm.store.shard import in_batches
from wearfm.store.store import Store, taken


def prepare(
    sources: Sequence[str | Path],
    store_path: str | Path,
    *,
    workers: int | None = None,
    engine: EngineName = "processes",
    ray_address: str = "",
    participant_from: ParticipantFrom = "file",
    zone: str = "",
    mappings: Path | None = None,
    progress: Progress = silent,
    read: ReadFile | None = None,
) -> PreparationSummary:
    """Read every recording in and below the sources into the store in that folder, and say what came of each.

    sources: files and folders, or URLs that fsspec knows ("s3://bucket/raw"); of those, one source at a time is copied
    to a temporary folder. workers: processes that read; None for one per core. With more than one, a script needs the usual
    `if __name__ == "__main__":`. engine: "processes" of this machine, or tasks of "ray" on a cluster, whose nodes see
    sources and store under the same names. ray_address: of that cluster; "" for RAY_ADDRESS, or one that is started here
    with so many workers. The store has the same content for any engine and number of workers. participant_from: "file"
    takes the participant that the reader found, "folder" the first folder below the source ("raw/p07/night.edf" of source
    "raw" is participant "p07"). zone: of wall-clock times whose zone the files do not name ("Europe/Berlin"), "" to keep
    them as they are. mappings: a folder whose tree is that of the sources, for mappings of tables that lie where nothing may
    be written ("raw/a/walk.csv" of source "raw" is explained by "a/walk.csv.toml" there). read: how a path becomes
    recordings; None for wearfm's own readers. A source that cannot be read is refused with its reason, and the others go on.
    """
    _check(zone, mappings)
    chosen = choose(engine, workers=workers, address=ray_address)
    found = find_all(sources, recognises=_format if read is None else partial(_taken_by, read))
    read = read or readers.read
    settings = _settings(read, participant_from, zone)
    with Store.create(Path(store_path).absolute()) as store, store.writing(), _swept(store):
        work = Work(
            store=store.path, read=read, participant_from=participant_from, zone=zone, mappings=mappings, is_here=chosen.is_here
        )
        ledger = _Ledger(store, found, settings, progress)
        with contextlib.closing(_deliveries(work, _units(found, store, settings), chosen)) as deliveries:
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


def _check(zone: str, mappings: Path | None) -> None:
    if zone:
        find_zone(zone)
    if mappings is not None and not mappings.is_dir():
        raise BadConfiguration(f"mappings {mappings} is not a folder; its tree is that of the sources")


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


def _units(found: Sequence[SourceFile], store: Store, settings: str) -> list[Unit]:
    """Return the sources shared out, each unit with what earlier runs made of its sources."""
    earlier: dict[str, dict[str, Tally]] = {}
    for source in store.sources():
        summary = json.loads(source.summary)
        if source.settings == settings and summary["outcome"] == "prepared":
            earlier.setdefault(source.source, {})[source.sha256] = Tally.from_json(summary["tally"])
    return [
        Unit(
            first=first,
            sources=some,
            earlier={
                (number, sha256): tally
                for number, source in enumerate(some, start=first)
                for sha256, tally in earlier.get(source.label, {}).items()
            },
        )
        for first, some in divide(found)
    ]


def _deliveries(work: Work, units: Sequence[Unit], engine: Engine) -> Generator[Delivery]:
    """Yield the deliveries of all units in their order, made in this process or by an engine."""
    if engine.is_here and min(engine.workers, len(units)) <= 1:
        for unit in units:
            yield from work.deliver(unit)
        return
    with contextlib.closing(engine.run(work, units, sizes=[unit.size for unit in units])) as results:
        for deliveries in results:
            yield from deliveries


@contextlib.contextmanager
def _swept(store: Store) -> Iterator[None]:
    """Leave no file in the store that its catalogue does not know, neither of an earlier run nor of this one."""
    store.sweep()
    try:
        yield
    finally:
        store.sweep()


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


def _settings(read: ReadFile, participant_from: ParticipantFrom, zone: str) -> str:
    """Return what decides the result besides the bytes of a source: the reader, its version, and how people are named."""
    try:
        version = metadata.version("wearfm")
    except metadata.PackageNotFoundError:
        version = "source"
    own = f"{read.__module__}.{read.__qualname__} of wearfm {version}, participant from {participant_from}"
    return f"{own}, wall clock of {zone}" if zone else own
