from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from tests.datasets.tiny import write_motionsense
from wearfm.datasets import motionsense
from wearfm.errors import BadRecording


def test_a_phone_that_lies_still_feels_1_g_upwards(tmp_path: Path) -> None:
    """Screen up, an iPhone reports gravity -1 on z; pushed up at half a g, userAcceleration is -0.5."""
    write_motionsense(tmp_path)
    (one,) = motionsense.recordings(tmp_path)
    assert [channel.name for channel in one.channels] == ["acc x", "acc y", "acc z", "gyro x", "gyro y", "gyro z"]
    assert one.channel("acc z").physical()[0] == 1.5
    assert one.channel("gyro x").physical()[0] == pytest.approx(57.29578)


def test_a_trial_is_a_recording_with_its_activity_and_person(tmp_path: Path) -> None:
    write_motionsense(tmp_path)
    (one,) = motionsense.recordings(tmp_path)
    assert (one.participant, one.name) == ("motionsense:3", "std_6")
    assert one.events.rows()[0][:4] == ("activity", 0, 10**9, "standing")
    assert one.facts == {"age_years": 28.0, "height_cm": 161.0, "weight_kg": 48.0, "sex": "female"}


def test_a_table_a_person_gives_the_same_trials(tmp_path: Path) -> None:
    write_motionsense(tmp_path)
    (original,) = motionsense.recordings(tmp_path)
    values = {name: np.zeros(100, dtype=np.float32) for name in motionsense._COLUMNS} | {"gravity.z": np.full(100, -1.0)}
    values["userAcceleration.z"] = np.full(100, -0.5)
    values["rotationRate.x"] = np.full(100, 1.0)
    labels = {"activity": pa.array(["std"] * 50 + ["jog"] * 50).dictionary_encode(), "trial": [6] * 50 + [9] * 50}
    parquet.write_table(pa.table(labels | values), tmp_path / "sub_03.parquet")
    standing, jogging = motionsense.recordings(tmp_path)
    assert (standing.name, jogging.name) == ("std_6", "jog_9")
    for channel in original.channels:
        assert np.array_equal(standing.channel(channel.name).samples, channel.samples)


def test_an_activity_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    write_motionsense(tmp_path)
    (tmp_path / "A_DeviceMotion_data" / "std_6").rename(tmp_path / "A_DeviceMotion_data" / "fly_6")
    with pytest.raises(BadRecording, match="activity 'fly' is not one of dws, ups"):
        list(motionsense.recordings(tmp_path))


@pytest.mark.real
def test_the_sum_with_gravity_is_what_an_accelerometer_feels(data_folder: Path) -> None:
    """Still, it is 1 g; jogging, the foot pushes up in jolts: along the vertical the force leans to large values."""
    for one in motionsense.recordings(data_folder / motionsense.DATASET.folder):
        force = np.stack([one.channel(f"acc {axis}").physical() for axis in "xyz"])
        activity = one.name[:3]
        if activity in ("sit", "std"):
            assert np.median(np.linalg.norm(force, axis=0)) == pytest.approx(1.0, abs=0.03)
        if activity == "jog":
            vertical = force.mean(axis=1) / np.linalg.norm(force.mean(axis=1)) @ force
            assert np.mean((vertical - vertical.mean()) ** 3) > 0
