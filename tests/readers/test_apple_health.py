from __future__ import annotations

import os
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.readers.tiny_apple import PHONE, TINY, at, export, record, write_apple_health, write_apple_zip
from wearfm.errors import BadRecording
from wearfm.readers import apple_xml, read
from wearfm.readers.totals import Totals, spread
from wearfm.signals.recording import SECOND, Recording
from wearfm.signals.spans import Spans

DATA = ROOT / os.environ.get("WEARFM_DATA", "../shared/data")
EIGHT = 1_588_312_800  # 2020-05-01 06:00:00 UTC, 8 o'clock in the tiny export


def _read(folder: Path, *elements: str, head: str = "", sex: str = "Female") -> list[Recording]:
    path = folder / "export.xml"
    path.write_text(export(*elements, head=head, sex=sex))
    return list(read(path))


def _rows(recording: Recording, kind: str) -> list[tuple[float, float, str, float]]:
    """Seconds after eight o'clock, duration, label and value of every event of a kind."""
    return [
        (onset / SECOND - EIGHT, lasts / SECOND, label, value)
        for _, onset, lasts, label, value in recording.events.of_kind(kind).rows()
    ]


def test_a_watch_gives_rates_sleep_and_steps_by_the_minute(tmp_path: Path) -> None:
    (recording,) = read(write_apple_health(tmp_path))
    assert (recording.clock, recording.utc_offset_s, recording.device) == ("utc", 7200, "Apple Watch (Watch2,4)")
    assert recording.facts == {"sex": "female", "age_years": 30.0}
    assert _rows(recording, "hr") == [(0.0, 0.0, "", 61.0)]
    assert _rows(recording, "sleep_stage")[0][:3] == (-7 * 3600, 5400, "deep")
    (steps,) = recording.channels
    assert (steps.modality, steps.rate_hz, steps.start_ns) == ("steps", 1 / 60, EIGHT * SECOND)
    assert (steps.samples.tolist(), steps.samples.dtype) == ([60, 60, 0, 0, 0, 7], np.int32)
    assert steps.valid == Spans.of([(0, 2), (5, 6)])


def test_no_name_of_the_owner_is_kept(tmp_path: Path) -> None:
    phone = record("StepCount", at("09:00:00"), at("09:01:00"), value="5", unit="count", source="Ann’s iPhone", device=PHONE)
    bare = record("StepCount", at("09:00:00"), at("09:01:00"), value="5", unit="count", source="Ann", device="")
    recordings = _read(tmp_path, *TINY, phone, bare)
    assert [recording.name for recording in recordings] == ["Apple Watch", "iPhone", "another app"]
    assert [channel.name for channel in recordings[1].channels] == ["phone_steps"]
    assert not any("Ann" in repr(recording) or "1990" in repr(recording) for recording in recordings)


def test_a_total_is_spread_in_proportion_and_nothing_is_lost(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    starts = np.cumsum(generator.integers(60, 400, size=50))
    lasts = np.minimum(generator.integers(1, 400, size=50), np.diff(starts, append=starts[-1] + 400))
    values = generator.uniform(0, 90, size=50)
    minutes = spread(Totals(start_s=EIGHT + starts, stop_s=EIGHT + starts + lasts, value=values))
    by_hand = np.zeros_like(minutes.value)
    for start, long, value in zip(EIGHT + starts, lasts, values, strict=True):
        for second in range(start, start + long):
            by_hand[(second - minutes.start_s) // 60] += value / long
    np.testing.assert_allclose(minutes.value, by_hand, rtol=1e-9, atol=1e-9)
    assert abs(minutes.value.sum() / values.sum() - 1) < 1e-12
    assert (minutes.overlapping, abs(minutes.lost) < 1e-9) == (0, True)


def test_time_that_two_records_cover_counts_once(tmp_path: Path) -> None:
    first = record("ActiveEnergyBurned", at("08:00:00"), at("08:02:00"), value="4", unit="Cal")
    later = record("ActiveEnergyBurned", at("08:01:00"), at("08:03:00"), value="6", unit="kcal")
    (recording,) = _read(tmp_path, first, later, later)
    energy = recording.channel("active_energy")
    assert energy.physical().tolist() == [2.0, 2.0, 3.0]
    assert recording.quality.notes == (
        "1 records stand in the export twice; counted once",
        "active_energy: 1 of 2 records overlap with an earlier one; 3 of 10 counted once",
    )


def test_exercise_is_a_share_of_the_minute_and_a_long_total_is_refused(tmp_path: Path) -> None:
    exercise = record("AppleExerciseTime", at("08:00:30"), at("08:01:30"), value="1", unit="min")
    month = record("StepCount", at("08:00:00"), at("08:00:00", day="2020-05-30"), value="90000", unit="count")
    (recording,) = _read(tmp_path, exercise, month)
    assert [(c.modality, c.unit, c.physical().tolist()) for c in recording.channels] == [("exercise", "share", [0.5, 0.5])]
    assert "1 records of StepCount are negative, too large or over more than 25 h; left out" in recording.quality.notes


def test_units_and_shares_are_converted(tmp_path: Path) -> None:
    cells = (
        ("BodyMass", "150", "lb"), ("OxygenSaturation", "0.97", "%"), ("BodyTemperature", "98.6", "degF"),
        ("BodyMassIndex", "22.5", "count"), ("Height", "1.8", "m"), ("VO2Max", "40", "mL/min·kg"),
        ("WalkingSpeed", "3.6", "km/hr"), ("BloodPressureSystolic", "120", "mmHg"), ("BodyMass", "11", "furlong"),
        ("HeartRate", "5", "count/min"),
    )  # fmt: skip
    (recording,) = _read(tmp_path, *(record(k, at("08:00:00"), at("08:00:00"), value=v, unit=u) for k, v, u in cells))
    found = dict(zip(recording.events.kind.tolist(), recording.events.value.round(7).tolist(), strict=True))
    assert found == {
        "weight_kg": 68.0388555, "spo2": 97.0, "body_temp": 37.0, "bmi_kg_m2": 22.5, "height_cm": 180.0, "vo2max": 40.0,
        "walking_speed": 1.0, "sbp_mmHg": 120.0,
    }  # fmt: skip
    assert recording.quality.notes == (
        "1 records of types or units that are not read: BodyMass (1)",
        "1 records of HeartRate are outside 20 to 300; left out",
    )


@pytest.mark.parametrize("clock", ["8:01:02.53 AM", "08:01:02,53", "8:01:02.53 vorm."])
def test_the_beats_behind_an_hrv_value_have_their_times(clock: str, tmp_path: Path) -> None:
    beat = f'<HeartRateVariabilityMetadataList><InstantaneousBeatsPerMinute bpm="64" time="{clock}"/>'
    beat += '<InstantaneousBeatsPerMinute bpm="65" time="11:11:11,00"/></HeartRateVariabilityMetadataList>'
    span = record("HeartRateVariabilitySDNN", at("08:01:00"), at("08:02:00"), value="41.5", unit="ms", inner=beat)
    (recording,) = _read(tmp_path, span)
    assert _rows(recording, "sdnn") == [(60.0, 60.0, "", 41.5)]
    assert _rows(recording, "beat") == [(pytest.approx(62.53, abs=1e-6), 0.0, "", 64.0)]
    assert "1 times left out: beat outside the span of its HRV record" in recording.quality.notes


def test_every_stage_of_sleep_and_a_workout_have_labels(tmp_path: Path) -> None:
    names = ("InBed", "AsleepUnspecified", "Asleep", "AsleepCore", "AsleepDeep", "AsleepREM", "Awake", "Levitating")
    stages = [
        record("SleepAnalysis", at(f"08:0{k}:00"), at(f"08:0{k}:30"), value=f"HKCategoryValueSleepAnalysis{name}")
        for k, name in enumerate(names)
    ]
    workout = (
        '<Workout workoutActivityType="HKWorkoutActivityTypeHighIntensityIntervalTraining" duration="9" durationUnit="min"'
        f' sourceName="W" startDate="{at("09:00:00")}" endDate="{at("09:09:00")}"/>'
    )
    watch, other = _read(tmp_path, *stages, workout)
    assert [label for _, _, label, _ in _rows(watch, "sleep_stage")] == [
        "in_bed", "asleep", "asleep", "light", "deep", "REM", "W",
    ]  # fmt: skip
    assert _rows(other, "workout")[0][:3] == (3600.0, 540.0, "high intensity interval training")


def test_what_a_correlation_holds_is_not_counted_twice(tmp_path: Path) -> None:
    pressure = record("BloodPressureSystolic", at("08:00:00"), at("08:00:00"), value="120", unit="mmHg")
    (recording,) = _read(tmp_path, pressure, f"<Correlation>{pressure}</Correlation>", pressure.replace("08:00", "08:01"))
    assert [second for second, *_ in _rows(recording, "sbp_mmHg")] == [0.0, 60.0]


def test_each_stretch_of_equal_offset_is_a_recording(tmp_path: Path) -> None:
    days = [("2020-03-28", "+0100"), ("2020-03-29", "+0200"), ("2020-03-30", "-0500"), ("2020-03-31", "+0200")]
    rates = [
        record("HeartRate", at("08:00:00", day=day, offset=offset), at("08:00:00", day=day, offset=offset), value="60",
               unit="count/min") for day, offset in days
    ]  # fmt: skip
    recordings = _read(tmp_path, *reversed(rates))
    assert [recording.utc_offset_s for recording in recordings] == [3600, 7200, -18000, 7200]
    assert [recording.name for recording in recordings] == ["Apple Watch", *(f"Apple Watch, part {k}" for k in (2, 3, 4))]
    onsets = [int(recording.events.onset_ns[0]) // SECOND for recording in recordings]
    assert np.diff(onsets).tolist() == [23 * 3600, 31 * 3600, 17 * 3600]


def test_a_clock_of_twelve_hours_is_understood(tmp_path: Path) -> None:
    rate = record("HeartRate", "2020-05-01 8:00:10 PM +0200", "2020-05-01 8:00:10 PM +0200", value="60", unit="count/min")
    (recording,) = _read(tmp_path, rate)
    assert _rows(recording, "hr") == [(12 * 3600 + 10.0, 0.0, "", 60.0)]


def test_reading_goes_on_behind_broken_xml(tmp_path: Path) -> None:
    path = tmp_path / "export.xml"
    whole = export(TINY[0], "<Record type=<<>>", *TINY[1:])
    path.write_text(whole)
    (recording,) = read(path)
    assert len(recording.events) == 2
    assert recording.channels[0].physical().sum() == 127
    byte = len(whole[: whole.index("<<>>")].encode())
    assert recording.quality.notes == (
        f"broken XML at byte {byte} (not well-formed (invalid token)); reading went on at the next record",
    )


def test_a_missing_end_is_noted(tmp_path: Path) -> None:
    path = tmp_path / "export.xml"
    whole = export(*TINY)
    path.write_text(whole[: whole.index(" <Record", whole.index("StepCount"))])
    (recording,) = read(path)
    assert [len(channel.samples) for channel in recording.channels] == [2]
    assert "without its closing tag; what came before it was read" in recording.quality.notes[0]


def test_the_broken_document_type_of_some_versions_is_skipped(tmp_path: Path) -> None:
    head = "<!DOCTYPE HealthData [\n<!ATTLIST Me\n oops CDATA #IMPLIED\n>\n startDate CDATA #REQUIRED>\n]>\n"
    (recording,) = _read(tmp_path, *TINY, head=head)
    assert recording.quality.notes == ()


@pytest.mark.parametrize("name", ["HealthData", "lolz"])
def test_entities_are_refused_and_never_expanded(name: str, tmp_path: Path) -> None:
    bomb = "".join(f'<!ENTITY a{k} "{f"&a{k - 1};" * 10 if k else "ha"}">' for k in range(20))
    with pytest.raises(BadRecording, match="declares entities, which no export does; they are not expanded"):
        _read(tmp_path, *TINY, head=f"<!DOCTYPE {name} [{bomb}]>")


def test_an_element_without_an_end_does_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apple_xml, "CHUNK", 4096)
    monkeypatch.setattr(apple_xml, "MOST_TOKEN", 16_384)
    long = record("HeartRate", at("08:00:00"), at("08:00:00"), value="60", unit="count/min", device="x" * 100_000)
    with pytest.raises(BadRecording, match="an element of more than 16384 bytes"):
        _read(tmp_path, *TINY, long)


@pytest.mark.parametrize("size", [16, 100, 333])
def test_the_chunks_in_which_a_file_is_read_do_not_matter(size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = (TINY[0], "<Record type=<<>>", *TINY[1:], "<Record <", TINY[1].replace("08:0", "09:0"))
    (whole,) = _read(tmp_path, *broken)
    monkeypatch.setattr(apple_xml, "CHUNK", size)
    (pieces,) = _read(tmp_path, *broken)
    assert str(pieces.events.rows()) == str(whole.events.rows())
    assert pieces.channels[0].samples.tolist() == whole.channels[0].samples.tolist()
    assert len(pieces.quality.notes) == 2


def test_records_that_say_nothing_are_counted(tmp_path: Path) -> None:
    odd = (
        record("HeartRate", "yesterday", at("08:00:00"), value="60", unit="count/min"),
        record("HeartRate", at("08:00:00"), at("07:00:00"), value="60", unit="count/min"),
        record("HeartRate", at("08:00:00"), at("08:00:00"), value="many", unit="count/min"),
        record("HeartRate", at("08:00:00"), at("08:00:00"), value="60", unit="count/min").replace("startDate", "begin"),
        record("ToothbrushingEvent", at("08:00:00"), at("08:00:00"), value="x"),
    )
    (recording,) = _read(tmp_path, *TINY, *odd)
    assert recording.quality.notes == (
        "1 records of types or units that are not read: ToothbrushingEvent (1)",
        "2 times left out: Record whose value or date cannot be read",
        "1 times left out: Record without startDate",
        "1 times left out: record that ends before it begins",
    )
    with pytest.raises(BadRecording, match="an export without a record that can be read"):
        _read(tmp_path, *odd)


def test_a_zip_holds_the_export_and_its_electrocardiograms(tmp_path: Path) -> None:
    (tmp_path / "P07").mkdir()
    health, ecg = read(write_apple_zip(tmp_path / "P07"))
    (alone,) = read(write_apple_health(tmp_path))
    assert health.events.rows()[0][:4] == alone.events.rows()[0][:4]
    assert (ecg.name, ecg.channels[0].modality, ecg.channels[0].samples.tolist()) == ("ecg_2020-05-01", "ecg", [1, 2, 3])
    assert health.participant == ecg.participant == "P07"


def test_what_is_said_of_a_source_that_gives_nothing_stands_with_the_next(tmp_path: Path) -> None:
    bad = record("HeartRate", at("08:00:00"), at("08:00:00"), value="5", unit="count/min", source="B", device="")
    (recording,) = _read(tmp_path, bad, *TINY)
    assert recording.quality.notes == ("1 records of HeartRate are outside 20 to 300; left out",)
    with pytest.raises(BadRecording, match="without a record that can be read; 1 records of HeartRate are outside 20 to 300"):
        _read(tmp_path, bad)


@pytest.mark.real
def test_a_genuine_export_holds_what_another_parser_finds() -> None:
    path = DATA / "raw_devices/apple_health/export.xml"
    if not path.exists():
        pytest.skip(f"no {path}")
    root = ElementTree.parse(path).getroot()
    recordings = list(read(path))
    events = [row for recording in recordings for row in recording.events.rows()]
    assert len(events) == len(root.findall("Record")) + len(root.findall("Workout")) == 3
    by_kind = {kind: (onset, lasts, label, value) for kind, onset, lasts, label, value in events}
    assert by_kind["bmi_kg_m2"][3] == 22.5312  # 2016-04-18 08:25:32 -0700
    assert by_kind["bmi_kg_m2"][0] == 1_460_993_132 * SECOND
    assert by_kind["hr"] == (1_536_571_735 * SECOND, 0, "", 72.0)  # 2018-09-10 02:28:55 -0700
    assert by_kind["workout"][:3] == (1_479_133_541 * SECOND, 311 * SECOND, "running")
    assert {recording.utc_offset_s for recording in recordings} == {-7 * 3600}
    assert not any("Simon" in repr(recording) for recording in recordings)
