"""Alignment, uniformity and effective rank on batches whose answer is known."""

from __future__ import annotations

from math import exp, log

import pytest
import torch

from wearfm.objectives.spread import alignment, effective_rank, uniformity

AXES = torch.eye(4)


def test_alignment_is_zero_for_partners_and_two_at_right_angles() -> None:
    assert float(alignment(AXES, 3 * AXES)) == pytest.approx(0)
    assert float(alignment(AXES, AXES.roll(1, 0))) == pytest.approx(2)
    assert float(alignment(AXES, -AXES)) == pytest.approx(4)


def test_uniformity_equals_the_loops() -> None:
    vectors = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
    unit = [row / row.norm() for row in vectors]
    pairs = [exp(-2 * float((a - b).norm()) ** 2) for i, a in enumerate(unit) for b in unit[i + 1 :]]
    assert float(uniformity(vectors)) == pytest.approx(log(sum(pairs) / len(pairs)), rel=1e-5)


def test_uniformity_is_zero_when_everything_is_one_point() -> None:
    assert float(uniformity(torch.ones(5, 3))) == pytest.approx(0, abs=1e-5)
    assert float(uniformity(AXES)) == pytest.approx(-4)


@pytest.mark.parametrize("rank", [1, 2, 4])
def test_effective_rank_counts_equal_directions(rank: int) -> None:
    vectors = torch.zeros(8, 4)
    vectors[torch.arange(8), torch.arange(8) % rank] = 5.0
    assert float(effective_rank(vectors)) == pytest.approx(rank, rel=1e-5)


def test_effective_rank_does_not_depend_on_scale_and_survives_zeros() -> None:
    vectors = torch.randn(8, 4, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(effective_rank(10 * vectors), effective_rank(vectors))
    assert effective_rank(torch.zeros(8, 4)).isfinite()
