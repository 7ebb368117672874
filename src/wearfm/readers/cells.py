"""The cells of tables as text and as Parquet, parsed into columns by pyarrow; a mapping says where they lie."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from wearfm.errors import BadRecording
from wearfm.readers.base import Bytes, encoding, load, peek
from wearfm.readers.mapping import Mapping
from wearfm.readers.rows import Rows

PARQUET = b"PAR1"
DELIMITERS = (",", ";", "\t")


def lines_of(head: bytes) -> list[str]:
    """Return the whole lines at the beginning of a file, without empty ones."""
    text = head.decode("utf-8-sig", errors="replace")
    whole = text if len(head) < 65_536 else text.rpartition("\n")[0]
    return [line for line in whole.replace("\r", "\n").split("\n") if line.strip()] or [""]


def delimiter_of(head: bytes) -> str:
    """Return the delimiter that stands most often in the first line."""
    first = lines_of(head)[0]
    return max(DELIMITERS, key=first.count)


def cells_of(line: str, delimiter: str) -> list[str]:
    """Return the cells of one line, without outer spaces; none if it is no line of a table."""
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), [])]
    except csv.Error:
        return []


def parse_rows(path: Path, mapping: Mapping, *, names: Sequence[str] = (), odd: list[str] | None = None) -> Rows:
    """Return the columns that a mapping names. names: of all columns, where no row of the table says them.

    odd: takes the text of rows with too few or too many cells, for tables in which they mean something.
    """
    try:
        if peek(path).startswith(PARQUET):
            return _parse_parquet(path, mapping)
        return _parse_text(path, mapping, list(names), odd)
    except (pa.ArrowException, OSError) as error:
        raise BadRecording(path, 0, f"not a table: {str(error).splitlines()[0] if str(error) else 'damaged'}") from error


def open_parquet(path: Path) -> pyarrow.parquet.ParquetFile:
    """Return an open Parquet file: its schema is read, its columns are not."""
    try:
        return pyarrow.parquet.ParquetFile(pa.BufferReader(pa.py_buffer(load(path))))
    except (pa.ArrowException, OSError) as error:
        raise BadRecording(path, 0, f"damaged Parquet: {error}") from error


def _parse_parquet(path: Path, mapping: Mapping) -> Rows:
    file = open_parquet(path)
    by_name = {name.strip(): name for name in file.schema_arrow.names}
    _require(path, mapping, by_name)
    table = file.read(columns=[by_name[name] for name in mapping.columns])
    columns = {name: table.column(by_name[name]) for name in mapping.columns}
    return Rows(columns=columns, num_rows=table.num_rows, malformed=0)


def _parse_text(path: Path, mapping: Mapping, names: list[str], odd: list[str] | None) -> Rows:
    data = _without_mark(load(path))
    delimiter = mapping.delimiter or delimiter_of(b"\n".join(peek(path).split(b"\n")[mapping.skip_rows :]))
    names = names or names_of(path, mapping, delimiter)
    by_name = {name.strip(): name for name in names}
    _require(path, mapping, by_name)
    malformed = 0

    def skip(row: Any) -> str:
        nonlocal malformed
        malformed += 1
        if odd is not None and row.text:
            odd.append(row.text)
        return "skip"

    table = pyarrow.csv.read_csv(
        pa.BufferReader(pa.py_buffer(data)),
        read_options=pyarrow.csv.ReadOptions(
            column_names=names,
            skip_rows=mapping.skip_rows + mapping.header + mapping.unit_rows,
            encoding=encoding(data),
        ),
        parse_options=pyarrow.csv.ParseOptions(delimiter=delimiter, invalid_row_handler=skip),
        convert_options=pyarrow.csv.ConvertOptions(
            include_columns=[by_name[name] for name in mapping.columns], strings_can_be_null=True
        ),
    )
    columns = {name: table.column(by_name[name]) for name in mapping.columns}
    return Rows(columns=columns, num_rows=table.num_rows, malformed=malformed)


def read_text(
    path: Path,
    content: bytes | Bytes,
    *,
    what: str = "not a table",
    names: Sequence[str] = (),
    skip_rows: int = 0,
    delimiter: str = ",",
    convert: pyarrow.csv.ConvertOptions | None = None,
) -> tuple[pa.Table, int]:
    """Return a table of text whose columns are known, and how many rows had too few or too many cells.

    what: how the reason of a BadRecording begins ("BVP.csv is not a table"). names: of the columns, () where the first row
    has them. skip_rows: rows before the first of samples, where names are given.
    """
    malformed = 0

    def skip(_: object) -> str:
        nonlocal malformed
        malformed += 1
        return "skip"

    try:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(pa.py_buffer(content)),
            read_options=pyarrow.csv.ReadOptions(column_names=list(names), skip_rows=skip_rows, encoding=encoding(content)),
            parse_options=pyarrow.csv.ParseOptions(delimiter=delimiter, invalid_row_handler=skip),
            convert_options=convert,
        )
    except pa.ArrowException as error:
        raise BadRecording(path, 0, f"{what}: {str(error).splitlines()[0]}") from error
    return table, malformed


def names_of(path: Path, mapping: Mapping, delimiter: str) -> list[str]:
    """Return the names of all columns of a text table; numbered if no row names them, or where names are repeated."""
    lines = peek(path).decode(encoding(peek(path)), errors="replace").removeprefix("\ufeff").splitlines()
    if len(lines) <= mapping.skip_rows:
        raise BadRecording(path, 0, f"{len(lines)} lines; the mapping skips {mapping.skip_rows}")
    cells = cells_of(lines[mapping.skip_rows], delimiter)
    if not mapping.header:
        return [str(number) for number in range(len(cells))]
    repeated = {name for name in cells if cells.count(name) > 1}
    return [f"{name} ({place})" if name in repeated or not name else name for place, name in enumerate(cells)]


def _require(path: Path, mapping: Mapping, names: dict[str, str]) -> None:
    missing = [name for name in mapping.columns if name not in names]
    if missing:
        seen = ", ".join(map(repr, list(names)[:20]))
        raise BadRecording(path, 0, f"no column {missing[0]!r}, which the mapping names; columns: {seen}")


def _without_mark(data: Bytes) -> Bytes:
    """Return text without the byte order mark that spreadsheets write."""
    return data[3:] if data[:3].tobytes() == b"\xef\xbb\xbf" else data
