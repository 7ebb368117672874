"""Alignment, uniformity and effective rank on batches whose answer is known."""

from __future__ import annotations

from math import exp, log

import pytest
import torch

from wearfm.objectives.spread import alignment, dispersion_between, effective_rank, uniformity, watch

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


def test_dispersion_between_is_the_share_of_the_variance_of_the_means() -> None:
    vectors = torch.tensor([[1.0, 0.0], [3.0, 0.0], [7.0, 1.0], [9.0, 3.0], [10.0, 2.0]])
    participant = torch.tensor([4, 4, 9, 9, 9])
    means = {4: vectors[:2].mean(0), 9: vectors[2:].mean(0)}
    centre = vectors.mean(0)
    between = sum(float((means[int(who)] - centre).square().sum()) for who in participant)
    total = sum(float((row - centre).square().sum()) for row in vectors)
    assert float(dispersion_between(vectors, participant)) == pytest.approx(between / total)


def test_dispersion_is_one_for_persons_and_zero_for_points() -> None:
    persons = torch.tensor([0, 0, 1, 1])
    assert float(dispersion_between(AXES[[0, 0, 1, 1]], persons)) == pytest.approx(1)
    assert float(dispersion_between(AXES[[0, 1, 0, 1]], persons)) == pytest.approx(0)
    assert float(dispersion_between(torch.ones(4, 3), persons)) == 0


def test_what_is_watched_tells_a_collapse_from_a_spread() -> None:
    persons = torch.arange(4) // 2
    spread, collapsed = watch(AXES, persons), watch(AXES[[0, 0, 0, 0]] + 1e-3 * AXES[:, [1, 0, 2, 3]], persons)
    assert spread.keys() == {"effective_rank", "uniformity", "dispersion_between"}
    assert float(spread["uniformity"]) < -2 < float(collapsed["uniformity"])
    assert all(torch.isfinite(value) for value in (*spread.values(), *collapsed.values()))
