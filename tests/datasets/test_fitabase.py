import gzip
from pathlib import Path

import numpy as np
import pytest

from tests.datasets.tiny import write_fitabase
from wearfm.datasets import fitabase
from wearfm.errors import BadRecording

DAY_NS = 86_400 * 10**9


def test_minutes_come_out_of_the_wide_tables_in_order(tmp_path: Path) -> None:
    write_fitabase(tmp_path, steps=[7, 0, 3])
    (one,) = fitabase.recordings(tmp_path)
    assert (one.participant, one.clock) == ("fitabase:1503960366", "local")
    assert one.start_ns == np.datetime64("2016-04-13").astype("datetime64[ns]").astype(int)
    steps, intensity = one.channel("steps"), one.channel("intensity")
    assert (steps.rate_hz, steps.unit, intensity.unit) == (1 / 60, "count", "level")
    assert steps.physical()[[0, 59, 60, 120]].tolist() == [7, 7, 0, 3]
    assert intensity.physical()[[0, 59, 60, 120]].tolist() == [1, 1, 0, 1]


def test_a_tracker_on_the_bedside_table_is_masked_in_both_channels(tmp_path: Path) -> None:
    write_fitabase(tmp_path, steps=[5] * 20 + [0] * 8 + [5] * 20)
    (one,) = fitabase.recordings(tmp_path)
    assert all(channel.valid.bounds.tolist() == [[0, 1200], [1680, 2880]] for channel in one.channels)
    assert one.quality.reasons() == {f"masked: {fitabase.NOT_WORN}": 2 * 480}


@pytest.mark.parametrize(("in_bed_min", "is_kept"), [(420, True), (419, False), (600, True)])
def test_stillness_is_sleep_if_as_much_was_logged_for_the_morning(in_bed_min: int, is_kept: bool, tmp_path: Path) -> None:
    sleep = f"1503960366,4/14/2016 12:00:00 AM,1,400,{in_bed_min}\n"
    write_fitabase(tmp_path, steps=[5] * 22 + [0] * 8 + [5] * 18, sleep=sleep)
    (one,) = fitabase.recordings(tmp_path)
    assert (one.channel("steps").valid.total == 2880) == is_kept


def test_sleep_of_another_day_does_not_count(tmp_path: Path) -> None:
    write_fitabase(tmp_path, steps=[5] * 22 + [0] * 8 + [5] * 18, sleep="1503960366,4/13/2016 0:00,1,400,480\n")
    (one,) = fitabase.recordings(tmp_path)
    assert one.channel("steps").valid.total == 2880 - 480


def test_sitting_still_for_less_than_six_hours_stays(tmp_path: Path) -> None:
    write_fitabase(tmp_path, steps=[5] * 10 + [0] * 5 + [5] * 10)
    (one,) = fitabase.recordings(tmp_path)
    assert one.channel("steps").valid.total == 25 * 60


def test_an_hour_that_is_missing_is_a_gap(tmp_path: Path) -> None:
    write_fitabase(tmp_path, steps=[5, 5])
    for path in tmp_path.glob("minute*.csv.gz"):
        text = gzip.decompress(path.read_bytes()).decode().replace(" 1:00,", " 3:00,")
        path.write_bytes(gzip.compress(text.encode()))
    (one,) = fitabase.recordings(tmp_path)
    assert one.channel("steps").valid.bounds.tolist() == [[0, 60], [180, 240]]


def test_sleep_and_weight_are_events_not_channels(tmp_path: Path) -> None:
    night = "1503960366,4/13/2016 0:00,1,327,346\n"
    write_fitabase(tmp_path, sleep=night + night)
    (one,) = fitabase.recordings(tmp_path)
    sleep = one.events.of_kind("sleep_day")
    assert sleep.label.tolist() == ["asleep", "in bed"]
    assert sleep.value.tolist() == [327.0, 346.0]
    assert sleep.duration_ns.tolist() == [DAY_NS, DAY_NS]
    assert one.events.of_kind("weight_kg").value.tolist() == [52.5, 52.6]
    assert one.facts == {"weight_kg": 52.5, "bmi_kg_m2": 22.6}


def test_a_date_of_another_country_is_refused(tmp_path: Path) -> None:
    write_fitabase(tmp_path, sleep="1503960366,13.4.2016,1,327,346\n")
    with pytest.raises(BadRecording, match=r"time '13\.4\.2016' is not of the form"):
        list(fitabase.recordings(tmp_path))


@pytest.mark.parametrize(("old", "new"), [("1503960366", "1624580081"), (" 1:00", " 2:00")])
def test_steps_without_the_intensity_of_the_same_hours_are_refused(old: str, new: str, tmp_path: Path) -> None:
    write_fitabase(tmp_path)
    path = tmp_path / "minuteIntensitiesWide_merged.csv.gz"
    text = gzip.decompress(path.read_bytes()).decode().replace(old, new)
    path.write_bytes(gzip.compress(text.encode()))
    with pytest.raises(BadRecording, match="has other hours than in the table of steps"):
        list(fitabase.recordings(tmp_path))


@pytest.mark.real
def test_no_step_is_taken_while_the_tracker_is_not_worn(data_folder: Path) -> None:
    for one in fitabase.recordings(data_folder / fitabase.DATASET.folder):
        steps, intensity = one.channel("steps"), one.channel("intensity")
        assert intensity.valid == steps.valid
        assert not steps.physical()[~steps.mask()].any()
        assert not intensity.physical()[~steps.mask()].any()


def test_text_among_the_steps_is_refused_with_its_column(tmp_path: Path) -> None:
    write_fitabase(tmp_path, steps=[5])
    path = tmp_path / "minuteStepsWide_merged.csv.gz"
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()).replace(b"0:00,5,", b"0:00,many,")))
    with pytest.raises(BadRecording, match="column Steps00 does not hold numbers"):
        list(fitabase.recordings(tmp_path))
