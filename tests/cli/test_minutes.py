"""wearfm minutes: a store in, a store of minutes out, and what came of it."""

from __future__ import annotations

import json

import pytest

from tests.preparation.minute_job import raw_store, watch
from wearfm.cli import main
from wearfm.store import Store


def run(*words: object) -> int:
    return main([str(word) for word in words])


def test_a_store_becomes_minutes(tmp_path, capsys):
    raw_store(tmp_path / "raw", people=2)
    assert run("minutes", tmp_path / "raw", "-o", tmp_path / "minutes", "--workers", 1) == 0
    printed = capsys.readouterr().out
    assert "2 recordings derived, 0 there already, 0 refused" in printed
    assert "a total of a minute" not in printed
    assert "no altitude channel" in printed
    assert len(Store.open(tmp_path / "minutes").recordings()) == 2
    assert run("minutes", tmp_path / "raw", "-o", tmp_path / "minutes") == 0
    assert "0 recordings derived, 2 there already" in capsys.readouterr().out


def test_machines_get_json(tmp_path, capsys):
    raw_store(tmp_path / "raw", people=1)
    assert run("minutes", tmp_path / "raw", "-o", tmp_path / "minutes", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["derived"] == 1
    assert found["features"]["steps"]["valid"] == 6
    assert found["store"] == str(tmp_path / "minutes")


def test_a_refused_recording_is_named_and_is_code_1(tmp_path, capsys):
    raw = raw_store(tmp_path / "raw", people=1)
    full = watch("p5", "bare", seed=5)
    raw.commit([type(full)(participant="p5", name="bare", channels=(), clock="utc")])
    assert run("minutes", tmp_path / "raw", "-o", tmp_path / "minutes") == 1
    assert "refused p5/bare: recording 'bare' has no channel" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "says"),
    [(("nowhere",), "nowhere holds no store"), (("raw", "-o", "raw"), "is the raw store itself")],
)
def test_mistakes_are_one_line_and_a_code(words, says, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    raw_store(tmp_path / "raw", people=1)
    assert run("minutes", *words) == 2
    captured = capsys.readouterr()
    assert says in captured.err
    assert captured.err.startswith("wearfm: ")
    assert captured.err.count("\n") == 1
