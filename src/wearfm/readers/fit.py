"""FIT: activities, monitoring and weighings of Garmin, Wahoo, Coros and other sports watches and bicycle computers.

FIT (Flexible and Interoperable Data Transfer, by Garmin; the profile is public): the files that a sports watch or a bicycle
computer keeps. Recognised by `.FIT` in the header. Read by the library fitdecode. A message that holds nothing of the body
(settings, courses, planned workouts) is not read; a file of only those is refused.

| message | in the recording |
|---|---|
| `record`: heart rate, respiration rate | events `hr`, `resp_rate`: one for each run of equal values |
| `record`: cadence, power, speed | channels `cadence` (1/min), `power` (W), `speed` (m/s), 1 Hz |
| `record`: altitude, temperature | channels `altitude` (m), `temp` (degC), 1 Hz |
| `hrv` | events `ibi`, value in seconds |
| `monitoring`: cycles of walking and running | channel `steps`, by the minute |
| `monitoring`: heart rate, activity with intensity | events `hr`, `activity` (the value is the intensity, 0 to 7) |
| `stress_level`, `respiration_rate`, `spo2_data`, `monitoring_hr_data` | events `stress`, `resp_rate`, `spo2`, `hr_at_rest` |
| `sleep_level` | events `sleep_stage` at each change |
| `session`, `lap` | events `workout` (the label is the sport), `lap` |
| `weight_scale` | events `weight_kg`, `body_fat` (%) |
| `user_profile` | facts `sex`, `age_years`, `height_cm`, `weight_kg`; the name is not read |
| positions, distance | not read, see below |

Positions are left out since where somebody lives is not needed to learn from their heart; distance comes from positions.
Cadence is what the file says: turns of the pedals, and of one foot in running.

**Records.** Channels lie on whole seconds. Watches with "smart recording" write a record every few seconds: the seconds
between are not valid. A second record of the same second, or one from before it, is dropped and counted, as is one more than
seven days from the middle of the file.

**Time.** FIT counts seconds since 1989-12-31 UTC. `local_timestamp` of an activity or of monitoring gives local time minus UTC.
Devices whose clock was never set count from when they were switched on: with a local timestamp the clock is then `local`, else
`relative`. Intervals between beats have no times of their own: they follow each other from the record before the first one,
and are set anew where they are more than 10 s away from the records (a pause).

**Monitoring.** Cycles count up from midnight for each activity. What is added between two messages is spread over the time
since the message before, of whatever activity (our reading: watches write a message when the activity changes).

**Broken files.** What comes before a fault is read, and the fault noted: a cut, an undefined message, a checksum that does not
fit. Fields whose size does not fit their type are left out by the library.

**Limits.** Developer fields, raw sensor messages (`hsa_...`, `raw_bbi`, `beat_intervals`) and swimming lengths are not read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration, BadRecording
from wearfm.readers.assembly import Assembly, nanoseconds, on_grid
from wearfm.readers.base import Reader, load, stem
from wearfm.readers.fit_messages import Log, listen
from wearfm.readers.labels import Meaning
from wearfm.readers.totals import LONGEST_S, Totals, minute_series, spread
from wearfm.signals.clock import Grid, check_growth
from wearfm.signals.quality_record import Finding
from wearfm.signals.recording import SECOND, Clock, Fact, Recording
from wearfm.signals.units import MODALITIES

EPOCH_S = 631_065_600  # 1989-12-31 00:00 UTC
UNSET = 0x1000_0000  # times below count from when the device was switched on
LONGEST_ACTIVITY_S = 7 * 86_400  # to both sides of the middle
LONGEST_MONITORING_S = 60 * 86_400  # likewise
LATEST_S = 4_102_444_800
_MEANINGS = {  # our name -> modality, unit
    "hr": ("hr", "1/min"), "resp_rate": ("resp_rate", "1/min"), "cadence": ("cadence", "1/min"), "power": ("power", "W"),
    "speed": ("speed", "m/s"), "altitude": ("altitude", "m"), "temperature": ("temp", "degC"),
}  # fmt: skip
_RANGES = {
    "hr": "hr", "hr_at_rest": "hr", "resp_rate": "resp_rate", "spo2": "spo2", "weight_kg": "body_mass", "body_fat": "spo2",
    "stress": "spo2",
}  # fmt: skip


def read(path: Path) -> Iterator[Recording]:
    """Yield the recording of a FIT file."""
    log = listen(load(path).tobytes())
    found = Assembly(path=path)
    found.note(*log.faults, *(f"{count} {what}; left out" for what, count in sorted(log.lost.items())))
    clock, shift_s, offset = _clock(log)
    _add_records(found, log, shift_s)
    _add_steps(found, log, shift_s)
    _add_events(found, log, shift_s)
    if not found.admitted and not found.events:
        kinds = ", ".join(f"{name} ({count})" for name, count in log.kinds.most_common(6)) or "no message"
        raise BadRecording(path, 0, f"holds {kinds} and nothing measured at a time; {'; '.join(found.notes) or 'skip it'}")
    yield found.finish(
        participant=stem(path),
        name=stem(path),
        clock=clock,
        utc_offset_s=offset,
        device=_device(log),
        source=f"fit: {path.name}",
        facts=_facts(log),
    )


def recognises(path: Path, head: bytes) -> bool:
    """Return whether the header says FIT."""
    return not path.is_dir() and head[8:12] == b".FIT" and head[0] in (12, 14)


def _clock(log: Log) -> tuple[Clock, int, int | None]:
    """Return the clock, what to add to the file's seconds to come to 1970's, and local time minus UTC."""
    times = [time for time, _ in log.records] + [to for _, to, _ in log.steps] + [time for _, time, *_ in log.events]
    local = next(((time, told) for time, told in log.local if told >= UNSET), None)
    if sorted(times)[len(times) // 2] < UNSET if times else False:
        if local is None:
            return "relative", 0, None
        return "local", EPOCH_S + local[1] - local[0], None
    offset = None if local is None else round((local[1] - local[0]) / 900) * 900
    return "utc", EPOCH_S, offset if offset is not None and abs(offset) <= 14 * 3600 else None


def _add_records(found: Assembly, log: Log, shift_s: int) -> None:
    """Add a channel for each quantity that a record ever had, on whole seconds."""
    records = [record for record in log.records if _is_near(record[0], shift_s)]
    if len(records) < len(log.records):
        found.note(f"{len(log.records) - len(records)} records at times that cannot be; left out")
    if not records:
        return
    time = np.array([time for time, _ in records], dtype=np.int64) + shift_s
    grid = _seconds(found, time)
    for name, (modality, unit) in _MEANINGS.items():
        values = np.array([values.get(name, np.nan) for _, values in records], dtype=np.float64)
        missing = np.isnan(values)
        if missing.all():
            continue
        filled = np.where(missing, 0.0, values)
        whole = bool((filled == np.rint(filled)).all() and abs(filled).max() < 2**31)
        found.add(
            on_grid(
                grid,
                filled.astype(np.int32 if whole else np.float32),
                label=name,
                meaning=Meaning(modality=modality, unit=unit),
                missing=missing,
                missing_reason="not in this record",
            )
        )


def _seconds(found: Assembly, time: NDArray[np.int64]) -> Grid:
    """Return the grid of whole seconds on which records lie; time: (N,) seconds in the order of the file."""
    near = np.abs(time - np.sort(time)[len(time) // 2]) <= LONGEST_ACTIVITY_S
    latest = np.maximum.accumulate(np.where(near, time, np.iinfo(np.int64).min))
    forward = np.concatenate(([True], time[1:] > latest[:-1])) & near
    lost = ((near & ~forward, "the same second again, or one before"), (~near, "more than seven days from the middle"))
    start = int(time[forward][0])
    position = np.where(forward, time - start, -1)
    try:
        check_growth(int(position.max()) + 1, source=len(time))
    except BadConfiguration as error:
        raise BadRecording(found.path, 0, str(error)) from error
    steps = np.diff(time[forward])
    if len(steps) and np.median(steps) > 1:
        found.note(f"records are {np.median(steps):g} s apart as a rule; the seconds between are not valid")
    return Grid(
        start_ns=start * SECOND,
        rate_hz=1.0,
        position=position,
        keep=forward,
        findings=tuple(
            Finding(action="dropped", samples=n, reason=reason) for which, reason in lost if (n := int(np.count_nonzero(which)))
        ),
    )


def _add_steps(found: Assembly, log: Log, shift_s: int) -> None:
    near = [(begin, end, n) for begin, end, n in log.steps if 0 <= end - begin <= LONGEST_S and _is_near(begin, shift_s)]
    middle = sorted(end for _, end, _ in near)[len(near) // 2] if near else 0
    rows = [(begin + shift_s, end + shift_s, n) for begin, end, n in near if abs(end - middle) <= LONGEST_MONITORING_S]
    if len(rows) < len(log.steps):
        found.note(f"{len(log.steps) - len(rows)} counts of steps over more than 25 h, or at times that cannot be; left out")
    if not rows:
        return
    columns = np.array(rows, dtype=np.float64).T
    minutes = spread(Totals(start_s=columns[0].astype(np.int64), stop_s=columns[1].astype(np.int64), value=columns[2]))
    found.add(minute_series(minutes, modality="steps", unit="count"))


def _add_events(found: Assembly, log: Log, shift_s: int) -> None:
    outside = 0
    for kind, time, lasts, label, value in log.events:
        like = MODALITIES[_RANGES[kind]] if kind in _RANGES else None
        if not _is_near(time, shift_s) or (like is not None and not like.low <= value <= like.high):
            outside += 1
            continue
        found.events.append((kind, (time + shift_s) * SECOND, nanoseconds(lasts), label, value))
    for begin, seconds in log.intervals:
        if not _is_near(begin, shift_s):
            outside += 1
            continue
        found.events.append(("ibi", shift_s * SECOND + nanoseconds(begin), nanoseconds(seconds), "", seconds))
    if outside:
        found.note(f"{outside} values that no body has, or at times that cannot be; left out")


def _is_near(time: float, shift_s: int) -> bool:
    """Return whether a time is a date, or within a year of a device's being switched on."""
    return 0 <= time < (31_000_000 if shift_s == 0 else LATEST_S - shift_s)


def _device(log: Log) -> str:
    words = (log.about.get("manufacturer", ""), log.about.get("garmin_product", log.about.get("product", "")))
    return " ".join(str(word) for word in words if isinstance(word, str) and word) or "FIT"


def _facts(log: Log) -> dict[str, Fact]:
    facts: dict[str, Fact] = {}
    sex = {"male": "M", "female": "F"}.get(str(log.person.get("gender")))
    if sex:
        facts["sex"] = sex
    for key, name, scale, low, high in (
        ("age", "age_years", 1, 1, 120), ("height", "height_cm", 100, 30, 280), ("weight", "weight_kg", 1, 2, 650),
    ):  # fmt: skip
        value = log.person.get(key)
        if isinstance(value, int | float) and low <= value * scale <= high:
            facts[name] = round(float(value) * scale, 3)
    return facts


READER = Reader(
    name="fit",
    describes="FIT files of sports watches and bicycle computers: activities, monitoring, weighings",
    devices=("Garmin", "Wahoo", "Coros", "Suunto", "other makers of sports watches and bicycle computers"),
    clock="UTC, seconds since 1989-12-31; the offset from the file's local timestamp if it has one",
    suffixes=(".fit",),
    recognises=recognises,
    read=read,
    extra="readers",
)
