"""What one worker does: read sources, write their samples to the store's disk, and say what came of it.

Samples never travel between processes: a worker stages shards, and hands over their description only. The one
committer enters them in the order of the sources, so that the number of workers changes nothing. A worker does not look
into the catalogue unless it runs beside the committer: SQLite trusts no file system between machines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from socket import gethostname
from typing import Literal

from wearfm import readers
from wearfm.errors import BadConfiguration, BadRecording, CannotWrite, DamagedStore, UnknownFormat, WearfmError
from wearfm.preparation.remote import at_hand
from wearfm.preparation.sources import SourceFile, hash_source
from wearfm.preparation.summary import Tally
from wearfm.readers.mapping import find_mapping, load_mapping
from wearfm.signals.recording import Recording
from wearfm.signals.zone import in_zone
from wearfm.store.entries import RecordingEntry
from wearfm.store.shard import SHARD_BYTES, SHARDS, StagedShard, num_bytes, stage
from wearfm.store.store import Store

ReadFile = Callable[[Path], Iterator[Recording]]
ParticipantFrom = Literal["file", "folder"]
UNIT_BYTES = SHARD_BYTES // 2  # of sources, for one worker: small enough to share out, large enough for an fsync
UNIT_SOURCES = 500  # at most, so that thousands of tiny ones are shared out too


@dataclass(frozen=True, kw_only=True)
class Unit:
    """Consecutive sources for one worker, numbered from `first`. earlier: (number, hash) -> what a run before made of it."""

    first: int
    sources: tuple[SourceFile, ...]
    earlier: Mapping[tuple[int, str], Tally] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes of all sources."""
        return sum(source.size for source in self.sources)


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
        if size >= UNIT_BYTES or number - first + 1 >= UNIT_SOURCES or number == len(sources) - 1:
            yield first, tuple(sources[first : number + 1])
            first, size = number + 1, 0


@dataclass(frozen=True, kw_only=True)
class Work:
    """How units become deliveries; sent to every worker once.

    zone: of wall clocks, "" if not known. mappings: a folder of mappings with the tree of the sources. is_here: whether it
    runs on the committer's machine.
    """

    store: Path
    read: ReadFile
    participant_from: ParticipantFrom
    zone: str = ""
    mappings: Path | None = None
    is_here: bool = True

    def __call__(self, unit: Unit) -> list[Delivery]:
        """Return all deliveries of a unit; for a worker process."""
        return list(self.deliver(unit))

    def deliver(self, unit: Unit) -> Iterator[Delivery]:
        """Yield the deliveries of a unit, each closed as soon as its samples fill a shard; holds one at a time."""
        if not (self.store / SHARDS).is_dir():
            raise BadConfiguration(
                f"{self.store} is not on {gethostname()}: workers write their shards into the store;"
                " put it, and the sources, where all of them see it under the same name"
            )
        batch = _Batch()
        for number, source in enumerate(unit.sources, start=unit.first):
            for part in self._read(unit, source, number):
                if isinstance(part, End):
                    batch.delivery.ends.append(part)
                elif batch.add(part, number) >= SHARD_BYTES:
                    yield batch.stage(self)
                    batch = _Batch()
        yield batch.stage(self)

    def _read(self, unit: Unit, source: SourceFile, number: int) -> Iterator[tuple[Recording, RecordingEntry] | End]:
        """Yield the recordings of a source, and then its end."""
        sha256, reason, path = "", "", source.path
        try:
            if source.origin is not None and not source.format:
                raise UnknownFormat("its first bytes are of none of the known formats; it was not copied")
            with at_hand(source) as here:
                path = here.path
                mapping = self._mapping(source)
                sha256 = hash_source(here if mapping is None else replace(here, companions=(*here.companions, mapping)))
                if (earlier := unit.earlier.get((number, sha256))) is not None:
                    yield End(number=number, sha256=sha256, earlier=earlier)
                    return
                for recording in self._recordings(here, mapping):
                    named = _named(recording, source, self.participant_from)
                    named = in_zone(named, self.zone) if self.zone else named
                    yield named, RecordingEntry.of(named)
        except BadRecording as error:
            reason = error.reason
        except (CannotWrite, DamagedStore):
            raise
        except WearfmError as error:
            reason = str(error).removeprefix(f"{path}: ")
        except OSError as error:
            reason = f"cannot be read: {error.strerror or error}"
        yield End(number=number, sha256=sha256, reason=reason)

    def _mapping(self, source: SourceFile) -> Path | None:
        """Return the mapping of a source in the folder of mappings: its own, else the one of its folder there."""
        return None if self.mappings is None else find_mapping(self.mappings / source.label)

    def _recordings(self, source: SourceFile, mapping: Path | None) -> Iterator[Recording]:
        """Read a source; one that was recognised already is not looked at again to find its reader."""
        known = readers.READERS.get(source.format) if self.read is readers.read else None
        if mapping is not None and known is not None and known.explained is not None:
            return known.explained(source.path, mapping=load_mapping(mapping))
        return known.read(source.path) if known is not None else self.read(source.path)


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

    def stage(self, work: Work) -> Delivery:
        """Bring the samples to the disk and return what was delivered."""
        recordings, entries = [pair[0] for pair in self._pairs], [pair[1] for pair in self._pairs]
        if recordings and work.is_here:
            self.delivery.staged = Store.open(work.store).stage(recordings, entries=entries)
        elif recordings:
            self.delivery.staged = stage(work.store, recordings, entries)
        return self.delivery


def _named(recording: Recording, source: SourceFile, participant_from: ParticipantFrom) -> Recording:
    """Return the recording under the participant that the settings ask for."""
    folders = source.label.split("/")[:-1]
    if participant_from == "file" or not folders:
        return recording
    return replace(recording, participant=folders[0], name="/".join([*folders[1:], recording.name]))
