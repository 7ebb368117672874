"""Gains: one a channel, of the right distribution, and a gap has none."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from wearfm.augment.scale import scale_channels, scale_clearly
from wearfm.errors import BadConfiguration
from wearfm.nn.draws import Draws


def _windows(rows: int = 500) -> tuple[Tensor, Tensor]:
    signal = torch.arange(1.0, 5.0).expand(rows, 3, 4).clone()
    signal[:, 1, 2] = 0.0
    return signal, signal != 0


def _gains(scaled: Tensor, signal: Tensor) -> Tensor:
    """Return the gains, (B, C), if each channel has only one."""
    gains = scaled[..., :1] / signal[..., :1]
    torch.testing.assert_close(scaled, signal * gains)
    return gains[..., 0]


def test_every_channel_has_a_gain_of_its_own_around_one() -> None:
    signal, valid = _windows()
    scaled, still = scale_channels(signal, valid, Draws(0), deviation=0.25)
    gains = _gains(scaled, signal)
    assert torch.equal(still, valid)
    assert abs(gains.mean() - 1) < 0.03
    assert abs(gains.std() - 0.25) < 0.02
    assert abs(torch.corrcoef(gains.T)[0, 1]) < 0.15


def test_the_gain_is_one_plus_the_deviation_times_the_draw() -> None:
    signal, valid = _windows(2)
    scaled, _ = scale_channels(signal, valid, Draws(7), deviation=0.5)
    drawn = Draws(7).normal(2, 3, 1)
    for row in range(2):
        for channel in range(3):
            expected = signal[row, channel] * (1 + 0.5 * drawn[row, channel, 0])
            torch.testing.assert_close(scaled[row, channel], expected)


def test_no_deviation_changes_nothing() -> None:
    signal, valid = _windows(3)
    assert torch.equal(scale_channels(signal, valid, Draws(0), deviation=0.0)[0], signal)


def test_a_clear_gain_is_what_drawing_anew_would_give() -> None:
    signal, valid = _windows(3000)
    gains = _gains(scale_clearly(signal, valid, Draws(0), least=0.15, largest=0.5)[0], signal).flatten()
    anew = 0.5 + torch.rand(200_000, generator=torch.Generator().manual_seed(0))
    anew = anew[(anew - 1).abs() >= 0.15]
    shares = torch.linspace(0.02, 0.98, 25)
    assert ((gains - 1).abs() >= 0.15 - 1e-6).all()
    torch.testing.assert_close(gains.quantile(shares), anew.quantile(shares), atol=0.025, rtol=0)


@pytest.mark.parametrize(("least", "largest"), [(0.5, 0.1), (-0.1, 0.5), (0.1, 1.0)])
def test_gains_that_fold_or_vanish_are_refused(least: float, largest: float) -> None:
    with pytest.raises(BadConfiguration, match=r"away from 1; the two must rise and lie in \[0, 1\)"):
        scale_clearly(*_windows(1), Draws(0), least=least, largest=largest)
