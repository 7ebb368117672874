"""ARFF, the tables of Weka, with a mapping that says what their attributes are.

Attribute-Relation File Format (`.arff`), gzipped or not: names and types of columns, then rows separated by commas. Recognised
by `@relation` as the first word that is no comment. The columns have names, but neither rate nor unit; a mapping beside the
file gives them, as for tables (see `csv`: `header`, `skip_rows` and `delimiter` are the file's own). Without one, the error
names the attributes and shows a mapping that works.

| in the file | in the recording |
|---|---|
| numeric attributes | `int16` or `int32` where all values are whole, else `float32` |
| nominal attributes, as `[events]` of the mapping | one event for each run of equal values |
| `?` | masked and counted |

**Limits.** Sparse rows (`{1 X, 3 Y}`) are dropped and counted, as they have another number of cells. Facts of the format: Weka
manual 3.8, University of Waikato, 2022.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from wearfm.errors import BadRecording, UnknownFormat
from wearfm.readers.assembly import Assembly
from wearfm.readers.base import Reader, encoding, peek, stem
from wearfm.readers.cells import parse_rows
from wearfm.readers.mapping import Mapping, find_mapping, load_mapping, suggest
from wearfm.readers.rows import add_rows
from wearfm.signals.recording import Recording

_RELATION = re.compile(rb"(\s*(%[^\n]*)?\r?\n)*\s*@relation\b", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""\s*@attribute\s+('[^']*'|"[^"]*"|[^\s{]+)""", re.IGNORECASE)
_SHOWN = 12


def read(path: Path, *, mapping: Mapping | None = None) -> Iterator[Recording]:
    """Yield the recording in a file that has a mapping beside it; UnknownFormat shows one that would work."""
    names, skip_rows = _header(path)
    if mapping is None:
        beside = find_mapping(path)
        if beside is None:
            raise UnknownFormat(
                f"{path}: ARFF with attributes {', '.join(map(repr, names[:_SHOWN]))} needs a mapping that says what they are;"
                f" write {path.name}.json, for example: {suggest(names)}"
            )
        mapping = load_mapping(beside)
    mapping = replace(mapping, header=False, skip_rows=skip_rows, unit_rows=0, delimiter=",")
    rows = parse_rows(path, mapping, names=names)
    if rows.num_rows == 0:
        raise BadRecording(path, 0, "a table without rows")
    found = Assembly(path=path)
    axis = add_rows(found, rows, mapping)
    yield found.finish(
        participant=mapping.participant or stem(path),
        name=mapping.recording or stem(path),
        clock=axis.clock,
        utc_offset_s=axis.utc_offset_s,
        device=mapping.device,
        source=f"arff: {path.name}",
        facts=mapping.facts,
    )


def recognises(path: Path, head: bytes) -> bool:
    """Return whether the first word that is no comment is @relation."""
    return not path.is_dir() and _RELATION.match(head) is not None


def _header(path: Path) -> tuple[list[str], int]:
    """Return the names of the attributes and how many lines lie before the rows."""
    head = peek(path)
    names: list[str] = []
    for number, line in enumerate(head.decode(encoding(head), errors="replace").splitlines()):
        match = _ATTRIBUTE.match(line)
        if match:
            names.append(match[1].strip("'\""))
        if line.strip().lower() == "@data":
            repeated = {name for name in names if names.count(name) > 1}
            return [f"{name} ({place})" if name in repeated else name for place, name in enumerate(names)], number + 1
    raise BadRecording(path, 0, f"{len(names)} attributes, but no @data in the first {len(head)} bytes")


READER = Reader(
    name="arff",
    describes="ARFF, the tables of Weka, with a mapping that names the attributes",
    devices=("any program that writes ARFF",),
    clock="as the mapping says: UTC with the offset that is written, local without a zone, relative without a date",
    suffixes=(".arff",),
    recognises=recognises,
    read=read,
    explained=read,
)
