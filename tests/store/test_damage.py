"""Every flipped bit and every truncation is found and named, and the rest stays usable."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from tests.recordings import channel, ramp, recording
from wearfm.errors import DamagedStore
from wearfm.store import Store

A = recording("anna", "night", channel(ramp(30.0)), channel(ramp(2.0) / 4, name="TEMP", modality="temp"))
B = recording("bert", "day", channel(ramp(30.0, first=7)))


@pytest.fixture
def store(tmp_path):
    made = Store.create(tmp_path / "store")
    made.commit([A])
    made.commit([B])
    return made


def shard_of(store: Store, *, holding: str) -> Path:
    name = Store.create(store.path.with_name("twin")).commit([A if holding == "anna" else B])
    return store.path / "shards" / name


def flip(path: Path, bit: int) -> None:
    content = bytearray(path.read_bytes())
    content[bit // 8] ^= 1 << (bit % 8)
    path.write_bytes(content)


def test_every_flipped_bit_of_a_shard_is_found(store):
    path = shard_of(store, holding="anna")
    rng = np.random.default_rng(0)
    for bit in rng.choice(8 * path.stat().st_size, 150, replace=False).tolist():
        flip(path, bit)
        assert [damage.path for damage in store.verify()] == [str(path)], f"bit {bit}"
        flip(path, bit)
    assert store.verify() == []


def test_every_truncation_of_a_shard_is_found(store):
    path = shard_of(store, holding="anna")
    content = path.read_bytes()
    for size in np.random.default_rng(1).choice(len(content), 40, replace=False).tolist():
        path.write_bytes(content[:size])
        (damage,) = store.verify()
        assert damage.affected == (("anna", "night", "PPG"), ("anna", "night", "TEMP"))
        assert f"{size} bytes found, {len(content)} committed" in damage.problem
    path.write_bytes(content + b"\0")
    assert len(store.verify()) == 1


def test_damage_names_the_channel_and_no_other(store):
    path = shard_of(store, holding="anna")
    flip(path, 8 * path.read_bytes().index(A.channels[1].samples.tobytes()))
    (damage,) = store.verify()
    assert damage.affected == (("anna", "night", "TEMP"),)
    assert damage.problem == "bytes are not those committed, in 1 of 2 channels"


def test_a_flip_outside_the_samples_affects_nobody(store):
    path = shard_of(store, holding="anna")
    flip(path, 3)
    (damage,) = store.verify()
    assert damage.affected == ()
    assert damage.problem == "bytes are not those committed, outside the samples"


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: os.truncate(path, 100)])
def test_the_rest_of_a_damaged_store_stays_usable(store, harm):
    path = shard_of(store, holding="anna")
    harm(path)
    opened = Store.open(store.path)
    table = opened.channels()
    anna, bert = table.id[0], table.id[2]
    assert opened.gather([bert], [1], 2)[0].tolist() == [[8.0, 9.0]]
    with pytest.raises(DamagedStore, match=path.name):
        opened.gather([bert, anna], [0, 0], 2)
    with pytest.raises(DamagedStore, match="repair the store, then prepare its sources again"):
        opened.read(opened.recordings()[0].id)
    assert opened.read(opened.recordings()[1].id).channels[0].samples.tolist() == B.channels[0].samples.tolist()


def test_reading_a_recording_checks_its_bytes(store):
    path = shard_of(store, holding="anna")
    flip(path, 8 * path.read_bytes().index(A.channels[0].samples.tobytes()) + 9)
    with pytest.raises(DamagedStore, match=r"channel 'PPG' of recording 'night' of 'anna' is not what was committed"):
        store.read(store.recordings()[0].id)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("UPDATE recordings SET facts = '{\"age_years\":41}' WHERE participant = 'anna'", "description of recording 'night'"),
        ("UPDATE recordings SET source = 'x' WHERE participant = 'anna'", "description of recording 'night'"),
        ("UPDATE recordings SET quality = '{' WHERE participant = 'anna'", "cannot be understood"),
        ("UPDATE channels SET scale = 2 WHERE name = 'TEMP'", "description of recording 'night'"),
        ("UPDATE spans SET bounds = zeroblob(16) WHERE channel = 1", "description of recording 'night'"),
        ("UPDATE channels SET at = at + 2 WHERE id = 1", "in 1 of 2 channels"),
        ("UPDATE shards SET sha256 = 'x' WHERE id = 1", "outside the samples"),
        ("DELETE FROM shards WHERE id = 1", "row 1 of channels refers to nothing"),
    ],
)
def test_a_changed_catalogue_is_found(store, change, problem):
    database = sqlite3.connect(store.path / "catalogue.sqlite")
    with database:
        assert database.execute(change).rowcount == 1
    database.close()
    assert any(problem in damage.problem for damage in store.verify())


def test_flipped_bits_of_the_catalogue_are_found_or_harmless(store):
    path = store.path / "catalogue.sqlite"
    whole = store.fingerprint()
    rng = np.random.default_rng(2)
    found = 0
    for bit in rng.choice(8 * path.stat().st_size, 150, replace=False).tolist():
        flip(path, bit)
        damages = store.verify()
        found += bool(damages)
        if not damages:
            assert store.fingerprint() == whole, f"bit {bit}"
        flip(path, bit)
    assert found > 0


def test_repair_takes_out_what_is_damaged_and_it_can_come_again(store):
    whole = store.fingerprint()
    shard_of(store, holding="anna").unlink()
    assert len(store.repair()) == 1
    assert [row.participant for row in store.recordings()] == ["bert"]
    assert store.verify() == []
    store.commit([A])
    assert store.fingerprint() == whole
