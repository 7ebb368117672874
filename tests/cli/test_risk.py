"""wearfm risk: a table and outcomes in, a page, a Parquet file and JSON out."""

from __future__ import annotations

import json

import pytest

from tests.evaluation.survival.cohort import guessing, knowing, outcomes, write_csv
from wearfm.cli import main

NUMBER = 200


def run(*words: object) -> int:
    return main([str(word) for word in words])


@pytest.fixture
def inputs(tmp_path):
    knowing(NUMBER).write(tmp_path / "knows.parquet")
    guessing(NUMBER).write(tmp_path / "guesses.parquet")
    write_csv(outcomes(NUMBER, {"planted": 1.2, "rare": 0.0}), tmp_path / "outcomes.csv")
    return tmp_path


def test_a_table_becomes_risks(inputs, capsys):
    words = (inputs / "knows.parquet", inputs / "guesses.parquet", "--outcomes", inputs / "outcomes.csv")
    assert run("risk", *words, "-o", inputs / "out", "--bootstrap", 100, "--horizons-years", 2, 4) == 0
    printed = capsys.readouterr().out
    assert "knows: 1 of 2 outcomes answered, 1 above chance" in printed
    assert "better than guesses" in printed
    assert "AUROC,<br>4 years" in (inputs / "out" / "risk.html").read_text()
    assert (inputs / "out" / "risk.parquet").exists()


def test_machines_get_json(inputs, capsys):
    words = (inputs / "knows.parquet", "--outcomes", inputs / "outcomes.csv", "-o", inputs / "out")
    assert run("risk", *words, "--bootstrap", 100, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [row["outcome"] for row in found["rows"]] == ["planted", "rare"]
    assert found["command"].startswith("wearfm risk ")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "no embedding table was named"),
        (("nowhere.parquet",), "is not an embedding table"),
        (("knows.parquet", "--outcomes", "nowhere.csv"), "is no outcomes file"),
        (("knows.parquet", "--store", "nowhere"), "nowhere holds no store"),
        (("knows.parquet", "--min-events", "2"), "min_events=2 is below folds=5"),
    ],
)
def test_mistakes_are_one_line_and_a_code(words, says, inputs, capsys, monkeypatch):
    monkeypatch.chdir(inputs)
    assert run("risk", *words) == 2
    captured = capsys.readouterr()
    assert says in captured.err
    assert captured.err.count("\n") == 1
