from pathlib import Path

import numpy as np
import pytest

from tests.datasets.tiny import write_cast
from wearfm.datasets import cast
from wearfm.errors import BadRecording


def test_a_day_of_heart_rate_with_age_band_and_sex(tmp_path: Path) -> None:
    write_cast(tmp_path)
    (one,) = cast.recordings(tmp_path)
    assert (one.participant, one.name, one.clock) == ("cast:e017", "e017b", "relative")
    assert one.facts == {"age_band": "70-74", "age_years": 72.0, "sex": "female"}
    assert (one.channels[0].modality, one.channels[0].rate_hz) == ("hr", 1.0)


def test_a_value_that_is_held_and_one_that_no_heart_has_are_masked_with_their_reasons(tmp_path: Path) -> None:
    write_cast(tmp_path)
    (one,) = cast.recordings(tmp_path)
    assert one.channels[0].valid.complement(3600).bounds.tolist() == [[100, 500], [1000, 1010]]
    assert one.quality.reasons() == {f"masked: {cast.HELD}": 400, "masked: outside 20 to 300 1/min": 10}


@pytest.mark.parametrize(("length", "lost"), [(299, 0), (300, 300)])
def test_a_calm_heart_may_hold_its_rate_for_five_minutes(length: int, lost: int) -> None:
    rate = np.concatenate(([60.0], np.full(length, 61.0), [62.0])).astype(np.float32)
    assert cast.held(rate).total == lost


def test_a_patient_of_whom_nothing_is_known_has_no_facts(tmp_path: Path) -> None:
    write_cast(tmp_path)
    (tmp_path / "metadata.csv").write_text("subject,age,sex\ne017b,,\ne018a,40-44,Male\n")
    (one,) = cast.recordings(tmp_path)
    assert one.facts == {}


def test_what_is_no_heart_rate_is_refused(tmp_path: Path) -> None:
    write_cast(tmp_path)
    np.savez(tmp_path / "e018a.npz", rr=np.ones(3))
    with pytest.raises(BadRecording, match="not a heart rate of CAST"):
        list(cast.recordings(tmp_path))


@pytest.mark.real
def test_every_patient_is_one_recording_of_most_of_a_day(data_folder: Path) -> None:
    found = list(cast.recordings(data_folder / cast.DATASET.folder))
    assert len({one.participant for one in found}) == len(found) == 74
    assert all(18 < one.duration_s / 3600 < 26 for one in found)
    assert all(one.channels[0].valid.total > 0.85 * one.duration_s for one in found)
    assert all({"age_years", "sex"} <= set(one.facts) for one in found)
