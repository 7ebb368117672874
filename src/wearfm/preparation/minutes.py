"""Derive: a store of raw recordings in, a store of minutes out; resumable, and the same for any number of workers.

    raw store ── threads: read, derive ──> one committer, in the order of the store ──> minute store

Threads do: nearly all of the work is in numpy and scipy, which let others run. Recordings are known by their digest, so
running it again changes nothing, and a run killed at any moment loses only what was not committed yet.
"""

from __future__ import annotations

import json
import os
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, fields
from importlib import metadata
from pathlib import Path
from typing import Any

from wearfm.errors import BadConfiguration, DamagedStore
from wearfm.preparation.summary import Progress, Refusal, silent
from wearfm.signals.minutes import MINUTE_FEATURES, Derivation, derive_minutes
from wearfm.store import RecordingRow, Source, Store, catalogue, schema
from wearfm.store.store import taken

COMMIT_RECORDINGS = 16  # a shard each; a kill loses at most their work, a minute for whole days
_AHEAD = 2  # recordings in work per worker


@dataclass(frozen=True, kw_only=True)
class FeatureTally:
    """What came of one feature. recordings: that have it. minutes = valid + the sum of masked; absent: recordings without."""

    recordings: int = 0
    minutes: int = 0
    valid: int = 0
    masked: Counter[str] = field(default_factory=Counter)
    absent: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: FeatureTally) -> FeatureTally:
        return FeatureTally(**{each.name: getattr(self, each.name) + getattr(other, each.name) for each in fields(self)})

    def to_json(self) -> dict[str, Any]:
        """Return the counts as a plain dict, reasons by frequency."""
        return {
            "recordings": self.recordings,
            "minutes": self.minutes,
            "valid": self.valid,
            "masked": dict(self.masked.most_common()),
            "absent": dict(self.absent.most_common()),
        }


@dataclass(frozen=True, kw_only=True)
class MinuteSummary:
    """What came of a store of raw recordings.

    derived: recordings of this run. skipped: recordings that an earlier run had derived. refused: recordings without
    any minute feature, or that could not be read. features: of the derived recordings; for each feature recordings and
    absent add up to `derived`.
    """

    derived: int = 0
    skipped: int = 0
    refused: tuple[Refusal, ...] = ()
    features: dict[str, FeatureTally] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the summary as plain dicts, lists, numbers and text."""
        return {
            "derived": self.derived,
            "skipped": self.skipped,
            "refused": [{"source": each.source, "reason": each.reason} for each in self.refused],
            "features": {name: tally.to_json() for name, tally in self.features.items()},
        }


@dataclass(frozen=True, kw_only=True)
class _Outcome:
    """What came of one recording. derivation: None for one that was skipped or refused. reason: why it was refused."""

    row: RecordingRow
    sha256: str
    derivation: Derivation | None = None
    reason: str = ""

    @property
    def label(self) -> str:
        return f"{self.row.participant}/{self.row.name}"


def derive(
    store: Store, minute_store_path: str | Path, *, workers: int | None = None, progress: Progress = silent
) -> MinuteSummary:
    """Bring every recording of a store to minutes, into the store in that folder, and say what came of each feature.

    workers: threads; None for one per core. A recording that cannot be derived is refused with its reason, and the others
    go on.
    """
    if workers is not None and workers < 1:
        raise BadConfiguration(f"workers {workers} must be at least 1; leave it out for one per core")
    if Path(minute_store_path).resolve() == store.path.resolve():
        raise BadConfiguration(f"{store.path} is the raw store itself; give the minutes a folder of their own")
    with Store.create(minute_store_path) as target, target.writing():
        target.sweep()
        work = _Work(store, target)
        ledger = _Ledger(target, len(work.rows), progress)
        try:
            for outcome in work.outcomes(workers or os.cpu_count() or 1):
                ledger.enter(outcome)
            ledger.commit()
        finally:
            target.sweep()
    return ledger.summary()


class _Work:
    """Reads and derives, several recordings at a time, in the order of the store."""

    def __init__(self, store: Store, target: Store) -> None:
        self.store = store
        self.rows = store.recordings()
        with schema.reading(store.path) as database:
            self._digest = {(who, name): digest for who, name, digest in catalogue.digests(database)}
        self._done = {(each.source, each.sha256) for each in target.sources() if _is_done(each)}

    def outcomes(self, workers: int) -> Iterator[_Outcome]:
        """Yield what came of every recording."""
        if workers == 1:
            yield from map(self._outcome, self.rows)
            return
        waiting: deque[Future[_Outcome]] = deque()
        with ThreadPoolExecutor(workers, thread_name_prefix="wearfm-minutes") as pool:
            try:
                for row in self.rows:
                    waiting.append(pool.submit(self._outcome, row))
                    if len(waiting) > workers * _AHEAD:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def _outcome(self, row: RecordingRow) -> _Outcome:
        found = _Outcome(row=row, sha256=self._digest[row.participant, row.name])
        if (found.label, found.sha256) in self._done:
            return found
        try:
            return _Outcome(row=row, sha256=found.sha256, derivation=derive_minutes(self.store.read(row.id)))
        except (BadConfiguration, DamagedStore) as error:
            return _Outcome(row=row, sha256=found.sha256, reason=str(error))


class _Ledger:
    """Commits outcomes in their order, many at a time, and keeps the count."""

    def __init__(self, target: Store, total: int, progress: Progress) -> None:
        self._target = target
        self._total = total
        self._progress = progress
        self._open: list[_Outcome] = []
        self._done = self._derived = self._skipped = 0
        self._refused: list[Refusal] = []
        self._features = {name: FeatureTally() for name in MINUTE_FEATURES}

    def enter(self, outcome: _Outcome) -> None:
        """Take note of an outcome; commit if enough are open."""
        self._open.append(outcome)
        self._done += 1
        self._progress(self._done, self._total, outcome.label)
        if len(self._open) >= COMMIT_RECORDINGS:
            self.commit()

    def commit(self) -> None:
        """Commit what is open, recordings and provenance in one transaction, and count it."""
        fresh = [outcome.derivation.recording for outcome in self._open if outcome.derivation is not None]
        staged = self._target.stage(fresh) if fresh else None
        conflicts = {entry.key: taken(entry) for entry in self._target.conflicts(staged)} if staged else {}
        settled = [_settled(outcome, conflicts) for outcome in self._open]
        if staged:
            digests = [entry.digest for entry in staged.entries if entry.key in conflicts]
            staged = staged.without(digests)
        news = [_provenance(outcome) for outcome in settled if outcome.derivation is not None or outcome.reason]
        self._target.adopt(staged, sources=news)
        for outcome in settled:
            self._count(outcome)
        self._open.clear()

    def summary(self) -> MinuteSummary:
        """Return the counts so far."""
        return MinuteSummary(
            derived=self._derived, skipped=self._skipped, refused=tuple(self._refused), features=dict(self._features)
        )

    def _count(self, outcome: _Outcome) -> None:
        if outcome.reason:
            self._refused.append(Refusal(source=outcome.label, reason=outcome.reason))
        elif outcome.derivation is None:
            self._skipped += 1
        else:
            self._derived += 1
            for name, tally in _tallies(outcome.derivation).items():
                self._features[name] += tally


def _tallies(derivation: Derivation) -> dict[str, FeatureTally]:
    """Return what came of every feature of one recording; several channels of one feature are counted together."""
    tallies = {name: FeatureTally(absent=Counter({why: 1})) for name, why in derivation.missing.items()}
    entries = {entry.name: entry for entry in derivation.recording.quality.channels}
    for channel in derivation.recording.channels:
        if channel.modality not in MINUTE_FEATURES:
            continue
        valid, reasons = channel.valid.total, Counter[str]()
        for finding in entries[channel.name].findings if channel.name in entries else ():
            if finding.action in ("masked", "inserted"):
                reasons[finding.reason] += finding.samples
        reasons["not valid in the source"] += len(channel.samples) - valid - reasons.total()
        first = channel.modality not in tallies
        tallies[channel.modality] = tallies.get(channel.modality, FeatureTally()) + FeatureTally(
            recordings=int(first), minutes=len(channel.samples), valid=valid, masked=+reasons
        )
    return tallies


def _settled(outcome: _Outcome, conflicts: dict[tuple[str, str], str]) -> _Outcome:
    """Return the outcome as refused if its name stands for other content in the minute store."""
    reason = conflicts.get((outcome.row.participant, outcome.row.name), "") if outcome.derivation is not None else ""
    return _Outcome(row=outcome.row, sha256=outcome.sha256, reason=reason) if reason else outcome


def _provenance(outcome: _Outcome) -> Source:
    summary = {"outcome": "refused" if outcome.reason else "derived", "reason": outcome.reason}
    return Source(
        source=outcome.label, sha256=outcome.sha256, settings=_settings(), summary=json.dumps(summary, sort_keys=True)
    )


def _is_done(source: Source) -> bool:
    return source.settings == _settings() and json.loads(source.summary).get("outcome") == "derived"


def _settings() -> str:
    """Return what decides the result besides the raw recording."""
    try:
        version = metadata.version("wearfm")
    except metadata.PackageNotFoundError:
        version = "source"
    return f"wearfm.signals.minutes of wearfm {version}"
