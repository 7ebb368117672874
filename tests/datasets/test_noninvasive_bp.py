from pathlib import Path

import pytest

from tests.datasets.tiny_waves import write_noninvasive_bp
from wearfm.datasets import noninvasive_bp
from wearfm.errors import BadRecording


def test_readings_with_a_time_are_events_and_their_mean_is_a_fact(tmp_path: Path) -> None:
    write_noninvasive_bp(tmp_path)
    (one,) = noninvasive_bp.recordings(tmp_path)  # the description beside it is no person
    assert one.participant == "noninvasive_bp:subject_01"
    assert one.facts == {"sbp_mmHg": 115.0, "dbp_mmHg": 75.0}
    assert [(row[0], row[1], row[4]) for row in one.events.rows()] == [
        ("dbp_mmHg", 15 * 10**8, 80.0),
        ("sbp_mmHg", 15 * 10**8, 120.0),
    ]
    assert [(channel.name, channel.modality, channel.physical()[0]) for channel in one.channels] == [
        ("PPG", "ppg", 512.0),
        ("ECG", "other", 300.0),
        ("PCG", "pcg", 7.0),
        ("force at the cuff", "other", 0.0),
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "not JSON"),
        ('{"data_PPG": ["a"]}', "data_PPG is not a list of numbers"),
        ('{"data_PPG": []}', "data_PPG is empty"),
        ('{"data_PPG": [1], "data_BP": [[120]]}', "is no pair of pressures"),
    ],
)
def test_what_is_no_person_is_refused(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "s1.json").write_text(text)
    with pytest.raises(BadRecording, match=says):
        list(noninvasive_bp.recordings(tmp_path))
