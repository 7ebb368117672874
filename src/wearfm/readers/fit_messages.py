"""The messages of a FIT file, taken one by one from `fitdecode`: what of them is kept, and what was wrong with the file."""

from __future__ import annotations

import io
import struct
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from wearfm.readers.base import optional

RECORD_FIELDS = {  # field of a record -> our name; the "enhanced" one of a pair has more digits and comes later
    "heart_rate": "hr", "cadence": "cadence", "power": "power", "speed": "speed", "enhanced_speed": "speed",
    "altitude": "altitude", "enhanced_altitude": "altitude", "temperature": "temperature",
    "respiration_rate": "resp_rate", "enhanced_respiration_rate": "resp_rate",
}  # fmt: skip
STEPPING = ("walking", "running")  # activities whose cycles are steps, counted on both feet
SLEEP = {"awake": "W", "light": "light", "deep": "deep", "rem": "REM"}
_DAMAGE = (  # what the library raises on broken files besides its own error
    ValueError, TypeError, LookupError, ArithmeticError, AttributeError, AssertionError, struct.error,
)  # fmt: skip
FAR_S = 10  # an interval between beats that lies further from the last record stamp was recorded after a pause

Row = dict[str, Any]


@dataclass(kw_only=True)
class Log:
    """What the messages say. Times are seconds as the file counts them.

    records: (time, name -> value). steps: (from, to, number). events: (kind, time, duration s, label, value).
    intervals: (time, seconds). local: (time, local time) pairs. faults: what was wrong with the file.
    """

    records: list[tuple[int, Row]] = field(default_factory=list)
    steps: list[tuple[int, int, float]] = field(default_factory=list)
    events: list[tuple[str, int, float, str, float]] = field(default_factory=list)
    intervals: list[tuple[float, float]] = field(default_factory=list)
    local: list[tuple[int, int]] = field(default_factory=list)
    about: Row = field(default_factory=dict)
    person: Row = field(default_factory=dict)
    kinds: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


class Listener:
    """Takes the messages in the order of the file."""

    def __init__(self) -> None:
        self.log = Log()
        self._time: int | None = None  # of the last message that had one
        self._beat: float | None = None  # end of the last interval between beats
        self._monitored: int | None = None  # time of the last monitoring message
        self._cycles: dict[str, float] = {}  # activity -> cycles so far
        self._takes: dict[str, Callable[[Row], None]] = {
            "record": self.take_record, "hrv": self.take_intervals, "monitoring": self.take_monitoring,
            "monitoring_info": self.take_start, "activity": self.take_local, "session": self.take_session, "lap": self.take_lap,
            "stress_level": self.take_stress, "respiration_rate": self.take_respiration, "spo2_data": self.take_spo2,
            "weight_scale": self.take_weight, "sleep_level": self.take_sleep, "monitoring_hr_data": self.take_resting,
            "file_id": self.take_about, "user_profile": self.take_person,
        }  # fmt: skip

    def take(self, name: str, values: Row, time: int | None) -> None:
        """Take a message. values: name of a field -> value, without those that are not set; time: its timestamp."""
        self.log.kinds[name] += 1
        self._time = time if time is not None else self._time
        if name in self._takes:
            self._takes[name](values | ({} if time is None else {"timestamp": time}))

    def take_record(self, values: Row) -> None:
        """Keep what a record measured; places are not looked at."""
        if "timestamp" not in values:
            self.log.lost["records without a time"] += 1
            return
        kept = {name: number for key, name in RECORD_FIELDS.items() if (number := _number(values.get(key))) is not None}
        self.log.records.append((values["timestamp"], kept))

    def take_intervals(self, values: Row) -> None:
        """Keep intervals between beats one after the other, from the record before them on or anew after a pause."""
        written = values.get("time", ())
        some = [_number(each) for each in (written if isinstance(written, tuple) else (written,))]
        lasting = [each for each in some if each is not None and 0 < each <= 10]
        if self._time is None:
            self.log.lost["intervals before the first time"] += len(lasting)
            return
        if self._beat is None or abs(self._beat - self._time) > FAR_S:
            self._beat = float(self._time)
        for seconds in lasting:
            self.log.intervals.append((self._beat, seconds))
            self._beat += seconds

    def take_start(self, values: Row) -> None:
        """Take the time from which monitoring counts."""
        self.take_local(values)
        self._monitored = values.get("timestamp", self._monitored)

    def take_local(self, values: Row) -> None:
        """Keep the local time beside the time."""
        if "timestamp" in values and isinstance(values.get("local_timestamp"), int):
            self.log.local.append((values["timestamp"], values["local_timestamp"]))

    def take_monitoring(self, values: Row) -> None:
        """Keep heart rate, activity and steps of a minute; cycles count from midnight for each activity."""
        time = self._monitoring_time(values)
        if time is None:
            self.log.lost["monitoring messages without a time"] += 1
            return
        activity, cycles = str(values.get("activity_type", "")), _number(values.get("cycles"))
        if (hr := _number(values.get("heart_rate"))) is not None and hr > 0:
            self.log.events.append(("hr", time, 0, "", hr))
        if activity:
            level = _number(values.get("intensity"))
            self.log.events.append(("activity", time, 0, activity[:40], float("nan") if level is None else level))
        if cycles is not None and activity in STEPPING:
            self._add_steps(time, activity, cycles)
        self._monitored = time

    def _monitoring_time(self, values: Row) -> int | None:
        """Return the time of a monitoring message, which may have its 16 lower bits only."""
        if "timestamp" in values:
            return int(values["timestamp"])
        low = values.get("timestamp_16")
        if not isinstance(low, int) or self._monitored is None:
            return None
        return self._monitored + ((low - self._monitored) & 0xFFFF)

    def _add_steps(self, time: int, activity: str, cycles: float) -> None:
        before = self._cycles.get(activity, 0.0)
        self._cycles[activity] = cycles
        if self._monitored is None or time < self._monitored:
            self.log.lost["counts of steps without a beginning"] += 1
            return
        self.log.steps.append((self._monitored, time, cycles - before if cycles >= before else cycles))

    def take_session(self, values: Row) -> None:
        """Keep a session as a workout."""
        self._add_span("workout", values, str(values.get("sport", "other")))

    def take_lap(self, values: Row) -> None:
        """Keep a lap."""
        self._add_span("lap", values, str(values.get("lap_trigger", "")))

    def _add_span(self, kind: str, values: Row, label: str) -> None:
        start, lasts = values.get("start_time"), _number(values.get("total_elapsed_time"))
        if not isinstance(start, int) or lasts is None or not 0 <= lasts < 30 * 86_400:
            self.log.lost[f"{kind}s without a beginning and a duration"] += 1
            return
        self.log.events.append((kind, start, lasts, label.replace("_", " ")[:40], float("nan")))

    def take_stress(self, values: Row) -> None:
        """Keep the stress score, 0 to 100; negative ones say why there is none."""
        self._add_value("stress", values.get("stress_level_time", values.get("timestamp")), values.get("stress_level_value"))

    def take_respiration(self, values: Row) -> None:
        """Keep a breathing rate."""
        self._add_value("resp_rate", values.get("timestamp"), values.get("respiration_rate"))

    def take_spo2(self, values: Row) -> None:
        """Keep an oxygen saturation in percent."""
        self._add_value("spo2", values.get("timestamp"), values.get("reading_spo2"))

    def take_resting(self, values: Row) -> None:
        """Keep the heart rate at rest of a day."""
        self._add_value("hr_at_rest", values.get("timestamp"), values.get("current_day_resting_heart_rate"))

    def take_weight(self, values: Row) -> None:
        """Keep a weighing."""
        self._add_value("weight_kg", values.get("timestamp"), values.get("weight"))
        self._add_value("body_fat", values.get("timestamp"), values.get("percent_fat"))

    def take_sleep(self, values: Row) -> None:
        """Keep a change of the stage of sleep."""
        stage, time = SLEEP.get(str(values.get("sleep_level"))), values.get("timestamp")
        if stage and isinstance(time, int):
            self.log.events.append(("sleep_stage", time, 0, stage, float("nan")))

    def _add_value(self, kind: str, time: object, value: object) -> None:
        number = _number(value)
        if isinstance(time, int) and number is not None and number > 0:
            self.log.events.append((kind, time, 0, "", number))

    def take_about(self, values: Row) -> None:
        """Keep what made the file."""
        self.log.about |= values

    def take_person(self, values: Row) -> None:
        """Keep what is known of the person, without the name."""
        self.log.person |= {key: value for key, value in values.items() if key in ("gender", "age", "height", "weight")}


def listen(content: bytes) -> Log:
    """Return what the messages of a file say, up to where it cannot be read."""
    fitdecode = optional("fitdecode")
    listener = Listener()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            for frame in _frames(fitdecode, content, listener.log.faults):
                listener.take(str(frame.name), *_values(frame))
        except (fitdecode.FitError, *_DAMAGE) as error:
            what = str(error).removeprefix("FIT parsing error ") or type(error).__name__
            listener.log.faults.append(f"the file is damaged or cut off ({what[:120]}); what came before was read")
    return listener.log


def _frames(fitdecode: Any, content: bytes, faults: list[str]) -> Iterator[Any]:
    """Yield the data messages, and note a checksum that does not fit."""
    ignore, only_read = fitdecode.ErrorHandling.IGNORE, fitdecode.CrcCheck.READONLY
    with fitdecode.FitReader(io.BytesIO(content), check_crc=only_read, error_handling=ignore) as reader:
        for frame in reader:
            if isinstance(frame, fitdecode.FitDataMessage):
                yield frame
            elif isinstance(frame, fitdecode.FitCRC) and not frame.matched:
                faults.append("the checksum of the file does not fit its content")


def _values(frame: Any) -> tuple[Row, int | None]:
    """Return name -> value of the fields that are set, times as the file counts them, and the timestamp."""
    values: Row = {}
    time: int | None = None
    for each in frame.fields:
        if each.value is None:
            continue
        if each.name == "timestamp":
            time = each.raw_value if isinstance(each.raw_value, int) else None
        elif each.name in ("steps", "strokes", "cycles") and frame.name == "monitoring":
            values["cycles"] = each.raw_value
        else:
            is_time = each.name in ("local_timestamp", "start_time", "stress_level_time")
            values[str(each.name)] = each.raw_value if is_time else each.value
    return values, time


def _number(value: object) -> float | None:
    """Return a finite number, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e9:
        return None
    return float(value)
