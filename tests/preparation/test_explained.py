"""What the files do not say and the user does: the zone of their clock, and what the columns of a table mean."""

import json
from pathlib import Path

import pytest

from tests.readers.tiny import write_edf
from wearfm.cli import main
from wearfm.errors import BadConfiguration
from wearfm.preparation import prepare
from wearfm.store import Store

MAPPING = {"participant": "S01", "rate_hz": 10, "channels": {"x": {"modality": "acc"}}}


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    folder = tmp_path / "raw" / "a"
    folder.mkdir(parents=True)
    (folder / "walk.csv").write_text("x,y\n" + "0.5,1\n" * 40)
    return tmp_path / "raw"


def test_a_wall_clock_becomes_utc_when_its_zone_is_named(tmp_path: Path) -> None:
    source = write_edf(tmp_path)
    prepare([source], tmp_path / "local", workers=1)
    prepare([source], tmp_path / "utc", workers=1, zone="America/New_York")
    (local,), (utc,) = (Store.open(tmp_path / name).recordings() for name in ("local", "utc"))
    assert (local.clock, local.utc_offset_s) == ("local", None)
    assert (utc.clock, utc.utc_offset_s) == ("utc", -5 * 3600)  # the tiny night is in March 2001, before summer time
    starts = [Store.open(tmp_path / name).channels().start_ns.min() for name in ("local", "utc")]
    assert starts[1] - starts[0] == 5 * 3600 * 10**9


def test_another_zone_is_another_preparation(tmp_path: Path) -> None:
    source = write_edf(tmp_path)
    first = prepare([source], tmp_path / "store", workers=1, zone="Europe/Berlin")
    again = prepare([source], tmp_path / "store", workers=1, zone="Europe/Berlin")
    other = prepare([source], tmp_path / "store", workers=1, zone="Asia/Tokyo")
    assert (first.prepared, again.skipped) == (1, 1)
    assert "other content" in other.refused[0].reason


@pytest.mark.parametrize("name", ["walk.csv.json", "wearfm.json"])
def test_a_mapping_may_lie_in_a_tree_of_its_own(raw: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "mappings" / "a").mkdir(parents=True)
    (tmp_path / "mappings" / "a" / name).write_text(json.dumps(MAPPING))
    summary = prepare([raw], tmp_path / "store", workers=1, mappings=tmp_path / "mappings")
    assert (summary.prepared, summary.refused) == (1, ())
    store = Store.open(tmp_path / "store")
    assert [row.participant for row in store.recordings()] == ["S01"]
    assert store.channels().modality.tolist() == ["acc"]
    assert list((raw / "a").iterdir()) == [raw / "a" / "walk.csv"]


def test_a_changed_mapping_is_read_again(raw: Path, tmp_path: Path) -> None:
    (tmp_path / "mappings" / "a").mkdir(parents=True)
    mapping = tmp_path / "mappings" / "a" / "walk.csv.json"
    mapping.write_text(json.dumps(MAPPING))
    prepare([raw], tmp_path / "store", workers=1, mappings=tmp_path / "mappings")
    assert prepare([raw], tmp_path / "store", workers=1, mappings=tmp_path / "mappings").skipped == 1
    mapping.write_text(json.dumps(MAPPING | {"participant": "S02"}))
    assert prepare([raw], tmp_path / "store", workers=1, mappings=tmp_path / "mappings").prepared == 1
    assert {row.participant for row in Store.open(tmp_path / "store").recordings()} == {"S01", "S02"}


def test_without_the_tree_the_table_is_refused_with_a_mapping_that_would_work(raw: Path, tmp_path: Path) -> None:
    (refusal,) = prepare([raw], tmp_path / "store", workers=1).refused
    assert "needs a mapping" in refusal.reason


def test_mistakes_are_said_before_anything_is_read(raw: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BadConfiguration, match="zone 'Europe/Atlantis' is not in the IANA data base"):
        prepare([raw], tmp_path / "store", zone="Europe/Atlantis")
    with pytest.raises(BadConfiguration, match="is not a folder; its tree is that of the sources"):
        prepare([raw], tmp_path / "store", mappings=tmp_path / "nowhere")
    assert not (tmp_path / "store").exists()
    assert main(["prepare", str(raw), "-o", str(tmp_path / "store"), "--mappings", "nowhere"]) == 2
    assert "nowhere is not a folder" in capsys.readouterr().err
