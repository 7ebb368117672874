"""Windows are what a loop over samples would cut, from any channel, anywhere."""

from __future__ import annotations

import tempfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.recordings import channel, ramp, recording
from tests.store.strategies import channels
from wearfm.errors import BadConfiguration
from wearfm.signals.recording import Channel, Recording
from wearfm.signals.spans import Spans
from wearfm.store import Store


def window_by_hand(channel: Channel, start: int, length: int) -> tuple[list[float], list[bool]]:
    """Sample by sample, from the definition: physical where valid, 0.0 and False elsewhere."""
    physical, mask = channel.physical(), channel.mask()
    signal, valid = [], []
    for sample in range(start, start + length):
        is_valid = 0 <= sample < len(mask) and bool(mask[sample])
        valid.append(is_valid)
        signal.append(physical[sample] if is_valid else 0.0)
    return signal, valid


@st.composite
def short_recordings(draw: st.DrawFn) -> list[Recording]:
    """Up to three recordings of up to two channels each."""
    counts = draw(st.lists(st.integers(0, 2), min_size=1, max_size=3))
    return [recording(f"p{k}", "r", *(draw(channels(f"c{c}")) for c in range(n))) for k, n in enumerate(counts)]


@pytest.mark.slow
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    short_recordings(),
    st.lists(st.tuples(st.integers(0, 99), st.integers(-50, 50)), min_size=1, max_size=30),
    st.integers(1, 60),
    st.booleans(),
)
def test_gather_is_the_loop_over_samples(some, asked, length, one_shard):
    with tempfile.TemporaryDirectory() as folder:
        store = Store.create(folder)
        for group in [some] if one_shard else [[each] for each in some]:
            store.commit(group)
        cut = [each for row in store.recordings() for each in store.read(row.id).channels]
        table = store.channels()
        if len(table) == 0:
            return
        picks = np.array([pick % len(table) for pick, _ in asked])
        starts = np.array([start for _, start in asked])
        signal, valid = store.gather(table.id[picks], starts, length)
        assert signal.dtype == np.float32
        for row, (pick, start) in enumerate(zip(picks, starts, strict=True)):
            expected, mask = window_by_hand(cut[pick], int(start), length)
            assert valid[row].tolist() == mask
            tolerance = 1e-37 + 1e-6 * (abs(cut[pick].offset) + np.abs(expected).max())
            np.testing.assert_allclose(signal[row], expected, rtol=1e-6, atol=tolerance)


@pytest.fixture
def store(tmp_path):
    made = Store.create(tmp_path)
    made.commit([recording("p", "r", channel(ramp(2.0), scale=0.5, gaps=[(5, 8)]))])
    return made


def test_a_window_is_scaled_and_gaps_are_zero(store):
    signal, valid = store.gather([1], [3], 6)
    assert signal.tolist() == [[1.5, 2.0, 0.0, 0.0, 0.0, 4.0]]
    assert valid.tolist() == [[True, True, False, False, False, True]]


def test_outside_the_channel_there_is_nothing(store):
    signal, valid = store.gather([1, 1, 1, 1], [-2, 18, 40, -90], 4)
    assert signal.tolist() == [[0.0, 0.0, 0.0, 0.5], [9.0, 9.5, 0.0, 0.0], [0.0] * 4, [0.0] * 4]
    assert valid.sum(axis=1).tolist() == [2, 2, 0, 0]


def test_no_windows_are_no_rows(store):
    signal, valid = store.gather([], [], 4)
    assert signal.shape == valid.shape == (0, 4)


def test_what_was_not_a_number_is_zero(tmp_path):
    samples = np.array([1.0, np.nan, np.inf, 2.0], dtype=np.float32)
    odd = Channel(
        name="T", modality="temp", rate_hz=1.0, start_ns=0, samples=samples, valid=Spans.of([(0, 1), (3, 4)]), scale=1e20
    )
    made = Store.create(tmp_path)
    made.commit([recording("p", "r", odd)])
    signal, _ = made.gather([1], [0], 4)
    assert signal.tolist() == [[np.float32(1e20), 0.0, 0.0, np.float32(2e20)]]


def test_wide_integers_keep_their_last_bits(tmp_path):
    samples = np.array([2**31 - 1, 2**31 - 2, -(2**31)], dtype=np.int32)
    wide = Channel(
        name="X", modality="other", rate_hz=1.0, start_ns=0, samples=samples, valid=Spans.all(3), offset=float(1 - 2**31)
    )
    made = Store.create(tmp_path)
    made.commit([recording("p", "r", wide)])
    assert made.gather([1], [0], 3)[0].tolist() == [[0.0, -1.0, float(np.float32(1 - 2**32))]]


def test_many_shards_and_types_in_one_batch(tmp_path):
    made = Store.create(tmp_path)
    for k in range(6):
        slow = channel([0.5 + k, 1.5 + k], name="TEMP", modality="temp")
        made.commit([recording(f"p{k}", "r", channel(ramp(2.0, first=100 * k)), slow)])
    table = made.channels()
    rng = np.random.default_rng(0)
    picks = rng.integers(0, len(table), 200)
    starts = rng.integers(0, np.maximum(table.length[picks] - 1, 1))
    signal, valid = made.gather(table.id[picks], starts, 1)
    firsts = np.array([100 * (row // 2) if row % 2 == 0 else 0.5 + row // 2 for row in range(len(table))])
    assert signal[:, 0].tolist() == (firsts[picks] + starts).tolist()
    assert valid.all()


@pytest.mark.parametrize("channels", [[2], [0], [-1], [1, 99]])
def test_an_unknown_channel_is_refused(store, channels):
    with pytest.raises(BadConfiguration, match=r"channel id -?\d+ is not in this store; take ids from its Store.channels"):
        store.gather(channels, [0] * len(channels), 4)


@pytest.mark.parametrize(("channels", "starts", "length"), [([1], [0, 1], 4), ([[1]], [[0]], 4), ([1], [0], 0)])
def test_shapes_must_fit(store, channels, starts, length):
    with pytest.raises(BadConfiguration, match="give \\(N,\\), \\(N,\\) and at least 1"):
        store.gather(channels, starts, length)
