"""Tables of samples: CSV, TSV and Parquet, with a mapping that says what each column is.

Tables of samples: CSV, TSV (comma, semicolon or tab, gzipped or not) and Parquet. A table does not say what its columns are;
a mapping beside it does. Without one, the error names the columns and shows a mapping that works.

The mapping is TOML or JSON, looked for as `<table>.toml`, `<table>.json`, then `wearfm.toml`, `wearfm.json` in the same folder:

```toml
participant = "S01"                             # default: the file's name
recording = "morning"                           # default: the file's name
device = "Bangle.js 2"
rate_hz = 50                                    # optional beside a time column: then it is checked
time = { column = "timestamp", unit = "ms" }    # s, ms, us, ns since 1970 or since the start; or iso
facts = { age_years = 54, sex = "F" }

[channels.acc_x]
modality = "acc"                                # see `wearfm.signals.units.MODALITIES`
unit = "m/s2"                                   # default: the modality's own
placement = "wrist"
axis = "x"

[channels.red]
modality = "ppg"
scale = 0.001                                   # value = scale * cell + offset
name = "PPG red"

[events.activity]                               # labels and derived values: runs of equal cells become events
kind = "activity"
```

Also: `start` (ISO date and time of the first row, where there is no time column), `header = false` (columns are then called
`0`, `1`, ...), `skip_rows`, `unit_rows`, `delimiter`. From code: `read_table(path, mapping=Mapping.from_dict({...}))`.

**Time.** Unix times and ISO times with a zone are UTC; ISO times without a zone are local. Stamps become a regular grid
(`signals/clock.py`):

| stamps | what happens |
|---|---|
| jitter of up to half a step | samples are counted, not rounded; those moved by more than a tenth of a step count as repaired |
| a longer step | a gap |
| a few that repeat | the later sample is dropped and counted |
| more than 1 % that repeat | a coarse clock, or bursts: all samples are kept and spread evenly, with a note |
| out of order | as few as possible are dropped, and counted |
| a few more than 30 days from all others | dropped and counted: the clock was set. Many: refused, with the row |
| another rate than declared | up to 2 %: the stamps are followed, with a note. More: refused |
| a start between 1971 and 1979, or after 2100; steps faster than 20 kHz | refused: the unit of the time column is wrong |

**Cells.** Empty cells and words are masked and counted; rows with too few or too many cells are dropped and counted.
Integers stay integers.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from wearfm.errors import BadRecording, UnknownFormat
from wearfm.readers.assembly import Assembly
from wearfm.readers.base import Bytes, Reader, encoding, load, peek, stem
from wearfm.readers.columns import NUMBER
from wearfm.readers.mapping import Mapping, find_mapping, load_mapping, suggest
from wearfm.readers.rows import Rows, add_rows
from wearfm.readers.stamps import offset_s
from wearfm.signals.recording import Recording

_PARQUET = b"PAR1"
_OFFSET = re.compile(r"([+-]\d\d:?\d\d|Z)$")
_TEXT = bytes((9, 10, 13, *range(32, 256)))
_DELIMITERS = (",", ";", "\t")
_TAIL = 4096  # bytes that hold the last row


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
    axis = add_rows(found, rows, mapping)
    offset, notes = _offset(path, mapping) if axis.clock == "utc" else (None, ())
    found.note(*notes)
    return found.finish(
        participant=mapping.participant or stem(path),
        name=mapping.recording or stem(path),
        clock=axis.clock,
        utc_offset_s=axis.utc_offset_s if offset is None else offset,
        device=mapping.device,
        source=f"csv: {path.name}",
        facts=mapping.facts,
    )


def column_names(path: Path) -> tuple[str, ...]:
    """Return the names of a table's columns without reading its samples; numbered if its first row is numbers."""
    if peek(path).startswith(_PARQUET):
        return tuple(_parquet(path).schema_arrow.names)
    cells = _cells(_lines(peek(path))[0], _delimiter(peek(path)))
    if all(re.fullmatch(NUMBER, cell) for cell in cells):
        return tuple(str(number) for number in range(len(cells)))
    return tuple(cells)


def recognises(path: Path, head: bytes) -> bool:
    """Return whether this is Parquet, or text whose lines all have the same number of cells."""
    if head.startswith(_PARQUET):
        return True
    if not head or path.is_dir() or head.translate(None, _TEXT) != b"":
        return False
    own = find_mapping(path)
    return (own is not None and own.stem == path.name) or _is_even(_lines(head)[:50])


def _is_even(lines: list[str]) -> bool:
    """Return whether most lines have the same number of cells, more than one unless all are numbers."""
    if len(lines) < 2:
        return False
    if all(re.fullmatch(NUMBER, line) for line in lines[1:]):
        return True
    counts = [[len(_cells(line, delimiter)) for line in lines] for delimiter in _DELIMITERS]
    return any(row[-1] > 1 and row.count(row[-1]) >= 0.9 * len(row) for row in counts)


def _lines(head: bytes) -> list[str]:
    """Return the whole lines at the beginning of a file, without empty ones."""
    text = head.decode("utf-8-sig", errors="replace")
    whole = text if len(head) < 65_536 else text.rpartition("\n")[0]
    return [line for line in whole.replace("\r", "\n").split("\n") if line.strip()] or [""]


def _delimiter(head: bytes) -> str:
    first = _lines(head)[0]
    return max(_DELIMITERS, key=first.count)


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), [])]
    except csv.Error:
        return []


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
    data = _without_mark(load(path))
    delimiter = mapping.delimiter or _delimiter(b"\n".join(peek(path).split(b"\n")[mapping.skip_rows :]))
    names = _names(path, mapping, delimiter)
    by_name = {name.strip(): name for name in names}
    _require(path, mapping, by_name)
    lost: list[object] = []

    def skip(row: object) -> str:
        lost.append(row)
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
    return Rows(columns=columns, num_rows=table.num_rows, malformed=len(lost))


def _names(path: Path, mapping: Mapping, delimiter: str) -> list[str]:
    lines = peek(path).decode(encoding(peek(path)), errors="replace").removeprefix("\ufeff").splitlines()
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


def _without_mark(data: Bytes) -> Bytes:
    """Return text without the byte order mark that spreadsheets write."""
    return data[3:] if data[:3].tobytes() == b"\xef\xbb\xbf" else data


def _offset(path: Path, mapping: Mapping) -> tuple[int | None, tuple[str, ...]]:
    """Return local time minus UTC as the first row of a text table writes it, None for none; and a note if the last differs."""
    head = peek(path)
    lines = _lines(head)[mapping.skip_rows + mapping.header + mapping.unit_rows :]
    if head.startswith(_PARQUET) or not lines or mapping.time is None or mapping.time.unit != "iso":
        return None, ()
    delimiter = mapping.delimiter or _delimiter(head)
    place = _names(path, mapping, delimiter).index(mapping.time.column)
    tail = _lines(load(path)[-_TAIL:].tobytes())
    first, last = (_written_offset(_cells(line, delimiter), place) for line in (lines[0], tail[-1]))
    if first is None or last is None or first == last:
        return first, ()
    change = f"local time minus UTC is {first} s in the first row and {last} s in the last"
    return first, (f"{change}; the first was taken: `minutes.calendar` puts minutes on the wall clock of a zone",)


def _written_offset(cells: list[str], place: int) -> int | None:
    written = _OFFSET.search(cells[place]) if place < len(cells) else None
    return None if written is None else offset_s(written[0])


READER = Reader(
    name="csv",
    describes="tables of samples: CSV, TSV and Parquet, with a mapping that names the columns",
    devices=("any program that writes tables",),
    clock="as the mapping says: UTC with the offset that is written, local without a zone, relative without a date",
    suffixes=(".csv", ".tsv", ".txt", ".parquet"),
    recognises=recognises,
    read=read,
)
