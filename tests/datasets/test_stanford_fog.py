from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet
import pytest

from tests.datasets.tiny import write_stanford_fog
from wearfm.datasets import stanford_fog
from wearfm.errors import BadRecording


def test_places_axes_and_units_are_the_house_s(tmp_path: Path) -> None:
    write_stanford_fog(tmp_path)
    (one,) = stanford_fog.recordings(tmp_path)
    assert (one.participant, one.name) == ("stanford_fog:3", "visit_12.1_tbc_walklr_0_trial_1")
    assert {channel.placement for channel in one.channels} == {"lower back", "left ankle", "right ankle"}
    acc, gyro = one.channel("lower back acc x"), one.channel("left ankle gyro z")
    assert (acc.modality, acc.unit, acc.axis, acc.rate_hz) == ("acc", "g", "x", 128.0)
    assert acc.physical()[0] == pytest.approx(1.0)
    assert gyro.physical()[0] == pytest.approx(180.0)


def test_a_place_without_a_number_is_a_note_and_no_channel(tmp_path: Path) -> None:
    write_stanford_fog(tmp_path)
    (one,) = stanford_fog.recordings(tmp_path)
    assert one.quality.notes == ("no sensor at the left wrist", "no sensor at the right wrist")
    assert len(one.channels) == 3 * 6


def test_freezing_is_an_event_on_the_clock_of_the_visit(tmp_path: Path) -> None:
    write_stanford_fog(tmp_path)
    (one,) = stanford_fog.recordings(tmp_path)
    assert one.events.kind.tolist() == ["freezing"]
    assert one.start_ns == 181.75e9
    assert one.events.onset_ns[0] / 1e9 == pytest.approx(182.25)
    assert one.events.duration_ns[0] / 1e9 == pytest.approx(0.25)


def test_a_trial_without_its_columns_is_refused(tmp_path: Path) -> None:
    write_stanford_fog(tmp_path)
    path = tmp_path / "pt3_visit_12.1_tbc_walklr_0_trial_1.parquet"
    parquet.write_table(parquet.read_table(path).drop_columns(["freeze_label"]), path)
    with pytest.raises(BadRecording, match="no column freeze_label"):
        list(stanford_fog.recordings(tmp_path))


def test_a_file_that_is_no_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pt3_visit_1_trial_1.parquet").write_bytes(b"not a table")
    with pytest.raises(BadRecording, match="not a table"):
        list(stanford_fog.recordings(tmp_path))


@pytest.mark.real
def test_the_lower_back_feels_gravity(data_folder: Path) -> None:
    for one in stanford_fog.recordings(data_folder / stanford_fog.DATASET.folder):
        force = np.stack([one.channel(f"lower back acc {axis}").physical() for axis in "xyz"])
        assert np.median(np.linalg.norm(force, axis=0)) == pytest.approx(1.0, abs=0.05)
