"""Rows of a table or of a container of arrays, and a mapping that explains them, become channels and events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration, BadRecording
from wearfm.readers.assembly import Assembly, Series, runs
from wearfm.readers.columns import codes, nanoseconds, numbers
from wearfm.readers.labels import Meaning
from wearfm.readers.mapping import ChannelColumn, Mapping
from wearfm.readers.stamps import date_ns
from wearfm.signals.clock import Grid, clock_of, regularise
from wearfm.signals.quality_record import Finding
from wearfm.signals.recording import SECOND, Clock
from wearfm.signals.spans import Spans
from wearfm.signals.units import modality


@dataclass(frozen=True, kw_only=True, eq=False)
class Rows:
    """A parsed table. columns: name -> column. malformed: rows that did not have as many cells as the header."""

    columns: dict[str, pa.ChunkedArray]
    num_rows: int
    malformed: int


@dataclass(frozen=True, kw_only=True, eq=False)
class TimeAxis:
    """When the rows were measured. grid: None for rows at a fixed rate without stamps. notes: on the axis as a whole."""

    start_ns: int
    rate_hz: float
    clock: Clock
    utc_offset_s: int | None
    grid: Grid | None
    no_time: int = 0
    notes: tuple[str, ...] = ()

    def lay(self, cells: NDArray[np.generic]) -> NDArray[np.generic]:
        """Return the cells of the rows on the grid, (N,) -> (T,)."""
        return cells if self.grid is None else self.grid.lay(cells)


def add_rows(found: Assembly, rows: Rows, mapping: Mapping, *, first_row: int = 0) -> TimeAxis:
    """Add the channels and events of a mapping and return the axis on which they lie.

    first_row: how many rows of the source lie before these, where they run at a fixed rate.
    """
    try:
        rows, axis = _axis(rows, mapping, first_row)
    except BadConfiguration as error:
        raise BadRecording(found.path, 0, str(error)) from error
    found.note(*axis.notes)
    dropped = _dropped(rows, axis)
    for name, column in mapping.channels.items():
        _add_channel(found, name, column, rows.columns[name], axis, dropped)
    for name, event in mapping.events.items():
        _add_events(found, event.kind, rows.columns[name], axis)
    return axis


def _axis(rows: Rows, mapping: Mapping, first_row: int) -> tuple[Rows, TimeAxis]:
    """Return the rows that have a time, and the axis on which they lie."""
    if mapping.time is None:
        return rows, _fixed_axis(mapping, first_row)
    stamps, has_time, is_local = nanoseconds(rows.columns[mapping.time.column], unit=mapping.time.unit)
    if not has_time.any():
        time = mapping.time
        raise BadConfiguration(f"no cell of {time.column!r} is a time in {time.unit!r}; check the unit of the time column")
    grid = regularise(stamps if has_time.all() else stamps[has_time], rate_hz=mapping.rate_hz)
    clock = clock_of(grid.start_ns)
    axis = TimeAxis(
        start_ns=grid.start_ns,
        rate_hz=grid.rate_hz,
        clock="local" if is_local and clock == "utc" else clock,
        utc_offset_s=None,
        grid=grid,
        no_time=int(np.count_nonzero(~has_time)),
        notes=grid.notes,
    )
    return _filter(rows, has_time), axis


def _fixed_axis(mapping: Mapping, first_row: int) -> TimeAxis:
    assert mapping.rate_hz is not None, "the mapping has checked that there is a rate where there is no time"
    clock: Clock = "relative"
    start_ns, offset = 0, None
    if mapping.start:
        start_ns, offset = date_ns(mapping.start)
        clock = "local" if offset is None else "utc"
    start_ns += round(first_row * SECOND / mapping.rate_hz)
    return TimeAxis(start_ns=start_ns, rate_hz=mapping.rate_hz, clock=clock, utc_offset_s=offset, grid=None)


def shared(path: Path, axes: Sequence[TimeAxis]) -> TimeAxis:
    """Return one of the axes of a recording, which must all be on a clock of the same kind."""
    clocks = sorted({axis.clock for axis in axes})
    if len(clocks) > 1:
        raise BadRecording(path, 0, f"channels on clocks of different kinds ({', '.join(clocks)}); give each a time")
    return axes[0]


def _filter(rows: Rows, keep: NDArray[np.bool_]) -> Rows:
    if keep.all():
        return rows
    columns = {name: column.filter(pa.array(keep)) for name, column in rows.columns.items()}
    return Rows(columns=columns, num_rows=int(np.count_nonzero(keep)), malformed=rows.malformed)


def _dropped(rows: Rows, axis: TimeAxis) -> tuple[Finding, ...]:
    """Return what became of rows as a whole; it holds for every channel."""
    lost = ((rows.malformed, "row with too few or too many cells"), (axis.no_time, "row without a readable time"))
    findings = tuple(Finding(action="dropped", samples=n, reason=reason) for n, reason in lost if n)
    return findings + (axis.grid.findings if axis.grid else ())


def _add_channel(
    found: Assembly, name: str, column: ChannelColumn, cells: pa.ChunkedArray, axis: TimeAxis, findings: tuple[Finding, ...]
) -> None:
    try:
        samples, missing = numbers(cells)
    except BadConfiguration as error:
        raise BadRecording(found.path, 0, f"column {name!r}: {error}") from error
    series = Series(
        label=column.name or name,
        meaning=Meaning(
            modality=column.modality,
            unit=column.unit or modality(column.modality).unit,
            axis=column.axis,
            placement=column.placement,
        ),
        samples=axis.lay(samples),
        rate_hz=axis.rate_hz,
        start_ns=axis.start_ns,
        scale=column.scale,
        offset=column.offset,
        present=axis.grid.present if axis.grid else None,
        missing=None if missing is None else axis.lay(missing).astype(bool),
        missing_reason="empty cell, or not a number",
        findings=findings,
    )
    found.add(series)


def _add_events(found: Assembly, kind: str, cells: pa.ChunkedArray, axis: TimeAxis) -> None:
    """Add one event for each run of equal cells; empty cells are none."""
    code, labels, values = codes(cells)
    laid = axis.lay(code)
    present = axis.grid.present if axis.grid else Spans.all(len(laid))
    step = SECOND / axis.rate_hz
    for start, stop, which in runs(laid, within=present & Spans.from_mask(laid.astype(np.int64) >= 0)):
        onset = axis.start_ns + round(start * step)
        end = axis.start_ns + round(stop * step)
        found.events.append((kind, onset, end - onset, labels[int(which)], values[int(which)]))
