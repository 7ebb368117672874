from pathlib import Path

import numpy as np
import pytest

from tests.datasets.tiny_waves import write_epilepsy
from wearfm.datasets import epilepsy
from wearfm.errors import BadRecording


def test_rows_of_the_table_are_seconds_of_a_segment_with_its_state(tmp_path: Path) -> None:
    write_epilepsy(tmp_path)
    seizure, first, second = epilepsy.recordings(tmp_path)
    assert (seizure.participant, seizure.name, seizure.facts) == ("epilepsy:V1.791", "second 21", {"state": "seizure"})
    assert (first.participant, first.name, first.facts) == ("epilepsy:V1.924", "second 15", {"state": "eyes open"})
    assert second.participant == first.participant
    assert second.channels[0].samples.tolist() == [8] * 178
    assert second.channels[0].samples.dtype == np.int16
    assert second.channels[0].rate_hz == 173.61


def test_the_folders_of_bonn_are_read_where_there_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "Z").mkdir()
    (tmp_path / "S").mkdir()
    (tmp_path / "Z" / "Z001.txt").write_text("12\n22\n35\n" * 100)
    (tmp_path / "S" / "S100.TXT").write_text("-100\n" * 300)
    seizure, rest = epilepsy.recordings(tmp_path)
    assert (seizure.participant, seizure.facts["state"]) == ("epilepsy:S100", "seizure")
    assert (rest.participant, rest.facts["state"]) == ("epilepsy:Z001", "eyes open")
    assert rest.channels[0].samples[:3].tolist() == [12, 22, 35]


@pytest.mark.parametrize(
    ("old", "new", "says"), [("X21.V1.791", "21", "row 1"), (",1\n", ",6\n", "y = 6"), (",100,", ",1.5,", "whole")]
)
def test_what_is_no_row_is_refused(old: str, new: str, says: str, tmp_path: Path) -> None:
    write_epilepsy(tmp_path)
    (tmp_path / "data.csv").write_text((tmp_path / "data.csv").read_text().replace(old, new))
    with pytest.raises(BadRecording, match=says):
        list(epilepsy.recordings(tmp_path))
