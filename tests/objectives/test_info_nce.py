"""InfoNCE against loops written from its formula, and the laws it obeys."""

from __future__ import annotations

from math import exp, log

import pytest
import torch
from torch import Tensor

from wearfm.objectives.info_nce import info_nce


def cosine(a: Tensor, b: Tensor) -> float:
    return float((a @ b) / (a.norm() * b.norm()))


def info_nce_by_hand(
    one: Tensor, two: Tensor, temperature: float, across: Tensor, within: Tensor, *, share: float = 0.5
) -> float:
    losses = []
    for mine, other, allowed, weight in ((one, two, across, share), (two, one, across.T, 1 - share)):
        for i in range(len(mine)):
            positive = exp(cosine(mine[i], other[i]) / temperature)
            denominator = positive
            for j in range(len(mine)):
                if j != i and allowed[i, j]:
                    denominator += exp(cosine(mine[i], other[j]) / temperature)
                if within[i, j]:
                    denominator += exp(cosine(mine[i], mine[j]) / temperature)
            losses.append(-weight * log(positive / denominator))
    return sum(losses) / len(one)


def _views(rows: int = 5, width: int = 3) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return tuple(torch.randn(2, rows, width, generator=generator, dtype=torch.float64).float())  # type: ignore[return-value]


def _masks(participant: list[int]) -> tuple[Tensor, Tensor]:
    ids = torch.tensor(participant)
    return torch.ones(len(ids), len(ids), dtype=torch.bool), ids[:, None] != ids


@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_it_equals_the_loops(temperature: float) -> None:
    one, two = _views()
    everything, others = _masks([0, 1, 1, 2, 0])
    lopsided = torch.tril(everything)
    for across, within in ((everything, others), (others, others), (lopsided, others), (everything, ~everything)):
        ours = info_nce(one, two, temperature=temperature, across=across, within=within)
        assert float(ours) == pytest.approx(info_nce_by_hand(one, two, temperature, across, within), rel=1e-5)


def test_the_length_of_vectors_does_not_matter() -> None:
    one, two = _views()
    across, within = _masks([0, 1, 2, 3, 4])
    scale = torch.tensor([[0.01], [1.0], [3.0], [100.0], [7.0]])
    ours = info_nce(one * scale, two * 5, temperature=0.1, across=across, within=within)
    torch.testing.assert_close(ours, info_nce(one, two, temperature=0.1, across=across, within=within))


def test_the_order_of_rows_does_not_matter() -> None:
    one, two = _views()
    across, within = _masks([0, 1, 1, 2, 0])
    order = torch.tensor([3, 0, 4, 1, 2])
    shuffled = info_nce(one[order], two[order], temperature=0.1, across=across[order][:, order], within=within[order][:, order])
    torch.testing.assert_close(shuffled, info_nce(one, two, temperature=0.1, across=across, within=within))


def test_the_views_may_change_places() -> None:
    one, two = _views()
    across, within = _masks([0, 1, 1, 2, 0])
    there = info_nce(one, two, temperature=0.1, across=across, within=within)
    torch.testing.assert_close(info_nce(two, one, temperature=0.1, across=across.T, within=within), there)


def test_without_negatives_there_is_nothing_to_lose() -> None:
    one, two = _views()
    nothing = torch.zeros(5, 5, dtype=torch.bool)
    one.requires_grad_()
    ours = info_nce(one, two, temperature=0.1, across=nothing, within=nothing)
    ours.backward()
    assert float(ours.detach()) == pytest.approx(0, abs=1e-6)
    assert one.grad is not None
    torch.testing.assert_close(one.grad, torch.zeros_like(one))


def test_equal_vectors_lose_the_logarithm_of_their_number() -> None:
    """N partners that all look the same: 2N - 1 candidates, one of them right."""
    vectors = torch.ones(4, 3)
    across, within = _masks([0, 1, 2, 3])
    assert float(info_nce(vectors, vectors, temperature=0.1, across=across, within=within)) == pytest.approx(log(7))


def test_a_low_temperature_does_not_overflow() -> None:
    one, two = _views()
    across, within = _masks([0, 1, 2, 3, 4])
    assert info_nce(one, two, temperature=1e-3, across=across, within=within).isfinite()


def test_mixed_precision_does_not_coarsen_it() -> None:
    one, two = _views()
    across, within = _masks([0, 1, 2, 3, 4])
    expected = info_nce(one, two, temperature=0.04, across=across, within=within)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(info_nce(one, two, temperature=0.04, across=across, within=within), expected)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_the_two_directions_weigh_as_they_are_told(share: float) -> None:
    one, two = _views()
    across, within = _masks([0, 1, 0, 2, 3])
    expected = info_nce_by_hand(one, two, 0.2, across, within, share=share)
    loss = info_nce(one, two, temperature=0.2, across=across, within=within, share=share)
    assert loss.item() == pytest.approx(expected, rel=1e-5)
    swapped = info_nce(two, one, temperature=0.2, across=across.T, within=within, share=1 - share)
    torch.testing.assert_close(swapped, loss)
