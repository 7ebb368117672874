"""Keeping a stretch of a window and silencing the rest."""

from __future__ import annotations

import torch
from scipy.special import betaincinv
from torch import Tensor

from wearfm.errors import BadConfiguration
from wearfm.nn.draws import Draws


def crop_pad(signal: Tensor, valid: Tensor, draws: Draws, *, concentration: float) -> tuple[Tensor, Tensor]:
    """Return each window with one random stretch kept where it is and 0 elsewhere, in all channels.

    signal, valid: (B, C, T). The stretch has the share max(l, 1 - l) of the samples, l ~ Beta(concentration,
    concentration): half the window or more; the smaller the concentration, the nearer to all of it. `valid` is returned as
    it came: what is silenced was measured, the method must do without it. PaPaGei (Pillai et al. 2025, arXiv:2410.20542).
    """
    if concentration <= 0:
        raise BadConfiguration(f"concentration={concentration:g} of a Beta distribution must be positive")
    rows, _, length = signal.shape
    size = (length * _larger_share(draws.uniform(rows), concentration)).round().long().to(signal.device)
    start = (draws.uniform(rows, device=signal.device) * (length - size + 1)).long()
    time = torch.arange(length, device=signal.device)
    is_kept = (time >= start[:, None]) & (time < (start + size)[:, None])  # (B, T)
    return torch.where(is_kept[:, None], signal, 0.0), valid


def _larger_share(uniform: Tensor, concentration: float) -> Tensor:
    """Return max(l, 1 - l) of l ~ Beta(c, c) by its quantiles: the density is symmetric, so its upper half is that of l."""
    quantiles = betaincinv(concentration, concentration, (1 + uniform.double().numpy()) / 2)
    return torch.as_tensor(quantiles)
