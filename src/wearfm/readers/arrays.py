"""Arrays with a mapping: what HDF5, MATLAB and NumPy files have in common.

A container names its arrays; a mapping says which row or column of which array is a channel, and when it was measured.
Everything here works on `Variable`s; only the values that a mapping names are read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration, BadRecording, UnknownFormat
from wearfm.readers.assembly import Assembly
from wearfm.readers.base import MOST_SAMPLES, stem
from wearfm.readers.labels import guess_modality
from wearfm.readers.mapping import ChannelColumn, EventColumn, Mapping, TimeColumn, find_mapping, load_mapping
from wearfm.readers.rows import Rows, TimeAxis, add_rows, shared
from wearfm.signals.recording import Recording
from wearfm.signals.units import modality

Index = tuple[int | slice, ...]
_KEY = re.compile(r"(?P<name>.+?)\s*(\[(?P<index>[\d:,\s]*)\])?", re.DOTALL)
_NUMBERS = "biuf"
_KINDS = _NUMBERS + "mMUS"  # dates and text besides: times and labels
_SHOWN = 12  # variables in an error message
_SUGGESTED = 3  # channels in a mapping that is shown


@dataclass(frozen=True, kw_only=True)
class Variable:
    """One array of a container. name: its path, with "/" between levels. cut: index of a vector -> its values, (N,).

    unread: why it cannot be read, as the end of a sentence ("is complex"), "" if it can; its dtype is then object.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    cut: Callable[[Index], NDArray[Any]]
    unread: str = ""


@dataclass(frozen=True, kw_only=True)
class Vector:
    """One row or column of a variable: what a key of the mapping means."""

    variable: Variable
    index: Index
    length: int

    def part(self, start: int, stop: int) -> pa.ChunkedArray:
        """Return the values from start to stop as a column."""
        index = tuple(slice(start, stop) if isinstance(each, slice) else each for each in self.index)
        values = np.asarray(self.variable.cut(index)).reshape(-1)
        if values.dtype.kind == "S":
            values = np.char.decode(values, "utf-8", "replace")
        return pa.chunked_array([pa.array(np.ascontiguousarray(values.astype(values.dtype.newbyteorder("="), copy=False)))])


Variables = AnyMapping[str, Variable]


def read_arrays(path: Path, variables: Variables, *, source: str, mapping: Mapping | None = None) -> Iterator[Recording]:
    """Yield the recording in a container of arrays; UnknownFormat shows a mapping that would work if there is none beside it.

    One longer than MOST_SAMPLES comes in parts.
    """
    if mapping is None:
        beside = find_mapping(path)
        if beside is None:
            raise UnknownFormat(_needs_mapping(path, variables))
        mapping = load_mapping(beside)
    vectors = {key: _vector(path, variables, key) for key in _keys(mapping)}
    longest = max(vector.length for vector in vectors.values())
    if longest == 0:
        raise BadRecording(path, 0, "arrays without samples")
    parts = -(-longest // MOST_SAMPLES)
    for part in range(parts):
        yield _recording(path, vectors, mapping, source=source, part=part, parts=parts)


def suggest_arrays(variables: Variables) -> str:
    """Return a mapping that would work for these variables, as JSON on one line; "" if none of them holds samples."""
    numeric = [each for each in variables.values() if each.dtype.kind in _NUMBERS and _longest(each) > 1]
    if not numeric:
        return ""
    length = max(_longest(each) for each in numeric)
    fitting = [each for each in numeric if _longest(each) == length]
    timed = next((each.name for each in fitting if _is_time(each)), None)
    keys = [key for each in fitting if each.name != timed for key in _vectors_of(each)][:_SUGGESTED]
    guesses = {key: guess_modality(_last(key).replace("_", " ")) or "other" for key in keys or [str(timed)]}
    channels = {key: {"modality": guess, "unit": modality(guess).unit} for key, guess in guesses.items()}
    time: dict[str, Any] = {"time": {"column": timed, "unit": "s"}} if timed and keys else {"rate_hz": 64}
    return json.dumps({"participant": "S01", **time, "channels": channels}, ensure_ascii=False)


def _needs_mapping(path: Path, variables: Variables) -> str:
    listed = sorted(variables.values(), key=lambda each: -_longest(each) if each.dtype.kind in _NUMBERS else 0)
    shown = ", ".join(f"{each.name!r} {each.shape}" for each in listed[:_SHOWN])
    more = f" and {len(variables) - _SHOWN} more" if len(variables) > _SHOWN else ""
    suggestion = suggest_arrays(variables)
    if not suggestion:
        return f"{path}: a file with variables {shown or 'of no kind'}{more} has no array of numbers to read; convert it"
    return (
        f"{path}: a file with variables {shown}{more} needs a mapping that says what they are; write {path.name}.json,"
        f" for example: {suggestion}"
    )


def _longest(variable: Variable) -> int:
    """Return the length of the vectors in a variable of one or two dimensions, 0 for any other."""
    sides = [side for side in variable.shape if side != 1]
    return max(sides, default=1) if len(sides) <= 2 else 0


def _is_time(variable: Variable) -> bool:
    name = _last(variable.name).lower()
    return ("time" in name or name in ("t", "ts")) and len([side for side in variable.shape if side != 1]) == 1


def _last(name: str) -> str:
    return name.partition("[")[0].rpartition("/")[2]


def _vectors_of(variable: Variable) -> Iterator[str]:
    """Yield the keys of the vectors in a variable, along its longest side."""
    long = int(np.argmax(variable.shape))
    others = [(axis, side) for axis, side in enumerate(variable.shape) if axis != long and side > 1]
    if not others:
        yield variable.name
        return
    axis, side = others[0]
    for place in range(side):
        index = [":" if each == long else str(place if each == axis else 0) for each in range(len(variable.shape))]
        yield f"{variable.name}[{', '.join(index)}]"


def _keys(mapping: Mapping) -> tuple[str, ...]:
    """Return all vectors that a mapping names."""
    own = (column.time.column for column in mapping.channels.values() if column.time)
    first = (mapping.time.column,) if mapping.time else ()
    return tuple(dict.fromkeys((*first, *own, *mapping.channels, *mapping.events)))


def _vector(path: Path, variables: Variables, key: str) -> Vector:
    match = _KEY.fullmatch(key)
    name = match["name"] if match else key
    variable = variables.get(name) or variables.get(name.strip("/")) or variables.get(name.replace(".", "/"))
    if variable is None or match is None:
        seen = ", ".join(map(repr, list(variables)[:_SHOWN]))
        raise BadRecording(path, 0, f"no variable {name!r}, which the mapping names; variables: {seen}")
    if variable.unread:
        raise BadRecording(path, 0, f"variable {name!r} {variable.unread}")
    if variable.dtype.kind not in _KINDS:
        raise BadRecording(path, 0, f"variable {name!r} holds {variable.dtype}; samples must be numbers: name another one")
    index = _index(path, variable, match["index"])
    place = next(place for place, each in enumerate(index) if isinstance(each, slice))
    return Vector(variable=variable, index=index, length=variable.shape[place])


def _index(path: Path, variable: Variable, text: str | None) -> Index:
    """Return the index of one vector; sides of length 1 need not be named."""
    parts = [part.strip() for part in text.split(",")] if text else []
    if not parts:
        sides = [axis for axis, side in enumerate(variable.shape) if side != 1] or [0]
        parts = [":" if axis in sides else "0" for axis in range(len(variable.shape))]
    parts += [":"] * (len(variable.shape) - len(parts))
    fits = len(parts) == len(variable.shape) and parts.count(":") == 1
    places = [slice(None) if part == ":" else int(part) if part.isdigit() else -1 for part in parts]
    inside = (isinstance(p, slice) or 0 <= p < side for p, side in zip(places, variable.shape, strict=False))
    if not fits or not all(inside):
        wanted = next(_vectors_of(variable), variable.name) if variable.shape else variable.name
        key = f"{variable.name}[{text}]" if text else variable.name
        raise BadRecording(path, 0, f"{key!r} is no vector of an array of shape {variable.shape}; write it as {wanted!r}")
    return tuple(places)


def _recording(
    path: Path, vectors: AnyMapping[str, Vector], mapping: Mapping, *, source: str, part: int, parts: int
) -> Recording:
    found = Assembly(path=path)
    axis = shared(path, [_add_group(found, vectors, group, part, parts) for group in _groups(mapping)])
    name = mapping.recording or stem(path)
    return found.finish(
        participant=mapping.participant or stem(path),
        name=name if parts == 1 or part == 0 else f"{name} part {part + 1}",
        clock=axis.clock,
        utc_offset_s=axis.utc_offset_s,
        device=mapping.device,
        source=f"{source}: {path.name}",
        facts=mapping.facts,
    )


def _groups(mapping: Mapping) -> list[Mapping]:
    """Return a mapping for each set of channels that shares a time axis."""
    Axis = tuple[TimeColumn | None, float | None]
    common: Axis = (mapping.time, mapping.rate_hz)
    groups: dict[Axis, dict[str, ChannelColumn]] = {common: {}} if mapping.events else {}
    for key, column in mapping.channels.items():
        axis = (column.time, column.rate_hz) if column.time or column.rate_hz else common
        groups.setdefault(axis, {})[key] = column
    none: dict[str, EventColumn] = {}
    return [
        replace(mapping, channels=channels, events=mapping.events if axis == common else none, time=axis[0], rate_hz=axis[1])
        for axis, channels in groups.items()
    ]


def _add_group(found: Assembly, vectors: AnyMapping[str, Vector], mapping: Mapping, part: int, parts: int) -> TimeAxis:
    lengths = {key: vectors[key].length for key in mapping.columns}
    if len(set(lengths.values())) > 1:
        different = ", ".join(f"{key!r} {length}" for key, length in lengths.items())
        reason = f"arrays that share their time differ in length: {different}; give each its own rate_hz"
        raise BadRecording(found.path, 0, reason)
    length = next(iter(lengths.values()))
    start, stop = length * part // parts, length * (part + 1) // parts
    try:
        columns = {key: vectors[key].part(start, stop) for key in mapping.columns}
    except (pa.ArrowException, BadConfiguration) as error:
        raise BadRecording(found.path, 0, f"an array cannot be read: {error}") from error
    return add_rows(found, Rows(columns=columns, num_rows=stop - start, malformed=0), mapping, first_row=start)
