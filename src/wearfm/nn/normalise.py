"""Bringing channels to a common form, over the samples that are there."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def detrend_smooth_scale(signal: Tensor, valid: Tensor, *, sigma: float) -> Tensor:
    """Return channels without their least-squares line, smoothed, with mean |x| = 1 over valid samples; 0 elsewhere.

    signal: (B, C, T), finite. sigma: of the Gaussian, samples, cut at 4 sigma; each output is the weighted mean of the
    valid samples under it. A channel that is constant (to 1e-6 of its level) becomes zeros. Torch only, exportable.
    """
    weight = valid.to(signal.dtype)
    count = weight.sum(dim=2, keepdim=True).clamp(min=1)
    time = torch.linspace(-1, 1, signal.shape[2], dtype=signal.dtype, device=signal.device)
    level = (signal * weight).sum(dim=2, keepdim=True) / count
    middle = (time * weight).sum(dim=2, keepdim=True) / count
    centred, clock = (signal - level) * weight, (time - middle) * weight
    slope = (centred * clock).sum(dim=2, keepdim=True) / clock.square().sum(dim=2, keepdim=True).clamp(min=1e-8)
    smooth = _blur((centred - slope * clock), weight, sigma)
    size = smooth.abs().sum(dim=2, keepdim=True) / count
    floor = ((signal * weight).abs().sum(dim=2, keepdim=True) / count * 1e-6).clamp(min=1e-8)
    return torch.where(size > floor, smooth / size.clamp(min=1e-8), 0.0)


def _blur(signal: Tensor, weight: Tensor, sigma: float) -> Tensor:
    """Return the weighted mean under a Gaussian around each valid sample, (B, C, T); 0 elsewhere."""
    radius = int(4 * sigma + 0.5)
    place = torch.arange(-radius, radius + 1, dtype=signal.dtype, device=signal.device)
    kernel = torch.exp(-0.5 * (place / sigma) ** 2)[None, None]  # (1, 1, W)
    stacked = torch.stack([signal, weight], dim=2).flatten(0, 2)[:, None]  # (B, C, T) -> (B * C * 2, 1, T)
    summed = F.conv1d(stacked, kernel, padding=radius).view(*signal.shape[:2], 2, -1)
    return summed[:, :, 0] / summed[:, :, 1].clamp(min=1e-8) * weight
