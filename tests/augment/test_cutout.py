"""Cut-out: one block, of the right length, anywhere, in all channels."""

from __future__ import annotations

import torch

from wearfm.augment.cutout import cut_out
from wearfm.nn.draws import Draws

ROWS, LENGTH = 500, 40


def _silence(shortest: float = 0.3, longest: float = 0.5) -> torch.Tensor:
    signal = torch.ones(ROWS, 3, LENGTH)
    valid = torch.ones_like(signal, dtype=torch.bool)
    cut, still = cut_out(signal, valid, Draws(0), shortest=shortest, longest=longest)
    assert torch.equal(still, valid)
    return cut == 0


def test_all_channels_lose_the_same_block() -> None:
    silent = _silence()
    assert torch.equal(silent[:, :1].expand_as(silent), silent)


def test_the_block_is_in_one_piece() -> None:
    silent = _silence()[:, 0].int()
    edges = silent.diff(dim=1, prepend=torch.zeros(ROWS, 1), append=torch.zeros(ROWS, 1)).abs().sum(dim=1)
    assert (edges == 2).all()


def test_lengths_are_uniform_from_the_shortest_to_below_the_longest() -> None:
    lengths = _silence()[:, 0].sum(dim=1)
    counts = lengths.bincount(minlength=LENGTH)
    assert counts.nonzero().flatten().tolist() == list(range(12, 20))
    assert counts[12:20].min() > ROWS / 8 / 2


def test_the_block_reaches_both_ends_of_the_window() -> None:
    silent = _silence()[:, 0]
    assert silent[:, 0].any()
    assert silent[:, -1].any()


def test_a_fixed_length_is_kept() -> None:
    assert (_silence(0.25, 0.25)[:, 0].sum(dim=1) == 10).all()
