from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import fitdecode
import numpy as np
import pytest

from tests.conftest import ROOT
from tests.readers.tiny_fit import FILE, START, UNIX, Message, fit, record, write_fit
from wearfm.errors import BadRecording
from wearfm.readers import read
from wearfm.signals.recording import SECOND, Recording

FIT = ROOT / os.environ.get("WEARFM_DATA", "../shared/data") / "raw_devices/fit"


def _read(folder: Path, *messages: Message) -> Recording:
    path = folder / "a.fit"
    path.write_bytes(fit(FILE, *messages))
    (recording,) = read(path)
    return recording


def test_an_activity_lies_on_whole_seconds(tmp_path: Path) -> None:
    (recording,) = read(write_fit(tmp_path))
    cadence = recording.channel("cadence")
    assert (cadence.rate_hz, cadence.samples.dtype, cadence.start_ns) == (1.0, np.int32, UNIX * SECOND)
    assert cadence.mask().tolist() == [True, True, False, False, True]  # no record, and 255 for none
    assert cadence.samples[cadence.mask()].tolist() == [80, 82, 84]
    altitude = recording.channel("altitude")
    assert altitude.physical()[altitude.mask()].tolist() == pytest.approx([100, 100, 100, 101.2])
    assert (recording.clock, recording.utc_offset_s, recording.device) == ("utc", -7200, "garmin fenix5")
    assert recording.quality.notes == ("'hr' is derived by the device: 3 events 'hr', 1 samples left out",)


def test_rates_intervals_and_workouts_are_events(tmp_path: Path) -> None:
    (recording,) = read(write_fit(tmp_path))
    events = recording.events.rows()
    rows = [(kind, on / SECOND - UNIX, long / SECOND, label) for kind, on, long, label, _ in events]
    assert rows == [
        ("hr", 0, 2, ""), ("ibi", 0, 1, ""), ("workout", 0, 5, "running"), ("ibi", 1, 0.95, ""), ("hr", 3, 1, ""),
        ("hr", 4, 1, ""),
    ]  # fmt: skip
    assert recording.events.of_kind("hr").value.tolist() == [60, 62, 63]


def test_a_second_that_comes_twice_is_dropped_and_counted(tmp_path: Path) -> None:
    recording = _read(tmp_path, record(0, hr=60, cadence=1), record(1, hr=60, cadence=2), record(1, hr=60, cadence=3),
                      record(0, hr=60, cadence=4), record(9_999_999, hr=60, cadence=5))  # fmt: skip
    assert recording.channel("cadence").samples.tolist() == [1, 2]
    assert [(f.samples, f.reason) for f in recording.quality.channels[0].findings] == [
        (2, "the same second again, or one before"),
        (1, "more than seven days from the middle"),
    ]


def test_monitoring_counts_steps_since_the_message_before(tmp_path: Path) -> None:
    low = START & 0xFFFF
    info = (103, [(253, 0x86, [START]), (0, 0x86, [START + 3600])])  # the beginning, and the local time there

    def minute(number: int, *, activity: int, cycles: int) -> Message:
        return 55, [(26, 0x84, [(low + 60 * number) & 0xFFFF]), (5, 0x00, [activity]), (3, 0x86, [cycles])]

    recording = _read(
        tmp_path, info, minute(1, activity=6, cycles=40), minute(3, activity=6, cycles=100), minute(4, activity=8, cycles=0),
        minute(5, activity=6, cycles=7), (55, [(253, 0x86, [START + 360]), (27, 0x02, [71])]),
    )  # fmt: skip
    steps = recording.channel("steps")
    assert steps.physical().sum() == pytest.approx(40 + 60 + 7)  # fewer than before: the count began anew
    assert (steps.valid.total, steps.start_ns) == (6, UNIX // 60 * 60 * SECOND)
    assert recording.utc_offset_s == 3600
    assert recording.events.of_kind("hr").value.tolist() == [71]
    assert recording.events.of_kind("activity").label.tolist() == ["walking", "walking", "sedentary", "walking"]


def test_a_clock_that_was_never_set_takes_the_local_time(tmp_path: Path) -> None:
    early = (20, [(253, 0x86, [5000]), (4, 0x02, [80])]), (20, [(253, 0x86, [5001]), (4, 0x02, [81])])
    recording = _read(tmp_path, *early, (34, [(253, 0x86, [5001]), (5, 0x86, [START + 1])]))
    assert (recording.clock, recording.start_ns, recording.utc_offset_s) == ("local", UNIX * SECOND, None)
    recording = _read(tmp_path, *early)
    assert (recording.clock, recording.start_ns) == ("relative", 5000 * SECOND)


def test_places_and_names_are_not_read(tmp_path: Path) -> None:
    here = (20, [(253, 0x86, [START]), (0, 0x86, [987654321]), (1, 0x86, [123456789]), (4, 0x02, [80])])
    who = (3, [(0, 0x02, [65, 110, 110, 0]), (1, 0x00, [0]), (2, 0x02, [33])])
    recording = _read(tmp_path, who, here)
    assert [channel.name for channel in recording.channels] == ["cadence"]
    assert dict(recording.facts) == {"sex": "female", "age_years": 33.0}


def test_faults_are_noted_and_a_file_without_a_measurement_is_refused(tmp_path: Path) -> None:
    path = write_fit(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes((whole[-1] ^ 1,)))
    assert next(read(path)).quality.notes[0] == "the checksum of the file does not fit its content"
    path.write_bytes(whole[:-40])
    assert "the file is damaged or cut off" in next(read(path)).quality.notes[0]
    path.write_bytes(fit(FILE, (26, [(4, 0x00, [1])])))
    with pytest.raises(BadRecording, match=r"holds file_id \(1\), workout \(1\) and nothing measured at a time; skip it"):
        list(read(path))


def _messages(path: Path) -> list[Any]:
    """The messages up to the first fault, as fitdecode itself gives them."""
    found: list[Any] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with fitdecode.FitReader(str(path), check_crc=fitdecode.CrcCheck.DISABLED) as reader:
                found.extend(frame for frame in reader if isinstance(frame, fitdecode.FitDataMessage))
        except fitdecode.FitError:
            pass
    return found


@pytest.mark.real
@pytest.mark.parametrize("path", sorted(FIT.glob("[0-9a-z]*.fit")), ids=lambda path: path.name)
def test_genuine_activities_hold_what_the_messages_say(path: Path) -> None:
    (recording,) = read(path)
    records = [message for message in _messages(path) if message.name == "record"]
    first: dict[int, dict[str, Any]] = {}
    latest = -1
    middle = sorted(m.get_field("timestamp").raw_value for m in records if m.has_field("timestamp"))[len(records) // 2]
    for message in records:
        second = message.get_field("timestamp").raw_value
        if second > latest and abs(second - middle) <= 7 * 86_400:
            latest = second
            first[second] = {field.name: field.value for field in message.fields if field.value is not None}
    for name, key in (("cadence", "cadence"), ("power", "power"), ("temperature", "temperature"), ("speed", "enhanced_speed")):
        expected = [values[key] for values in first.values() if key in values and 0 <= values[key] < 1e4]
        channel = next((channel for channel in recording.channels if channel.name == name), None)
        assert (channel is None) == (not expected)
        if channel is not None:
            np.testing.assert_allclose(channel.physical()[channel.mask()], expected, rtol=1e-6)
    rates = [values["heart_rate"] for values in first.values() if values.get("heart_rate", 0) >= 20]
    events = recording.events.of_kind("hr")
    assert events.duration_ns.sum() == len(rates) * SECOND
    assert (events.duration_ns * events.value).sum() == pytest.approx(sum(rates) * SECOND)
    if recording.clock == "utc" and recording.channels:
        assert recording.start_ns == (min(first) + 631_065_600) * SECOND


@pytest.mark.real
def test_genuine_monitoring_adds_up_to_the_last_counts() -> None:
    path = FIT / "MonitoringFile.fit"
    if not path.exists():
        pytest.skip(f"no {path}")
    (recording,) = read(path)
    total, last = 0, {}
    for message in _messages(path):
        kind = message.get_value("activity_type", fallback=None) if message.name == "monitoring" else None
        field = next((each for each in message.fields if each.def_num == 3), None) if kind in ("walking", "running") else None
        if field is not None and field.raw_value is not None:
            total += max(field.raw_value - last.get(kind, 0), 0) if field.raw_value >= last.get(kind, 0) else field.raw_value
            last[kind] = field.raw_value
    assert recording.channel("steps").physical().sum() == pytest.approx(total, rel=1e-6)  # float32 minutes
    assert recording.utc_offset_s == -6 * 3600


@pytest.mark.real
@pytest.mark.parametrize("name", ["Settings2", "WorkoutIndividualSteps", "WorkoutRepeatSteps", "DeveloperData"])
def test_genuine_files_without_a_signal_are_refused(name: str) -> None:
    path = FIT / f"{name}.fit"
    if not path.exists():
        pytest.skip(f"no {path}")
    with pytest.raises(BadRecording, match="and nothing measured at a time"):
        list(read(path))
