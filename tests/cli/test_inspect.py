import json
from pathlib import Path

import pytest

from tests.readers.tiny import write_e4, write_edf
from wearfm.cli import main


def test_a_file_is_shown_with_a_line_of_blocks_a_channel(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(write_edf(tmp_path)), "--plot", str(tmp_path / "night.png")]) == 0
    shown = capsys.readouterr().out
    assert "EEG Fpz-Cz" in shown
    assert "█" in shown
    assert (tmp_path / "night.png").stat().st_size > 5000


def test_a_folder_is_one_table_and_says_what_it_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, write in (("one", write_edf), ("two", write_e4)):
        (tmp_path / name).mkdir()
        write(tmp_path / name)
    (tmp_path / "broken.edf").write_bytes(b"0       " + b"x" * 300)
    (tmp_path / "notes.txt").write_text("nothing to see here\n")
    assert main(["inspect", str(tmp_path)]) == 1
    shown = capsys.readouterr()
    assert [line.split("│")[2].strip() for line in shown.out.splitlines() if line.count("│") > 5] == ["edf", "empatica"]
    assert "refused: " in shown.out
    assert "3/3 files" in shown.err


def test_json_says_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(write_edf(tmp_path)), "--json"]) == 0
    (recording,) = json.loads(capsys.readouterr().out)["recordings"]
    assert recording["reader"] == "edf"
    channel = recording["channels"][0]
    assert {"clipped", "flat", "implausible", "longest_gap_s", "source_unit", "sparkline", "minimum"} <= set(channel)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ((".", "--plot", "out.jpg"), "out.jpg does not end in .png; pictures are written as PNG"),
        (("nowhere",), "nowhere does not exist; name a file or a folder"),
    ],
)
def test_mistakes_are_one_line(
    words: tuple[str, ...], line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["inspect", *words]) == 2
    assert capsys.readouterr().err == f"wearfm: {line}\n"


def test_a_folder_without_recordings_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "song.mp3").write_bytes(b"ID3\x04")
    assert main(["inspect", str(tmp_path)]) == 2
    assert "holds no file of a known format" in capsys.readouterr().err
