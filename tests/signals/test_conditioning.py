"""The published preparation of raw channels, beside its steps in loops."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from wearfm.signals.conditioning import condition


def condition_by_hand(x: list[float], rate_hz: int) -> list[float]:
    """The five steps for one channel, sample by sample."""
    jumps = [abs(b - a) for a, b in pairwise(x)]
    rank = 0.95 * (len(jumps) - 1)
    below, ordered = int(rank), sorted(jumps)
    limit = ordered[below] + (rank - below) * (ordered[min(below + 1, len(jumps) - 1)] - ordered[below])
    knots = [i for i in range(len(x)) if i == len(x) - 1 or jumps[i] <= limit]
    filled = []
    for k in range(math.ceil(len(x) * 65 / rate_hz)):
        place = k * rate_hz / 65
        left = max((i for i in knots if i <= place), default=knots[0])
        right = min((i for i in knots if i >= place), default=knots[-1])
        filled.append(x[left] if left == right else x[left] + (x[right] - x[left]) * (place - left) / (right - left))
    n = len(filled)
    slope, level = np.polyfit(range(n), filled, 1)
    flat = [v - slope * k - level for k, v in enumerate(filled)]
    weights = {d: math.exp(-(d**2) / (2 * 1.3**2)) for d in range(-5, 6)}
    smooth = []
    for k in range(n):
        mirrored = {d: (k + d if 0 <= k + d < n else -1 - (k + d) if k + d < 0 else 2 * n - 1 - (k + d)) for d in weights}
        smooth.append(sum(w * flat[mirrored[d]] for d, w in weights.items()) / sum(weights.values()))
    size = sum(map(abs, smooth)) / n
    return [v / size for v in smooth]


@pytest.mark.parametrize("rate_hz", [50, 65, 100, 256])
def test_it_is_the_five_published_steps(rate_hz: int) -> None:
    x = np.random.default_rng(0).standard_normal((2, 300)).cumsum(axis=1)
    made = condition(x, rate_hz)
    for row in range(2):
        np.testing.assert_allclose(made[row], condition_by_hand(x[row].tolist(), rate_hz), rtol=0, atol=1e-11)
