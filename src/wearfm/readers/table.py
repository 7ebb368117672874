"""Tables of samples: CSV, TSV and Parquet, with a mapping that says what each column is.

Only the columns that the mapping names are parsed. Irregular stamps become a regular grid with gaps; rows that are
malformed, duplicate or out of order are dropped and counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration, BadRecording, UnknownFormat
from wearfm.readers.assembly import Assembly, Series
from wearfm.readers.base import Bytes, Reader, load, peek, stem
from wearfm.readers.labels import Meaning
from wearfm.readers.mapping import ChannelColumn, Mapping, find_mapping, load_mapping, suggest
from wearfm.signals.clock import Grid, clock_of, regularise
from wearfm.signals.quality_record import Finding
from wearfm.signals.recording import SECOND, Clock, Recording
from wearfm.signals.units import modality

_PARQUET = b"PAR1"
_TICKS = {"s": SECOND, "ms": 1_000_000, "us": 1_000, "ns": 1}
_NUMBER = r"^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?\s*$"
_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)$")
_DELIMITERS = (",", ";", "\t")


@dataclass(frozen=True, kw_only=True, eq=False)
class Rows:
    """A parsed table. columns: name -> column. malformed: rows that did not have as many cells as the header."""

    columns: dict[str, pa.ChunkedArray]
    num_rows: int
    malformed: int


@dataclass(frozen=True, kw_only=True, eq=False)
class TimeAxis:
    """When the rows were measured. grid: None for rows at a fixed rate without stamps."""

    start_ns: int
    rate_hz: float
    clock: Clock
    utc_offset_s: int | None
    grid: Grid | None
    no_time: int = 0


def read(path: Path) -> Iterator[Recording]:
    """Yield the recording in a table that has a mapping beside it; UnknownFormat shows one that would work."""
    beside = find_mapping(path)
    if beside is None:
        columns = list(column_names(path))
        raise UnknownFormat(
            f"{path}: a table with columns {', '.join(map(repr, columns[:12]))} needs a mapping that says what they are;"
            f" write {path.name}.json, for example: {suggest(columns)}"
        )
    yield read_table(path, mapping=load_mapping(beside))


def read_table(path: str | Path, *, mapping: Mapping) -> Recording:
    """Return the recording in a table whose columns the mapping explains."""
    path = Path(path)
    rows = _parse(path, mapping)
    if rows.num_rows == 0:
        raise BadRecording(path, 0, "a table without rows")
    found = Assembly(path=path)
    rows, axis = _axis(path, rows, mapping)
    if axis.grid is not None:
        found.note(*axis.grid.notes)
    dropped = _dropped(rows, axis)
    for name, column in mapping.channels.items():
        _add_channel(found, name, column, rows.columns[name], axis, dropped)
    for name, event in mapping.events.items():
        _add_events(found, event.kind, rows.columns[name], axis)
    return found.finish(
        participant=mapping.participant or stem(path),
        name=mapping.recording or stem(path),
        clock=axis.clock,
        utc_offset_s=axis.utc_offset_s,
        device=mapping.device,
        source=f"csv: {path.name}",
        facts=mapping.facts,
    )


def column_names(path: Path) -> tuple[str, ...]:
    """Return the names of a table's columns without reading its samples; numbered if its first row is numbers."""
    if peek(path).startswith(_PARQUET):
        return tuple(_parquet(path).schema_arrow.names)
    cells = _cells(_lines(peek(path))[0], _delimiter(peek(path)))
    if all(re.fullmatch(_NUMBER, cell) for cell in cells):
        return tuple(str(number) for number in range(len(cells)))
    return tuple(cells)


def recognises(path: Path, head: bytes) -> bool:
    """Return whether this is Parquet, or text whose lines all have the same number of cells."""
    if head.startswith(_PARQUET):
        return True
    if not head or path.is_dir() or any(byte < 32 and byte not in (9, 10, 13) for byte in head):
        return False
    own = find_mapping(path)
    return (own is not None and own.stem == path.name) or _is_even(_lines(head)[:50])


def _is_even(lines: list[str]) -> bool:
    """Return whether most lines have the same number of cells, more than one unless all are numbers."""
    if len(lines) < 2:
        return False
    numbers = sum(bool(re.fullmatch(_NUMBER, line)) for line in lines[1:])
    if numbers == len(lines) - 1:
        return True
    counts = [[line.count(delimiter) for line in lines] for delimiter in _DELIMITERS]
    return any(max(row) > 0 and sum(n == row[-1] for n in row) >= 0.9 * len(row) for row in counts if row[-1] > 0)


def _lines(head: bytes) -> list[str]:
    """Return the whole lines at the beginning of a file, without empty ones."""
    text = head.decode("utf-8-sig", errors="replace")
    whole = text if len(head) < 65_536 else text.rpartition("\n")[0]
    return [line for line in whole.replace("\r", "\n").split("\n") if line.strip()] or [""]


def _delimiter(head: bytes) -> str:
    first = _lines(head)[0]
    return max(_DELIMITERS, key=first.count)


def _cells(line: str, delimiter: str) -> list[str]:
    return [cell.strip().strip('"').strip() for cell in line.split(delimiter)]


def _parse(path: Path, mapping: Mapping) -> Rows:
    try:
        rows = _parse_parquet(path, mapping) if peek(path).startswith(_PARQUET) else _parse_text(path, mapping)
    except (pa.ArrowException, OSError) as error:
        raise BadRecording(path, 0, f"not a table: {str(error).splitlines()[0] if str(error) else 'damaged'}") from error
    return rows


def _parquet(path: Path) -> pyarrow.parquet.ParquetFile:
    try:
        return pyarrow.parquet.ParquetFile(pa.BufferReader(pa.py_buffer(load(path))))
    except (pa.ArrowException, OSError) as error:
        raise BadRecording(path, 0, f"damaged Parquet: {error}") from error


def _parse_parquet(path: Path, mapping: Mapping) -> Rows:
    file = _parquet(path)
    by_name = {name.strip(): name for name in file.schema_arrow.names}
    _require(path, mapping, by_name)
    table = file.read(columns=[by_name[name] for name in mapping.columns])
    columns = {name: table.column(by_name[name]) for name in mapping.columns}
    return Rows(columns=columns, num_rows=table.num_rows, malformed=0)


def _parse_text(path: Path, mapping: Mapping) -> Rows:
    head = peek(path)
    delimiter = mapping.delimiter or _delimiter(b"\n".join(head.split(b"\n")[mapping.skip_rows :]))
    names = _names(path, mapping, delimiter)
    by_name = {name.strip(): name for name in names}
    _require(path, mapping, by_name)
    lost: list[object] = []

    def skip(row: object) -> str:
        lost.append(row)
        return "skip"

    table = pyarrow.csv.read_csv(
        pa.BufferReader(pa.py_buffer(_text(load(path)))),
        read_options=pyarrow.csv.ReadOptions(
            column_names=names,
            skip_rows=mapping.skip_rows + mapping.header + mapping.unit_rows,
            encoding=_encoding(head),
        ),
        parse_options=pyarrow.csv.ParseOptions(delimiter=delimiter, invalid_row_handler=skip),
        convert_options=pyarrow.csv.ConvertOptions(
            include_columns=[by_name[name] for name in mapping.columns], strings_can_be_null=True
        ),
    )
    columns = {name: table.column(by_name[name]) for name in mapping.columns}
    return Rows(columns=columns, num_rows=table.num_rows, malformed=len(lost))


def _names(path: Path, mapping: Mapping, delimiter: str) -> list[str]:
    lines = peek(path).decode(_encoding(peek(path)), errors="replace").removeprefix("\ufeff").splitlines()
    if len(lines) <= mapping.skip_rows:
        raise BadRecording(path, 0, f"{len(lines)} lines; the mapping skips {mapping.skip_rows}")
    cells = _cells(lines[mapping.skip_rows], delimiter)
    if not mapping.header:
        return [str(number) for number in range(len(cells))]
    repeated = {name for name in cells if cells.count(name) > 1}
    return [f"{name} ({place})" if name in repeated or not name else name for place, name in enumerate(cells)]


def _require(path: Path, mapping: Mapping, names: dict[str, str]) -> None:
    missing = [name for name in mapping.columns if name not in names]
    if missing:
        seen = ", ".join(map(repr, list(names)[:20]))
        raise BadRecording(path, 0, f"no column {missing[0]!r}, which the mapping names; columns: {seen}")


def _text(data: Bytes) -> Bytes:
    """Return the text without the line that some spreadsheets need ("sep=;" is left to skip_rows)."""
    return data[3:] if data[:3].tobytes() == b"\xef\xbb\xbf" else data


def _encoding(head: bytes) -> str:
    try:
        head[: head.rfind(b"\n") + 1].decode("utf-8")
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"
