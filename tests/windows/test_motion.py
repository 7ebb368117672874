"""Motion weights: what they measure, how often each window comes, and that a draw depends on nothing but its place."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from tests.recordings import channel, recording
from wearfm.errors import BadConfiguration
from wearfm.store import Store
from wearfm.windows.contract import InputContract, Stream
from wearfm.windows.index import WindowIndex
from wearfm.windows.motion import MotionWeighted, measure_motion

RATE_HZ = 8.0
CONTRACT = InputContract(streams=(Stream(modality="acc", rate_hz=RATE_HZ, channels=3),), window_s=2.0, min_valid=0.25)


def _store(folder: Path, sways: Mapping[str, list[float]], *, gap: tuple[int, int] | None = None) -> tuple[Store, WindowIndex]:
    """Return windows of 16 samples whose vector is 1 g long, plus and minus a sway; the gap is in the second axis only."""
    store = Store.create(folder)
    for person, sway in sways.items():
        size = np.concatenate([1 + amount * np.tile([1.0, -1.0], 8) for amount in sway])
        axes = [
            channel(size * part, name=f"acc {n}", modality="acc", rate_hz=RATE_HZ, gaps=[gap] if gap and n == 1 else ())
            for n, part in enumerate((0.6, 0.0, 0.8))
        ]
        store.commit([recording(person, "a", *axes)])
    return store, WindowIndex.build(store, CONTRACT)


def _weighted(folder: Path, sways: Mapping[str, list[float]], *, seed: int = 0) -> MotionWeighted:
    store, index = _store(folder, sways)
    return MotionWeighted(index.with_targets(motion=measure_motion(store, index, modality="acc")), seed=seed)


def test_motion_is_the_deviation_of_the_vectors_length(tmp_path: Path) -> None:
    store, index = _store(tmp_path / "s", {"p": [0.0, 0.1, 0.4]})
    motion = measure_motion(store, index, modality="acc")
    assert motion.dtype == np.float32
    assert motion.tolist() == pytest.approx([0.0, 0.1, 0.4], abs=1e-6)


def test_moments_without_all_axes_do_not_count(tmp_path: Path) -> None:
    store, index = _store(tmp_path / "s", {"p": [0.1, 0.1]}, gap=(1, 16))
    assert measure_motion(store, index, modality="acc").tolist() == pytest.approx([0.0, 0.1], abs=1e-6)


def test_another_modality_is_refused_and_no_window_has_no_motion(tmp_path: Path) -> None:
    store, index = _store(tmp_path / "s", {"p": [0.1]})
    with pytest.raises(BadConfiguration, match="windows of acc have no gyro; name one that they have"):
        measure_motion(store, index, modality="gyro")
    nothing = index.select(np.zeros(len(index), dtype=bool))
    assert measure_motion(store, nothing, modality="acc").tolist() == []


def test_an_epoch_takes_every_window_as_often_as_expected_rounded_up_or_down(tmp_path: Path) -> None:
    sways = {"p": [0.1, 0.2, 0.3, 0.4], "q": [0.01, 0.03]}
    plan = _weighted(tmp_path / "s", sways)
    expected = np.array([w / sum(sway) * len(sway) for sway in sways.values() for w in sway])
    total = np.zeros(6)
    for epoch in range(400):
        counts = np.bincount(plan.draw(epoch, np.arange(len(plan))).ravel(), minlength=6)
        assert (np.abs(counts - expected) < 1).all()
        total += counts
    assert (total / 400).tolist() == pytest.approx(expected.tolist(), abs=0.1)


def test_each_participant_comes_as_often_as_they_have_windows(tmp_path: Path) -> None:
    plan = _weighted(tmp_path / "s", {"restless": [0.4] * 3, "quiet": [0.0, 0.001, 0.002, 0.003], "still": [0.0] * 2})
    people = plan.index.participant[plan.draw(0, np.arange(9)).ravel()]
    named = [plan.index.participants[code] for code in people]
    assert {name: named.count(name) for name in set(named)} == {"restless": 3, "quiet": 4, "still": 2}


def test_a_window_at_rest_is_not_drawn_beside_one_that_moves(tmp_path: Path) -> None:
    plan = _weighted(tmp_path / "s", {"p": [0.0, 0.2, 0.0, 0.2]})
    drawn = np.concatenate([plan.draw(epoch, np.arange(4)).ravel() for epoch in range(20)])
    assert set(drawn.tolist()) == {1, 3}


def test_a_draw_is_a_function_of_seed_epoch_and_place(tmp_path: Path) -> None:
    sways = {"p": [0.1 + 0.02 * n for n in range(20)]}
    plan, other = _weighted(tmp_path / "s", sways), _weighted(tmp_path / "t", sways, seed=1)
    whole = plan.draw(3, np.arange(20))
    assert whole.shape == (20, 1)
    assert np.array_equal(np.concatenate([plan.draw(3, np.arange(k, k + 5)) for k in (0, 5, 10, 15)]), whole)
    assert not np.array_equal(plan.draw(4, np.arange(20)), whole)
    assert not np.array_equal(other.draw(3, np.arange(20)), whole)


def test_motion_stays_with_its_windows_when_some_are_chosen(tmp_path: Path) -> None:
    plan = _weighted(tmp_path / "s", {"p": [0.0, 0.2], "q": [0.3, 0.0]})
    alone = MotionWeighted(plan.index.of_participants(["q"]), seed=0)
    assert set(alone.draw(0, np.arange(2)).ravel().tolist()) == {0}


def test_an_index_that_does_not_know_and_weights_that_cannot_be_are_refused(tmp_path: Path) -> None:
    _, index = _store(tmp_path / "s", {"p": [0.1, 0.2]})
    with pytest.raises(BadConfiguration, match=r"give it index.with_targets\(motion=measure_motion"):
        MotionWeighted(index, seed=0)
    for bad in (np.nan, -1.0):
        with pytest.raises(BadConfiguration, match=r"motion (nan|-1) of window 1; weights must be finite"):
            MotionWeighted(index.with_targets(motion=np.array([0.1, bad])), seed=0)
