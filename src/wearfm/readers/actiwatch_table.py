"""Tables of epochs: exports of Actiware in any language, and the tables of MESA and other NSRR cohorts in the same columns.

The header of an export is told apart by the order of its lines, as their labels are translated; columns by their words.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration, BadRecording
from wearfm.readers.actiwatch_awd import MOST_AGE
from wearfm.readers.assembly import Assembly, on_grid, runs
from wearfm.readers.base import load, stem
from wearfm.readers.columns import numbers
from wearfm.readers.labels import Meaning
from wearfm.readers.stamps import date_ns, offset_s, undated
from wearfm.readers.subject import code
from wearfm.signals.clock import Grid
from wearfm.signals.quality_record import Finding
from wearfm.signals.recording import SECOND, Clock, Fact, Recording
from wearfm.signals.spans import Spans

DAY_NS = 86_400 * SECOND
_ROLES = {  # role -> words of its column: English, Dutch, German, French, Spanish
    "line": r"line|lijn|regel|zeile|ligne|línea",
    "date": r"date|datum|fecha",
    "time": r"time|tijd|zeit|uhrzeit|heure|hora|linetime",
    "off": r"off-?wrist( status)?|status niet-om-pols|.*handgelenk.*|.*poignet.*|.*muñeca.*",
    "activity": r"activity|activiteit|aktivität|activité|actividad",
    "marker": r"marker|markering|markierung|marqueur|marcador",
    "white": r"white ?light|wit licht|weißes licht|lumière blanche|luz blanca",
    "red": r"red ?light|rood licht|rotes licht|lumière rouge|luz roja",
    "green": r"green ?light|groen licht|grünes licht|lumière verte|luz verde",
    "blue": r"blue ?light|blauw licht|blaues licht|lumière bleue|luz azul",
    "wake": r"sleep/wake|slapen/waken|schlaf/wach|sommeil/éveil|sueño/vigilia|wake",
    "interval": r"interval( ?status)?|intervalstatus|intervallstatus|état de l.intervalle|estado del intervalo",
    "day": r"daybymidnight",
    "person": r"(mesa|sof|mros|nsrr)id",
}
_INTERVALS = {
    "active": ("active", "actief", "aktiv", "actif", "activo"),
    "rest": ("rest", "rust", "ruhe", "repos", "descanso"),
    "sleep": ("rest-s", "rust-s", "ruhe-s", "repos-s", "sleep", "slaap", "schlaf", "sommeil", "sueño"),
    "excluded": ("excluded", "uitgezonderd", "ausgeschlossen", "exclu", "excluido"),
}
_INTERVAL_OF = {word: name for name, words in _INTERVALS.items() for word in words}
_SEX = {"male": "M", "man": "M", "männlich": "M", "m": "M", "female": "F", "vrouw": "F", "weiblich": "F", "f": "F"}
_FIRST_ROW = re.compile(rb'^"?1"?[,;\t]"?\d{1,4}[-./]\d{1,2}[-./]\d{1,4}"?[,;\t]"?\d{1,2}:\d\d(?::\d\d)?', re.MULTILINE)
_FIRST_TIME = re.compile(rb'^"?[\w-]{1,20}"?,"?\d{1,6}"?,"?\d{1,2}:\d\d:\d\d', re.MULTILINE)
_CLOCK = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d))?(?:\s*([AaPp])\.?\s?[Mm]\.?)?")
_TITLE = "Actiware"


@dataclass(frozen=True, kw_only=True)
class About:
    """What the lines above the table tell. utc_offset_s: None if they do not."""

    person: str
    device: str
    utc_offset_s: int | None
    facts: dict[str, Fact]


def is_table(head: bytes) -> bool:
    """Return whether this is an export of Actiware, or a table with the columns of one."""
    text = plain(head)
    if _TITLE.encode() in text[:200] and b"--------" in text:
        return True
    roles = set(_roles(text.split(b"\n", 1)[0]).values())
    return {"time", "activity", "line"} <= roles and bool({"day", "person"} & roles)


def plain(content: bytes) -> bytes:
    """Return text as UTF-8 without a byte order mark; Windows programs write UTF-16 and Latin-1 as well."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace").encode()
    try:
        return content.decode("utf-8-sig").encode()
    except UnicodeDecodeError:
        return content.removeprefix(b"\xef\xbb\xbf").decode("latin-1").encode()


def read_table(path: Path) -> Recording:
    """Return the recording of a table of epochs."""
    content = plain(load(path).tobytes())
    rows = [*_FIRST_ROW.finditer(content)] or [*_FIRST_TIME.finditer(content)][:1]
    if not rows:
        raise BadRecording(path, 0, "no table of epochs; export it with the epoch-by-epoch data")
    first = rows[-1]  # an earlier one is that of the markers
    above = content[: first.start()].decode()
    found = Assembly(path=path)
    columns, lost = _parse(path, content[first.start() :], _header(above))
    about = _about(above, columns)
    stamps, clock = _stamps(found, columns, about)
    keep = stamps != _NO_TIME
    if not keep.any():
        raise BadRecording(path, first.start(), "no row has a date and a time that can be read")
    kept = {role: column.filter(pa.array(keep)) for role, column in columns.items()}
    grid = found.grid(stamps[keep] - (SECOND * (about.utc_offset_s or 0) if clock == "utc" else 0))
    dropped = ((lost, "row with too few or too many cells"), (int(np.count_nonzero(~keep)), "row without a readable time"))
    findings = tuple(Finding(action="dropped", samples=n, reason=reason) for n, reason in dropped if n)
    _add_channels(found, kept, grid, findings)
    _add_spans(found, kept, grid)
    return found.finish(
        participant=about.person or stem(path),
        name=stem(path),
        clock=clock,
        utc_offset_s=about.utc_offset_s if clock == "utc" else None,
        device=about.device or "Actiwatch",
        source=f"actiwatch: {path.name}",
        facts=about.facts,
    )


_NO_TIME = np.iinfo(np.int64).min


def _header(above: str) -> dict[int, str]:
    lines = [line for line in above.splitlines() if line.strip(', ;\t"')]
    return _roles(lines[-1].encode()) if lines else {}


def _roles(line: bytes) -> dict[int, str]:
    """Return place -> role of the columns that a header names."""
    found: dict[int, str] = {}
    for place, cell in enumerate(_cells(line.decode(errors="replace"))):
        name = cell.lower()
        role = next((role for role, words in _ROLES.items() if re.fullmatch(words, name)), "")
        if role and role not in found.values():
            found[place] = role
    return found


def _cells(line: str) -> list[str]:
    delimiter = max(",;\t", key=line.count)
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), [])]
    except csv.Error:
        return []


def _parse(path: Path, table: bytes, roles: dict[int, str]) -> tuple[dict[str, pa.ChunkedArray], int]:
    """Return role -> column, and how many rows had the wrong number of cells."""
    if "activity" not in roles.values() or "time" not in roles.values():
        raise BadRecording(path, 0, f"columns {sorted(roles.values())} are known; a table of epochs has time and activity")
    line = table.split(b"\n", 1)[0].decode(errors="replace").rstrip("\r")
    names = [roles.get(place, f"({place})") for place in range(len(_cells(line)))]
    if line.endswith(",") and not table.rstrip().endswith(b","):
        table = table.rstrip() + b","  # Actiware forgets the last comma of the last row
    lost: list[object] = []

    def skip(row: object) -> str:
        lost.append(row)
        return "skip"

    text = ("date", "time", "interval", "person")
    try:
        read = pyarrow.csv.read_csv(
            pa.BufferReader(table),
            read_options=pyarrow.csv.ReadOptions(column_names=names),
            parse_options=pyarrow.csv.ParseOptions(delimiter=max(",;\t", key=line.count), invalid_row_handler=skip),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(text, pa.string()),
                include_columns=sorted(set(names) & set(roles.values())),
                null_values=["", "NaN", "nan", "NA"],
                strings_can_be_null=True,
                decimal_point="," if re.search(rb'"-?\d+,\d+"', table[:100_000]) else ".",
            ),
        )
    except (pa.ArrowException, KeyError) as error:
        raise BadRecording(path, 0, f"not a table: {str(error).splitlines()[0]}") from error
    if "activity" not in read.column_names or "time" not in read.column_names:
        raise BadRecording(path, 0, "the first row of the table is shorter than its header")
    return dict(zip(read.column_names, read.columns, strict=True)), len(lost)


def _about(above: str, columns: dict[str, pa.ChunkedArray]) -> About:
    """Return what the first two sections say, by the order of their lines; names and addresses are not looked at."""
    sections = re.split(r"^.*-{8,}.*$", above, flags=re.MULTILINE)
    if len(sections) < 3:
        person = columns["person"][0].as_py() if "person" in columns and len(columns["person"]) else ""
        return About(person=code(person or ""), device="", utc_offset_s=None, facts={})
    subject, device = ([_cells(line) for line in part.splitlines() if line.strip(', \t;"')] for part in sections[1:3])
    cell = dict(enumerate(row[1] if len(row) > 1 else "" for row in subject))
    facts: dict[str, Fact] = {}
    if sex := _SEX.get(cell.get(6, "").lower()):
        facts["sex"] = sex
    age = cell.get(9, "")
    if re.fullmatch(r"\d{1,3}", age) and 0 < int(age) <= MOST_AGE:
        facts["age_years"] = float(age)
    values = [row[1] for row in device if len(row) > 1]
    offset = next((value for value in values if re.fullmatch(r"[+-]\d\d:\d\d", value)), "")
    model = values[0] if values and re.fullmatch(r"[\w .+-]{1,40}", values[0]) else ""
    return About(
        person=code(cell.get(0, "")),
        device=model if model.startswith("Actiwatch") or not model else f"Actiwatch {model}",
        utc_offset_s=offset_s(offset),
        facts=facts,
    )


def _stamps(found: Assembly, columns: dict[str, pa.ChunkedArray], about: About) -> tuple[NDArray[np.int64], Clock]:
    """Return the start of each row on the wall clock, (N,), `_NO_TIME` for none, and the clock it is on."""
    of_day = _each(columns["time"], _time_of_day_ns)
    if "date" not in columns:
        return _by_day(found.path, columns, of_day), "relative"
    day = _days(found, columns["date"])
    has_time = (of_day != _NO_TIME) & (day != _NO_TIME)
    stamps = np.where(has_time, np.where(has_time, day, 0) + np.where(has_time, of_day, 0), _NO_TIME)
    if not has_time.any():
        return stamps, "relative"
    first = int(stamps[has_time][0])
    start, clock = undated(first)
    if clock == "relative":
        found.note("the dates cannot be true, or which is day and which is month: only times of day are kept")
        return np.where(has_time, stamps - first + start, _NO_TIME), clock
    return stamps, "local" if about.utc_offset_s is None else "utc"


def _by_day(path: Path, columns: dict[str, pa.ChunkedArray], of_day: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return times since the first midnight: by the column that counts days, else by the clock's passing midnight."""
    has_time = of_day != _NO_TIME
    if "day" in columns:
        day, missing = _cells_of(path, "day", columns["day"])
        has_time &= True if missing is None else ~missing
        number = np.clip(day.astype(np.float64), 1, 10_000).astype(np.int64) - 1
    else:
        number = np.concatenate(([0], np.cumsum(np.diff(of_day) < 0)))
    return np.where(has_time, number * DAY_NS + np.where(has_time, of_day, 0), _NO_TIME)


def _days(found: Assembly, column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Return midnight of each row's date: of the orders of day, month and year the one in which days follow each other."""
    written = [text for text in column.unique().to_pylist() if text]
    tried = {}
    for form in ("%Y-%m-%d", "%d-%m-%Y", "%m-%d-%Y", "%d-%m-%y", "%m-%d-%y"):
        days = [_day_ns(text, form) for text in written]
        steps = np.diff(np.array([day for day in days if day != _NO_TIME], dtype=np.int64))
        tried[form] = (days.count(_NO_TIME), int(np.count_nonzero((steps <= 0) | (steps > 31 * DAY_NS))), int(abs(steps).sum()))
    best = min(tried.values())
    forms = [form for form, score in tried.items() if score == best]
    if len({tuple(_day_ns(text, form) for text in written) for form in forms}) > 1:
        found.note(f"{written[0]!r} may be day and month or month and day")
        return _each(column, lambda text: _day_ns(text, forms[0]) % DAY_NS if _day_ns(text, forms[0]) != _NO_TIME else _NO_TIME)
    return _each(column, lambda text: _day_ns(text, forms[0]))


def _day_ns(text: str, form: str) -> int:
    try:
        at = date_ns(re.sub(r"[/.]", "-", text), form)[0]
    except BadConfiguration:
        return _NO_TIME
    return at if abs(at) < 2**62 else _NO_TIME


def _time_of_day_ns(text: str) -> int:
    match = _CLOCK.fullmatch(text.strip())
    if match is None:
        return _NO_TIME
    hour = int(match[1]) if match[4] is None else int(match[1]) % 12 + 12 * (match[4] in "Pp")
    return (hour * 3600 + int(match[2]) * 60 + int(match[3] or 0)) * SECOND if hour < 24 else _NO_TIME


def _each(column: pa.ChunkedArray, parse: Callable[[str], int]) -> NDArray[np.int64]:
    """Return what each text means, parsing every different one once; `_NO_TIME` for an empty cell."""
    encoded = column.combine_chunks().dictionary_encode()
    encoded = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
    meaning = np.array([*(parse(text) for text in encoded.dictionary.to_pylist()), _NO_TIME], dtype=np.int64)
    return np.asarray(meaning[np.asarray(encoded.indices.fill_null(-1))], dtype=np.int64)


def _add_channels(found: Assembly, rows: dict[str, pa.ChunkedArray], grid: Grid, findings: tuple[Finding, ...]) -> None:
    off = _flag(rows, "off")
    for role, label, name, unit in (
        ("activity", "activity", "counts", "count"), ("white", "white light", "light", "lux"),
        ("red", "red light", "other", "au"), ("green", "green light", "other", "au"), ("blue", "blue light", "other", "au"),
    ):  # fmt: skip
        if role not in rows:
            continue
        samples, missing = _cells_of(found.path, label, rows[role])
        empty = np.zeros(len(samples), dtype=bool) if missing is None else missing
        found.add(
            on_grid(
                grid,
                samples,
                label=label,
                meaning=Meaning(modality=name, unit=unit, placement="wrist"),
                missing=empty | off,
                missing_reason="off the wrist, or not measured",
                findings=findings,
            )
        )


def _cells_of(path: Path, name: str, column: pa.ChunkedArray) -> tuple[NDArray[np.generic], NDArray[np.bool_] | None]:
    try:
        return numbers(column)
    except BadConfiguration as error:
        raise BadRecording(path, 0, f"column {name!r}: {error}") from error


def _add_spans(found: Assembly, rows: dict[str, pa.ChunkedArray], grid: Grid) -> None:
    """Add markers, and runs of sleep and wake, of intervals and off the wrist."""
    step = SECOND / grid.rate_hz
    for row in grid.position[grid.keep & _flag(rows, "marker")].tolist():
        found.events.append(("tag", grid.start_ns + round(row * step), 0, "", float("nan")))
    codes = {"off_wrist": np.where(_flag(rows, "off"), 0, -1)}
    labels = {"off_wrist": [""], "sleep_stage": ["asleep", "W"], "interval": [*_INTERVALS]}
    if "wake" in rows:
        codes["sleep_stage"] = np.where(_flag(rows, "wake"), 1, np.where(_flag(rows, "wake", value="0"), 0, -1))
    if "interval" in rows:
        places = {name: place for place, name in enumerate(_INTERVALS)}
        codes["interval"] = _each(rows["interval"], lambda text: places.get(_INTERVAL_OF.get(text.strip().lower(), ""), -1))
    for kind, states in codes.items():
        laid = np.asarray(grid.lay(np.maximum(states, -1)), dtype=np.int64)
        for start, stop, which in runs(laid, within=grid.present & Spans.from_mask(laid >= 0)):
            onset, end = (grid.start_ns + round(at * step) for at in (start, stop))
            found.events.append((kind, onset, end - onset, labels[kind][int(which)], float("nan")))


def _flag(rows: dict[str, pa.ChunkedArray], role: str, *, value: str = "1") -> NDArray[np.bool_]:
    """Return where a column says 1, or another value."""
    if role not in rows:
        return np.zeros(len(rows["activity"]), dtype=bool)
    return np.asarray(pc.equal(rows[role].cast(pa.string()), value).fill_null(False).combine_chunks())
