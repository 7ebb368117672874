"""Fitbit: the JSON files of an account's export (Google Takeout, or Fitbit's own): minutes, heart rate and nights.

Fitbit: the folder `Takeout/Fitbit/Global Export Data` (in older exports `user-site-export`), with a file for each quantity and
day or month. Recognised by such names and by what stands in the files; which quantity minutes are of is told by the file's
name alone.

| file | in the recording |
|---|---|
| `heart_rate-*.json` | events `hr`, every 5 to 15 s; the label is the tracker's confidence, `0` to `3` |
| `steps-*.json` | channel `steps`, by the minute, integers |
| `calories-*.json` | channel `calories` (kcal), by the minute |
| `resting_heart_rate-*.json` | events `hr_at_rest` of a day each |
| `sleep-*.json` | events `sleep_stage`: `W`, `light`, `deep`, `REM`, of older trackers `asleep`, `restless`, `W` |
| `distance-*`, `altitude-*` (units are not in the file), `exercise-*` and others | not read, counted in a note |
| weights (in the unit of the account, which is not in the file), profiles | not read |

Short wakings (`shortData`) are laid over the stage in which they fall.

**Time.** Two clocks, and so two recordings. Nights are on the wall clock of the place (`local`): that is certain, as people who
travel see it (A. Kong, "Fitbit sleep timezone correction", 2023). Minutes and heart rates are in UTC: so users of the export
have found, as remembered; the maker's documents do not say so. Days of resting heart rate go with the nights. The offset
between the two clocks is in no file.

**Broken files.** A file that is no JSON, or holds something else, is left out with a note; entries without a readable time or
value are counted.

**Limits.** Minutes without a step are only there once the tracker was read out; other minutes are not valid. The participant is
the first folder, from within, whose name is not one of the export's.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from wearfm.errors import BadRecording
from wearfm.readers.assembly import Assembly, EventRow, runs
from wearfm.readers.base import Reader, load, peek
from wearfm.readers.labels import Meaning
from wearfm.readers.subject import owner
from wearfm.readers.totals import stamped_minutes
from wearfm.signals.recording import SECOND, Events, Recording
from wearfm.signals.spans import Spans
from wearfm.signals.units import MODALITIES

FIRST_S, LAST_S = 946_684_800, 4_102_444_800  # the years 2000 to 2100
MOST_BYTES = 2**28  # a day of heart rates is 2 MB
LONGEST_NIGHT_S = 48 * 3600
DAY_NS = 86_400 * SECOND
_NAME = re.compile(r"([a-z_]+)-\d{4}-\d\d-\d\d(?:\(\d+\))?\.json", re.IGNORECASE)
_CONTENT = re.compile(rb'\s*\[\s*\{\s*"(dateTime|logId)"\s*:')
_STAMP = re.compile(r"(\d\d)/(\d\d)/(\d\d) (\d\d):(\d\d):(\d\d)")
_MINUTES = {"steps": "count", "calories": "kcal"}
_STAGES = ("W", "light", "deep", "REM", "asleep", "restless")
_LEVELS = {"wake": 0, "awake": 0, "light": 1, "deep": 2, "rem": 3, "asleep": 4, "restless": 5}


@dataclass(kw_only=True, eq=False)
class Export:
    """What the files hold.

    minutes: quantity -> (second, value). rates: confidence -> (second, 1/min). nights: events on the wall clock.
    """

    minutes: dict[str, list[tuple[int, float]]] = field(default_factory=lambda: defaultdict(list))
    rates: dict[str, list[tuple[int, float]]] = field(default_factory=lambda: defaultdict(list))
    nights: list[EventRow] = field(default_factory=list)
    lost: Counter[str] = field(default_factory=Counter)
    unread: Counter[str] = field(default_factory=Counter)


def read(path: Path) -> Iterator[Recording]:
    """Yield the recording of minutes and heart rates, and the one of nights."""
    files = sorted(file for file in path.iterdir() if _is_member(file)) if path.is_dir() else [path]
    export, days = Export(), _Days()
    for file in files:
        _take(export, days, file)
    notes = [f"{count} entries of {what} cannot be read; left out" for what, count in sorted(export.lost.items())]
    others = ", ".join(f"{name} ({count})" for name, count in sorted(export.unread.items()))
    notes += [f"files not read: {others}"] if others else []
    if not (export.minutes or export.rates or export.nights):
        raise BadRecording(path, 0, "; ".join(["nothing that can be read", *notes])[:500])
    name = path.resolve().name if path.is_dir() else path.name.split(".")[0]
    if export.minutes or export.rates:
        found = _minutes(path, export)
        found.note(*notes)
        yield found.finish(participant=owner(path), name="minutes", clock="utc", device="Fitbit", source=f"fitbit: {name}")
    if export.nights:
        found = Assembly(path=path, events=export.nights)
        found.note(*([] if export.minutes or export.rates else notes))
        yield found.finish(participant=owner(path), name="nights", clock="local", device="Fitbit", source=f"fitbit: {name}")


def recognises(path: Path, head: bytes) -> bool:
    """Return whether this is a folder with files of an export, or one of them."""
    if path.is_dir():
        return any(_is_member(file) for file in path.iterdir())
    return _NAME.fullmatch(path.name) is not None and _CONTENT.match(head) is not None


def home(path: Path) -> Path:
    """Return the folder of a member; any other path stands for itself."""
    return path.parent if _is_member(path) else path


def _is_member(path: Path) -> bool:
    if not _NAME.fullmatch(path.name) or not path.is_file():
        return False
    try:
        return _CONTENT.match(peek(path)) is not None
    except BadRecording:
        return False


class _Days(dict[str, int]):
    """The second at which a day of the export begins, by its date ("03/18/20"), looked up once."""

    def __missing__(self, date: str) -> int:
        at = int(datetime.strptime(date, "%m/%d/%y").replace(tzinfo=UTC).timestamp())
        self[date] = at
        return at


def _second(days: _Days, text: object) -> int:
    """Return "03/18/20 07:00:05" as seconds since 1970; ValueError if it is no such time."""
    match = _STAMP.fullmatch(text) if isinstance(text, str) else None
    if match is None or match[4] > "23" or match[5] > "59" or match[6] > "59":
        raise ValueError
    return days[match[0][:8]] + int(match[4]) * 3600 + int(match[5]) * 60 + int(match[6])


def _take(export: Export, days: _Days, file: Path) -> None:
    """Take the entries of a file."""
    match = _NAME.fullmatch(file.name)
    quantity = match[1].lower() if match else ""
    if quantity not in (*_MINUTES, "heart_rate", "resting_heart_rate", "sleep"):
        export.unread[quantity or file.name] += 1
        return
    content = load(file)
    try:
        entries = json.loads(content.tobytes()) if len(content) <= MOST_BYTES else None
    except (ValueError, RecursionError):
        entries = None
    if not isinstance(entries, list):
        export.lost[f"{file.name} (no list in JSON)"] += 1
        return
    for entry in entries:
        try:
            _take_entry(export, days, quantity, entry)
        except (ValueError, TypeError, KeyError, OverflowError):
            export.lost[quantity] += 1


def _take_entry(export: Export, days: _Days, quantity: str, entry: Any) -> None:
    """Take one entry; ValueError, TypeError or KeyError if it is not what it should be."""
    if quantity == "sleep":
        export.nights += _night(entry)
        return
    second, value = _second(days, entry["dateTime"]), entry["value"]
    if quantity == "heart_rate":
        rate, known = _number(value["bpm"]), MODALITIES["hr"]
        if not known.low <= rate <= known.high:
            raise ValueError
        export.rates[str(int(value.get("confidence", 0)))[:1]].append((second, rate))
    elif quantity == "resting_heart_rate":
        rate = _number(value["value"])
        if rate > 0:  # 0 on days without one
            export.nights.append(("hr_at_rest", second * SECOND, DAY_NS, "", rate))
    else:
        export.minutes[quantity].append((second, _number(value)))


def _number(value: object) -> float:
    number = float(value) if isinstance(value, str | int | float) else float("nan")
    if not 0 <= number < 1e6:
        raise ValueError
    return number


def _night(entry: Any) -> list[EventRow]:
    """Return the stages of a night, short wakings laid over them, as runs; times are rounded to seconds."""
    begun = _wall_second(entry["startTime"])
    levels = entry["levels"]
    state = np.full(LONGEST_NIGHT_S, -1, dtype=np.int64)
    last = 0
    for piece in (*levels["data"], *levels.get("shortData", [])):
        start, lasts = _wall_second(piece["dateTime"]) - begun, int(piece["seconds"])
        if not 0 <= start < start + lasts <= LONGEST_NIGHT_S:
            raise ValueError
        state[start : start + lasts] = _LEVELS[piece["level"]]
        last = max(last, start + lasts)
    inside = Spans.from_mask(state[:last] >= 0)
    return [
        ("sleep_stage", (begun + start) * SECOND, (stop - start) * SECOND, _STAGES[int(which)], float("nan"))
        for start, stop, which in runs(state[:last], within=inside)
    ]


def _wall_second(text: str) -> int:
    second = int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())
    if not FIRST_S <= second < LAST_S:
        raise ValueError
    return second


def _minutes(path: Path, export: Export) -> Assembly:
    """Return minutes as channels and heart rates as events."""
    found = Assembly(path=path)
    for quantity, rows in export.minutes.items():
        second, value = (np.array(column) for column in zip(*rows, strict=True))
        meaning = Meaning(modality=quantity, unit=_MINUTES[quantity], placement="wrist")
        found.add(stamped_minutes(second.astype(np.int64) // 60, value, name=quantity, meaning=meaning))
    for confidence, rows in export.rates.items():
        columns = np.array(rows, dtype=np.float64)
        found.blocks.append(
            Events(
                kind=np.full(len(rows), "hr"),
                onset_ns=columns[:, 0].astype(np.int64) * SECOND,
                duration_ns=np.zeros(len(rows), dtype=np.int64),
                label=np.full(len(rows), confidence),
                value=columns[:, 1],
            )
        )
    return found


READER = Reader(
    name="fitbit",
    describes="Fitbit: the JSON files of an account's export (Google Takeout): a folder",
    devices=("Fitbit trackers and watches",),
    clock="minutes and heart rates UTC, nights on the wall clock: a recording for each",
    suffixes=(".json",),
    recognises=recognises,
    read=read,
    home=home,
)
