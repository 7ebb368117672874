from pathlib import Path

import numpy as np
import pytest

from tests.datasets.tiny_motion import write_daphnet
from wearfm.datasets import daphnet
from wearfm.errors import BadRecording


def test_freezing_and_no_freezing_are_events_and_time_before_the_experiment_is_none(tmp_path: Path) -> None:
    write_daphnet(tmp_path)
    (one,) = daphnet.recordings(tmp_path)
    assert (one.participant, one.name) == ("daphnet:S01", "R02")
    assert [(row[3], row[1] / 1e9, row[2] / 1e9) for row in one.events.rows()] == [
        ("no freezing", pytest.approx(2.0, abs=0.01), pytest.approx(2.0, abs=0.01)),
        ("freezing", pytest.approx(4.0, abs=0.01), pytest.approx(2.0, abs=0.01)),
    ]


def test_thousandths_of_g_stay_integers_at_three_places(tmp_path: Path) -> None:
    write_daphnet(tmp_path)
    (one,) = daphnet.recordings(tmp_path)
    upright = one.channel("lower back y")
    assert upright.samples.dtype == np.int32
    assert (upright.physical()[0], upright.placement, upright.axis) == (1.0, "lower back", "y")
    assert [one.channel(f"ankle {axis}").physical()[0] for axis in "xyz"] == pytest.approx([0.01, -0.02, 0.03])
    assert one.channel("thigh z").samples[:3].tolist() == [0, 1, 2]
    assert upright.rate_hz == pytest.approx(64, rel=1e-3)


def test_a_row_that_is_cut_off_is_counted_and_a_strange_mark_is_refused(tmp_path: Path) -> None:
    write_daphnet(tmp_path)
    path = next(tmp_path.rglob("S01R02.txt"))
    whole = path.read_text()
    path.write_text(whole + "6000 10 -20\n")
    (one,) = daphnet.recordings(tmp_path)
    assert "1 rows without 11 cells were left out" in one.quality.notes
    path.write_text(whole + "6000 10 -20 30 0 0 1 0 1000 0 3\n")
    with pytest.raises(BadRecording, match="marks 0, 1 and 2"):
        list(daphnet.recordings(tmp_path))
