"""Minutes of three public data sets for `aim.py`: heart rate, steps with intensity, activity counts."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

MINUTE_NS = 60_000_000_000


@dataclass(frozen=True, kw_only=True)
class Day:
    """What a data set consists of. labels: asked of the embeddings; those called age are numbers, the others 0 and 1."""

    name: str
    title: str
    features: tuple[str, ...]
    strategies: tuple[str, ...]
    window_s: float
    labels: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Person:
    """One participant. minutes: feature -> (T,) one value a minute, NaN for none. start_ns: of minute 0, local time."""

    name: str
    start_ns: int
    minutes: dict[str, NDArray[np.float64]]
    labels: dict[str, float] = field(default_factory=dict)


def cast(data: Path) -> tuple[Day, list[Person]]:
    """Return 24 hours of heart rate of people after a heart attack (CAST RR sub-study, Stein et al. 2000), 1 Hz to minutes."""
    folder = data / "rr" / "cast_crisdb"
    about = {row["subject"]: row for name in ("metadata.csv", "metadata_more.csv") for row in _rows(folder / name)}
    people = []
    for path in sorted(folder.glob("*.npz")):
        rate = np.load(path)["hr"]
        rate = np.where((rate >= 20) & (rate <= 300), rate, np.nan)[: len(rate) // 60 * 60].reshape(-1, 60)[:1440]
        measured = np.isfinite(rate).sum(axis=1)
        minutes = np.where(measured >= 30, np.nansum(rate, axis=1) / np.maximum(measured, 1), np.nan)
        facts = about.get(path.stem, {})
        labels = {"sex (AUC)": float(facts["sex"] == "Male"), "age (years, mean absolute error)": _middle(facts["age"])}
        people.append(Person(name=path.stem, start_ns=0, minutes={"hr": minutes}, labels=labels if facts else {}))
    title = f"Heart rate, CAST: {len(people)} people, one day each, windows of 6 h"
    day = Day(
        name="cast", title=title, features=("hr",), strategies=("tokens", "times"), window_s=21600.0,
        labels=("sex (AUC)", "age (years, mean absolute error)"),
    )  # fmt: skip
    return day, people


def depresjon(data: Path) -> tuple[Day, list[Person]]:
    """Return weeks of wrist counts of patients with depression and controls (Garcia-Ceja et al. 2018)."""
    people = []
    for path in sorted((data / "actigraphy" / "depresjon").glob("*.csv.gz")):
        rows = _rows(path)
        counts = np.array([float(row["activity"]) for row in rows])
        start_ns = _ns(rows[0]["timestamp"], "%Y-%m-%d %H:%M:%S")
        ill = float(path.name.startswith("condition"))
        people.append(
            Person(name=path.name[:-7], start_ns=start_ns, minutes={"counts": counts}, labels={"depression (AUC)": ill})
        )
    days = round(sum(len(person.minutes["counts"]) for person in people) / 1440)
    title = f"Wrist counts, Depresjon: {len(people)} people, {days} days"
    strategies, labels = ("tokens", "times"), ("depression (AUC)",)
    day = Day(name="depresjon", title=title, features=("counts",), strategies=strategies, window_s=86400.0, labels=labels)
    return day, people


def fitbit(data: Path) -> tuple[Day, list[Person]]:
    """Return a month of steps and intensity levels of volunteers (Furberg et al. 2016, Zenodo 53894)."""
    series: dict[str, dict[str, dict[int, list[float]]]] = {}
    for name, column in (("steps", "Steps"), ("intensity", "Intensity")):
        file = data / "daily" / "fitbit_fitabase" / f"minute{'Steps' if name == 'steps' else 'Intensities'}Wide_merged.csv.gz"
        for row in _rows(file):
            hour = _ns(row["ActivityHour"], "%m/%d/%Y %H:%M") // MINUTE_NS
            values = [float(row[f"{column}{minute:02d}"]) for minute in range(60)]
            series.setdefault(row["Id"], {}).setdefault(name, {})[hour] = values
    people = [_of_hours(person, hours) for person, hours in sorted(series.items())]
    days = round(sum(np.isfinite(person.minutes["steps"]).sum() for person in people) / 1440)
    title = f"Steps and intensity, Fitbit: {len(people)} people, {days} days"
    features, strategies = ("steps", "intensity"), ("tokens", "times", "signals")
    return Day(name="fitbit", title=title, features=features, strategies=strategies, window_s=86400.0, labels=()), people


def _of_hours(name: str, hours: dict[str, dict[int, list[float]]]) -> Person:
    """Return a person from hours of minutes, whose keys are minutes since 1970."""
    first = min(min(each) for each in hours.values())
    length = max(max(each) for each in hours.values()) + 60 - first
    minutes = {feature: np.full(length, np.nan) for feature in hours}
    for feature, each in hours.items():
        for start, values in each.items():
            minutes[feature][start - first : start - first + 60] = values
    return Person(name=name, start_ns=first * MINUTE_NS, minutes=minutes)


def _rows(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        return list(csv.DictReader(file))


def _ns(text: str, pattern: str) -> int:
    """Return wall-clock time as nanoseconds since 1970."""
    return round(datetime.strptime(text, pattern).replace(tzinfo=UTC).timestamp()) * 1_000_000_000


def _middle(band: str) -> float:
    """Return the middle of an age band such as 35-39."""
    low, high = band.split("-")
    return (float(low) + float(high) + 1) / 2


SETS: dict[str, Callable[[Path], tuple[Day, list[Person]]]] = {"cast": cast, "fitbit": fitbit, "depresjon": depresjon}
