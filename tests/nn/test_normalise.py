"""Detrending, smoothing and scaling over the samples that are there."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from wearfm.nn.normalise import detrend_smooth_scale, fit_level_and_size, standardise


def walk(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(3)).cumsum(dim=-1)


def everywhere(signal: Tensor) -> Tensor:
    return torch.ones_like(signal, dtype=torch.bool)


def by_hand(x: np.ndarray, valid: np.ndarray, sigma: float) -> np.ndarray:
    """One channel, step by step."""
    there = np.flatnonzero(valid)
    flat = x - np.polyval(np.polyfit(there, x[there], 1), np.arange(len(x)))
    out = np.zeros(len(x))
    for i in there:
        near = [j for j in there if abs(i - j) <= int(4 * sigma + 0.5)]
        weights = [np.exp(-((i - j) ** 2) / (2 * sigma**2)) for j in near]
        out[i] = sum(w * flat[j] for w, j in zip(weights, near, strict=True)) / sum(weights)
    return out / np.abs(out[there]).mean()


def test_it_is_what_it_says_with_and_without_gaps() -> None:
    signal = walk(2, 2, 60)
    valid = everywhere(signal)
    valid[0, 1, 20:33] = False
    valid[1, 0, :7] = False
    made = detrend_smooth_scale(torch.where(valid, signal, 0.0), valid, sigma=1.3)
    for b in range(2):
        for c in range(2):
            expected = by_hand(signal[b, c].double().numpy(), valid[b, c].numpy(), 1.3)
            np.testing.assert_allclose(made[b, c], expected, atol=2e-5)


def test_offset_slope_and_gain_do_not_matter() -> None:
    signal = walk(1, 1, 200)
    moved = 7 * signal + torch.linspace(-30, 50, 200) + 12
    plain = detrend_smooth_scale(signal, everywhere(signal), sigma=1.3)
    torch.testing.assert_close(plain, detrend_smooth_scale(moved, everywhere(signal), sigma=1.3), rtol=0, atol=1e-4)


def test_a_constant_channel_becomes_zeros_at_any_level() -> None:
    signal = torch.tensor([0.0, 1.0, -3e-3, 1e5, 101_325.0])[None, :, None].expand(1, 5, 390)
    assert not detrend_smooth_scale(signal, everywhere(signal), sigma=1.3).any()


def test_a_channel_that_is_absent_or_one_sample_long_is_zero() -> None:
    signal = torch.zeros(1, 2, 50)
    valid = torch.zeros_like(signal, dtype=torch.bool)
    signal[0, 1, 10], valid[0, 1, 10] = 4.0, True
    assert not detrend_smooth_scale(signal, valid, sigma=1.3).any()


def test_standardised_channels_lead_back_to_the_signal() -> None:
    signal = 3000 + walk(2, 3, 50)
    signal[1, 2] = 7.0  # does not move
    valid = everywhere(signal)
    valid[0, 1, 10:20] = False
    fit = fit_level_and_size(torch.where(valid, signal, 1e6), valid)
    assert torch.equal(fit.scaled, standardise(signal, valid))
    torch.testing.assert_close(torch.where(valid, fit.line + fit.size * fit.scaled, 0.0), torch.where(valid, signal, 0.0))
    for b, c in ((0, 0), (0, 1), (1, 1)):
        there = signal[b, c][valid[b, c]].double()
        assert abs(fit.line[b, c].item() - there.mean().item()) < 1e-3
        assert abs(fit.size[b, c].item() - there.std(correction=0).item()) < 1e-4
    assert (fit.size[1, 2].item(), fit.line[1, 2].item()) == (0.0, 7.0)
