import shutil
from pathlib import Path

import pytest

from tests.datasets.tiny_waves import write_ptb_xl
from wearfm.datasets import ptb_xl
from wearfm.errors import BadRecording


def test_the_faster_record_is_read_where_it_is_there(tmp_path: Path) -> None:
    write_ptb_xl(tmp_path)
    first, second = ptb_xl.recordings(tmp_path)
    assert (first.name, first.channels[0].rate_hz, second.name, second.channels[0].rate_hz) == (
        "00001_hr",
        500,
        "00002_lr",
        100,
    )
    assert first.participant == second.participant == "ptb_xl:15709"
    assert [(channel.placement, channel.physical()[0]) for channel in first.channels] == [("lead I", 1.0), ("lead AVR", 1.0)]


def test_diagnostic_statements_become_superclasses_and_others_do_not(tmp_path: Path) -> None:
    write_ptb_xl(tmp_path)
    first, second = ptb_xl.recordings(tmp_path)
    assert (first.facts["superclasses"], first.facts["superclass"], first.facts["has_norm"]) == ("NORM", "NORM", 1.0)
    assert second.facts["superclasses"] == "MI+HYP"
    assert "superclass" not in second.facts
    assert [second.facts[f"has_{name}"] for name in ("norm", "mi", "sttc", "cd", "hyp")] == [0.0, 1.0, 0.0, 0.0, 1.0]


def test_an_age_of_300_is_no_age_and_what_is_not_known_is_no_fact(tmp_path: Path) -> None:
    write_ptb_xl(tmp_path)
    first, second = ptb_xl.recordings(tmp_path)
    assert (first.facts["sex"], first.facts["age_years"], first.facts["weight_kg"], first.facts["fold"]) == (
        "female",
        56,
        63,
        3,
    )
    assert "height_cm" not in first.facts
    assert (second.facts["sex"], second.facts["height_cm"]) == ("male", 170)
    assert "age_years" not in second.facts


def test_names_that_leave_the_folder_and_unknown_superclasses_are_refused(tmp_path: Path) -> None:
    write_ptb_xl(tmp_path)
    path = tmp_path / "ptbxl_database.csv"
    path.write_text(path.read_text().replace("records500/00000/00001_hr", "../00001_hr"))
    with pytest.raises(BadRecording, match="leaves the folder"):
        list(ptb_xl.recordings(tmp_path))
    shutil.rmtree(tmp_path)
    write_ptb_xl(tmp_path)
    statements = tmp_path / "scp_statements.csv"
    statements.write_text(statements.read_text().replace(",NORM\n", ",FINE\n"))
    with pytest.raises(BadRecording, match="superclass 'FINE' is not one of NORM"):
        list(ptb_xl.recordings(tmp_path))
