"""Relative contrast against loops written from its formula, and the laws it obeys."""

from __future__ import annotations

from math import exp, lgamma, log

import pytest
import torch
from torch import Tensor

from wearfm.objectives.relative import candidate_cosines, relative_contrast, without_self


def relative_contrast_by_hand(cosine: Tensor, distance: Tensor, temperature: float) -> float:
    losses = []
    for scores, away in zip(cosine.tolist(), distance.tolist(), strict=True):
        loss = 0.0
        for i in range(len(scores)):
            farther = sum(exp(scores[j] / temperature) for j in range(len(scores)) if away[j] >= away[i])
            loss -= log(exp(scores[i] / temperature) / farther)
        losses.append(loss)
    return sum(losses) / len(losses)


def _table(rows: int = 4, columns: int = 6) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return 2 * torch.rand(rows, columns, generator=generator) - 1, torch.rand(rows, columns, generator=generator)


@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_it_equals_the_loops(temperature: float) -> None:
    cosine, distance = _table()
    ours = relative_contrast(cosine, distance, temperature=temperature)
    assert float(ours) == pytest.approx(relative_contrast_by_hand(cosine, distance, temperature), rel=1e-5)


def test_candidates_equally_far_away_are_negatives_of_each_other() -> None:
    cosine, _ = _table(2)
    distance = torch.tensor([[1.0, 2.0, 2.0, 0.5, 2.0, 1.0], [3.0] * 6])
    ours = relative_contrast(cosine, distance, temperature=0.3)
    assert float(ours) == pytest.approx(relative_contrast_by_hand(cosine, distance, 0.3), rel=1e-5)


def test_only_the_order_of_distances_counts() -> None:
    cosine, distance = _table()
    stretched = relative_contrast(cosine, (5 * distance).exp() - 7, temperature=0.1)
    assert torch.equal(stretched, relative_contrast(cosine, distance, temperature=0.1))
    assert not torch.equal(relative_contrast(cosine, -distance, temperature=0.1), stretched)


def test_the_order_of_candidates_does_not_matter() -> None:
    cosine, distance = _table()
    distance[:, 3] = distance[:, 1]  # a tie
    order = torch.tensor([3, 0, 5, 1, 2, 4])
    shuffled = relative_contrast(cosine[:, order], distance[:, order], temperature=0.1)
    torch.testing.assert_close(shuffled, relative_contrast(cosine, distance, temperature=0.1))


def test_a_single_candidate_has_nothing_to_lose() -> None:
    assert float(relative_contrast(torch.tensor([[0.3]]), torch.tensor([[2.0]]), temperature=0.1)) == 0


def test_candidates_that_look_the_same_lose_the_logarithm_of_the_number_of_their_orders() -> None:
    """K - 1 times one of K, one of K - 1 ... : log K!."""
    loss = relative_contrast(torch.full((3, 5), 0.2), torch.arange(5.0).expand(3, -1), temperature=0.1)
    assert float(loss) == pytest.approx(lgamma(6))


def test_cosines_that_fall_with_the_distance_lose_least() -> None:
    cosine, distance = torch.tensor([[0.9, 0.5, -0.1]]), torch.tensor([[1.0, 2.0, 3.0]])
    best = relative_contrast(cosine, distance, temperature=0.1)
    for order in ([1, 0, 2], [0, 2, 1], [2, 1, 0]):
        assert relative_contrast(cosine[:, order], distance, temperature=0.1) > best


def test_no_gradient_reaches_the_distances_and_all_but_the_order_is_learned() -> None:
    cosine, distance = (part.requires_grad_() for part in _table())
    relative_contrast(cosine, distance, temperature=0.1).backward()
    assert distance.grad is None
    assert cosine.grad is not None
    torch.testing.assert_close(cosine.grad.sum(dim=1), torch.zeros(4), atol=1e-5, rtol=0)


def test_mixed_precision_does_not_coarsen_it() -> None:
    cosine, distance = _table()
    expected = relative_contrast(cosine, distance, temperature=0.1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(relative_contrast(cosine, distance, temperature=0.1), expected)


def test_an_anchor_is_no_candidate_of_its_own() -> None:
    table = torch.tensor([[0, 1, 2, 10], [3, 4, 5, 11], [6, 7, 8, 12]])
    assert without_self(table).tolist() == [[1, 2, 10], [5, 3, 11], [6, 7, 12]]


def test_cosines_stand_where_distances_do() -> None:
    generator = torch.Generator().manual_seed(0)
    anchor, near = torch.randn(3, 4, generator=generator), torch.randn(3, 2, 4, generator=generator)
    table = candidate_cosines(anchor, 7 * near)
    assert table.shape == (3, 4)
    expected = torch.nn.functional.cosine_similarity(anchor[1], torch.stack([anchor[2], anchor[0], *near[1]]))
    torch.testing.assert_close(table[1], expected)
