from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tests.datasets.tiny import write_hmp
from wearfm.datasets import hmp
from wearfm.errors import BadRecording
from wearfm.signals.recording import SECOND


def test_codes_stay_integers_and_become_g_by_the_manual_s_formula(tmp_path: Path) -> None:
    write_hmp(tmp_path)
    _, climb = sorted(hmp.recordings(tmp_path), key=lambda one: one.participant, reverse=True)
    assert climb.channel("acc z").samples.dtype == np.int16
    assert [climb.channel(f"acc {axis}").physical()[0] for axis in "xyz"] == pytest.approx([-1.5, 1.5, 0.5])
    assert {channel.placement for channel in climb.channels} == {"wrist"}


def test_a_trial_is_read_once_with_its_activity_and_person(tmp_path: Path) -> None:
    write_hmp(tmp_path)
    found = {one.participant: one for one in hmp.recordings(tmp_path)}
    assert len(list(hmp.recordings(tmp_path))) == len(found) == 2
    assert found["hmp:f1"].facts == {"sex": "female"}
    assert found["hmp:m10"].facts == {"sex": "male"}
    assert found["hmp:m10"].name == "walk 2012-06-11-11-39-29"
    kind, onset_ns, duration_ns, label, _ = found["hmp:f1"].events.rows()[0]
    assert (kind, duration_ns, label) == ("activity", 2 * SECOND, "climbing stairs")
    assert onset_ns == found["hmp:f1"].start_ns == 1300962279 * SECOND  # 2011-03-24 10:24:39 on the wall clock
    assert found["hmp:f1"].clock == "local"


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("Accelerometer-2011-03-24-10-24-39-walk-f2.txt", "1 2 64\n", "is not three columns of codes from 0 to 63"),
        ("Accelerometer-2011-03-24-10-24-39-walk-f2.txt", "1 2\n", "is not three columns of codes from 0 to 63"),
        ("Accelerometer-2011-03-24-10-24-39-walk-f2.txt", "1 2 oops\n", "is not three columns of whole numbers"),
        ("Accelerometer-2011-03-24-10-24-39-fly-f2.txt", "1 2 3\n", "is not of the form Accelerometer-2011-03-24"),
        ("Accelerometer-2011-02-30-10-24-39-walk-f2.txt", "1 2 3\n", "does not exist in the calendar"),
    ],
)
def test_what_is_no_trial_is_refused(name: str, text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(BadRecording, match=says):
        list(hmp.recordings(tmp_path))


@pytest.mark.real
def test_the_real_trials_are_by_eleven_people_and_feel_gravity(data_folder: Path) -> None:
    trials = list(hmp.recordings(data_folder / hmp.DATASET.folder))
    assert len(trials) == 624
    assert len({one.participant for one in trials}) == 11
    assert sum(one.duration_s for one in trials) / 3600 == pytest.approx(3.0116, abs=1e-3)
    activities = Counter(one.events.label[0] for one in trials)
    assert set(activities) == set(hmp.ACTIVITIES.values())
    assert (activities["walking"], activities["eating with a spoon"]) == (68, 3)
    force = [np.linalg.norm([one.channel(f"acc {axis}").physical() for axis in "xyz"], axis=0) for one in trials]
    assert np.median(np.concatenate(force)) == pytest.approx(1.0, abs=0.1)
    first = next(one for one in trials if one.name == "climb_stairs 2011-03-24-10-24-39")
    assert [int(channel.samples[0]) for channel in first.channels] == [5, 39, 34]  # "05 39 34" in the file
