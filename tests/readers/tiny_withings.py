"""A tiny folder of a Withings export, written by hand."""

from __future__ import annotations

from pathlib import Path

HEAD = "start,duration,value\n"
WITHINGS = {
    "raw_sleep-monitor_hr.csv": HEAD + '2020-10-23T22:08:00+02:00,[60],[65]\n2020-10-23T22:03:00+02:00,"[60,60]","[66,64]"\n',
    "raw_sleep-monitor_sleep-state.csv": HEAD
    + '2020-10-23T22:03:00+02:00,"[60,60]","[0,1]"\n2020-10-23T22:05:00+02:00,"[60,60]","[1,3]"\n',
    "raw_sleep-monitor_snoring.csv": HEAD + '2020-10-23T22:03:00+02:00,"[60,60]","[0,100]"\n',
    "raw_tracker_steps.csv": HEAD + '2020-10-23T21:00:30+02:00,"[60,60]","[30,12]"\n',
    "sleep.csv": 'von,bis,"leicht (s)","tief (s)","rem (s)","wach (s)",Aufwachen\n'
    "2020-10-23T22:03:00+02:00,2020-10-23T22:09:00+02:00,180,0,60,60,1\n",
}


def write_withings_hr(folder: Path) -> Path:
    """The three minutes of heart rate alone."""
    path = folder / "P07"
    path.mkdir()
    (path / "raw_sleep-monitor_hr.csv").write_text(WITHINGS["raw_sleep-monitor_hr.csv"])
    return path


def write_withings(folder: Path) -> Path:
    """Three minutes of heart rate, four of sleep, 42 steps and the night, all two hours ahead of UTC."""
    path = folder / "P07"
    path.mkdir()
    for name, text in WITHINGS.items():
        (path / name).write_text(text)
    return path
