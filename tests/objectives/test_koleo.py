"""KoLeo against loops written from its formula, and the laws it obeys."""

from __future__ import annotations

from math import log, sqrt

import pytest
import torch

from wearfm.errors import BadConfiguration
from wearfm.objectives.koleo import koleo


def koleo_by_hand(vectors: torch.Tensor) -> float:
    unit = [row / row.norm() for row in vectors.double()]
    logs = []
    for i, row in enumerate(unit):
        nearest = min(float((row - other).norm()) for j, other in enumerate(unit) if j != i)
        logs.append(log(nearest))
    return -sum(logs) / len(logs)


def test_it_equals_the_loops() -> None:
    vectors = torch.randn(7, 3, generator=torch.Generator().manual_seed(0))
    assert float(koleo(vectors)) == pytest.approx(koleo_by_hand(vectors), rel=1e-5)


def test_the_corners_of_a_square_are_the_square_root_of_two_apart() -> None:
    corners = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
    assert float(koleo(corners)) == pytest.approx(-log(sqrt(2)), rel=1e-6)


def test_turning_and_stretching_do_not_matter() -> None:
    vectors = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    turn, _ = torch.linalg.qr(torch.randn(4, 4, generator=torch.Generator().manual_seed(1)))
    torch.testing.assert_close(koleo(vectors @ turn * 3), koleo(vectors))


def test_a_step_against_the_gradient_parts_the_nearest() -> None:
    vectors = torch.tensor([[1.0, 0.0], [1.0, 0.1], [-1.0, 0.0]], requires_grad=True)
    before = koleo(vectors)
    before.backward()
    assert vectors.grad is not None
    assert koleo(vectors.detach() - 0.01 * vectors.grad) < before


def test_two_equal_vectors_give_a_finite_number_and_gradient() -> None:
    vectors = torch.ones(2, 3, requires_grad=True)
    value = koleo(vectors)
    value.backward()
    assert value.isfinite()
    assert vectors.grad is not None
    assert vectors.grad.isfinite().all()


def test_a_lonely_vector_is_refused() -> None:
    with pytest.raises(BadConfiguration, match=r"KoLeo of 1 vector; a nearest neighbour needs at least 2: use a larger batch"):
        koleo(torch.ones(1, 3))
