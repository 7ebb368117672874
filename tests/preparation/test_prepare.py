"""Files in, a store out: idempotent, in order, and with a fate for every source."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.preparation.toy_files import make, read_file, write_file
from tests.readers.tiny import write_wfdb
from wearfm.errors import BadConfiguration, CannotWrite
from wearfm.preparation import prepare, prepare_recordings, work
from wearfm.store import Store, disk


@pytest.fixture
def raw(tmp_path):
    for k in range(5):
        write_file(tmp_path / "raw" / f"p{k}.toy", "day", "night", seed=2 * k)
    return tmp_path / "raw"


def names(store: Path) -> list[tuple[str, str]]:
    return [(row.participant, row.name) for row in Store.open(store).recordings()]


def test_every_recording_of_every_file_is_in_the_store(raw, tmp_path):
    summary = prepare([raw], tmp_path / "store", workers=1, read=read_file)
    assert names(tmp_path / "store") == [(f"p{k}", name) for k in range(5) for name in ("day", "night")]
    assert (summary.prepared, summary.skipped, summary.refused) == (5, 0, ())
    tally = summary.tally
    assert (tally.recordings, tally.channels) == (10, 20)
    assert tally.signal_s == pytest.approx(10 * (5.0 + 4.8))
    assert (tally.kept, tally.masked) == (10 * (48 + 12), 10 * 2)
    assert Store.open(tmp_path / "store").verify() == []


def test_preparing_again_changes_nothing(raw, tmp_path):
    prepare([raw], tmp_path / "store", workers=1, read=read_file)
    before = Store.open(tmp_path / "store").fingerprint()
    files = sorted((tmp_path / "store" / "shards").iterdir())
    again = prepare([raw], tmp_path / "store", workers=1, read=read_file)
    assert (again.prepared, again.skipped) == (0, 5)
    assert Store.open(tmp_path / "store").fingerprint() == before
    assert sorted((tmp_path / "store" / "shards").iterdir()) == files


def test_new_files_are_added(raw, tmp_path):
    prepare([raw], tmp_path / "store", workers=1, read=read_file)
    write_file(raw / "p9.toy", "day")
    again = prepare([raw], tmp_path / "store", workers=1, read=read_file)
    assert (again.prepared, again.skipped) == (1, 5)
    assert names(tmp_path / "store")[-1] == ("p9", "day")


@pytest.mark.slow
def test_workers_do_not_change_the_result(raw, tmp_path, monkeypatch):
    monkeypatch.setattr(work, "UNIT_BYTES", 100)
    write_file(raw / "z" / "p1.toy", "night", seed=77)
    results = {}
    for workers in (1, 3):
        store = tmp_path / f"store {workers}"
        summary = prepare([raw], store, workers=workers, read=read_file)
        results[workers] = (summary, Store.open(store).fingerprint())
        assert summary.prepared == 5
        assert [refusal.source for refusal in summary.refused] == ["z/p1.toy"]
    assert results[1] == results[3]


def test_a_broken_file_is_refused_with_its_reason_and_the_others_go_on(raw, tmp_path):
    good = write_file(raw / "p5.toy", "day", "night").read_text()
    (raw / "p5.toy").write_text(good + "\nbroken")
    (raw / "notes.txt").write_text("call Bert")
    (raw / "p6.toy").write_text("broken")
    summary = prepare([raw], tmp_path / "store", workers=1, read=read_file)
    assert summary.prepared == 5
    assert summary.reasons == {"a torn line": 2, "notes.txt is not a toy file": 1}
    assert ("p5", "night") in names(tmp_path / "store")
    outcomes = {source.source: json.loads(source.summary)["outcome"] for source in Store.open(tmp_path / "store").sources()}
    assert outcomes["p5.toy"] == outcomes["notes.txt"] == "refused"
    assert prepare([raw], tmp_path / "store", workers=1, read=read_file).reasons == summary.reasons
    write_file(raw / "p6.toy", "day")
    assert prepare([raw], tmp_path / "store", workers=1, read=read_file).prepared == 1


def test_every_source_has_a_fate(raw, tmp_path):
    good = write_file(raw / "p5.toy", "day", "night").read_text()
    (raw / "p5.toy").write_text(good + "\nbroken")
    summary = prepare([raw], tmp_path / "store", workers=1, read=read_file)
    assert [fate.source for fate in summary.sources] == [f"p{k}.toy" for k in range(6)]
    first, last = summary.sources[0], summary.sources[-1]
    assert (first.outcome, first.format, first.reason, first.tally.recordings, first.tally.channels) == (
        "prepared", "read_file", "", 2, 4
    )  # fmt: skip
    assert (last.outcome, last.reason, last.tally.recordings) == ("refused", "a torn line", 2)
    assert summary.to_json()["sources"][0]["hours"] == pytest.approx(2 * (5.0 + 4.8) / 3600)
    again = prepare([raw], tmp_path / "store", workers=1, read=read_file).sources
    assert [fate.outcome for fate in again] == ["skipped"] * 5 + ["refused"]
    assert again[0].tally == first.tally


def test_formats_and_companions_are_said(tmp_path):
    (tmp_path / "raw").mkdir()
    write_wfdb(tmp_path / "raw")
    (tmp_path / "raw" / "LICENSE").write_text("do as you like")
    summary = prepare([tmp_path / "raw"], tmp_path / "store", workers=1)
    (known,) = (fate for fate in summary.sources if fate.format)
    assert (known.format, known.outcome) == ("wfdb", "prepared")
    assert any(name.endswith(".dat") for name in known.companions)
    (licence,) = (fate for fate in summary.sources if not fate.format)
    assert licence.source == "LICENSE"
    assert "none of the known formats" in licence.reason


def test_a_recording_of_the_same_name_and_other_content_is_refused(raw, tmp_path):
    write_file(raw / "again" / "p1.toy", "day", "dusk", seed=50)
    summary = prepare([raw], tmp_path / "store", workers=1, read=read_file)
    assert [refusal.source for refusal in summary.refused] == ["again/p1.toy"]
    assert "recording 'day' of participant 'p1' is in the store with other content" in summary.refused[0].reason
    assert ("p1", "dusk") in names(tmp_path / "store")
    assert summary.tally.recordings == 11
    assert Store.open(tmp_path / "store").verify() == []


def test_the_participant_can_be_the_folder(tmp_path):
    for person in ("anna", "bert"):
        write_file(tmp_path / "raw" / person / "visit 1" / "device.toy", "night", seed=len(person))
        write_file(tmp_path / "raw" / person / "visit 2" / "device.toy", "night", seed=9)
    prepare([tmp_path / "raw"], tmp_path / "store", workers=1, read=read_file, participant_from="folder")
    assert names(tmp_path / "store") == [
        ("anna", "visit 1/night"), ("anna", "visit 2/night"), ("bert", "visit 1/night"), ("bert", "visit 2/night")
    ]  # fmt: skip


def test_large_sources_become_several_shards(raw, tmp_path, monkeypatch):
    monkeypatch.setattr(work, "SHARD_BYTES", 200)
    prepare([raw], tmp_path / "store", workers=1, read=read_file)
    assert len(list((tmp_path / "store" / "shards").iterdir())) > 3
    prepared = Store.open(tmp_path / "store")
    monkeypatch.undo()
    prepare([raw], tmp_path / "one", workers=1, read=read_file)
    assert len(list((tmp_path / "one" / "shards").iterdir())) == 1
    assert Store.open(tmp_path / "one").fingerprint() == prepared.fingerprint()


def test_progress_counts_every_source(raw, tmp_path):
    seen = []
    prepare([raw], tmp_path / "store", workers=1, read=read_file, progress=lambda *step: seen.append(step))
    assert seen == [(k + 1, 5, f"p{k}.toy") for k in range(5)]


def test_a_full_disk_ends_it_and_a_rerun_finishes(raw, tmp_path, monkeypatch):
    monkeypatch.setattr(work, "SHARD_BYTES", 200)
    calls = iter(range(1000))

    def write(descriptor: int, data: memoryview) -> int:
        if next(calls) > 60:
            raise OSError(28, "No space left on device")
        return disk.os.write(descriptor, data)

    with monkeypatch.context() as patch:
        patch.setattr(disk, "write", write)
        with pytest.raises(CannotWrite, match="No space left on device"):
            prepare([raw], tmp_path / "store", workers=1, read=read_file)
    assert Store.open(tmp_path / "store").sweep() == []
    prepare([raw], tmp_path / "store", workers=1, read=read_file)
    prepare([raw], tmp_path / "whole", workers=1, read=read_file)
    assert Store.open(tmp_path / "store").fingerprint() == Store.open(tmp_path / "whole").fingerprint()


def test_a_missing_source_is_a_mistake_of_the_user(tmp_path):
    with pytest.raises(BadConfiguration, match="does not exist; name files or folders with recordings"):
        prepare([tmp_path / "nowhere"], tmp_path / "store", read=read_file)


def test_workers_must_be_positive(raw, tmp_path):
    with pytest.raises(BadConfiguration, match="workers 0 must be at least 1"):
        prepare([raw], tmp_path / "store", workers=0, read=read_file)


def test_recordings_made_elsewhere_are_committed_once(tmp_path):
    made = [make("p", f"night {k}", seed=k, samples=40) for k in range(4)]
    first = prepare_recordings(made, tmp_path / "store")
    assert (first.prepared, first.skipped, first.tally.recordings) == (4, 0, 4)
    more = prepare_recordings(iter([*made, make("q", "night", seed=9, samples=40)]), tmp_path / "store")
    assert (more.prepared, more.skipped) == (1, 4)
    with pytest.raises(BadConfiguration, match="with other content"):
        prepare_recordings([replace(made[0], device="other")], tmp_path / "store")
