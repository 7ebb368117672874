"""NHANES actigraphy: a week of minutes of a survey of the people of the United States, 2003 to 2006 and 2011 to 2014.

| cycle | file | device | in the recording, a minute each |
|---|---|---|---|
| 2011 to 2014 (`_G`, `_H`) | `PAXMIN_*.XPT` | ActiGraph GT3X+, wrist | `counts`: MIMS of three axes; `light`: mean lux |
| 2003 to 2006 (`_C`, `_D`) | `PAXRAW_*.XPT` | ActiGraph AM-7164, right hip | `counts`: activity counts of one axis |

MIMS (Monitor-Independent Movement Summary, John et al. 2019) are no counts of ActiGraph and not on their scale; they share
the modality because both are sums of movement over a minute. A participant is the respondent (`SEQN`), who is in one cycle
only. Age and sex come from `DEMO_*.XPT` as facts (80 stands for 80 and older; 85 in the early cycles).

**Wear.** From 2011 on every minute has a prediction: awake, asleep, not worn, unknown. It becomes events `wear`; minutes
"not worn" are not valid, nor are those whose MIMS could not be computed (-0.01 in the file). The earlier cycles have
none: there zeros of the drawer stand among zeros of the night, and only the saturated minute (32767) is taken out.
Facts `is_reliable` and `is_calibrated` hold what the survey thinks of those.

**Time.** Published are the day of the week and the time of day, never the date. Recordings have local times in the first
week of their cycle's first year: weekday and time of day are true, the date is not. From 2011 on the start stands in
`PAXHD_*.XPT`; without it the clock is relative.

Files are read in blocks, a person at a time (they have 8 GB). **Not read**: the single axes, the quality flags (a note
counts the flagged minutes), steps of 2005-2006, the raw 80 Hz. Layout as the code books describe it, not seen; the format
is SAS transport (`readers.xport`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wearfm.datasets.base import Address, Dataset, integers, only, spells
from wearfm.errors import BadRecording
from wearfm.readers.assembly import Assembly, on_grid
from wearfm.readers.labels import Meaning
from wearfm.readers.xport import Transport, blocks, open_transport, texts
from wearfm.signals.clock import Grid
from wearfm.signals.minutes.features import MINUTE_HZ
from wearfm.signals.recording import SECOND, Fact, Recording

Columns = dict[str, NDArray[np.float64]]

YEARS = {"C": 2003, "D": 2005, "G": 2011, "H": 2013}
WEAR = {1: "awake", 2: "asleep", 3: "not worn", 4: "unknown"}
NOT_WORN, NOT_COMPUTED = 3, 0.0  # code; MIMS below it were not computed
_SATURATED = 32_767.0
_SAMPLES = 80 * 60  # of a minute at 80 Hz, in which PAXSSNMP counts
_SEXES: dict[float, Fact] = {1.0: "male", 2.0: "female"}
_MINUTE_NS = 60 * SECOND
_MINUTES = ("SEQN", "PAXSSNMP", "PAXMTSM", "PAXLXMM", "PAXPREDM", "PAXQFM")
_RAW = ("SEQN", "PAXSTAT", "PAXCAL", "PAXDAY", "PAXN", "PAXHOUR", "PAXMINUT", "PAXINTEN")


def recordings(folder: Path) -> Iterator[Recording]:
    """Yield the week of every person under a folder, with predicted wear as events and age and sex as facts."""
    found = (path for path in _files(folder) if path.stem.upper().startswith(("PAXMIN_", "PAXRAW_")))
    for path in only(found, what="minutes (PAXMIN_G.XPT or PAXRAW_C.XPT)", folder=folder):
        kind, _, cycle = path.stem.upper().partition("_")
        if cycle not in YEARS:
            raise BadRecording(path, 0, f"cycle {cycle!r} is not one of {', '.join(YEARS)}")
        facts = _people(folder, cycle)
        starts = _starts(folder, cycle)
        for person, columns in people(path, _MINUTES if kind == "PAXMIN" else _RAW):
            if kind == "PAXMIN":
                yield _from_minutes(path, person, columns, facts.get(person, {}), starts.get(person))
            else:
                yield _from_raw(path, person, columns, facts.get(person, {}), year=YEARS[cycle])


def people(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, Columns]]:
    """Yield (person, columns) of a file whose rows are sorted by person, block by block."""
    kept: list[Columns] = []
    for block in blocks(open_transport(path), columns):
        edges = [0, *(np.flatnonzero(np.diff(block["SEQN"])) + 1).tolist(), len(block["SEQN"])]
        for first, stop in pairwise(edges):
            piece = {name: values[first:stop] for name, values in block.items()}
            if kept and kept[-1]["SEQN"][0] != piece["SEQN"][0]:
                yield _joined(kept)
                kept = []
            kept.append(piece)
    yield _joined(kept)


def _joined(pieces: list[Columns]) -> tuple[int, Columns]:
    whole = {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}
    return round(float(np.nan_to_num(whole["SEQN"][0]))), whole


def _from_minutes(path: Path, person: int, columns: Columns, facts: dict[str, Fact], start_ns: int | None) -> Recording:
    found = Assembly(path=path)
    grid = _grid(found, columns["PAXSSNMP"] / _SAMPLES, start_ns or 0)
    wear = columns["PAXPREDM"]
    for label, modality, unit, values, missing, reason in (
        ("MIMS", "counts", "count", columns["PAXMTSM"], columns["PAXMTSM"] < NOT_COMPUTED, "MIMS could not be computed"),
        ("light", "light", "lux", columns["PAXLXMM"], np.zeros(len(wear), dtype=bool), ""),
    ):
        off = wear == NOT_WORN
        found.add(
            on_grid(
                grid,
                values,
                label=label,
                meaning=Meaning(modality=modality, unit=unit, placement="wrist"),
                missing=off | missing,
                missing_reason=f"predicted not worn, or {reason}" if reason else "predicted not worn",
            )
        )
    codes = np.zeros(grid.length, dtype=np.int64)
    codes[grid.position[grid.keep]] = integers(np.nan_to_num(wear[grid.keep]), path=path, what="wear")
    found.events.extend(spells("wear", codes, WEAR, rate_hz=grid.rate_hz, start_ns=grid.start_ns))
    flagged = int(np.count_nonzero(columns["PAXQFM"] > 0))
    if flagged:
        found.note(f"{flagged} minutes carry a quality flag; they are read")
    return _finish(found, path, person, facts, device="ActiGraph GT3X+", is_dated=start_ns is not None)


def _from_raw(path: Path, person: int, columns: Columns, facts: dict[str, Fact], *, year: int) -> Recording:
    found = Assembly(path=path)
    begins = np.array([columns[name][0] for name in ("PAXDAY", "PAXHOUR", "PAXMINUT")])
    day, hour, minute = (int(value) for value in integers(begins, path=path, what="day, hour or minute"))
    if not (1 <= day <= 7 and 0 <= hour < 24 and 0 <= minute < 60):
        raise BadRecording(path, 0, f"person {person} begins on day {day} at {hour}:{minute}; days are 1 (Sunday) to 7")
    start_ns = _week_ns(year, day - 1) + (hour * 60 + minute) * _MINUTE_NS
    grid = _grid(found, columns["PAXN"] - columns["PAXN"][0], start_ns)
    counts = columns["PAXINTEN"]
    found.add(
        on_grid(
            grid,
            integers(np.nan_to_num(counts, nan=-1), path=path, what="a count"),
            label="counts",
            meaning=Meaning(modality="counts", unit="count", placement="hip"),
            missing=counts == _SATURATED,
            missing_reason="32767: the counter was full",
        )
    )
    facts = facts | {"is_reliable": float(columns["PAXSTAT"][0] == 1), "is_calibrated": float(columns["PAXCAL"][0] == 1)}
    return _finish(found, path, person, facts, device="ActiGraph AM-7164", is_dated=True)


def _grid(found: Assembly, minutes: NDArray[np.float64], start_ns: int) -> Grid:
    after_ns = integers(np.rint(minutes) * _MINUTE_NS, path=found.path, what="the number of the minute")
    return found.grid(start_ns + after_ns, rate_hz=MINUTE_HZ)


def _finish(found: Assembly, path: Path, person: int, facts: dict[str, Fact], *, device: str, is_dated: bool) -> Recording:
    found.note("weekday and time of day are true, the date is not published" if is_dated else "no start in PAXHD: no clock")
    return found.finish(
        participant=f"nhanes:{person}",
        name="week",
        clock="local" if is_dated else "relative",
        device=device,
        source=path.name,
        facts=facts,
    )


def _week_ns(year: int, weekday: int) -> int:
    """Return midnight of a weekday (0 is Sunday) in the first full week of a year."""
    first = datetime(year, 1, 1, tzinfo=UTC)
    sunday = first + timedelta(days=(6 - first.weekday()) % 7)
    return int((sunday + timedelta(days=weekday)).timestamp()) * SECOND


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() == ".xpt")


def _people(folder: Path, cycle: str) -> dict[int, dict[str, Fact]]:
    """Return age and sex of every person of a cycle; none where DEMO is not there."""
    facts: dict[int, dict[str, Fact]] = {}
    for path in (each for each in _files(folder) if each.stem.upper() == f"DEMO_{cycle}"):
        for block in blocks(open_transport(path), ("SEQN", "RIAGENDR", "RIDAGEYR")):
            rows = zip(block["SEQN"].tolist(), block["RIAGENDR"].tolist(), block["RIDAGEYR"].tolist(), strict=True)
            facts |= {int(person): _facts({"sex": _SEXES.get(sex), "age_years": age}) for person, sex, age in rows}
    return facts


def _facts(known: Mapping[str, Fact | None]) -> dict[str, Fact]:
    return {name: value for name, value in known.items() if value is not None and value == value}  # not NaN


def _starts(folder: Path, cycle: str) -> dict[int, int]:
    """Return when the device of every person began, from PAXHD: weekday (1 is Sunday) and time of day."""
    starts: dict[int, int] = {}
    for path in (each for each in _files(folder) if each.stem.upper() == f"PAXHD_{cycle}"):
        transport = open_transport(path)
        person = np.concatenate([block["SEQN"] for block in blocks(transport, ("SEQN",))])
        rows = zip(person.tolist(), _days(transport), texts(transport, "PAXFTIME"), strict=True)
        for number, day, clock in rows:
            parts = clock.split(":")
            if 1 <= day <= 7 and len(parts) == 3 and all(part.isdigit() for part in parts):
                seconds = int(parts[0]) * 3600 + int(parts[1]) * 60 + int(parts[2])
                starts[int(number)] = _week_ns(YEARS[cycle], day - 1) + seconds * SECOND
    return starts


def _days(transport: Transport) -> list[int]:
    """Return the first day of every person, 1 to 7, 0 where there is none; the column is of text or of numbers."""
    if (variable := transport.variables.get("PAXFDAY")) and not variable.is_number:
        return [int(text) if text.isdigit() else 0 for text in texts(transport, "PAXFDAY")]
    days = np.concatenate([block["PAXFDAY"] for block in blocks(transport, ("PAXFDAY",))])
    return [int(day) for day in np.nan_to_num(days).tolist()]


_RELEASES = "https://wwwn.cdc.gov/Nchs/Data/Nhanes/Public"
DATASET = Dataset(
    name="nhanes",
    title="NHANES physical activity monitor, minutes",
    modalities=("counts", "light"),
    folder="actigraphy/nhanes",
    participants=29_307,
    licence="public domain (United States government)",
    citation="Centers for Disease Control and Prevention, National Center for Health Statistics, National Health and Nutrition "
    "Examination Survey data 2003-2014; MIMS: John et al. 2019, JMPB 2(4):268, doi:10.1123/jmpb.2018-0068",
    homepage="https://wwwn.cdc.gov/nchs/nhanes/",
    recordings=recordings,
    layout="""PAXMIN_G.XPT, PAXHD_G.XPT, DEMO_G.XPT     2011-2012
PAXMIN_H.XPT, PAXHD_H.XPT, DEMO_H.XPT     2013-2014
paxraw_c.xpt, DEMO_C.XPT                  2003-2004 (PAXRAW_C.zip, unpacked)
paxraw_d.xpt, DEMO_D.XPT                  2005-2006""",
    size="about 17 GB for 2011-2014",
    addresses=tuple(
        Address(kind="file", url=f"{_RELEASES}/{year}/DataFiles/{name}_{cycle}.xpt", path=f"{name}_{cycle}.XPT")
        for year, cycle in ((2011, "G"), (2013, "H"))
        for name in ("PAXMIN", "PAXHD", "DEMO")
    ),
)
