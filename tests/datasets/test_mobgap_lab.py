from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from tests.datasets.tiny_single import write_mobgap_lab
from wearfm.datasets import mobgap_lab
from wearfm.errors import BadRecording
from wearfm.signals.recording import SECOND

START_NS = 1607605064733 * SECOND // 1000


def test_a_trial_is_ten_channels_at_the_lower_back_on_true_time(tmp_path: Path) -> None:
    write_mobgap_lab(tmp_path)
    one, two = mobgap_lab.recordings(tmp_path)
    assert (one.participant, one.name, two.name) == (
        "mobgap_lab:HA001",
        "TimeMeasure1 Test5 Trial1",
        "TimeMeasure1 Test5 Trial2",
    )
    assert (one.clock, one.utc_offset_s, one.start_ns, one.duration_s) == ("utc", 3600, START_NS, 4.0)
    assert [channel.name for channel in one.channels][:4] == ["acc x", "acc y", "acc z", "gyro x"]
    assert {channel.placement for channel in one.channels} == {"lower back"}
    assert one.channel("acc y").physical()[[0, 399]].tolist() == pytest.approx([0.0, 0.399])
    assert (one.channel("mag z").unit, one.channel("air pressure").unit) == ("uT", "hPa")


def test_the_steps_of_the_reference_are_events(tmp_path: Path) -> None:
    write_mobgap_lab(tmp_path)
    one, _ = mobgap_lab.recordings(tmp_path)
    walk = one.events.of_kind("walking_bout")
    assert (walk.onset_ns.tolist(), walk.duration_ns.tolist()) == ([START_NS + SECOND // 2], [5 * SECOND // 2])
    assert walk.value.tolist() == [1.05]
    contacts = one.events.of_kind("initial_contact")
    assert ((contacts.onset_ns - START_NS) / SECOND).tolist() == [0.5, 1.1, 1.75, 2.3]
    assert contacts.label.tolist() == ["left", "right", "left", "right"]
    assert one.events.of_kind("final_contact").label.tolist() == ["left", "right"]
    strides = one.events.of_kind("stride")
    assert ((strides.onset_ns - START_NS) / SECOND).tolist() == [0.5, 1.1]  # from sample numbers
    assert (strides.duration_ns / SECOND).tolist() == pytest.approx([1.25, 1.2])
    assert strides.value.tolist() == [1.25, 1.25]
    assert one.quality.notes == ()


def test_what_the_reference_could_not_time_is_counted(tmp_path: Path) -> None:
    write_mobgap_lab(tmp_path)
    _, two = mobgap_lab.recordings(tmp_path)
    assert len(two.events.of_kind("walking_bout")) == 2
    assert len(two.events.of_kind("initial_contact")) == 4 + 3
    strides = two.events.of_kind("stride")
    assert ((strides.onset_ns - START_NS) / SECOND).tolist() == pytest.approx([0.5, 1.1, 2.7])  # the last from seconds
    assert two.quality.notes == ("2 contacts and strides that the reference could not time were left out",)


def test_what_is_known_of_the_person_becomes_facts(tmp_path: Path) -> None:
    write_mobgap_lab(tmp_path)
    one, _ = mobgap_lab.recordings(tmp_path)
    assert one.facts == {
        "cohort": "healthy adult",
        "height_cm": 159.0,
        "weight_kg": 73.0,
        "sensor_height_cm": 96.4,
        "walking_aid": 0.0,
        "handedness": "right",
    }
    (tmp_path / "HA" / "001" / "infoForAlgo.mat").unlink()
    assert [other.facts for other in mobgap_lab.recordings(tmp_path)] == [{"cohort": "healthy adult"}] * 2


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "HA" / "001" / "data.mat"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"not a file of MATLAB, for certain" * 10)
    with pytest.raises(BadRecording, match="not a MATLAB file that can be read"):
        list(mobgap_lab.recordings(tmp_path))
    savemat(path, {"data": {"TimeMeasure1": {"Test5": {"Trial1": {"SU": 1.0}}}}}, do_compression=True)
    with pytest.raises(BadRecording, match="TimeMeasure1 Test5 Trial1 is not a trial of mobgap"):
        list(mobgap_lab.recordings(tmp_path))
    savemat(path, {"data": 3.0}, do_compression=True)
    with pytest.raises(BadRecording, match="data is no struct; export the tests again"):
        list(mobgap_lab.recordings(tmp_path))


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("StartDateTime", "9999-12-10T13:57:44.733+01:00", "a walking_bout from 0.5 to 3 s after"),
        ("Timestamp", np.full(400, np.nan), "a Timestamp that is no time"),
        ("Acc", np.ones((400, 2)), "cannot reshape"),
    ],
)
def test_values_that_cannot_be_are_refused(tmp_path: Path, field: str, value: object, reason: str) -> None:
    write_mobgap_lab(tmp_path)
    path = tmp_path / "HA" / "001" / "data.mat"
    content = loadmat(path, simplify_cells=True)["data"]
    trial = content["TimeMeasure1"]["Test5"]["Trial1"]
    (trial if field == "StartDateTime" else trial["SU"]["LowerBack"])[field] = value
    savemat(path, {"data": content})
    with pytest.raises(BadRecording, match=f"Trial1 is not a trial of mobgap .*{reason}"):
        list(mobgap_lab.recordings(tmp_path))


def test_facts_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    write_mobgap_lab(tmp_path)
    path = tmp_path / "HA" / "001" / "infoForAlgo.mat"
    for about, reason in (({"Height": "tall"}, "Height, .* are not all numbers"), (3.0, "TimeMeasure1 is no struct")):
        savemat(path, {"infoForAlgo": {"TimeMeasure1": about}})
        with pytest.raises(BadRecording, match=reason):
            list(mobgap_lab.recordings(tmp_path))


@pytest.mark.real
def test_the_mean_speed_of_the_strides_is_the_speed_of_their_bout(data_folder: Path) -> None:
    """Our lengths and times of single strides against the file's own averages; every stride lies in one bout."""
    trials = list(mobgap_lab.recordings(data_folder / mobgap_lab.DATASET.folder))
    assert [one.participant[-5:] for one in trials] == ["HA001"] * 3 + ["MS001"] * 3
    for one in trials:
        bouts, strides = one.events.of_kind("walking_bout"), one.events.of_kind("stride")
        stop_ns = bouts.onset_ns + bouts.duration_ns
        inside = (strides.onset_ns[:, None] >= bouts.onset_ns) & (strides.onset_ns[:, None] < stop_ns)
        assert inside.sum(axis=1).tolist() == [1] * len(strides)
        speed = strides.value / (strides.duration_ns / SECOND)
        means = [speed[inside[:, number]].mean() for number in range(len(bouts))]
        np.testing.assert_allclose(means, bouts.value, rtol=1e-7)  # nanoseconds
