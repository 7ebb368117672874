"""Means over what is there."""

from __future__ import annotations

import torch

from wearfm.nn.pooling import masked_mean, sum_scales


def test_only_valid_vectors_count() -> None:
    vectors = torch.tensor([[[1.0, 2.0], [3.0, 4.0], [100.0, 100.0]]])
    valid = torch.tensor([[True, True, False]])
    assert masked_mean(vectors, valid).tolist() == [[2.0, 3.0]]
    assert torch.equal(masked_mean(vectors[:, :2], None), masked_mean(vectors, valid))


def test_nothing_valid_gives_zeros() -> None:
    assert masked_mean(torch.ones(1, 3, 2), torch.zeros(1, 3, dtype=torch.bool)).tolist() == [[0.0, 0.0]]


def test_the_scales_of_one_time_step_are_summed() -> None:
    tokens = torch.arange(7.0)[:, None]
    assert sum_scales(tokens, columns=3).flatten().tolist() == [0, 1 + 2 + 3, 4 + 5 + 6]
