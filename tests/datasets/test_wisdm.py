from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet
import pytest

from tests.datasets.tiny_motion import write_wisdm
from wearfm.datasets import wisdm
from wearfm.errors import BadRecording

STEP = 50_000_000


def test_every_activity_of_every_device_is_a_recording(tmp_path: Path) -> None:
    write_wisdm(tmp_path)
    phone, walk, sit = wisdm.recordings(tmp_path)
    assert [one.name for one in (phone, walk, sit)] == ["phone A", "watch A", "watch D"]
    assert {one.participant for one in (phone, walk, sit)} == {"wisdm:1600"}
    assert [one.events.rows()[0][2:4] for one in (walk, sit)] == [(3 * 10**9, "walking"), (3 * 10**9, "sitting")]
    assert walk.channel("acc y").physical()[0] == pytest.approx(9.5 / 9.80665)
    assert walk.channel("gyro y").physical()[0] == pytest.approx(np.degrees(0.5), abs=1e-4)
    assert (walk.channel("acc x").placement, phone.channel("acc x").placement) == ("wrist", "trouser pocket")
    assert walk.channel("acc x").rate_hz == 20.0
    assert any("data_1600_accel_watch.txt without 6 cells" in note for note in walk.quality.notes)


def test_of_a_fast_stretch_every_fifth_sample_stays() -> None:
    slow, fast = np.arange(5) * STEP, 5 * STEP + np.arange(10) * STEP // 5
    stamps = np.concatenate((slow, fast, 7 * STEP + np.arange(2) * STEP))
    kept = np.flatnonzero(wisdm.on_time(stamps.astype(np.int64)))
    assert kept.tolist() == [0, 1, 2, 3, 4, 5, 10, 15, 16]
    assert np.all(np.diff(stamps[kept]) == STEP)


def test_a_file_of_another_name_and_an_unknown_activity_are_refused(tmp_path: Path) -> None:
    write_wisdm(tmp_path)
    path = next(tmp_path.rglob("data_1600_accel_phone.txt"))
    path.write_text("1600,N,1,0,0,0;\n1600,N,50000001,0,0,0;\n")
    with pytest.raises(BadRecording, match="activity 'N' is not one of A, B"):
        list(wisdm.recordings(tmp_path))
    path.rename(path.with_name("data_16_accel_phone.txt"))
    with pytest.raises(BadRecording, match="is not of the form data_1600_accel_watch"):
        list(wisdm.recordings(tmp_path))


@pytest.mark.real
def test_the_real_watches_hold_eighteen_activities_of_three_minutes(data_folder: Path) -> None:
    folder = data_folder / wisdm.DATASET.folder
    found = list(wisdm.recordings(folder))
    assert Counter(one.participant for one in found) == dict.fromkeys({one.participant for one in found}, 18)
    assert len(found) == 7 * 18
    assert all(one.duration_s == pytest.approx(180, abs=1.5) for one in found)
    assert all(channel.rate_hz == pytest.approx(20.03, abs=0.03) for one in found for channel in one.channels)
    first = next(one for one in found if (one.participant, one.name) == ("wisdm:1600", "watch A"))
    read = parquet.read_table(folder / "1600_accel_watch.parquet").to_pylist()
    own = [row["y"] for row in read if row["activity"] == "A"]
    assert first.channel("acc y").physical() == pytest.approx(np.array(own) / 9.80665, abs=1e-6)
    lengths = [np.linalg.norm([one.channel(f"acc {axis}").physical() for axis in "xyz"], axis=0) for one in found]
    assert np.median(np.concatenate(lengths)) == pytest.approx(1.0, abs=0.02)
    dropped = {(one.participant, one.name): sum(c.count("dropped") for c in one.quality.channels) for one in found}
    assert {key: count for key, count in dropped.items() if count} == {
        ("wisdm:1600", "watch S"): 3576,
        ("wisdm:1628", "watch E"): 32988,
        ("wisdm:1644", "watch K"): 13794,
        ("wisdm:1644", "watch O"): 11994,
        ("wisdm:1644", "watch P"): 9474,
        ("wisdm:1647", "watch B"): 4866,
    }
