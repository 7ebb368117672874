"""Columns of a table, as pyarrow parsed them, to numpy: numbers with their type kept, labels as codes, times as int64."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration
from wearfm.signals.recording import SECOND

NUMBER = r"^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?\s*$"
_TICKS = {"s": SECOND, "ms": 1_000_000, "us": 1_000, "ns": 1}
_LAST_NS = 2**62


def numbers(column: pa.ChunkedArray) -> tuple[NDArray[np.generic], NDArray[np.bool_] | None]:
    """Return the cells, (N,) in the smallest of int16, int32, int64 that holds them or as floats, and which are missing.

    Text that is not a number is missing. None: no cell is. Dates are refused.
    """
    kind = column.type
    if pa.types.is_null(kind):
        return np.zeros(len(column), dtype=np.int16), np.ones(len(column), dtype=bool)
    if pa.types.is_dictionary(kind):
        return numbers(column.cast(kind.value_type))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return numbers(_parse_numbers(column))
    if pa.types.is_decimal(kind) or pa.types.is_float16(kind):
        return numbers(column.cast(pa.float64()))
    if pa.types.is_boolean(kind):
        return numbers(column.cast(pa.int8()))
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        raise BadConfiguration(f"cells are of type {kind}; samples must be numbers: name another column")
    missing = column.is_null().to_numpy().astype(bool) if column.null_count else None
    filled = column if missing is None else column.fill_null(0)
    return _narrow(filled.to_numpy()), missing


def codes(column: pa.ChunkedArray) -> tuple[NDArray[np.int64], list[str], list[float]]:
    """Return a code per cell, (N,), -1 for an empty one, and for each code its label and its value.

    A column of numbers has values and no labels; any other has labels and the value NaN.
    """
    encoded = column.dictionary_encode().combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = pa.concat_arrays(encoded.chunks) if encoded.num_chunks else pa.array([], pa.null()).dictionary_encode()
    code = np.asarray(encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False), dtype=np.int64)
    entries = encoded.dictionary.to_pylist()
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        return code, [""] * len(entries), [float(entry) for entry in entries]
    return code, [str(entry) for entry in entries], [float("nan")] * len(entries)


def nanoseconds(column: pa.ChunkedArray, *, unit: str) -> tuple[NDArray[np.int64], NDArray[np.bool_], bool]:
    """Return times as (N,) int64 nanoseconds since 1970, which cells hold one, and whether they are local times.

    unit: s, ms, us, ns or iso.
    """
    if unit == "iso":
        return _from_dates(column)
    if pa.types.is_timestamp(column.type):
        raise BadConfiguration(f"the time column holds dates ({column.type}); its unit is 'iso', not {unit!r}")
    samples, missing = numbers(column)
    has_time = np.ones(len(samples), dtype=bool) if missing is None else ~missing
    tick, limit = _TICKS[unit], _LAST_NS // _TICKS[unit]
    if samples.dtype.kind in "iu":
        whole = samples.astype(np.int64)
        if whole.min(initial=0) <= -limit or whole.max(initial=0) >= limit:
            has_time &= (whole > -limit) & (whole < limit)
            whole = np.where(has_time, whole, 0)
        return whole * tick, has_time, False
    exact = samples.astype(np.float64)
    has_time &= np.abs(np.nan_to_num(exact, nan=np.inf)) < limit
    return _whole_nanoseconds(np.where(has_time, exact, 0.0), tick), has_time, False


def _whole_nanoseconds(exact: NDArray[np.float64], tick: int) -> NDArray[np.int64]:
    """Return times in units of `tick` nanoseconds as nanoseconds, to the digit that a float of their size can hold."""
    whole = np.floor(exact)
    resolution = 2 * float(np.spacing(np.abs(exact).max(initial=0.0))) * tick
    digit = 10.0 ** max(int(np.ceil(np.log10(resolution))), 0) if resolution else 1.0
    return whole.astype(np.int64) * tick + (np.rint((exact - whole) * (tick / digit)) * digit).astype(np.int64)


def millisecond_stamps(column: pa.ChunkedArray) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the first 23 letters of cells like 2022-04-25T11:39:36.978 as nanoseconds, (N,), and which are such a time."""
    text = pc.utf8_slice_codeunits(column, 0, 23)
    is_stamp = pc.match_substring_regex(text, r"^(?:19[89]\d|20\d\d)-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}$")
    clean = pc.if_else(is_stamp, text, pa.scalar(None, pa.string()))
    whole = pc.strptime(pc.utf8_slice_codeunits(clean, 0, 19), format="%Y-%m-%dT%H:%M:%S", unit="s", error_is_null=True)
    at = pc.add(pc.multiply(whole.cast(pa.int64()), 1000), pc.utf8_slice_codeunits(clean, 20, 23).cast(pa.int64()))
    has_time = np.asarray(at.is_valid()).astype(bool)
    return np.asarray(at.fill_null(0)).astype(np.int64) * 1_000_000, has_time


def _parse_numbers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    text = column.cast(pa.string())
    is_number = pc.match_substring_regex(text, NUMBER)
    clean = pc.if_else(is_number, pc.utf8_trim_whitespace(text), pa.scalar(None, pa.string()))
    return clean.cast(pa.float64())


def _narrow(cells: NDArray[np.generic]) -> NDArray[np.generic]:
    if cells.dtype.kind not in "iu" or cells.dtype.itemsize <= 2 or len(cells) == 0:
        return cells
    low, high = int(cells.min()), int(cells.max())
    for kind in (np.int16, np.int32):
        if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
            return cells.astype(kind)
    return cells


def _from_dates(column: pa.ChunkedArray) -> tuple[NDArray[np.int64], NDArray[np.bool_], bool]:
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _from_text(column.to_pylist())
    if not pa.types.is_timestamp(kind):
        raise BadConfiguration(f"the time column holds {kind}, not ISO dates; its unit is one of s, ms, us, ns")
    has_time = ~column.is_null().to_numpy().astype(bool)
    ticks = column.cast(pa.int64()).fill_null(0).to_numpy()
    factor = _TICKS[kind.unit]
    has_time &= (ticks > -(_LAST_NS // factor)) & (ticks < _LAST_NS // factor)
    return np.where(has_time, ticks, 0).astype(np.int64) * factor, has_time, kind.tz is None


def _from_text(cells: list[str | None]) -> tuple[NDArray[np.int64], NDArray[np.bool_], bool]:
    """Parse dates one by one: the way for a column in which some cells are none."""
    stamps = np.zeros(len(cells), dtype=np.int64)
    has_time = np.zeros(len(cells), dtype=bool)
    zones = set()
    for row, cell in enumerate(cells):
        try:
            moment = datetime.fromisoformat((cell or "").strip())
        except ValueError:
            continue
        zones.add(moment.tzinfo is not None)
        zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        stamp = int(zoned.replace(microsecond=0).timestamp()) * SECOND + zoned.microsecond * 1000
        has_time[row] = -_LAST_NS < stamp < _LAST_NS
        stamps[row] = stamp if has_time[row] else 0
    if len(zones) > 1:
        raise BadConfiguration("some times have a zone and some have none; write all of them the same way")
    return stamps, has_time, zones == {False}
