from pathlib import Path

import pytest

from tests.datasets.tiny_motion import write_harth
from wearfm.datasets import harth
from wearfm.errors import BadRecording


def test_the_gap_is_not_valid_and_activities_end_at_it(tmp_path: Path) -> None:
    write_harth(tmp_path)
    (one,) = harth.recordings(tmp_path)
    assert (one.participant, one.clock) == ("harth:S006", "local")
    back = one.channel("back x")
    assert (back.placement, back.physical()[0], back.valid.bounds.tolist()) == ("lower back", -1.0, [[0, 100], [125, 225]])
    assert one.channel("thigh z").physical()[0] == 0.5
    start = 1547287200 * 10**9  # 2019-01-12 10:00 on the wall clock
    assert [row[1:4] for row in one.events.rows()] == [
        (start, 2 * 10**9, "walking"),
        (start + 25 * 10**8, 2 * 10**9, "cycling sitting"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "says"), [(",13\n", ",15\n", "labels \\[15\\]"), ("2019-01-12 10:00:00.000", "today", "time stamp")]
)
def test_unknown_labels_and_times_are_refused(old: str, new: str, says: str, tmp_path: Path) -> None:
    write_harth(tmp_path)
    path = next(tmp_path.rglob("S006.csv"))
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(BadRecording, match=says):
        list(harth.recordings(tmp_path))
