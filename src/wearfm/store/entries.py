"""Rows of the catalogue as plain values, and the hashes that say what a recording is.

The digest of a recording covers everything a user can see but `source`: the same data found elsewhere is the same
recording. It does not depend on ids, shards or commit order.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration
from wearfm.signals.quality_record import Quality
from wearfm.signals.recording import Channel, Clock, Events, Recording, Samples
from wearfm.signals.spans import Spans

DTYPES = ("int16", "int32", "float32")


@dataclass(frozen=True, kw_only=True)
class ChannelEntry:
    """A channel without its samples. bounds: valid spans as little-endian int64 pairs. at: byte of sample 0 in the shard."""

    name: str
    modality: str
    placement: str
    axis: str
    unit: str
    rate_hz: float
    start_ns: int
    length: int
    dtype: str
    scale: float
    offset: float
    sha256: str
    bounds: bytes
    at: int = 0

    @classmethod
    def of(cls, channel: Channel) -> ChannelEntry:
        """Describe a channel; BadConfiguration if a valid sample is not a finite number."""
        _check_numbers(channel)
        valid = Spans.of(channel.valid.bounds).clip(0, len(channel.samples))
        return cls(
            name=channel.name,
            modality=channel.modality,
            placement=channel.placement,
            axis=channel.axis,
            unit=channel.unit,
            rate_hz=float(channel.rate_hz),
            start_ns=int(channel.start_ns),
            length=len(channel.samples),
            dtype=str(channel.samples.dtype),
            scale=float(channel.scale) + 0.0,  # SQLite keeps no -0.0
            offset=float(channel.offset) + 0.0,
            sha256=hash_samples(channel.samples),
            bounds=np.ascontiguousarray(valid.bounds, dtype="<i8").tobytes(),
        )

    def rebuild(self, samples: Samples) -> Channel:
        """Return the channel again, given its samples."""
        return Channel(
            name=self.name,
            modality=self.modality,
            rate_hz=self.rate_hz,
            start_ns=self.start_ns,
            samples=samples,
            valid=Spans(np.frombuffer(self.bounds, dtype="<i8").reshape(-1, 2).astype(np.int64)),
            unit=self.unit,
            placement=self.placement,
            axis=self.axis,
            scale=self.scale,
            offset=self.offset,
        )

    def content(self) -> list[Any]:
        """Return what belongs to the logical content: all but the place in a shard."""
        own = (self.name, self.modality, self.placement, self.axis, self.unit, self.rate_hz.hex(), self.start_ns)
        samples = (self.length, self.dtype, self.scale.hex(), self.offset.hex(), self.sha256)
        return [*own, *samples, hashlib.sha256(self.bounds).hexdigest()]


@dataclass(frozen=True, kw_only=True)
class RecordingEntry:
    """A recording without its samples; facts, quality and events as they stand in the catalogue."""

    participant: str
    name: str
    source: str
    device: str
    clock: Clock
    utc_offset_s: int | None
    facts: str
    quality: str
    num_events: int
    events: bytes
    channels: tuple[ChannelEntry, ...]
    digest: str = ""

    @classmethod
    def of(cls, recording: Recording) -> RecordingEntry:
        """Describe a recording."""
        offset = recording.utc_offset_s
        _check_text(recording.participant, recording.name, recording.source, recording.device)
        bare = cls(
            participant=recording.participant,
            name=recording.name,
            source=recording.source,
            device=recording.device,
            clock=recording.clock,
            utc_offset_s=None if offset is None else int(offset),
            facts=to_text(dict(recording.facts)),
            quality=to_text(recording.quality.to_json()),
            num_events=len(recording.events),
            events=pack_events(recording.events),
            channels=tuple(ChannelEntry.of(channel) for channel in recording.channels),
        )
        return replace(bare, digest=bare.hash_content())

    @property
    def key(self) -> tuple[str, str]:
        """Participant and name, unique in a store."""
        return self.participant, self.name

    @property
    def seal(self) -> str:
        """SHA-256 of the digest and of what it leaves out."""
        return hash_text(to_text([self.digest, self.source]))

    def hash_content(self) -> str:
        """Return the digest that these values have."""
        facts, quality = json.loads(self.facts), json.loads(self.quality)
        own = [self.participant, self.name, self.device, self.clock, self.utc_offset_s, facts, quality]
        events = [self.num_events, hash_events(unpack_events(self.events))]
        return hash_text(to_text(["wearfm recording 1", own, events, [channel.content() for channel in self.channels]]))

    def rebuild(self, samples: Sequence[Samples]) -> Recording:
        """Return the recording again, given the samples of its channels."""
        return Recording(
            participant=self.participant,
            name=self.name,
            channels=tuple(each.rebuild(run) for each, run in zip(self.channels, samples, strict=True)),
            events=unpack_events(self.events),
            clock=self.clock,
            utc_offset_s=self.utc_offset_s,
            device=self.device,
            source=self.source,
            facts=json.loads(self.facts),
            quality=Quality.from_json(json.loads(self.quality)),
        )


def to_text(plain: object) -> str:
    """Return canonical JSON: sorted keys, no spaces, shortest exact numbers."""
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=_plain)


def hash_text(text: str) -> str:
    """Return the SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def hash_samples(samples: NDArray[Any]) -> str:
    """Return the SHA-256 of the sample bytes, little-endian; on its own, so that equal raw data are seen in any channel."""
    return hashlib.sha256(_little(samples).data.cast("B")).hexdigest() if len(samples) else hash_text("")


def pack_events(events: Events) -> bytes:
    """Return the events as an Arrow stream; nothing if there are none."""
    if len(events) == 0:
        return b""
    _check_text(*set(events.kind.tolist()), *set(events.label.tolist()))
    columns = {
        "kind": pa.array(events.kind.tolist(), pa.string()),
        "onset_ns": pa.array(events.onset_ns, pa.int64()),
        "duration_ns": pa.array(events.duration_ns, pa.int64()),
        "label": pa.array(events.label.tolist(), pa.string()),
        "value": pa.array(events.value, pa.float64()),
    }
    sink = pa.BufferOutputStream()
    batch = pa.record_batch(columns)
    with pa.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch)
    return bytes(sink.getvalue())


def unpack_events(packed: bytes) -> Events:
    """Return the events that `pack_events` wrote, in their order."""
    if not packed:
        return Events.of()
    table = pa.ipc.open_stream(packed).read_all()
    return Events(
        kind=np.array(table["kind"].to_pylist(), dtype=np.str_),
        onset_ns=table["onset_ns"].to_numpy().copy(),
        duration_ns=table["duration_ns"].to_numpy().copy(),
        label=np.array(table["label"].to_pylist(), dtype=np.str_),
        value=table["value"].to_numpy().copy(),
    )


def hash_events(events: Events) -> str:
    """Return the SHA-256 of the events, every bit of every value included."""
    code = hashlib.sha256(to_text([events.kind.tolist(), events.label.tolist()]).encode())
    for column in (events.onset_ns, events.duration_ns, events.value):
        code.update(_little(column).tobytes())
    return code.hexdigest()


def _little(values: NDArray[Any]) -> NDArray[Any]:
    return np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))


def _plain(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    raise BadConfiguration(f"fact {value!r} is a {type(value).__name__}; facts are text or numbers")


def _check_text(*texts: str) -> None:
    for text in texts:
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise BadConfiguration(f"text {text!r} is not Unicode: {error.reason}; decode it with its own encoding") from error


def _check_numbers(channel: Channel) -> None:
    """Refuse what could come out of the store as NaN or infinity, or does not fit 64 bits."""
    if not -(2**63) <= channel.start_ns < 2**63:
        raise BadConfiguration(f"channel {channel.name!r} starts at {channel.start_ns} ns, beyond 64 bits; correct its clock")
    if channel.samples.dtype.kind == "f":
        with np.errstate(over="ignore", invalid="ignore"):
            physical = channel.samples * np.float32(channel.scale) + np.float32(channel.offset)
        broken = int(np.count_nonzero(~np.isfinite(physical) & channel.mask()))
        if broken:
            raise BadConfiguration(
                f"channel {channel.name!r} has {broken} valid samples that are not finite; mask them with signals.door.admit"
            )
    largest = abs(channel.scale) * 2.0**31 + abs(channel.offset)
    if not largest < float(np.finfo(np.float32).max):
        raise BadConfiguration(
            f"channel {channel.name!r} has scale {channel.scale} and offset {channel.offset}; values must fit a float32"
        )
