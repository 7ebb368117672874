"""The bench on which a reader puts one recording together: channels through the door, events, notes, quality."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration, BadRecording
from wearfm.readers.labels import Meaning
from wearfm.signals.clock import Grid, regularise
from wearfm.signals.door import Admitted, admit
from wearfm.signals.quality_record import Finding, Quality
from wearfm.signals.recording import SECOND, Clock, Events, Fact, Recording
from wearfm.signals.spans import Spans

EventRow = tuple[str, int, int, str, float]
DERIVED = ("hr", "resp_rate")  # computed by the device, not measured: events beside the signals, never channels ...
MINUTE_DATA_HZ = 1 / 60 * (1 + 1e-6)  # ... but where a sample is a minute or longer they are what minute-level recipes read
_LAST_NS = 2**62
_SEXES = {"F": "female", "M": "male", "FEMALE": "female", "MALE": "male"}


@dataclass(frozen=True, kw_only=True)
class Series:
    """One series as a file gives it. Physical value in `meaning.unit` = scale * sample + offset.

    present: spans that the file holds, None for all. missing: (T,) samples that the file marks as not measured, None
    for none; `missing_reason` says how. findings: what the reader dropped or moved.
    """

    label: str
    meaning: Meaning
    samples: NDArray[np.generic]
    rate_hz: float
    start_ns: int
    scale: float = 1.0
    offset: float = 0.0
    present: Spans | None = None
    missing: NDArray[np.bool_] | None = None
    missing_reason: str = "marked as not measured"
    findings: tuple[Finding, ...] = ()


def on_grid(
    grid: Grid,
    samples: NDArray[np.generic],
    *,
    label: str,
    meaning: Meaning,
    scale: float = 1.0,
    offset: float = 0.0,
    missing: NDArray[np.bool_] | None = None,
    missing_reason: str = "marked as not measured",
    findings: tuple[Finding, ...] = (),
) -> Series:
    """Return the series of stamped samples, (N,) as the file gives them, on the grid that `Assembly.grid` made of them."""
    return Series(
        label=label,
        meaning=meaning,
        samples=grid.lay(samples),
        rate_hz=grid.rate_hz,
        start_ns=grid.start_ns,
        scale=scale,
        offset=offset,
        present=grid.present,
        missing=None if missing is None else grid.lay(missing).astype(bool),
        missing_reason=missing_reason,
        findings=findings + grid.findings,
    )


@dataclass(kw_only=True)
class Assembly:
    """What was found so far in the file at `path`. blocks: events that are too many for rows."""

    path: Path
    admitted: list[Admitted] = field(default_factory=list)
    events: list[EventRow] = field(default_factory=list)
    blocks: list[Events] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    asides: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, series: Series) -> None:
        """Add a series: a channel, or events if it is a truth that the device derived."""
        if abs(series.start_ns) >= _LAST_NS:
            raise BadRecording(self.path, 0, f"{series.label!r} begins beyond the years 1823 to 2116; correct the date")
        if series.meaning.note:
            self.asides[series.meaning.note].append(series.label)
        if series.meaning.modality in DERIVED and series.rate_hz > MINUTE_DATA_HZ:
            self._add_derived(series)
            return
        self.admitted.append(_let_in(series, name=self._free_name(series.label)))

    def grid(self, time_ns: NDArray[np.int64], *, rate_hz: float | None = None) -> Grid:
        """Return the regular grid of stamps, (N,) nanoseconds in any order, and note what it had to change.

        rate_hz: what the file declares, None to read it from the stamps. Stamps without any order are a BadRecording.
        """
        try:
            grid = regularise(time_ns, rate_hz=rate_hz)
        except BadConfiguration as error:
            raise BadRecording(self.path, 0, str(error)) from error
        self.note(*grid.notes)
        return grid

    def note(self, *notes: str) -> None:
        """Add notes on the file as a whole."""
        self.notes.extend(notes)

    def finish(
        self,
        *,
        participant: str,
        name: str,
        clock: Clock,
        source: str,
        device: str = "",
        facts: Mapping[str, Fact] | None = None,
        utc_offset_s: int | None = None,
    ) -> Recording:
        """Return the recording."""
        asides = (f"{note}: {', '.join(labels)}" for note, labels in self.asides.items())
        return Recording(
            participant=printable(participant) or "unknown",
            name=printable(name) or "recording",
            channels=tuple(entry.channel for entry in self.admitted),
            events=Events.joined([Events.of(self.events), *self.blocks]),
            clock=clock,
            utc_offset_s=utc_offset_s,
            device=printable(device),
            source=source,
            facts=_in_words(facts or {}),
            quality=Quality(channels=tuple(entry.quality for entry in self.admitted), notes=(*self.notes, *asides)),
        )

    def _free_name(self, label: str) -> str:
        wanted = printable(label) or f"channel {len(self.admitted) + 1}"
        taken = {entry.channel.name for entry in self.admitted}
        if wanted not in taken:
            return wanted
        free = next(name for k in range(2, len(taken) + 3) if (name := f"{wanted} #{k}") not in taken)
        self.notes.append(f"a second channel {wanted!r} is called {free!r}")
        return free

    def _add_derived(self, series: Series) -> None:
        """Keep a derived series as one event for each run of equal plausible values."""
        entry = _let_in(series, name=series.label)
        kind, channel = series.meaning.modality, entry.channel
        rows = runs(channel.physical(), within=channel.valid)
        self.events.extend(
            (kind, channel.time_ns(start), channel.time_ns(stop) - channel.time_ns(start), "", value)
            for start, stop, value in rows
        )
        left = len(channel.samples) - channel.valid.total
        self.notes.append(f"{series.label!r} is derived by the device: {len(rows)} events {kind!r}, {left} samples left out")


def _in_words(facts: Mapping[str, Fact]) -> dict[str, Fact]:
    """Return facts with the sex as data sets and tasks write it."""
    return {name: _SEXES.get(str(value).upper(), value) if name == "sex" else value for name, value in facts.items()}


def runs(values: NDArray[np.generic], *, within: Spans) -> list[tuple[int, int, float]]:
    """Return (start, stop, value) of every run of equal values inside the spans, (T,) numbers."""
    if len(within) == 0:
        return []
    changes = np.flatnonzero(values[1:] != values[:-1]) + 1
    edges = np.unique(np.concatenate((changes, within.bounds.ravel())))
    inside = within.covered(edges[:-1].astype(np.int64), 1) > 0
    starts, stops = edges[:-1][inside], edges[1:][inside]
    return list(zip(starts.tolist(), stops.tolist(), values[starts].astype(np.float64).tolist(), strict=True))


def printable(text: str) -> str:
    """Return text without control characters and outer spaces, at most 200 characters."""
    return "".join(letter if letter >= " " else " " for letter in text).strip()[:200].strip()


def nanoseconds(seconds: float) -> int:
    """Return seconds as whole nanoseconds."""
    return round(seconds * SECOND)


def _let_in(series: Series, *, name: str) -> Admitted:
    entry = admit(
        np.asarray(series.samples),
        name=name,
        modality_name=series.meaning.modality,
        unit=series.meaning.unit,
        rate_hz=series.rate_hz,
        start_ns=series.start_ns,
        placement=series.meaning.placement,
        axis=series.meaning.axis,
        scale=series.scale,
        offset=series.offset,
        present=series.present,
        findings=series.findings,
    )
    return entry if series.missing is None else _mask(entry, series.missing, reason=series.missing_reason)


def _mask(entry: Admitted, missing: NDArray[np.bool_], *, reason: str) -> Admitted:
    """Take samples that the file itself marks as not measured out of what is valid, and count them."""
    valid = Spans.from_mask(entry.channel.mask() & ~missing)
    lost = entry.channel.valid.total - valid.total
    if lost == 0:
        return entry
    finding = Finding(action="masked", samples=lost, reason=reason)
    quality = replace(entry.quality, kept=valid.total, findings=(*entry.quality.findings, finding))
    return Admitted(channel=replace(entry.channel, valid=valid), quality=quality)
