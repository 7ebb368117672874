"""The two tables of live data of a Garmin watch, written by hand."""

from __future__ import annotations

from pathlib import Path

ACC = "".join(f"2019-10-16T12:09:01.{40 * k:03d}+02:00;{-36 + k};620;-824\n" for k in range(6))
DATA = (
    "2019-10-16T12:08:00.000+02:00;STEPS;299.0\n2019-10-16T12:09:00.500+02:00;HEART_RATE;79.0\n"
    "2019-10-16T12:09:00.750+02:00;HEART_RATE_VARIABILITY;750.0\n2019-10-16T12:09:01.000+02:00;STRESS;7.0\n"
    "2019-10-16T12:09:02.000+02:00;STRESS;-2.0\n2019-10-16T12:09:03.000+02:00;CALORIES;942.0\n"
    "2019-10-16T12:10:00.000+02:00;STEPS;319.0\n2019-10-17T09:00:00.000+02:00;STEPS;20.0\n"
)


def write_garmin_live(folder: Path) -> Path:
    """Six samples of acceleration at 25 Hz, a heart rate, an interval, a stress score and 20 steps in two minutes."""
    path = folder / "P07"
    path.mkdir()
    (path / "acc.csv").write_text(ACC)
    (path / "data.csv").write_text(DATA)
    return path


def write_garmin_acc(folder: Path) -> Path:
    """The acceleration alone."""
    path = folder / "P07"
    path.mkdir()
    (path / "acc.csv").write_text(ACC)
    return path
