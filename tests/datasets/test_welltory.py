from pathlib import Path

import numpy as np
import pytest

from tests.datasets.tiny_daily import WEARABLE, write_welltory
from wearfm.datasets import welltory
from wearfm.errors import BadRecording
from wearfm.signals.recording import SECOND

DAY_NS = 86_400 * SECOND


def _ns(text: str) -> int:
    return int(np.datetime64(text).astype("datetime64[ns]").astype(np.int64))


def test_daily_values_are_a_sample_a_day_on_the_wall_clock(tmp_path: Path) -> None:
    write_welltory(tmp_path)
    one, other = welltory.recordings(tmp_path)
    assert (one.participant, one.name, one.clock) == ("welltory:013f6d3e5b", "study", "local")
    pulse = one.channel("heart rate")
    assert (pulse.modality, pulse.unit, pulse.rate_hz, pulse.start_ns) == ("hr", "1/min", 1 / 86_400, _ns("2020-05-12"))
    assert pulse.valid.bounds.tolist() == [[0, 2], [3, 4]]
    assert pulse.physical()[pulse.mask()].tolist() == [85.0, 75.0, 90.0]
    assert one.channel("resting heart rate").valid.bounds.tolist() == [[0, 1], [3, 4]]
    assert one.channel("oxygen saturation").physical()[0] == pytest.approx(96.0)
    assert one.channel("body temperature").valid.bounds.tolist() == [[1, 2]]
    assert one.channel("steps").physical().tolist() == [4153.0, 18523.0]
    assert other.channels == ()


def test_a_day_that_stands_twice_is_counted(tmp_path: Path) -> None:
    write_welltory(tmp_path)
    path = tmp_path / "data" / "wearables.csv"
    path.with_suffix(".csv.gz").unlink()
    rows = [f"013f6d3e5b,2020-05-1{day},,{pulse}" + "," * 10 for day, pulse in ((3, 70), (2, 60), (3, 80))]
    path.write_text("\n".join([f"user_code,day,{WEARABLE}", *rows]) + "\n")
    one, _ = welltory.recordings(tmp_path)
    assert one.channels[0].physical().tolist() == [60.0, 80.0]
    assert one.quality.reasons() == {"dropped: another row of the day follows": 1}


def test_a_check_is_its_intervals_and_what_was_asked(tmp_path: Path) -> None:
    write_welltory(tmp_path)
    one, other = welltory.recordings(tmp_path)
    beats = one.events.of_kind("ibi")
    start = _ns("2020-05-15T04:14:21")
    assert beats.value.tolist() == [0.694, 0.832, 0.642]
    assert ((beats.onset_ns - start) / SECOND).tolist() == [0.0, 0.694, 1.526]
    (rate,) = one.events.of_kind("hr").rows()
    assert rate == ("hr", start, 2_168_000_000, "", 83.0)
    assert one.events.of_kind("feeling").value.tolist() == [-1.0]
    assert len(one.events.of_kind("slept")) == 0
    assert other.events.of_kind("slept").value.tolist() == [1.0]
    assert sorted(one.events.of_kind("tag").label.tolist()) == ["COVID-19", "I could do better"]


def test_answers_blood_pressure_and_sleep_are_events(tmp_path: Path) -> None:
    write_welltory(tmp_path)
    one, _ = welltory.recordings(tmp_path)
    day = _ns("2020-05-13")
    assert one.events.of_kind("covid_overall").rows() == [("covid_overall", day, DAY_NS, "moderate", 4.0)]
    assert one.events.of_kind("survey").rows() == [("survey", day, DAY_NS, "User does not drink alcohol", 2.0)]
    assert one.events.of_kind("sbp_mmHg").rows() == [("sbp_mmHg", _ns("2020-05-13T17:46:12"), 0, "", 127.0)]
    assert one.events.of_kind("dbp_mmHg").value.tolist() == [82.0]
    asleep, awake = one.events.of_kind("sleep_day").rows()
    assert asleep == ("sleep_day", _ns("2020-05-13T00:30"), 8 * 3600 * SECOND, "asleep", 450.0)
    assert awake[3:] == ("awake", 30.0)


def test_what_is_known_of_a_person_becomes_facts_and_a_date_of_birth_does_not(tmp_path: Path) -> None:
    write_welltory(tmp_path)
    one, other = welltory.recordings(tmp_path)
    assert one.facts == {"sex": "female", "age_band": "18-24", "age_years": 21.0, "height_cm": 174.0, "weight_kg": 77.3}
    assert other.facts == {"sex": "male", "age_band": "35-44", "age_years": 39.5, "weight_kg": 60.0}
    assert one.events.of_kind("symptoms_onset").onset_ns.tolist() == [_ns("2020-05-15")]
    assert len(other.events.of_kind("symptoms_onset")) == 0
    assert other.quality.notes == ("an onset of symptoms outside 2020 was left out",)


def test_a_table_that_is_missing_is_missed_only_if_it_is_needed(tmp_path: Path) -> None:
    write_welltory(tmp_path)
    for name in ("sleep", "blood_pressure", "surveys"):
        (tmp_path / "data" / f"{name}.csv").unlink()
    one, _ = welltory.recordings(tmp_path)
    assert not {"sleep_day", "sbp_mmHg", "survey"} & set(one.events.kind.tolist())


@pytest.mark.parametrize(
    ("name", "old", "new", "reason"),
    [
        ("hrv_measurements", "694,832", "694,x", "intervals '694,x,642' are not whole milliseconds"),
        ("blood_pressure", "2020-05-13  17", "2020-05-13  27", "'2020-05-13 27:46:12' is not a date and time"),
        ("participants", "5/15/2020", "15.5.2020", "'15.5.2020' is not a date and time; write it as %m/%d/%Y"),
    ],
)
def test_other_forms_are_refused(name: str, old: str, new: str, reason: str, tmp_path: Path) -> None:
    write_welltory(tmp_path)
    path = tmp_path / "data" / f"{name}.csv"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(BadRecording, match=reason):
        list(welltory.recordings(tmp_path))


@pytest.mark.real
def test_the_heart_rate_of_a_check_is_that_of_its_intervals(data_folder: Path) -> None:
    """The app's rate, a column of its own, against 60 over the mean interval: half of 2,489 agree to half a beat."""
    people = list(welltory.recordings(data_folder / welltory.DATASET.folder))
    assert (len(people), sum(bool(one.channels) for one in people)) == (124, 54)
    off = []
    for one in people:
        beats, rates = one.events.of_kind("ibi"), one.events.of_kind("hr")
        first = np.searchsorted(beats.onset_ns, rates.onset_ns)
        stop = np.searchsorted(beats.onset_ns, rates.onset_ns + rates.duration_ns)
        off += [60 / beats.value[a:b].mean() - rate for a, b, rate in zip(first, stop, rates.value, strict=True)]
    assert len(off) == 2489
    assert float(np.median(np.abs(off))) < 0.5
    assert float(np.abs(off).max()) < 4
