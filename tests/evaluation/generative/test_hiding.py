"""What is hidden: how much, where, and that nothing but the seed and the window decides it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration, UnknownName
from wearfm.evaluation.generative.hiding import DEFAULTS, TITLES, Hiding, hide, window_key

NAMES = ("hr", "steps", "temp")
KEYS = np.array([window_key("p1", "day", start) for start in range(50)], dtype=np.int64)


def hidden(kind: str, ratio: float, *, block: int = 5, length: int = 100, seed: int = 0) -> NDArray[np.bool_]:
    valid = np.ones((len(KEYS), len(NAMES), length), dtype=bool)
    return hide(Hiding(kind=kind, ratio=ratio), valid, keys=KEYS, names=NAMES, block=block, seed=seed)


def in_blocks(mask: NDArray[np.bool_], block: int) -> NDArray[np.bool_]:
    """(B, C, N) of whole blocks; fails if one is half hidden."""
    blocks = mask.reshape(*mask.shape[:2], -1, block)
    assert np.array_equal(blocks.any(axis=3), blocks.all(axis=3))
    return blocks.any(axis=3)


def test_random_hides_its_share_of_the_blocks_of_every_series_for_itself() -> None:
    blocks = in_blocks(hidden("random", 0.8), 5)
    assert (blocks.sum(axis=2) == 16).all()
    assert not np.array_equal(blocks[:, 0], blocks[:, 1])
    share = blocks.mean(axis=(0, 1))
    assert share.min() > 0.6  # every place is hidden about as often
    assert share.max() < 0.95


@pytest.mark.parametrize(("ratio", "count"), [(0.01, 1), (0.3, 6), (0.999, 18)])
def test_interpolation_hides_one_stretch_in_all_series_and_leaves_both_ends(ratio: float, count: int) -> None:
    blocks = in_blocks(hidden("interpolation", ratio), 5)
    assert (blocks.sum(axis=2) == count).all()
    assert (blocks == blocks[:, :1]).all()
    assert not blocks[..., 0].any()
    assert not blocks[..., -1].any()
    edges = np.diff(blocks[:, 0].astype(int), axis=1)
    assert (np.abs(edges).sum(axis=1) == 2).all()
    if count == 6:
        assert len({int(row.argmax()) for row in blocks[:, 0]}) > 5


def test_forecasting_hides_the_end_in_all_series() -> None:
    mask = hidden("forecasting", 0.3)
    assert mask[..., 70:].all()
    assert not mask[..., :70].any()


def test_the_last_block_may_be_shorter() -> None:
    mask = hidden("forecasting", 0.3, block=10, length=34)  # blocks of 10, 10, 10 and 4
    assert mask[..., 30:].all()
    assert not mask[..., :30].any()


def test_sensors_hides_whole_series_among_those_that_are_there() -> None:
    valid = np.ones((50, 3, 20), dtype=bool)
    valid[10:20, 0] = False
    valid[20:30, :2] = False
    mask = hide(Hiding(kind="sensors", ratio=0.3), valid, keys=KEYS, names=NAMES, block=5, seed=0)
    whole = mask.any(axis=2)
    assert np.array_equal(whole, mask.all(axis=2))
    assert whole[:10].sum(axis=1).tolist() == [1] * 10
    assert whole[10:20].sum(axis=1).tolist() == [1] * 10
    assert not whole[10:20, 0].any()
    assert not whole[20:30].any()  # one series alone is nothing to restore it from
    assert whole[30:].any(axis=0).all()


@pytest.mark.parametrize("kind", sorted(TITLES))
def test_batch_order_and_other_series_change_nothing(kind: str) -> None:
    hiding, valid = Hiding(kind=kind, ratio=0.5), np.ones((50, 3, 60), dtype=bool)
    together = hide(hiding, valid, keys=KEYS, names=NAMES, block=3, seed=1)
    order = np.random.default_rng(0).permutation(50)
    assert np.array_equal(hide(hiding, valid, keys=KEYS[order], names=NAMES, block=3, seed=1), together[order])
    turned = hide(hiding, valid, keys=KEYS, names=NAMES[::-1], block=3, seed=1)
    assert np.array_equal(turned, together[:, ::-1])
    wider = np.concatenate([valid, np.zeros((50, 1, 60), dtype=bool)], axis=1)  # a channel that nobody in the batch has
    assert np.array_equal(hide(hiding, wider, keys=KEYS, names=(*NAMES, "eda"), block=3, seed=1)[:, :3], together)


@pytest.mark.parametrize("kind", ["random", "interpolation", "sensors"])
def test_another_seed_another_window_and_another_ratio_hide_something_else(kind: str) -> None:
    assert np.array_equal(hidden(kind, 0.4), hidden(kind, 0.4))
    assert not np.array_equal(hidden(kind, 0.4, seed=1), hidden(kind, 0.4))
    assert not (hidden(kind, 0.4) == hidden(kind, 0.4)[:1]).all()
    assert window_key("p1", "day", 0) != window_key("p1", "day", 1)
    assert window_key("p1", "day", 0) != window_key("p2", "day", 0)


def test_windows_that_do_not_allow_a_task_have_nothing_hidden_and_say_why() -> None:
    assert not hidden("interpolation", 0.3, block=50).any()
    assert Hiding(kind="interpolation", ratio=0.3).obstacle(blocks=2, series=3) == (
        "windows of 2 blocks have fewer than the 3 that it takes"
    )
    assert Hiding(kind="sensors", ratio=0.3).obstacle(blocks=9, series=1) == "windows have one series only, and two are needed"
    assert all(not each.obstacle(blocks=3, series=2) for each in DEFAULTS)


def test_tasks_that_do_not_exist_and_ratios_that_hide_all_or_nothing_are_refused() -> None:
    with pytest.raises(UnknownName, match="task 'forecast' is not known; did you mean 'forecasting'"):
        Hiding(kind="forecast", ratio=0.3)
    for ratio in (0.0, 1.0, -0.1, float("nan")):
        with pytest.raises(BadConfiguration, match=r"ratio .* of random must lie between 0 and 1, 0.8 say"):
            Hiding(kind="random", ratio=ratio)


def test_titles_say_the_share() -> None:
    assert Hiding(kind="random", ratio=0.8).title == "Random imputation, 80 % hidden"
    assert Hiding(kind="sensors", ratio=0.125).title == "Sensor imputation, 12.5 % hidden"
