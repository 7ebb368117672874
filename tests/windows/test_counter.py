import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from wearfm.windows.counter import below, mix, permute, text_key


@given(length=st.integers(1, 3000), seed=st.integers(0, 2**40), epoch=st.integers(0, 100))
def test_permute_is_a_permutation(length: int, seed: int, epoch: int) -> None:
    assert sorted(permute(np.arange(length), length, seed, epoch).tolist()) == list(range(length))


def test_each_position_needs_no_other() -> None:
    whole = permute(np.arange(1000), 1000, 7, 3)
    assert permute(np.array([512, 3]), 1000, 7, 3).tolist() == whole[[512, 3]].tolist()


def test_epochs_and_seeds_have_orders_of_their_own() -> None:
    orders = [permute(np.arange(500), 500, seed, epoch).tolist() for seed in (0, 1) for epoch in (0, 1)]
    assert len({tuple(order) for order in orders}) == 4


def test_a_shuffled_order_is_shuffled() -> None:
    order = permute(np.arange(10_000), 10_000, 1, 0)
    assert abs(np.corrcoef(np.arange(10_000), order)[0, 1]) < 0.03
    assert abs(np.corrcoef(order[:-1], order[1:])[0, 1]) < 0.03


def test_below_is_uniform() -> None:
    counts = np.bincount(below(7, 3, np.arange(70_000)), minlength=7)
    assert len(counts) == 7
    assert abs(counts - 10_000).max() < 400


def test_mix_changes_half_the_bits() -> None:
    flipped = mix(np.arange(1000)) ^ mix(np.arange(1000) ^ 1)
    assert abs(np.unpackbits(flipped.view(np.uint8)).mean() - 0.5) < 0.01


def test_text_keys_do_not_depend_on_the_process() -> None:
    assert text_key("participant 1") == 9019396621264705279
