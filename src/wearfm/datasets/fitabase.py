"""Fitabase: a month of Fitbit steps and intensity, minute by minute, of people who gave them away for research.

The tables hold zeros, never gaps, where the tracker was not worn, and the daily table counts such minutes as sedentary.
Nights with and without the tracker can still be told apart: among people who log their sleep, stillness becomes rare
beyond 6 h; among those who do not, runs of 6 to 12 h from evening to morning are the rule. So a run of `STILL_S` without
a step and without intensity is not valid, unless the sleep logged for the day on which it ends is at most `SLACK_S`
shorter than the run. Shorter absences cannot be told from sitting still and stay zeros.

Calories are left out: they are known by the hour only. The export has no age and no sex.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wearfm.datasets.base import Address, Dataset, number, only, table
from wearfm.errors import BadRecording
from wearfm.readers.fitabase import DAY_NS, MINUTE_NS, Minutes, wall_clock_ns, wide
from wearfm.signals.clock import Grid, regularise
from wearfm.signals.door import Admitted, admit
from wearfm.signals.minutes.features import MINUTE_HZ
from wearfm.signals.quality_record import Quality
from wearfm.signals.recording import Events, Fact, Recording
from wearfm.signals.spans import Spans
from wearfm.signals.wear import long_runs, without

STILL_S = 6 * 3600.0  # ours, see above
SLACK_S = 3600.0  # ours: lying awake before and after what the tracker calls bed
NOT_WORN = f"not worn: {STILL_S / 3600:g} h and more without a step or intensity, and no sleep logged"
_CHANNELS = {"Steps": ("steps", "count"), "Intensity": ("intensity", "level")}  # column prefix -> modality, unit

Row = tuple[str, int, int, str, float]


def recordings(folder: Path) -> Iterator[Recording]:
    """Yield the month of every person under a folder, with logged sleep and weight as events."""
    paths = {
        name: _path(folder, f"minute{table_name}Wide")
        for name, table_name in (("Steps", "Steps"), ("Intensity", "Intensities"))
    }
    minutes = {name: _wide(path, name) for name, path in paths.items()}
    sleep, weight = _sleep(folder), _weight(folder)
    for person in sorted(minutes["Steps"]):
        steps, intensity = minutes["Steps"][person], minutes["Intensity"].get(person)
        if intensity is None or not np.array_equal(steps.time_ns, intensity.time_ns):
            raise BadRecording(
                paths["Intensity"], 0, f"person {person} has other hours than in the table of steps; export both again"
            )
        yield _recording(person, {"Steps": steps, "Intensity": intensity}, sleep[person], weight[person])


def _recording(person: int, minutes: Mapping[str, Minutes], sleep: list[Row], weight: list[Row]) -> Recording:
    grids = {name: regularise(of.time_ns, rate_hz=MINUTE_HZ) for name, of in minutes.items()}
    laid = {name: np.asarray(grids[name].lay(of.value), dtype=np.float64) for name, of in minutes.items()}
    off = unworn(laid["Steps"], laid["Intensity"], start_ns=grids["Steps"].start_ns, in_bed_s=_in_bed_s(sleep))
    admitted = [without(_channel(name, laid[name], grid), off, reason=NOT_WORN) for name, grid in grids.items()]
    facts: dict[str, Fact] = {}
    for kind, _, _, _, value in reversed(weight):  # the first of each kind stands
        facts[kind] = value
    return Recording(
        participant=f"fitabase:{person}",
        name="month",
        channels=tuple(a.channel for a in admitted),
        events=Events.of([*sleep, *weight]),
        clock="local",
        device="Fitbit",
        source="minuteStepsWide, minuteIntensitiesWide",
        facts=facts,
        quality=Quality(channels=tuple(a.quality for a in admitted), notes=grids["Steps"].notes),
    )


def _channel(name: str, values: NDArray[np.float64], grid: Grid) -> Admitted:
    modality, unit = _CHANNELS[name]
    return admit(
        values,
        name=modality,
        modality_name=modality,
        unit=unit,
        rate_hz=grid.rate_hz,
        start_ns=grid.start_ns,
        present=grid.present,
        findings=grid.findings,
    )


def unworn(
    steps: NDArray[np.float64], intensity: NDArray[np.float64], *, start_ns: int, in_bed_s: Mapping[int, float]
) -> Spans:
    """Return the minutes in which the tracker was not worn.

    steps, intensity: (T,) a minute each, from start_ns on the wall clock. in_bed_s: seconds in bed by day since 1970.
    """
    runs = long_runs((steps == 0) & (intensity == 0), rate_hz=MINUTE_HZ, least_s=STILL_S).bounds
    last_day = (start_ns + (runs[:, 1] - 1) * MINUTE_NS) // DAY_NS
    in_bed = np.array([in_bed_s.get(day, -np.inf) for day in last_day.tolist()], dtype=np.float64)
    asleep = (runs[:, 1] - runs[:, 0]) / MINUTE_HZ <= in_bed + SLACK_S
    return Spans(runs[~asleep])


def _in_bed_s(sleep: list[Row]) -> dict[int, float]:
    return {onset // DAY_NS: 60 * minutes for _, onset, _, label, minutes in sleep if label == "in bed"}


def _wide(path: Path, prefix: str) -> dict[int, Minutes]:
    read = table(path, columns=["Id", "ActivityHour", *(f"{prefix}{minute:02d}" for minute in range(60))])
    hour_ns = np.array([wall_clock_ns(path, text) for text in read.column("ActivityHour").to_pylist()], dtype=np.int64)
    return wide(path, read, prefix, hour_ns)


def _sleep(folder: Path) -> dict[int, list[Row]]:
    """Return the sleep summaries of every person: minutes asleep and in bed, an event of a day each."""
    rows: dict[int, dict[tuple[int, str], Row]] = defaultdict(dict)
    for path in sorted(folder.rglob("sleepDay_merged.csv*")):
        for row in table(path, columns=["Id", "SleepDay", "TotalMinutesAsleep", "TotalTimeInBed"]).to_pylist():
            day_ns = wall_clock_ns(path, row["SleepDay"])
            for label, column in (("asleep", "TotalMinutesAsleep"), ("in bed", "TotalTimeInBed")):
                rows[row["Id"]][day_ns, label] = (
                    "sleep_day",
                    day_ns,
                    DAY_NS,
                    label,
                    number(row[column], path=path, what=column),
                )
    return defaultdict(list, {person: list(days.values()) for person, days in rows.items()})


def _weight(folder: Path) -> dict[int, list[Row]]:
    """Return the weighings of every person, in order of time."""
    rows: dict[int, list[Row]] = defaultdict(list)
    for path in sorted(folder.rglob("weightLogInfo_merged.csv*")):
        for row in table(path, columns=["Id", "Date", "WeightKg", "BMI"]).to_pylist():
            at = wall_clock_ns(path, row["Date"])
            known = {"weight_kg": row["WeightKg"], "bmi_kg_m2": row["BMI"]}
            rows[row["Id"]] += [
                (kind, at, 0, "", number(value, path=path, what=kind)) for kind, value in known.items() if value is not None
            ]
    return defaultdict(list, {person: sorted(weighings, key=lambda row: row[1]) for person, weighings in rows.items()})


def _path(folder: Path, name: str) -> Path:
    return only(folder.rglob(f"{name}_merged.csv*"), what=f"table {name}_merged.csv", folder=folder)[0]


DATASET = Dataset(
    name="fitabase",
    title="Fitbit tracker data, April to May 2016 (Fitabase)",
    modalities=("steps", "intensity"),
    folder="daily/fitbit_fitabase",
    participants=30,
    licence="CC BY 4.0 (Zenodo), CC0 (Kaggle)",
    citation="Furberg et al. 2016, Zenodo, doi:10.5281/zenodo.53894",
    homepage="https://doi.org/10.5281/zenodo.53894",
    recordings=recordings,
    layout="""minuteStepsWide_merged.csv
minuteIntensitiesWide_merged.csv
sleepDay_merged.csv
weightLogInfo_merged.csv""",
    addresses=(
        Address(kind="zenodo", url="https://zenodo.org/records/53894", only=("mturkfitbit_export_4.12.16-5.12.16.zip",)),
    ),
)
