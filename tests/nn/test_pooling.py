"""Means over what is there."""

from __future__ import annotations

import torch

from wearfm.nn.draws import Draws
from wearfm.nn.initial import xavier
from wearfm.nn.pooling import AttentionPooling, masked_mean, sum_scales


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


def _pooling(dropout: float = 0.0) -> AttentionPooling:
    pooling = AttentionPooling(8, heads=2, mlp_width=16, dropout=dropout)
    xavier(pooling, torch.Generator().manual_seed(0))
    return pooling.requires_grad_(False)


def _vectors(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


def test_attention_pooling_is_the_mean_of_what_its_layer_gives() -> None:
    pooling, vectors = _pooling(), _vectors(1, 3, 8)
    by_hand = sum(pooling.layer(vectors)[0]) / 3
    torch.testing.assert_close(pooling(vectors, torch.ones(1, 3, dtype=torch.bool))[0], by_hand)


def test_the_order_of_what_is_pooled_does_not_matter() -> None:
    pooling, vectors, order = _pooling(), _vectors(2, 5, 8), [3, 0, 4, 2, 1]
    there = torch.tensor([[True] * 5, [True, False, True, True, False]])
    torch.testing.assert_close(pooling(vectors[:, order], there[:, order]), pooling(vectors, there))


def test_padding_never_matters() -> None:
    pooling, vectors = _pooling(), _vectors(2, 5, 8)
    there = torch.tensor([[True, True, True, False, False]] * 2)
    moved = torch.where(there[..., None], vectors, 100.0)
    assert torch.equal(pooling(moved, there), pooling(vectors, there))
    torch.testing.assert_close(pooling(vectors[:, :3], there[:, :3]), pooling(vectors, there))


def test_nothing_there_pools_to_zeros() -> None:
    there = torch.tensor([[False] * 3, [True] * 3])
    pooled = _pooling()(_vectors(2, 3, 8), there)
    assert not pooled[0].any()
    assert pooled[1].any()


def test_dropout_of_pooling_takes_its_noise_from_outside() -> None:
    pooling, vectors, there = _pooling(0.5), _vectors(2, 3, 8), torch.ones(2, 3, dtype=torch.bool)
    assert torch.equal(pooling(vectors, there), _pooling()(vectors, there))
    assert torch.equal(pooling(vectors, there, Draws(0)), pooling(vectors, there, Draws(0)))
    assert not torch.equal(pooling(vectors, there, Draws(0)), pooling(vectors, there))
