"""Every file is found once, and known by its content."""

from __future__ import annotations

from pathlib import Path

import pytest

from wearfm.errors import BadConfiguration
from wearfm.preparation.sources import find_sources, hash_source
from wearfm.store import Store


def is_header_or_night(path: Path) -> str:
    return "night" if path.suffix in {".hea", ".csv"} or path.name == "watch" else ""


@pytest.fixture
def raw(tmp_path):
    for name in ("b.hea", "b.dat", "a.csv", ".hidden.csv", "stray.dat", "sub/b.hea", "watch/ACC.csv", "watch/deep/EDA.csv"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path


def test_sources_are_found_in_order_with_their_companions(raw):
    Store.create(raw / "store")
    found = find_sources([raw], recognises=is_header_or_night)
    assert [source.label for source in found] == ["a.csv", "b.hea", "stray.dat", "sub/b.hea", "watch"]
    assert [path.name for path in found[1].companions] == ["b.dat"]
    assert found[1].size == len("b.hea") + len("b.dat")
    assert found[4].size == len("watch/ACC.csv") + len("watch/deep/EDA.csv")


def test_mappings_belong_to_their_tables(tmp_path):
    for name in ("a.csv", "a.csv.toml", "c.csv.gz", "wearfm.json", "stray.json"):
        (tmp_path / name).touch()
    found = find_sources([tmp_path], recognises=lambda path: "csv" * (".csv" in path.suffixes and path.suffix != ".toml"))
    companions = {source.label: [path.name for path in source.companions] for source in found}
    assert companions == {"a.csv": ["wearfm.json", "a.csv.toml"], "c.csv.gz": ["wearfm.json"], "stray.json": []}


def test_a_file_that_is_named_twice_is_found_once(raw):
    found = find_sources([raw / "b.hea", raw, str(raw / "a.csv")], recognises=is_header_or_night)
    assert [source.label for source in found] == ["b.hea", "a.csv", "stray.dat", "sub/b.hea", "watch"]
    assert [path.name for path in found[0].companions] == ["b.dat"]


@pytest.mark.parametrize(("label", "changed"), [("b.hea", "b.dat"), ("b.hea", "b.hea"), ("watch", "watch/deep/EDA.csv")])
def test_the_hash_sees_every_file_of_a_source(raw, label, changed):
    def hashes() -> dict[str, str]:
        return {source.label: hash_source(source) for source in find_sources([raw], recognises=is_header_or_night)}

    before = hashes()
    (raw / changed).write_text("other")
    after = hashes()
    assert {name for name in before if before[name] != after[name]} == {label}


def test_the_hash_does_not_depend_on_where_the_folder_stands(raw, tmp_path_factory):
    moved = tmp_path_factory.mktemp("moved") / "raw"
    before = [hash_source(source) for source in find_sources([raw], recognises=is_header_or_night)]
    raw.rename(moved)
    assert [hash_source(source) for source in find_sources([moved], recognises=is_header_or_night)] == before


def test_a_missing_root_is_refused(tmp_path):
    with pytest.raises(BadConfiguration, match="does not exist"):
        find_sources([tmp_path / "x"], recognises=is_header_or_night)


def test_a_header_names_its_samples_and_segments(tmp_path):
    texts = {
        "m.hea": "m/2 1 100 8\ns_1 4\ns_2 4\n",
        "s_1.hea": "s_1 1 100 4\nother.dat 16 200 16 0 0 0 0 ECG\n# s_2.dat\n",
        "s_2.hea": "s_2 1 100 4\ns_2.dat 16 200 16 0 0 0 0 ECG\n",
    }
    for name in ("200.dat", "other.dat", "s_2.dat"):
        (tmp_path / name).touch()
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    expected = {
        "m.hea": ["s_1.hea", "s_2.dat", "s_2.hea"],
        "s_1.hea": ["other.dat"],
        "s_2.hea": ["s_2.dat"],
    }
    found = find_sources([tmp_path], recognises=lambda path: "wfdb" * (path.suffix == ".hea"))
    assert {source.label: sorted(each.name for each in source.companions) for source in found} == {"200.dat": []} | expected
    for name, companions in expected.items():
        (one,) = find_sources([tmp_path / name], recognises=lambda path: "wfdb" * (path.suffix == ".hea"))
        assert sorted(each.name for each in one.companions) == companions
