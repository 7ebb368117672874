"""What one worker does: read sources, write their samples to the store's disk, and say what came of it.

Samples never travel between processes: a worker stages shards, and hands over their description only. The one
committer enters them in the order of the sources, so that the number of workers changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from wearfm.errors import BadRecording, CannotWrite, DamagedStore, WearfmError
from wearfm.preparation.sources import SourceFile, hash_source
from wearfm.preparation.summary import Tally
from wearfm.signals.recording import Recording
from wearfm.store import catalogue, schema
from wearfm.store.entries import RecordingEntry
from wearfm.store.shard import SHARD_BYTES, StagedShard, num_bytes
from wearfm.store.store import Store

ReadFile = Callable[[Path], Iterator[Recording]]
ParticipantFrom = Literal["file", "folder"]
UNIT_BYTES = SHARD_BYTES // 2  # of sources, for one worker: small enough to share out, large enough for an fsync


@dataclass(frozen=True, kw_only=True)
class Unit:
    """Consecutive sources for one worker, numbered from `first`. settings: what, besides the bytes, decides the result."""

    store: Path
    first: int
    sources: tuple[SourceFile, ...]
    read: ReadFile
    participant_from: ParticipantFrom
    settings: str


@dataclass(frozen=True, kw_only=True)
class End:
    """The end of a source. sha256: of its content. earlier: what a run before had made of it. reason: of a refusal, or ""."""

    number: int
    sha256: str
    earlier: Tally | None = None
    reason: str = ""


@dataclass(kw_only=True)
class Delivery:
    """A staged shard, the recordings it is for (source number, digest, counts), and the sources that end with it."""

    staged: StagedShard | None = None
    recordings: list[tuple[int, str, Tally]] = field(default_factory=list)
    ends: list[End] = field(default_factory=list)


def divide(sources: Sequence[SourceFile]) -> Iterator[tuple[int, tuple[SourceFile, ...]]]:
    """Yield (number of the first, consecutive sources) of about UNIT_BYTES; the same for any number of workers."""
    first, size = 0, 0
    for number, source in enumerate(sources):
        size += source.size
        if size >= UNIT_BYTES or number == len(sources) - 1:
            yield first, tuple(sources[first : number + 1])
            first, size = number + 1, 0


def deliver_all(unit: Unit) -> list[Delivery]:
    """Return all deliveries of a unit; for a worker process."""
    return list(deliver(unit))


def deliver(unit: Unit) -> Iterator[Delivery]:
    """Yield the deliveries of a unit, each closed as soon as its samples fill a shard; holds one at a time."""
    store = Store.open(unit.store)
    batch = _Batch()
    for number, source in enumerate(unit.sources, start=unit.first):
        for part in _read(unit, source, number):
            if isinstance(part, End):
                batch.delivery.ends.append(part)
            elif batch.add(part, number) >= SHARD_BYTES:
                yield batch.stage(store)
                batch = _Batch()
    yield batch.stage(store)


class _Batch:
    """Recordings on their way to one shard."""

    def __init__(self) -> None:
        self.delivery = Delivery()
        self._pairs: list[tuple[Recording, RecordingEntry]] = []
        self._size = 0

    def add(self, pair: tuple[Recording, RecordingEntry], number: int) -> int:
        """Add a recording of a source; return the bytes of samples so far."""
        recording, entry = pair
        self._pairs.append(pair)
        self.delivery.recordings.append((number, entry.digest, Tally.of(recording)))
        self._size += num_bytes(recording)
        return self._size

    def stage(self, store: Store) -> Delivery:
        """Bring the samples to the disk and return what was delivered."""
        recordings, entries = [pair[0] for pair in self._pairs], [pair[1] for pair in self._pairs]
        self.delivery.staged = store.stage(recordings, entries=entries) if recordings else None
        return self.delivery


def _read(unit: Unit, source: SourceFile, number: int) -> Iterator[tuple[Recording, RecordingEntry] | End]:
    """Yield the recordings of a source, and then its end."""
    sha256, reason = "", ""
    try:
        sha256 = hash_source(source)
        if (earlier := _prepared(unit, source, sha256)) is not None:
            yield End(number=number, sha256=sha256, earlier=earlier)
            return
        for recording in unit.read(source.path):
            named = _named(recording, source, unit.participant_from)
            yield named, RecordingEntry.of(named)
    except BadRecording as error:
        reason = error.reason
    except (CannotWrite, DamagedStore):
        raise
    except WearfmError as error:
        reason = str(error).removeprefix(f"{source.path}: ")
    except OSError as error:
        reason = f"cannot be read: {error.strerror or error}"
    yield End(number=number, sha256=sha256, reason=reason)


def _prepared(unit: Unit, source: SourceFile, sha256: str) -> Tally | None:
    """Return what an earlier run had prepared of a source that is unchanged since; None if none had."""
    with schema.reading(unit.store) as database:
        found = catalogue.find_source(database, source.label, sha256, unit.settings)
    summary: dict[str, Any] = json.loads(found.summary) if found is not None else {}
    return Tally.from_json(summary["tally"]) if summary.get("outcome") == "prepared" else None


def _named(recording: Recording, source: SourceFile, participant_from: ParticipantFrom) -> Recording:
    """Return the recording under the participant that the settings ask for."""
    folders = source.label.split("/")[:-1]
    if participant_from == "file" or not folders:
        return recording
    return replace(recording, participant=folders[0], name="/".join([*folders[1:], recording.name]))
