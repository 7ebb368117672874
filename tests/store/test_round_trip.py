"""What is committed comes back, every bit of it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.recordings import channel, ramp, recording
from tests.store.strategies import bits, recordings
from wearfm.signals.recording import Events
from wearfm.store import Store

few = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@pytest.mark.slow
@few
@given(recordings())
def test_read_returns_every_bit_that_was_committed(given_recording):
    with tempfile.TemporaryDirectory() as folder:
        Store.create(folder).commit([given_recording])
        store = Store.open(folder)
        (row,) = store.recordings()
        assert bits(store.read(row.id)) == bits(given_recording)
        assert store.verify() == []
        assert row.facts == dict(given_recording.facts)
        assert row.quality == given_recording.quality


@pytest.mark.slow
@few
@given(st.lists(recordings(), max_size=4, unique_by=lambda each: (each.participant, each.name)), st.randoms())
def test_the_fingerprint_depends_on_neither_order_nor_shards(some, order):
    with tempfile.TemporaryDirectory() as folder:
        together, apart = Store.create(Path(folder) / "a"), Store.create(Path(folder) / "b")
        together.commit(some)
        shuffled = list(some)
        order.shuffle(shuffled)
        for each in shuffled:
            apart.commit([each])
        assert together.fingerprint() == apart.fingerprint()
        assert [(row.participant, row.name) for row in together.recordings()] == sorted(
            (each.participant, each.name) for each in some
        )


def test_events_of_one_kind_can_be_asked_for(tmp_path):
    rows = [("beat", 10, 0, "N", 1.0), ("tag", 20, 5, "", 2.0), ("beat", 30, 0, "V", 3.0)]
    store = Store.create(tmp_path)
    store.commit([recording("p", "r", events=Events.of(rows))])
    (row,) = store.recordings()
    assert store.events(row.id).rows() == rows
    assert store.events(row.id, "beat").rows() == [rows[0], rows[2]]
    assert len(store.events(row.id, "nap")) == 0


def test_a_shard_is_a_plain_arrow_file(tmp_path):
    store = Store.create(tmp_path)
    name = store.commit([recording("p", "r", channel(ramp(1.0)), channel([0.5, 1.5], name="TEMP", modality="temp"))])
    with pa.memory_map(str(tmp_path / "shards" / name)) as file:
        rows = pa.ipc.open_file(file).read_all().to_pylist()
    assert [(row["participant"], row["recording"], row["channel"]) for row in rows] == [("p", "r", "PPG"), ("p", "r", "TEMP")]
    assert rows[0]["int16"] == list(range(10))
    assert rows[0]["float32"] is None
    assert rows[1]["float32"] == [0.5, 1.5]
