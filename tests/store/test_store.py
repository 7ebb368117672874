"""The store's manners: open or make, add, merge, one writer, many readers."""

from __future__ import annotations

import pickle
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from tests.recordings import channel, ramp, recording
from wearfm.errors import BadConfiguration, DamagedStore
from wearfm.signals.spans import Spans
from wearfm.store import Store
from wearfm.store.lock import sole_writer

A = recording("anna", "night", channel(ramp(3.0)), age_years=40.0)
B = recording("bert", "night", channel(ramp(2.0, first=5), gaps=[(3, 6)]), channel([1.5], name="TEMP", modality="temp"))


def test_a_new_store_is_empty_and_whole(tmp_path):
    store = Store.create(tmp_path / "deep" / "store")
    assert store.recordings() == []
    assert len(store.channels()) == 0
    assert store.spans() == {}
    assert store.verify() == []


def test_open_wants_a_store(tmp_path):
    with pytest.raises(BadConfiguration, match=r"holds no store; make one with `wearfm prepare`"):
        Store.open(tmp_path)


def test_a_catalogue_of_another_version_is_refused(tmp_path):
    Store.create(tmp_path)
    with sqlite3.connect(tmp_path / "catalogue.sqlite") as database:
        database.execute("PRAGMA user_version = 9")
    database.close()
    with pytest.raises(BadConfiguration, match=r"version 9; this wearfm reads version 1"):
        Store.open(tmp_path)


def test_a_catalogue_killed_at_birth_is_no_store_and_can_be_made_one(tmp_path):
    (tmp_path / "catalogue.sqlite").touch()
    with pytest.raises(BadConfiguration, match="holds no store"):
        Store.open(tmp_path)
    assert Store.create(tmp_path).commit([A])


def test_a_file_that_is_no_catalogue_is_damage(tmp_path):
    (tmp_path / "catalogue.sqlite").write_text("this is not SQLite" * 100)
    with pytest.raises(DamagedStore, match="not a database"):
        Store.open(tmp_path)


def test_creating_twice_keeps_what_is_there(tmp_path):
    Store.create(tmp_path).commit([A])
    assert [row.participant for row in Store.create(tmp_path).recordings()] == ["anna"]


def test_channels_are_sorted_and_complete(tmp_path):
    store = Store.create(tmp_path)
    store.commit([B])
    store.commit([A])
    table = store.channels()
    assert table.name.tolist() == ["PPG", "PPG", "TEMP"]
    assert table.position.tolist() == [0, 0, 1]
    assert table.length.tolist() == [30, 20, 1]
    assert table.dtype.tolist() == ["int16", "int16", "float32"]
    by_id = {row.id: row.participant for row in store.recordings()}
    assert [by_id[each] for each in table.recording.tolist()] == ["anna", "bert", "bert"]
    assert store.spans()[table.id[1]] == Spans.of([(0, 3), (6, 20)])


def test_equal_samples_have_equal_hashes_whoever_they_belong_to(tmp_path):
    store = Store.create(tmp_path)
    store.commit([A, replace(A, participant="zoe")])
    first, second = store.channels().sha256
    assert first == second


def test_committing_again_changes_nothing(tmp_path):
    store = Store.create(tmp_path)
    assert store.commit([A, A, B]).endswith(".arrow")
    before = store.fingerprint()
    assert store.commit([B, A]) == ""
    assert store.commit([replace(A, source="elsewhere/night.edf")]) == ""
    assert store.fingerprint() == before
    assert len(list((tmp_path / "shards").iterdir())) == 1


def test_the_same_name_with_other_content_is_refused_whole(tmp_path):
    store = Store.create(tmp_path)
    store.commit([A])
    before = store.fingerprint()
    with pytest.raises(BadConfiguration, match=r"recording 'night' of participant 'anna' is in the store with other content"):
        store.commit([B, replace(A, facts={"age_years": 41.0})])
    assert store.fingerprint() == before
    assert len(list((tmp_path / "shards").iterdir())) == 1


@pytest.mark.parametrize(
    "other",
    [
        replace(A, facts={"age_years": 41.0}),
        replace(A, device="E4"),
        replace(A, clock="local"),
        replace(A, utc_offset_s=3600),
        replace(A, channels=(replace(A.channels[0], scale=2.0),)),
        replace(A, channels=(replace(A.channels[0], valid=Spans.of([(0, 29)])),)),
        replace(A, channels=(replace(A.channels[0], start_ns=1),)),
        replace(A, events=A.events.of([("tag", 0, 0, "", 0.0)])),
    ],
)
def test_the_fingerprint_sees_every_difference(tmp_path, other):
    first, second = Store.create(tmp_path / "a"), Store.create(tmp_path / "b")
    first.commit([A])
    second.commit([other])
    assert first.fingerprint() != second.fingerprint()


def test_valid_samples_must_be_finite(tmp_path):
    bad = recording("p", "r", channel([1.0, np.nan, 2.0]))
    with pytest.raises(BadConfiguration, match=r"channel 'PPG' has 1 valid samples that are not finite; mask them"):
        Store.create(tmp_path).commit([bad])


def test_text_must_be_unicode(tmp_path):
    with pytest.raises(BadConfiguration, match="is not Unicode: surrogates not allowed"):
        Store.create(tmp_path).commit([replace(A, source="caf\udce9.edf")])


def test_merging_adds_what_is_new_and_only_that(tmp_path):
    first, second, both = (Store.create(tmp_path / name) for name in "abc")
    first.commit([A])
    second.commit([A, B])
    both.commit([B, A])
    assert first.merge(second) == 1
    assert first.merge(second) == 0
    assert first.fingerprint() == both.fingerprint()


def test_a_second_writer_is_told_who_writes(tmp_path):
    store = Store.create(tmp_path)
    with sole_writer(tmp_path), pytest.raises(BadConfiguration, match=r"is written by process \d+; one writer at a time"):
        store.commit([A])
    assert store.commit([A])


def test_readers_read_while_a_writer_writes(tmp_path):
    store, reader = Store.create(tmp_path), Store.open(tmp_path)
    with store.writing():
        store.commit([A])
        assert [row.participant for row in reader.recordings()] == ["anna"]
        store.commit([B])
        assert len(reader.recordings()) == 1
        reader.refresh()
        assert len(reader.recordings()) == 2


def test_sweep_removes_only_what_the_catalogue_does_not_know(tmp_path):
    store = Store.create(tmp_path)
    name = store.commit([A])
    for garbage in ("0123.arrow", ".1-2.staged"):
        (tmp_path / "shards" / garbage).write_bytes(b"left by a killed commit")
    assert store.sweep() == [".1-2.staged", "0123.arrow"]
    assert [file.name for file in (tmp_path / "shards").iterdir()] == [name]


def test_a_store_travels_to_other_processes_and_threads(tmp_path):
    store = Store.create(tmp_path)
    store.commit([A, B])
    again = pickle.loads(pickle.dumps(store))
    table = again.channels()
    asked = (table.id[[0, 1, 0]], np.array([0, 2, 25]), 5)
    expected, _ = store.gather(*asked)
    with ThreadPoolExecutor(4) as pool:
        for signal, _ in pool.map(lambda _: again.gather(*asked), range(50)):
            assert np.array_equal(signal, expected)


def test_an_unknown_recording_is_refused(tmp_path):
    with pytest.raises(BadConfiguration, match="recording id 7 is not in"):
        Store.create(tmp_path).read(7)
