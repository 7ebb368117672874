"""One random gain for each channel."""

from __future__ import annotations

import torch
from torch import Tensor

from wearfm.errors import BadConfiguration
from wearfm.nn.draws import Draws


def scale_channels(signal: Tensor, valid: Tensor, draws: Draws, *, deviation: float) -> tuple[Tensor, Tensor]:
    """Return each channel times a gain of its own, normal around 1.

    signal, valid: (B, C, T). deviation: of the gains; 0.2 makes some of them 20 % too large. Gaps stay 0 and not valid.
    Um et al. 2017 (arXiv:1706.00527), section 3.
    """
    rows, channels, _ = signal.shape
    gain = 1 + deviation * draws.normal(rows, channels, 1, device=signal.device)
    return signal * gain.to(signal.dtype), valid


def scale_clearly(signal: Tensor, valid: Tensor, draws: Draws, *, least: float, largest: float) -> tuple[Tensor, Tensor]:
    """Return each channel times a gain of its own that nobody can take for 1.

    signal, valid: (B, C, T). A gain lies `least` to `largest` above or below 1, uniformly, both sides alike. Drawing all
    gains anew until none is nearer to 1 than `least` (Yuan et al. 2024, arXiv:2206.02909) gives the same distribution.
    """
    if not 0 <= least <= largest < 1:
        raise BadConfiguration(f"gains {least:g} to {largest:g} away from 1; the two must rise and lie in [0, 1)")
    rows, channels, _ = signal.shape
    side = 2 * draws.uniform(rows, channels, 1, device=signal.device) - 1  # sign and size at once
    away = least + (largest - least) * side.abs()
    gain = torch.where(side < 0, 1 - away, 1 + away)
    return signal * gain.to(signal.dtype), valid
