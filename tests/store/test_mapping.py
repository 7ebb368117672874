"""Windows of any number of mapped files in one copy."""

from __future__ import annotations

import numpy as np
import pytest

from tests.recordings import channel, ramp, recording
from wearfm.store import Store, mapping


@pytest.fixture
def store(tmp_path):
    made = Store.create(tmp_path)
    for k in range(5):
        made.commit([recording(f"p{k}", "r", channel(ramp(2.0, first=100 * k)))])
    return made


def first_samples(store: Store) -> list[float]:
    return store.gather(store.channels().id, np.zeros(5, dtype=np.int64), 3)[0][:, 0].tolist()


def test_memory_too_wide_for_one_view_is_taken_in_parts(store, monkeypatch):
    monkeypatch.setattr(mapping, "_LARGEST_VIEW", 64)
    assert first_samples(store) == [0.0, 100.0, 200.0, 300.0, 400.0]


def test_mappings_are_renewed_before_the_system_runs_out(store, monkeypatch):
    monkeypatch.setattr(mapping, "_MOST", 2)
    for _ in range(3):
        assert first_samples(store) == [0.0, 100.0, 200.0, 300.0, 400.0]
        old = store._look().gatherer._mappings
        assert first_samples(store) == [0.0, 100.0, 200.0, 300.0, 400.0]
        assert store._look().gatherer._mappings is not old


def test_the_copy_is_our_own(store):
    signal, valid = store.gather([1], [0], 3)
    signal[:] = 7.0
    valid[:] = False
    assert store.gather([1], [0], 3)[0].tolist() == [[0.0, 1.0, 2.0]]
