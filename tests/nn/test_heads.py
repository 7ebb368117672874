"""The heads: their formulas, and dropout that takes its numbers from outside."""

from __future__ import annotations

import torch
from torch import Tensor

from wearfm.nn.draws import Draws
from wearfm.nn.heads import MLPHead, ProjectionHead

CPU = torch.device("cpu")


def _noise(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def _head(dropout: float = 0.25) -> ProjectionHead:
    return ProjectionHead(3, hidden=400, out=2, dropout=dropout)


def test_without_a_mask_it_is_two_layers_around_a_relu() -> None:
    head, vector = _head(), _noise(5, 3)
    hidden = (vector @ head.inner.weight.T + head.inner.bias).clamp_min(0)
    torch.testing.assert_close(head(vector), hidden @ head.outer.weight.T + head.outer.bias)


def test_the_mask_drops_units_and_keeps_the_expectation() -> None:
    head = _head()
    keep = head.keep(200, Draws(0), device=CPU)
    assert keep is not None
    assert abs(keep.float().mean() - 0.75) < 0.01
    vector = torch.ones(200, 3)
    torch.testing.assert_close(head(vector, keep).mean(dim=0), head(vector)[0], atol=0.03, rtol=0)


def test_there_is_no_mask_in_evaluation_or_without_dropout() -> None:
    assert _head().eval().keep(4, Draws(0), device=CPU) is None
    assert _head(dropout=0.0).keep(4, Draws(0), device=CPU) is None


def _mlp(dropout: float = 0.25) -> MLPHead:
    return MLPHead(400, out=2, hidden=3, dropout=dropout)


def test_the_mlp_without_a_mask_is_two_layers_around_a_relu() -> None:
    head, vector = _mlp(), _noise(5, 400)
    hidden = (vector @ head.inner.weight.T + head.inner.bias).clamp_min(0)
    torch.testing.assert_close(head(vector), hidden @ head.outer.weight.T + head.outer.bias)


def test_the_mlp_drops_numbers_of_the_vector_and_keeps_their_expectation() -> None:
    head = _mlp()
    keep = head.keep(200, Draws(0), device=CPU)
    assert keep is not None
    assert keep.shape == (200, 400)
    assert abs(keep.float().mean() - 0.75) < 0.01
    vector = _noise(200, 400)
    torch.testing.assert_close(head(vector, keep), head(torch.where(keep, vector / 0.75, 0.0)))


def test_the_mlp_has_no_mask_in_evaluation_or_without_dropout() -> None:
    assert _mlp().eval().keep(4, Draws(0), device=CPU) is None
    assert _mlp(dropout=0.0).keep(4, Draws(0), device=CPU) is None


def test_the_published_head_has_as_many_parameters_as_published() -> None:
    assert sum(parameter.numel() for parameter in MLPHead(96, out=1).parameters()) == 12_545
