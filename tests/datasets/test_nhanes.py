from pathlib import Path

import numpy as np
import pytest

from tests.datasets.tiny_motion import write_nhanes
from wearfm.datasets import nhanes
from wearfm.errors import BadRecording
from wearfm.readers import xport

MINUTE = 60 * 10**9
DAY = 1440 * MINUTE


def test_mims_light_and_wear_of_2011(tmp_path: Path) -> None:
    write_nhanes(tmp_path)
    one, other, _ = nhanes.recordings(tmp_path)
    assert (one.participant, one.name, other.participant) == ("nhanes:62161", "week", "nhanes:62164")
    counts = one.channel("MIMS")
    assert counts.samples[[0, 3]] == pytest.approx([12.5, 3.25])
    assert counts.valid.bounds.tolist() == [[0, 1], [3, 4]]  # the second was not worn, the third not computed
    assert one.channel("light").valid.bounds.tolist() == [[0, 1], [2, 4]]
    assert [(row[3], row[2] // MINUTE) for row in one.events.rows()] == [
        ("awake", 1), ("not worn", 1), ("awake", 1), ("asleep", 1),
    ]  # fmt: skip
    assert "1 minutes carry a quality flag; they are read" in one.quality.notes
    assert one.facts == {"sex": "male", "age_years": 22.0}
    assert other.facts == {"sex": "female"}


def test_weekday_and_time_of_day_are_true(tmp_path: Path) -> None:
    write_nhanes(tmp_path)
    one, other, early = nhanes.recordings(tmp_path)
    first = np.datetime64("2011-01-02", "ns").astype(np.int64)  # a Sunday
    assert one.start_ns == first + 2 * DAY + 870 * MINUTE  # Tuesday, 14:30
    assert other.start_ns == first + 6 * DAY + 480 * MINUTE  # Saturday, 8:00
    assert early.start_ns == np.datetime64("2005-01-02", "ns").astype(np.int64)
    assert {each.clock for each in (one, other, early)} == {"local"}


def test_counts_of_2005_are_integers_without_the_full_counter(tmp_path: Path) -> None:
    write_nhanes(tmp_path)
    *_, early = nhanes.recordings(tmp_path)
    assert early.participant == "nhanes:31128"
    counts = early.channel("counts")
    assert (counts.samples.tolist(), counts.samples.dtype) == ([166, 27, 32767, 0], np.int32)
    assert counts.valid.bounds.tolist() == [[0, 2], [3, 4]]
    assert (early.facts["is_reliable"], early.facts["is_calibrated"]) == (1.0, 0.0)


def test_without_the_header_file_the_clock_is_relative(tmp_path: Path) -> None:
    write_nhanes(tmp_path)
    (tmp_path / "PAXHD_G.XPT").unlink()
    one, *_ = nhanes.recordings(tmp_path)
    assert (one.clock, one.start_ns) == ("relative", 0)


def test_a_person_whose_rows_lie_in_two_blocks_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_nhanes(tmp_path)
    whole = [(one.participant, one.channels[0].samples.tolist()) for one in nhanes.recordings(tmp_path)]
    monkeypatch.setattr(xport, "_BLOCK", 140)  # three rows of the minutes
    assert [(one.participant, one.channels[0].samples.tolist()) for one in nhanes.recordings(tmp_path)] == whole


def test_a_file_of_another_cycle_and_one_that_is_cut_off_are_refused(tmp_path: Path) -> None:
    write_nhanes(tmp_path)
    path = tmp_path / "PAXMIN_G.XPT"
    content = path.read_bytes()
    path.write_bytes(content[:700])
    with pytest.raises(BadRecording, match="are not described"):
        list(nhanes.recordings(tmp_path))
    path.rename(tmp_path / "PAXMIN_Z.XPT")
    with pytest.raises(BadRecording, match="cycle 'Z' is not one of C, D, G, H"):
        list(nhanes.recordings(tmp_path))
