"""wearfm datasets: from a name to a store."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.datasets.publisher import published
from tests.datasets.tiny import WRITERS
from wearfm.cli import main
from wearfm.datasets import DATASETS
from wearfm.datasets.base import Address
from wearfm.store import Store


def test_all_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["datasets", "list", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in rows] == sorted(DATASETS)
    assert next(row["tasks"] for row in rows if row["name"] == "mitdb") == ["mitdb_ventricular_beats"]
    assert main(["datasets"]) == 0
    printed = capsys.readouterr().out
    assert all(name[:6] in printed for name in DATASETS)


def test_a_card_is_shown_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["datasets", "show", "mitdb"]) == 0
    printed = capsys.readouterr().out
    assert "licence:      ODC-By 1.0" in printed
    assert "half an hour of two-lead ECG of 47 people" in printed
    assert main(["datasets", "show", "mitdb", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["participants"] == 47


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("show", "mitbd"), "did you mean 'mitdb'"),
        (("download",), "no data set was named; download one of: bidmc"),
        (("download", "mitdb", "--mirror", "x"), "mirror 'x' is not of the form OFFICIAL=MIRROR"),
        (("prepare", "mitdb"), "data/mitdb does not exist; download the data set with wearfm datasets download mitdb"),
    ],
)
def test_mistakes_are_one_line(
    words: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["datasets", *words]) == 2
    captured = capsys.readouterr()
    assert says in captured.err
    assert captured.err.count("\n") == 1


def test_a_set_without_an_address_says_what_to_do(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DATASETS, "mitdb", replace(DATASETS["mitdb"], addresses=(), by_hand="sign the form at x"))
    assert main(["datasets", "download", "mitdb"]) == 2
    assert "sign the form at x, then use wearfm datasets prepare" in capsys.readouterr().err


def test_download_and_prepare_go_by_the_name(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    WRITERS["mitdb"](tmp_path / "official")
    official = {path.name: path.read_bytes() for path in (tmp_path / "official").iterdir()}
    address = Address(kind="physionet", url="https://physionet.org/files/mitdb/1.0.0/")
    monkeypatch.setitem(DATASETS, "mitdb", replace(DATASETS["mitdb"], addresses=(address,), by_hand="and sign the form"))
    with published() as publisher:
        publisher.physionet("mitdb/1.0.0", official)
        call = ["datasets", "download", "mitdb", "--mirror", f"https://physionet.org={publisher.url}"]
        assert main([*call, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["fetched"] == len(official)
        assert main(call) == 0
        printed = capsys.readouterr()
        assert f"data/mitdb: 0 files fetched, {len(official)} there already" in printed.out
        assert "by hand: and sign the form" in printed.out
        assert "please cite Moody & Mark 2001" in printed.out
    assert main(["datasets", "prepare", "mitdb", "-o", "store", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["refused"] == []
    assert main(["datasets", "prepare", "mitdb", "--from", "official", "-o", "other"]) == 0
    assert Store.open("store").fingerprint() == Store.open("other").fingerprint()
