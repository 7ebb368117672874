"""Resampling by a windowed sinc."""

from __future__ import annotations

import math

import numpy as np
import torch

from wearfm.nn.sinc import resample


def by_hand(x: list[float], rate_hz: int, target_hz: int) -> list[float]:
    """Output by output: the sum of x[n] h(t - n / rate), a sinc of 0.99 of the lower rate under a Hann window of 6 zeros."""
    band = 0.99 * min(rate_hz, target_hz)
    out = []
    for m in range(math.ceil(len(x) * target_hz / rate_hz)):
        total = 0.0
        for n, value in enumerate(x):
            u = band * (m / target_hz - n / rate_hz)
            if abs(u) < 6:
                total += value * float(np.sinc(u)) * math.cos(math.pi * u / 12) ** 2 * band / rate_hz
        out.append(total)
    return out


def test_it_is_the_windowed_sinc() -> None:
    signal = torch.randn(120, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for rate, target in ((300, 65), (64, 65), (65, 130)):
        np.testing.assert_allclose(resample(signal, rate, target_hz=target), by_hand(signal.tolist(), rate, target), atol=1e-10)


def test_a_slow_sine_keeps_its_shape_and_a_fast_one_disappears() -> None:
    seconds = torch.arange(3000, dtype=torch.float64) / 1000
    slow = resample(torch.sin(2 * math.pi * 3 * seconds), 1000, target_hz=65)
    expected = torch.sin(2 * math.pi * 3 * torch.arange(195, dtype=torch.float64) / 65)
    assert (slow - expected)[20:-20].abs().max() < 0.01
    assert resample(torch.sin(2 * math.pi * 60 * seconds), 1000, target_hz=65)[20:-20].abs().max() < 0.01
