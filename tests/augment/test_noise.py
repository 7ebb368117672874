"""White noise: its size, and that it stays out of gaps."""

from __future__ import annotations

import torch

from wearfm.augment.noise import white_noise
from wearfm.nn.draws import Draws


def test_its_deviation_is_uniform_between_the_bounds() -> None:
    signal = torch.zeros(200, 2, 500)
    noisy, _ = white_noise(signal, torch.ones_like(signal, dtype=torch.bool), Draws(0), lowest=0.5, highest=1.0)
    deviation = noisy.std(dim=(1, 2))
    assert 0.45 < deviation.min() < 0.55
    assert 0.95 < deviation.max() < 1.05
    assert abs(deviation.mean() - 0.75) < 0.03


def test_samples_and_channels_are_independent() -> None:
    signal = torch.zeros(1, 2, 4000)
    noise, _ = white_noise(signal, torch.ones_like(signal, dtype=torch.bool), Draws(0), lowest=1.0, highest=1.0)
    assert abs((noise[0, 0] * noise[0, 1]).mean()) < 0.06
    assert abs((noise[0, 0, 1:] * noise[0, 0, :-1]).mean()) < 0.06


def test_gaps_stay_silent() -> None:
    valid = torch.ones(3, 1, 10, dtype=torch.bool)
    valid[:, :, 4:7] = False
    noisy, still = white_noise(torch.zeros(3, 1, 10), valid, Draws(0), lowest=1.0, highest=1.0)
    assert torch.equal(noisy != 0, valid)
    assert torch.equal(still, valid)
