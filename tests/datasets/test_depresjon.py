from pathlib import Path

import numpy as np
import pytest

from tests.datasets.tiny import write_depresjon
from wearfm.datasets import depresjon
from wearfm.errors import BadConfiguration, BadRecording
from wearfm.signals.recording import SECOND

DAY = 1440


def test_counts_are_a_minute_each_on_the_wall_clock(tmp_path: Path) -> None:
    write_depresjon(tmp_path)
    patient, control = depresjon.recordings(tmp_path)
    assert (patient.participant, control.participant) == ("depresjon:condition_2", "depresjon:control_1")
    channel = patient.channel("activity")
    assert (channel.modality, channel.rate_hz, channel.placement, patient.clock) == ("counts", 1 / 60, "wrist", "local")
    assert channel.physical().tolist() == [146, 100, 3]
    assert channel.start_ns == np.datetime64("2003-05-07T15:00").astype("datetime64[ns]").astype(int)


def test_what_is_known_of_a_person_becomes_facts(tmp_path: Path) -> None:
    write_depresjon(tmp_path)
    patient, control = depresjon.recordings(tmp_path)
    assert patient.facts["condition"] == "patient"
    assert (patient.facts["sex"], patient.facts["age_band"], patient.facts["age_years"]) == ("male", "40-44", 42.0)
    assert (patient.facts["madrs_start"], patient.facts["affective_disorder"]) == (24.0, "bipolar II")
    assert "melancholia" not in patient.facts
    assert set(control.facts) == {"condition", "sex", "age_band", "age_years", "days_listed"}


def test_a_watch_that_was_taken_off_is_masked_and_counted(tmp_path: Path) -> None:
    worn, ticking = [300] * 1200, [7, 9] * 100
    write_depresjon(tmp_path, counts={"control_1": [*worn, *ticking, *worn]})
    (one,) = depresjon.recordings(tmp_path)
    assert one.channels[0].valid.bounds.tolist() == [[0, 1200], [1400, 2600]]
    assert one.quality.reasons() == {f"masked: {depresjon.NOT_WORN}": 200}


def test_a_night_without_a_movement_for_less_than_three_hours_is_kept(tmp_path: Path) -> None:
    write_depresjon(tmp_path, counts={"control_1": [300] * 600 + [0] * 178 + [300] * 600})
    (one,) = depresjon.recordings(tmp_path)
    assert one.channels[0].valid.total == 1378


def test_the_way_to_the_drawer_is_not_wear() -> None:
    counts = np.array([300.0] * DAY + [0.0] * 600 + [250.0] * 60 + [0.0] * 900, dtype=np.float32)
    assert depresjon.unworn(counts).bounds.tolist() == [[DAY, len(counts)]]


def test_a_clock_set_forward_leaves_a_gap_of_an_hour(tmp_path: Path) -> None:
    write_depresjon(tmp_path, counts={"control_1": [50] * 10}, start="2003-03-30 01:50:00")
    path = tmp_path / "control" / "control_1.csv"
    path.write_text(path.read_text().replace("01:59:00", "02:59:00"))
    (one,) = depresjon.recordings(tmp_path)
    assert len(one.channels[0].samples) == 70
    assert one.quality.reasons() == {"inserted: gap: no samples in the source": 60}
    assert one.duration_s == 70 * 60
    assert one.channels[0].time_ns(69) - one.channels[0].start_ns == 69 * 60 * SECOND


def test_somebody_who_is_in_no_table_is_refused(tmp_path: Path) -> None:
    write_depresjon(tmp_path, counts={"control_9": [1, 2]})
    with pytest.raises(BadRecording, match=r"control_9 is not in scores\.csv; add its row"):
        list(depresjon.recordings(tmp_path))


def test_stamps_and_ages_of_another_form_are_refused(tmp_path: Path) -> None:
    write_depresjon(tmp_path)
    path = tmp_path / "condition" / "condition_2.csv"
    path.write_text(path.read_text().replace("2003-05-07 15:01:00", "yesterday"))
    with pytest.raises(BadRecording, match="time stamp is not a date"):
        list(depresjon.recordings(tmp_path))
    scores = tmp_path / "scores.csv"
    scores.write_text(scores.read_text().replace("40-44", "old"))
    with pytest.raises(BadConfiguration, match="age band 'old' is not of the form '40-44'"):
        list(depresjon.recordings(tmp_path))


@pytest.mark.real
def test_everybody_wore_the_watch_for_about_two_weeks(data_folder: Path) -> None:
    """The rule of wear knows nothing of the protocol, and finds it: two weeks, whether a file has 13 days or 45."""
    days = [one.channels[0].valid.total / DAY for one in depresjon.recordings(data_folder / depresjon.DATASET.folder)]
    assert len(days) == 36
    assert min(days) > 11.5
    assert max(days) < 21.5
    assert 14 < float(np.median(days)) < 15
