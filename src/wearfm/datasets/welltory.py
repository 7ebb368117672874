"""Welltory COVID-19: what 124 people measured at home in the spring of 2020, sick with COVID-19 or afraid of it.

A person is one recording, "study". People whose watch or tracker was connected (54) have channels of one sample a day; all
have events.

| in `wearables.csv` | channel, a day each |
|---|---|
| `pulse_average`, `resting_pulse` | hr, hr_at_rest (1/min) |
| `steps_count`, `distance`, `steps_speed` | steps, distance (m), cadence (1/min) |
| `total_number_of_flights_climbed` | flights |
| `active_calories_burned`, `basal_calories_burned` | active_energy, basal_energy (kcal) |
| `average_spo2_value`, `body_temperature_avg` | spo2 (%; the file has a share), temp (degC) |
| `average_headphone_exposure`, `average_environment_exposure` | sound (dB) |

| elsewhere | events |
|---|---|
| `rr_data` of `hrv_measurements.csv`: 100 beats, seldom 300 | `ibi` (s), laid end to end from the time of the check |
| `bpm`, `sdnn`, `rmssd` | `hr` (1/min), `sdnn`, `rmssd` (ms), over the check |
| `how_feel`, `how_mood`, `how_sleep`, `tags` | `feeling`, `mood`, `slept` from -2 to 2, and `tag` with each tag |
| `surveys.csv`, scales S_COVID | over the day: `covid_overall`, `covid_fever` ... from 1 (none) to 6 (extreme), and in words |
| `surveys.csv`, other scales | over the day: `survey`, the result in words |
| `blood_pressure.csv` | `sbp_mmHg`, `dbp_mmHg` |
| `sleep.csv` | `sleep_day` over the night: minutes; label "asleep", "awake", "REM", "light" or "deep" |
| `symptoms_onset` of `participants.csv` | `symptoms_onset`, over its day |

Sex, age band, height and weight are facts.

**Time.** Stamps are dates and times without a zone, of people in some twenty countries: the clock is local. Whether the time
of a check is its beginning or its end is not documented; it is taken for the beginning.

**Cautions.** A missing number is missing: no zero is ever written, so that a day without a watch cannot be told from a value
that the watch does not give. Active energy, steps and flights come from 18 to 21 people. Who took part chose to; most checks
come from few (405 from one person). Blood pressure often stands twice, seconds or whole hours apart. Durations of sleep are
in seconds, whatever the description says. Onsets of symptoms outside 2020 (some typed their date of birth) are left out.
**Not read**: `heart_rate.csv` (not in the copies seen), `weather.csv` (not of a body), cities and countries, indices that
follow from other columns, lowest and highest pulse, hours with standing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from wearfm.datasets.base import Address, Dataset, middle_of, numbers, only, table
from wearfm.errors import BadConfiguration, BadRecording
from wearfm.readers.assembly import Assembly, EventRow, on_grid
from wearfm.readers.labels import Meaning
from wearfm.readers.stamps import date_ns
from wearfm.signals.clock import Grid
from wearfm.signals.quality_record import Finding
from wearfm.signals.recording import SECOND, Events, Fact, Recording

DAY_NS = 86_400 * SECOND
DAY_HZ = 1 / 86_400
_CHANNELS = {  # column -> name, modality, unit, scale
    "pulse_average": ("heart rate", "hr", "1/min", 1.0),
    "resting_pulse": ("resting heart rate", "hr_at_rest", "1/min", 1.0),
    "steps_count": ("steps", "steps", "count", 1.0),
    "distance": ("distance", "distance", "m", 1.0),
    "steps_speed": ("cadence", "cadence", "1/min", 1.0),
    "total_number_of_flights_climbed": ("flights", "flights", "count", 1.0),
    "active_calories_burned": ("active energy", "active_energy", "kcal", 1.0),
    "basal_calories_burned": ("basal energy", "basal_energy", "kcal", 1.0),
    "average_spo2_value": ("oxygen saturation", "spo2", "%", 100.0),
    "body_temperature_avg": ("body temperature", "temp", "degC", 1.0),
    "average_headphone_exposure": ("headphones", "sound", "dB", 1.0),
    "average_environment_exposure": ("surroundings", "sound", "dB", 1.0),
}
_CHECKED = {"bpm": "hr", "sdnn": "sdnn", "rmssd": "rmssd", "how_feel": "feeling", "how_mood": "mood", "how_sleep": "slept"}
_SLEPT = {
    "sleep_duration": "asleep",
    "sleep_awake_duration": "awake",
    "sleep_rem_duration": "REM",
    "sleep_light_duration": "light",
    "sleep_deep_duration": "deep",
}
_SEXES: dict[str, Fact] = {"f": "female", "m": "male"}
_STUDY = ("2020-01-01", "2020-12-31")  # an onset of symptoms outside is a slip of the pen

Rows = Sequence[Mapping[str, Any]]


def recordings(folder: Path) -> Iterator[Recording]:
    """Yield every person under a folder, with the days of the wearable, checks, surveys, blood pressure and sleep."""
    path = _path(folder, "participants")
    days_path = _path(folder, "wearables")
    days = table(days_path, columns=["user_code", "day", *_CHANNELS])
    owner = np.array(days.column("user_code").to_pylist(), dtype=np.str_)
    checks = _rows(folder, "hrv_measurements", ["measurement_datetime", "rr_data", "tags", *_CHECKED])
    surveys = _rows(folder, "surveys", ["scale", "created_at", "value", "text"])
    pressures = _rows(folder, "blood_pressure", ["measurement_datetime", "systolic", "diastolic"])
    nights = _rows(folder, "sleep", ["sleep_begin", "sleep_end", *_SLEPT])
    for row in table(path, columns=["user_code", "gender", "age_range", "height", "weight", "symptoms_onset"]).to_pylist():
        code = row["user_code"]
        found = Assembly(path=path)
        _add_days(found, days.filter(pa.array(owner == code)), days_path)
        _add_checks(found, checks[code])
        found.events += [*_survey(path, surveys[code]), *_pressure(path, pressures[code]), *_sleep(path, nights[code])]
        _add_onset(found, row["symptoms_onset"])
        yield found.finish(
            participant=f"welltory:{code}",
            name="study",
            clock="local",
            source="participants, wearables, hrv_measurements, surveys, blood_pressure, sleep",
            facts=_facts(row),
        )


def _add_days(found: Assembly, own: pa.Table, path: Path) -> None:
    """Add the daily values of a person that are there at all, on a grid from the first day to the last."""
    if own.num_rows == 0:
        return
    day_ns = np.array([_stamp_ns(path, value) for value in own.column("day").to_pylist()], dtype=np.int64)
    order = np.argsort(day_ns, kind="stable")
    start_ns = int(day_ns.min())
    position = (day_ns[order] - start_ns) // DAY_NS
    stands = np.diff(position, append=position[-1] + 1) > 0  # of several rows of a day, the last
    for column, (name, modality, unit, scale) in _CHANNELS.items():
        values = (numbers(own, column, path=path)[order] * scale).astype(np.float32)
        keep = stands & np.isfinite(values)
        if not keep.any():
            continue
        again = int(np.count_nonzero(np.isfinite(values) & ~stands))
        findings = (Finding(action="dropped", samples=again, reason="another row of the day follows"),) if again else ()
        grid = Grid(start_ns=start_ns, rate_hz=DAY_HZ, position=np.where(keep, position, -1), keep=keep, findings=findings)
        found.add(on_grid(grid, values, label=name, meaning=Meaning(modality=modality, unit=unit)))


def _add_checks(found: Assembly, checks: Rows) -> None:
    """Add the checks of a person: intervals end to end from the time of the check, and what was computed and asked."""
    for check in checks:
        onset = _stamp_ns(found.path, check["measurement_datetime"])
        interval_ns = _intervals_ns(found.path, check["rr_data"] or "")
        found.blocks.append(_beats(onset, interval_ns))
        lasts = int(interval_ns.sum())
        known = {kind: check[column] for column, kind in _CHECKED.items() if check[column] is not None}
        found.events += [(kind, onset, lasts, "", float(value)) for kind, value in known.items()]
        tags = [tag.strip() for tag in (check["tags"] or "").split(";") if tag.strip()]
        found.events += [("tag", onset, lasts, tag, float("nan")) for tag in tags]


def _beats(onset_ns: int, interval_ns: NDArray[np.int64]) -> Events:
    return Events(
        kind=np.full(len(interval_ns), "ibi"),
        onset_ns=onset_ns + np.cumsum(interval_ns) - interval_ns,
        duration_ns=interval_ns,
        label=np.full(len(interval_ns), ""),
        value=interval_ns / SECOND,
    )


def _intervals_ns(path: Path, text: str) -> NDArray[np.int64]:
    """Return the intervals of a check, "694,832" milliseconds, as nanoseconds, (N,)."""
    try:
        return np.array([int(part) for part in text.split(",") if part.strip()], dtype=np.int64) * (SECOND // 1000)
    except (ValueError, OverflowError) as error:
        raise BadRecording(path, 0, f"intervals {text[:40]!r} are not whole milliseconds; export the checks again") from error


def _survey(path: Path, answers: Rows) -> Iterator[EventRow]:
    for answer in answers:
        scale, onset = answer["scale"], _stamp_ns(path, answer["created_at"])
        kind = scale.removeprefix("S_").lower() if scale.startswith("S_COVID_") else "survey"
        words = (answer["text"] or "").strip()
        yield kind, onset, DAY_NS, words.lower() if kind != "survey" else words, float(answer["value"])


def _pressure(path: Path, readings: Rows) -> Iterator[EventRow]:
    for reading in readings:
        at = _stamp_ns(path, reading["measurement_datetime"])
        yield "sbp_mmHg", at, 0, "", float(reading["systolic"])
        yield "dbp_mmHg", at, 0, "", float(reading["diastolic"])


def _sleep(path: Path, nights: Rows) -> Iterator[EventRow]:
    for night in nights:
        onset, end = (_stamp_ns(path, night[column]) for column in ("sleep_begin", "sleep_end"))
        for column, label in _SLEPT.items():
            if night[column] is not None and end >= onset:
                yield "sleep_day", onset, end - onset, label, float(night[column]) / 60


def _add_onset(found: Assembly, text: str | None) -> None:
    """Add the day on which symptoms began, "5/15/2020"."""
    if not text:
        return
    try:
        onset, _ = date_ns(text, "%m/%d/%Y")
    except BadConfiguration as error:
        raise BadRecording(found.path, 0, str(error)) from error
    first, last = (date_ns(day)[0] for day in _STUDY)
    if first <= onset <= last:
        found.events.append(("symptoms_onset", onset, DAY_NS, "", float("nan")))
    else:
        found.note("an onset of symptoms outside 2020 was left out")


def _facts(row: Mapping[str, Any]) -> dict[str, Fact]:
    facts: dict[str, Fact] = {"sex": _SEXES[row["gender"]]} if row["gender"] in _SEXES else {}
    if row["age_range"]:
        facts |= {"age_band": row["age_range"], "age_years": middle_of(row["age_range"])}
    known = {"height_cm": row["height"], "weight_kg": row["weight"]}
    return facts | {name: float(value) for name, value in known.items() if value is not None}


def _stamp_ns(path: Path, value: object) -> int:
    """Return a date, or a date and time with any number of spaces between, as nanoseconds on the wall clock."""
    text = value.isoformat() if isinstance(value, date | datetime) else " ".join(str(value).split())
    try:
        return date_ns(text)[0]
    except BadConfiguration as error:
        raise BadRecording(path, 0, str(error)) from error


def _rows(folder: Path, name: str, columns: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of a table by person; none for a person, or a table, that is not there."""
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for path in sorted(folder.rglob(f"{name}.csv*")):
        for row in table(path, columns=["user_code", *columns]).to_pylist():
            rows[row["user_code"]].append(row)
    return rows


def _path(folder: Path, name: str) -> Path:
    return only(folder.rglob(f"{name}.csv*"), what=f"table {name}.csv", folder=folder)[0]


DATASET = Dataset(
    name="welltory",
    title="Welltory COVID-19, heart rate variability and wearables",
    modalities=tuple(sorted({modality for _, modality, _, _ in _CHANNELS.values()})),
    folder="daily/welltory_hrv_covid19",
    participants=124,
    licence="CC0 1.0",
    citation="Welltory 2020, hrv-covid19",
    homepage="https://github.com/Welltory/hrv-covid19",
    recordings=recordings,
    layout="""data/participants.csv          anywhere below the folder, packed (.gz) or not
data/wearables.csv             a row a day
data/hrv_measurements.csv      a row a check
data/surveys.csv
data/blood_pressure.csv
data/sleep.csv""",
    addresses=(Address(kind="file", url="https://github.com/Welltory/hrv-covid19/archive/refs/heads/master.zip"),),
)
