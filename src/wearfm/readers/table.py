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
facts = { age_years = 54, sex = "female" }

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

A long table has a row for each sample. Its columns are named, and channels and events are called what stands in one of them:

```toml
layout = "long"
participant_column = "who"                      # one recording for each participant; without, there is one
channel_column = "signal"                       # default: channel
value_column = "value"
time = { column = "time", unit = "ms" }

[channels.ppg]
modality = "ppg"
rate_hz = 64                                    # optional, as above, for this channel alone
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

import re
from collections.abc import Iterator
from pathlib import Path

from wearfm.errors import BadConfiguration, BadRecording, UnknownFormat
from wearfm.readers.assembly import Assembly
from wearfm.readers.base import Reader, load, peek, stem
from wearfm.readers.cells import DELIMITERS, PARQUET, cells_of, delimiter_of, lines_of, names_of, open_parquet, parse_rows
from wearfm.readers.columns import NUMBER
from wearfm.readers.long_table import add_share, long_columns, split, suggest_long
from wearfm.readers.mapping import Mapping, find_mapping, load_mapping, suggest
from wearfm.readers.rows import Rows, TimeAxis, add_rows
from wearfm.readers.stamps import offset_s
from wearfm.signals.recording import Recording

_OFFSET = re.compile(r"([+-]\d\d:?\d\d|Z)$")
_TEXT = bytes((9, 10, 13, *range(32, 256)))
_EXAMPLES = 1000  # rows in which names of channels are looked for
_TAIL = 4096  # bytes that hold the last row


def read(path: Path, *, mapping: Mapping | None = None) -> Iterator[Recording]:
    """Yield the recording in a table that has a mapping beside it; UnknownFormat shows one that would work."""
    mapping = mapping or _mapping_beside(path)
    if mapping.layout == "long":
        yield from read_long_table(path, mapping=mapping)
    else:
        yield read_table(path, mapping=mapping)


def _mapping_beside(path: Path) -> Mapping:
    beside = find_mapping(path)
    if beside is not None:
        return load_mapping(beside)
    columns = list(column_names(path))
    channel, value = long_columns(columns)
    example = suggest_long(columns, _examples(path, columns, channel)) if channel and value else suggest(columns)
    raise UnknownFormat(
        f"{path}: a table with columns {', '.join(map(repr, columns[:12]))} needs a mapping that says what they are;"
        f" write {path.name}.json, for example: {example}"
    )


def read_table(path: str | Path, *, mapping: Mapping) -> Recording:
    """Return the recording in a table whose columns the mapping explains."""
    path = Path(path)
    if any(column.rate_hz or column.time for column in mapping.channels.values()):
        raise BadConfiguration("channels of a wide table share their rows; give rate_hz or time once for all of them")
    rows = _rows(path, mapping)
    found = Assembly(path=path)
    return _finish(found, mapping, add_rows(found, rows, mapping), participant=mapping.participant)


def read_long_table(path: str | Path, *, mapping: Mapping) -> Iterator[Recording]:
    """Yield the recording of every participant in a long table."""
    path = Path(path)
    rows = _rows(path, mapping)
    for share, notes in split(path, rows, mapping):
        found = Assembly(path=path)
        found.note(*notes)
        yield _finish(found, mapping, add_share(found, share, rows, mapping), participant=share.participant)


def _rows(path: Path, mapping: Mapping) -> Rows:
    rows = parse_rows(path, mapping)
    if rows.num_rows == 0:
        raise BadRecording(path, 0, "a table without rows")
    return rows


def _finish(found: Assembly, mapping: Mapping, axis: TimeAxis, *, participant: str) -> Recording:
    path = found.path
    offset, notes = _offset(path, mapping) if axis.clock == "utc" else (None, ())
    found.note(*notes)
    return found.finish(
        participant=participant or stem(path),
        name=mapping.recording or stem(path),
        clock=axis.clock,
        utc_offset_s=axis.utc_offset_s if offset is None else offset,
        device=mapping.device,
        source=f"csv: {path.name}",
        facts=mapping.facts,
    )


def _examples(path: Path, columns: list[str], name: str) -> list[str]:
    """Return some cells of a column, each once."""
    if peek(path).startswith(PARQUET):
        cells = next(open_parquet(path).iter_batches(batch_size=_EXAMPLES, columns=[name]), None)
        return list(dict.fromkeys(str(cell) for cell in (cells.column(0).to_pylist() if cells else ())))
    rows = [cells_of(line, delimiter_of(peek(path))) for line in lines_of(peek(path))[1:_EXAMPLES]]
    return list(dict.fromkeys(row[columns.index(name)] for row in rows if len(row) == len(columns)))


def column_names(path: Path) -> tuple[str, ...]:
    """Return the names of a table's columns without reading its samples; numbered if its first row is numbers."""
    if peek(path).startswith(PARQUET):
        return tuple(open_parquet(path).schema_arrow.names)
    cells = cells_of(lines_of(peek(path))[0], delimiter_of(peek(path)))
    if all(re.fullmatch(NUMBER, cell) for cell in cells):
        return tuple(str(number) for number in range(len(cells)))
    return tuple(cells)


def recognises(path: Path, head: bytes) -> bool:
    """Return whether this is Parquet, or text whose lines all have the same number of cells."""
    if head.startswith(PARQUET):
        return True
    if not head or path.is_dir() or head.translate(None, _TEXT) != b"":
        return False
    own = find_mapping(path)
    return (own is not None and own.stem == path.name) or _is_even(lines_of(head)[:50])


def _is_even(lines: list[str]) -> bool:
    """Return whether most lines have the same number of cells, more than one unless all are numbers."""
    if len(lines) < 2:
        return False
    if all(re.fullmatch(NUMBER, line) for line in lines[1:]):
        return True
    counts = [[len(cells_of(line, delimiter)) for line in lines] for delimiter in DELIMITERS]
    return any(row[-1] > 1 and row.count(row[-1]) >= 0.9 * len(row) for row in counts)


def _offset(path: Path, mapping: Mapping) -> tuple[int | None, tuple[str, ...]]:
    """Return local time minus UTC as the first row of a text table writes it, None for none; and a note if the last differs."""
    head = peek(path)
    lines = lines_of(head)[mapping.skip_rows + mapping.header + mapping.unit_rows :]
    if head.startswith(PARQUET) or not lines or mapping.time is None or mapping.time.unit != "iso":
        return None, ()
    delimiter = mapping.delimiter or delimiter_of(head)
    place = names_of(path, mapping, delimiter).index(mapping.time.column)
    tail = lines_of(load(path)[-_TAIL:].tobytes())
    first, last = (_written_offset(cells_of(line, delimiter), place) for line in (lines[0], tail[-1]))
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
    explained=read,
)
