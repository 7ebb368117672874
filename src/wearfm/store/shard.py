"""Shards: immutable Arrow files of samples, written once, then only mapped.

One record batch of one row per channel, uncompressed, so that anybody with pyarrow can read a shard, and so that
the samples of a channel are one contiguous run of bytes at a known place in the file:

    participant  recording  channel  int16            int32            float32
    "p01"        "night"    "PPG"    [12, 14, ...]    null             null
    "p01"        "night"    "TEMP"   null             null             [33.1, ...]
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from wearfm.errors import DamagedStore
from wearfm.signals.recording import Channel, Recording
from wearfm.store.disk import DurableFile
from wearfm.store.entries import DTYPES, RecordingEntry

SHARDS = "shards"
SHARD_BYTES = 64 * 2**20  # our choice: an fsync (7 ms) per 64 MB costs 2 % of a 200 MB/s disk, and memory stays small

_SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("participant", "recording", "channel")]
    + [(name, pa.large_list(getattr(pa, name)())) for name in DTYPES]
)


@dataclass(frozen=True, kw_only=True)
class StagedShard:
    """A shard that is on the disk under a temporary name, and what it holds; unknown to the catalogue so far."""

    written: Path
    size: int
    sha256: str
    entries: tuple[RecordingEntry, ...]

    @property
    def name(self) -> str:
        """The file name that the shard will have, made of its content."""
        return f"{self.sha256[:32]}.arrow"

    def without(self, digests: Collection[str]) -> StagedShard:
        """Return the shard without some of its recordings; their samples stay in the file, and nobody sees them."""
        return replace(self, entries=tuple(entry for entry in self.entries if entry.digest not in digests))


def stage(folder: Path, recordings: Sequence[Recording], entries: Sequence[RecordingEntry]) -> StagedShard:
    """Write the samples of recordings to a temporary file in the store, durably; equal ones once.

    entries: describe the recordings, in the same order.
    """
    rows = sorted({entry.digest: row for row, entry in reversed(list(enumerate(entries)))}.values())
    path = folder / SHARDS / f".{os.getpid()}-{uuid.uuid4().hex}.staged"
    with DurableFile(path) as file:
        writer = pa.ipc.new_file(pa.PythonFile(file, mode="w"), _SCHEMA)
        for recording in (recordings[row] for row in rows):
            for channel in recording.channels:
                writer.write_batch(_row(recording, channel))
        writer.close()
        places = iter(_places(path))
        sha256 = file.finish()
    located = tuple(
        replace(entry, channels=tuple(replace(channel, at=next(places)) for channel in entry.channels))
        for entry in (entries[row] for row in rows)
    )
    return StagedShard(written=path, size=file.size, sha256=sha256, entries=located)


def num_bytes(recording: Recording) -> int:
    """Return the bytes of a recording's samples."""
    return sum(channel.samples.nbytes for channel in recording.channels)


def in_batches(recordings: Iterable[Recording], *, limit: int = SHARD_BYTES) -> Iterator[list[Recording]]:
    """Yield lists of recordings, each closed as soon as its samples reach the limit; holds one list at a time."""
    batch: list[Recording] = []
    size = 0
    for recording in recordings:
        batch.append(recording)
        size += num_bytes(recording)
        if size >= limit:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def map_shard(path: Path, *, size: int) -> Any:
    """Return the bytes of a shard as a mapped buffer; it keeps no file open. DamagedStore if it is gone or has another size."""
    try:
        found = path.stat().st_size
        if found == size:
            with pa.memory_map(str(path)) as file:
                return file.read_buffer()
    except FileNotFoundError:
        found = 0
    raise DamagedStore(f"{path}: {found} bytes found, {size} committed; repair the store, then prepare its sources again")


def view(mapped: Any, dtype: str) -> NDArray[Any]:
    """Return all bytes of a mapped shard as samples of one type, without a copy."""
    size = np.dtype(dtype).itemsize
    return np.frombuffer(mapped, dtype=np.dtype(dtype).newbyteorder("<"), count=mapped.size // size)


def _row(recording: Recording, channel: Channel) -> Any:
    samples = np.ascontiguousarray(channel.samples)
    cells = {name: pa.nulls(1, _SCHEMA.field(name).type) for name in DTYPES}
    bounds = pa.array([0, len(samples)], pa.int64())
    cells[str(samples.dtype)] = pa.LargeListArray.from_arrays(bounds, pa.array(samples))
    names = [pa.array([text]) for text in (recording.participant, recording.name, channel.name)]
    return pa.record_batch([*names, *(cells[name] for name in DTYPES)], schema=_SCHEMA)


def _places(path: Path) -> list[int]:
    """Return the byte of sample 0 of every channel of a shard."""
    with pa.memory_map(str(path)) as file:
        mapped = file.read_buffer()
    reader = pa.ipc.open_file(mapped)
    return [_place(reader.get_batch(number), mapped.address) for number in range(reader.num_record_batches)]


def _place(batch: Any, base: int) -> int:
    for name in DTYPES:
        cell = batch.column(name)
        if cell.null_count == 0:
            samples = cell.values.buffers()[1]
            at = samples.address - base if len(cell.values) else 0
            assert at % np.dtype(name).itemsize == 0, f"channel at byte {at} is not aligned for {name}"
            return int(at)
    raise AssertionError("a channel without samples of any type")
