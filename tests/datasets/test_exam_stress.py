from pathlib import Path

import pytest

from tests.datasets.tiny_waves import write_exam_stress
from wearfm.datasets import exam_stress
from wearfm.errors import BadRecording
from wearfm.signals.recording import SECOND


def test_the_exam_begins_at_nine_in_houston_and_ends_with_the_session(tmp_path: Path) -> None:
    write_exam_stress(tmp_path)
    final, midterm = exam_stress.recordings(tmp_path)
    assert (final.participant, final.name, final.clock, final.utc_offset_s) == ("exam_stress:S1", "final", "utc", -5 * 3600)
    assert final.events.of_kind("exam").rows()[0][:4] == ("exam", 1_525_442_400 * SECOND, 20 * SECOND, "final")
    assert len(midterm.events.of_kind("exam")) == 0
    assert "the midterm 1 at 9 o'clock is not in this session: no event" in midterm.quality.notes


def test_grades_are_shares_of_the_best(tmp_path: Path) -> None:
    write_exam_stress(tmp_path)
    final, midterm = exam_stress.recordings(tmp_path)
    assert final.facts == {"exam": "final", "grade": 0.91}
    assert midterm.facts == {"exam": "midterm 1", "grade": 0.78}


@pytest.mark.parametrize(
    ("stamp", "hours"),
    [(1_520_755_199, -6), (1_520_755_200, -5), (1_541_314_799, -5), (1_541_314_800, -6)],  # 11 March, 4 November 2018
)
def test_summer_time_begins_and_ends_at_two_on_a_sunday(stamp: int, hours: int) -> None:
    assert exam_stress._offset_s(stamp * SECOND) == hours * 3600


def test_a_table_without_grades_is_refused(tmp_path: Path) -> None:
    write_exam_stress(tmp_path)
    (tmp_path / "StudentGrades.txt").write_text("S1 - 78\n")
    with pytest.raises(BadRecording, match="below a title 'GRADES - Midterm 1'"):
        list(exam_stress.recordings(tmp_path))
