from pathlib import Path

import pytest

from tests.datasets.tiny_motion import write_capture24
from wearfm.datasets import capture24
from wearfm.errors import BadConfiguration, BadRecording


def test_annotations_become_activities_and_intensities_and_silence_becomes_nothing(tmp_path: Path) -> None:
    write_capture24(tmp_path)
    (one,) = capture24.recordings(tmp_path)
    start = 1479003480 * 10**9  # 2016-11-13 02:18 on the wall clock
    assert [(row[0], (row[1] - start) / 1e9, row[2] / 1e9, row[3]) for row in one.events.rows()] == [
        ("activity", 0.0, 2.0, "sleep"),
        ("intensity", 0.0, 2.0, "sleep"),
        ("activity", 4.0, 2.0, "sitting"),
        ("intensity", 4.0, 2.0, "sedentary"),
    ]
    assert [one.channel(f"acc {axis}").physical()[0] for axis in "xyz"] == [0.0, -0.5, 0.875]
    assert (one.participant, one.clock, one.channels[0].rate_hz) == ("capture24:P001", "local", 100.0)
    assert one.facts == {"sex": "female", "age_band": "38-52", "age_years": 45.0}


def test_without_the_dictionary_nothing_is_read(tmp_path: Path) -> None:
    write_capture24(tmp_path)
    (tmp_path / "capture24" / "annotation-label-dictionary.csv").unlink()
    with pytest.raises(BadConfiguration, match=r"holds no dictionary \(annotation-label-dictionary.csv\)"):
        list(capture24.recordings(tmp_path))


def test_an_open_age_band_has_no_age_and_a_table_without_axes_is_refused(tmp_path: Path) -> None:
    write_capture24(tmp_path)
    path = tmp_path / "capture24" / "P001.csv.gz"
    path.rename(path.with_name("P002.csv.gz"))
    (one,) = capture24.recordings(tmp_path)
    assert one.facts == {"sex": "male", "age_band": "53+"}
    (tmp_path / "capture24" / "P003.csv").write_text("time,x\n2016-11-13 02:18:00,1\n")
    with pytest.raises(BadRecording, match="no annotation, y, z"):
        list(capture24.recordings(tmp_path))
