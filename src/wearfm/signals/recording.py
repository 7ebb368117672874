"""A recording: what one device measured on one participant in one session.

    Recording ── participant, device, clock, facts, quality
      ├── Channel  regular samples: modality, placement, unit, rate, start, samples, valid spans
      └── Events   irregular time-stamped values: beats, annotations, tags

Samples keep the integer type of their source (lossless); `Channel.physical()` is the only way to physical values.
A gap is a span that is not valid. It holds arbitrary samples, and nothing may look at them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration
from wearfm.signals.quality_record import Quality
from wearfm.signals.spans import Spans
from wearfm.signals.units import modality

Clock = Literal["utc", "local", "relative"]
Samples = NDArray[np.int16] | NDArray[np.int32] | NDArray[np.float32]
Fact = str | float

SECOND = 1_000_000_000  # nanoseconds
_NAME = re.compile(r"[^\x00-\x1f]{1,200}")


@dataclass(frozen=True, kw_only=True, eq=False)
class Channel:
    """One regularly sampled series.

    name: label in the source, unique in the recording. modality: a key of `units.MODALITIES`. unit: always the
    modality's canonical unit. placement: body site ("wrist", "finger", "chest" ...), "" if not known. axis: "x", "y",
    "z" or "". rate_hz: samples per second. start_ns: time of sample 0 in nanoseconds since 1970-01-01 on the
    recording's clock. samples: (T,) int16, int32 or float32. Physical value = scale * sample + offset. valid: spans
    of samples that were really measured and are plausible.
    """

    name: str
    modality: str
    rate_hz: float
    start_ns: int
    samples: Samples
    valid: Spans
    unit: str = ""
    placement: str = ""
    axis: str = ""
    scale: float = 1.0
    offset: float = 0.0

    def __post_init__(self) -> None:
        if not self.unit:
            object.__setattr__(self, "unit", modality(self.modality).unit)
        canonical = modality(self.modality).unit
        if self.unit != canonical:
            raise BadConfiguration(
                f"channel {self.name!r} is in {self.unit!r}; {self.modality} is kept in {canonical!r}: use units.affine"
            )
        if self.samples.dtype not in (np.int16, np.int32, np.float32) or self.samples.ndim != 1:
            raise BadConfiguration(
                f"channel {self.name!r} is {self.samples.dtype}{self.samples.shape}; it must be (T,) int16, int32 or float32"
            )
        if not (np.isfinite(self.rate_hz) and self.rate_hz > 0):
            raise BadConfiguration(f"channel {self.name!r} has rate_hz {self.rate_hz}; it must be positive")
        if self.valid.stop > len(self.samples):
            raise BadConfiguration(f"channel {self.name!r} is valid up to sample {self.valid.stop} of {len(self.samples)}")

    @property
    def duration_s(self) -> float:
        """Seconds from the first sample to the end of the last, gaps included."""
        return len(self.samples) / self.rate_hz

    @property
    def stop_ns(self) -> int:
        """Time of the end of the last sample, nanoseconds."""
        return self.time_ns(len(self.samples))

    def time_ns(self, sample: int) -> int:
        """Return the time of a sample number, nanoseconds."""
        return self.start_ns + round(sample * SECOND / self.rate_hz)

    def physical(self) -> NDArray[np.float64]:
        """Return all samples in the channel's unit, (T,) float64; what lies outside `valid` has no meaning."""
        return self.samples.astype(np.float64) * self.scale + self.offset

    def mask(self) -> NDArray[np.bool_]:
        """Return the (T,) mask of valid samples."""
        return self.valid.mask(len(self.samples))


@dataclass(frozen=True, kw_only=True, eq=False)
class Events:
    """Time-stamped values that are not a regular series, sorted by onset.

    kind: (N,) what sort of event ("annotation", "ibi", "beat", "tag", "activity" ...). onset_ns, duration_ns: (N,)
    int64 on the recording's clock. label: (N,) text, "" for none. value: (N,) float64, NaN where the event has none.
    """

    kind: NDArray[np.str_]
    onset_ns: NDArray[np.int64]
    duration_ns: NDArray[np.int64]
    label: NDArray[np.str_]
    value: NDArray[np.float64]

    @classmethod
    def of(cls, rows: Iterable[tuple[str, int, int, str, float]] = ()) -> Self:
        """Build from rows (kind, onset_ns, duration_ns, label, value), in any order."""
        ordered = sorted(rows, key=lambda row: (row[1], row[0], row[3]))
        columns = list(zip(*ordered, strict=True)) if ordered else [(), (), (), (), ()]
        return cls(
            kind=np.array(columns[0], dtype=np.str_),
            onset_ns=np.array(columns[1], dtype=np.int64),
            duration_ns=np.array(columns[2], dtype=np.int64),
            label=np.array(columns[3], dtype=np.str_),
            value=np.array(columns[4], dtype=np.float64),
        )

    @classmethod
    def joined(cls, parts: Sequence[Events]) -> Self:
        """Return all events of the parts, sorted as `of` sorts them."""
        if not parts:
            return cls.of()
        kind, label, onset = (np.concatenate([getattr(part, name) for part in parts]) for name in ("kind", "label", "onset_ns"))
        order = np.lexsort((label, kind, onset))
        return cls(
            kind=kind[order],
            onset_ns=onset[order],
            duration_ns=np.concatenate([part.duration_ns for part in parts])[order],
            label=label[order],
            value=np.concatenate([part.value for part in parts])[order],
        )

    def __len__(self) -> int:
        return len(self.onset_ns)

    def select(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> Events:
        """Return the chosen rows."""
        return Events(
            kind=self.kind[rows],
            onset_ns=self.onset_ns[rows],
            duration_ns=self.duration_ns[rows],
            label=self.label[rows],
            value=self.value[rows],
        )

    def of_kind(self, kind: str) -> Events:
        """Return the events of one kind."""
        return self.select(self.kind == kind)

    def rows(self) -> list[tuple[str, int, int, str, float]]:
        """Return the rows as plain Python values, the inverse of `Events.of`."""
        return list(
            zip(
                self.kind.tolist(),
                self.onset_ns.tolist(),
                self.duration_ns.tolist(),
                self.label.tolist(),
                self.value.tolist(),
                strict=True,
            )
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Recording:
    """What one device measured on one participant in one session.

    participant: an id that is the same for the same person in a data set. name: id of the recording, unique within
    its participant. clock: "utc" if times are UTC, "local" if they are wall-clock times of an unknown zone, "relative"
    if there is no date (times then count from 1970-01-01). utc_offset_s: local time minus UTC in seconds, None if not
    known. facts: what is known of the participant or session ("age_years", "sex", "bmi_kg_m2" ...), text or number.
    """

    participant: str
    name: str
    channels: tuple[Channel, ...]
    events: Events = field(default_factory=Events.of)
    clock: Clock = "relative"
    utc_offset_s: int | None = None
    device: str = ""
    source: str = ""
    facts: Mapping[str, Fact] = field(default_factory=dict)
    quality: Quality = field(default_factory=Quality)

    def __post_init__(self) -> None:
        for what, text in (("participant", self.participant), ("recording", self.name)):
            if not _NAME.fullmatch(text):
                raise BadConfiguration(f"{what} {text!r} must be 1 to 200 printable characters")
        names = [channel.name for channel in self.channels]
        if len(set(names)) != len(names):
            raise BadConfiguration(f"recording {self.name!r} has channels of the same name: {sorted(names)}")

    @property
    def start_ns(self) -> int:
        """Earliest sample, nanoseconds."""
        return min((channel.start_ns for channel in self.channels), default=0)

    @property
    def duration_s(self) -> float:
        """Seconds from the earliest sample to the end of the latest."""
        return (max((channel.stop_ns for channel in self.channels), default=0) - self.start_ns) / SECOND

    def channel(self, name: str) -> Channel:
        """Return the channel of that name; KeyError if there is none."""
        for channel in self.channels:
            if channel.name == name:
                return channel
        raise KeyError(name)
