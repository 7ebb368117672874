"""Tiny exports of Fitbit (Takeout) and of Fitabase, written by hand."""

from __future__ import annotations

import json
from pathlib import Path

HEART = [
    {"dateTime": "03/18/20 07:00:05", "value": {"bpm": 61, "confidence": 2}},
    {"dateTime": "03/18/20 07:00:10", "value": {"bpm": 62, "confidence": 3}},
]
STEPS = [{"dateTime": f"03/18/20 07:0{minute}:00", "value": str(count)} for minute, count in ((0, 12), (1, 0), (4, 30))]
NIGHT = {
    "logId": 7, "dateOfSleep": "2020-03-18", "startTime": "2020-03-17T23:59:00.000", "endTime": "2020-03-18T00:10:00.000",
    "levels": {
        "data": [
            {"dateTime": "2020-03-17T23:59:00.000", "level": "wake", "seconds": 60},
            {"dateTime": "2020-03-18T00:00:00.000", "level": "light", "seconds": 300},
            {"dateTime": "2020-03-18T00:05:00.000", "level": "rem", "seconds": 300},
        ],
        "shortData": [{"dateTime": "2020-03-18T00:02:00.000", "level": "wake", "seconds": 30}],
    },
}  # fmt: skip


def write_takeout(folder: Path, *, night: bool = True, **others: object) -> Path:
    """Two heart rates and 42 steps in three minutes; a night with a short waking if wanted, and other files by quantity."""
    path = folder / "P07" / "Takeout" / "Fitbit" / "Global Export Data"
    path.mkdir(parents=True)
    held: dict[str, object] = {"heart_rate": HEART, "steps": STEPS, **({"sleep": [NIGHT]} if night else {}), **others}
    for quantity, entries in held.items():
        (path / f"{quantity}-2020-03-18.json").write_text(json.dumps(entries, indent=1))
    return path


def write_takeout_steps(folder: Path) -> Path:
    """The steps alone, in a folder that says whose they are."""
    path = folder / "P07"
    path.mkdir()
    (path / "steps-2020-03-18.json").write_text(json.dumps(STEPS, indent=1))
    return path


FITABASE = {
    "minuteStepsNarrow_merged.csv": "Id,ActivityMinute,Steps\n"
    "1503960366,4/12/2016 12:00:00 AM,0\n1503960366,4/12/2016 12:01:00 AM,9\n1503960366,4/12/2016 12:03:00 AM,7\n",
    "heartrate_seconds_merged.csv": "Id,Time,Value\n1503960366,4/12/2016 12:00:05 AM,60\n1503960366,4/12/2016 12:00:10 AM,0\n",
    "minuteSleep_merged.csv": "Id,date,value,logId\n"
    "1503960366,4/12/2016 2:47:30 AM,3,11\n1503960366,4/12/2016 2:48:30 AM,1,11\n1503960366,4/12/2016 2:49:30 AM,1,11\n",
}


def write_fitabase_minutes(folder: Path) -> Path:
    """A folder with the minutes of one person in the narrow form, heart rates and a little sleep."""
    path = folder / "study"
    path.mkdir()
    for name, text in FITABASE.items():
        (path / name).write_text(text)
    return path


def write_fitabase_steps(folder: Path) -> Path:
    """The table of steps alone."""
    path = folder / "study"
    path.mkdir()
    (path / "minuteStepsNarrow_merged.csv").write_text(FITABASE["minuteStepsNarrow_merged.csv"])
    return path
