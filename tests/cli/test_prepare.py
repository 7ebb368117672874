"""wearfm prepare says what came of every source."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.readers.tiny import write_edf, write_wfdb
from wearfm.cli import main, prepare
from wearfm.store import Store


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    for folder in ("a", "b"):
        (tmp_path / "raw" / folder).mkdir(parents=True)
    write_edf(tmp_path / "raw" / "a")
    write_wfdb(tmp_path / "raw" / "b")
    (tmp_path / "raw" / "README").write_text("who did what, and when")
    (tmp_path / "raw" / "walk.csv").write_text("x,y\n1,2\n3,4\n")
    return tmp_path / "raw"


def test_a_line_for_every_source(raw: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["prepare", str(raw), "-o", str(tmp_path / "store"), "--workers", "1"]
    assert main(words) == 1
    printed = capsys.readouterr().out
    assert "2 prepared, 0 there already, 2 refused" in printed
    lines = {line.split()[0]: line for line in printed.splitlines() if line.startswith(("a/", "b/"))}
    assert {line.split("│")[1].strip() for line in lines.values()} == {"edf", "wfdb"}
    assert ".dat" in next(line for name, line in lines.items() if name.startswith("b/"))
    assert "of no known format: README (" in printed
    assert "refused walk.csv (csv): a table with columns 'x', 'y' needs a mapping" in printed
    assert main(words) == 1
    assert capsys.readouterr().out.count("there already") == 3


def test_all_of_it_for_machines(raw: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prepare", str(raw), "-o", str(tmp_path / "store"), "--workers", "1", "--json"]) == 1
    sources = {row["source"].split("/")[0]: row for row in json.loads(capsys.readouterr().out)["sources"]}
    assert {name: row["outcome"] for name, row in sources.items()} == {
        "README": "refused", "walk.csv": "refused", "a": "prepared", "b": "prepared"
    }  # fmt: skip
    assert sources["a"]["format"] == "edf"
    assert sources["a"]["recordings"] == 1
    assert sources["a"]["hours"] > 0


def test_many_sources_are_folded(
    raw: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepare, "MOST_LINES", 3)
    words = ["prepare", str(raw), "-o", str(tmp_path / "store"), "--workers", "1"]
    assert main(words) == 1
    folded = capsys.readouterr().out
    assert "of no known format: 1 files: README" in folded
    assert "a/" not in folded
    assert "--verbose shows every source" in folded
    main([*words, "--verbose"])
    assert "a/" in capsys.readouterr().out


@pytest.mark.slow
def test_the_engine_is_an_option(cluster: Any, raw: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = {}
    for engine in ("processes", "ray"):
        words = ["prepare", str(raw), "-o", str(tmp_path / engine), "--workers", "1", "--engine", engine, "--json"]
        assert main(words) == 1
        said[engine] = json.loads(capsys.readouterr().out)["sources"]
    assert said["processes"] == said["ray"]
    assert Store.open(tmp_path / "ray").fingerprint() == Store.open(tmp_path / "processes").fingerprint()
    assert main(["prepare", str(raw), "-o", str(tmp_path / "x"), "--ray-address", "head:1"]) == 2
    assert "add --engine ray" in capsys.readouterr().err
