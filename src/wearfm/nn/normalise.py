"""Bringing channels to a common form, over the samples that are there."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F


class Fit(NamedTuple):
    """Channels in a common form, and the way back: signal = scaled * size + line, up to the smoothing.

    scaled: (B, C, T), 0 where not valid. line: (B, C, T), or (B, C, 1) where it is level, also where nothing is valid; 0 for
    a channel without samples. size: (B, C, 1), 0 for a channel that is constant.
    """

    scaled: Tensor
    line: Tensor
    size: Tensor


class Limits(NamedTuple):
    """Least and largest valid sample of each channel, (B, C, 1); 0 where there is none."""

    low: Tensor
    high: Tensor


def detrend_smooth_scale(signal: Tensor, valid: Tensor, *, sigma: float) -> Tensor:
    """Return channels without their least-squares line, smoothed, with mean |x| = 1 over valid samples; 0 elsewhere.

    signal: (B, C, T), finite. sigma: of the Gaussian, samples, cut at 4 sigma; each output is the weighted mean of the
    valid samples under it. A channel that is constant (to 1e-6 of its level) becomes zeros. Torch only, exportable.
    """
    return fit_line_and_size(signal, valid, sigma=sigma).scaled


def fit_line_and_size(signal: Tensor, valid: Tensor, *, sigma: float) -> Fit:
    """Return what `detrend_smooth_scale` gives, with the line and the size that it took away."""
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
    scaled = torch.where(size > floor, smooth / size.clamp(min=1e-8), 0.0)
    return Fit(scaled, level + slope * (time - middle), torch.where(size > floor, size, 0.0))


def limits(signal: Tensor, valid: Tensor) -> Limits:
    """Return least and largest valid sample of each channel, (B, C, T) -> (B, C, 1)."""
    low = torch.where(valid, signal, torch.inf).amin(dim=2, keepdim=True)
    high = torch.where(valid, signal, -torch.inf).amax(dim=2, keepdim=True)
    there = valid.any(dim=2, keepdim=True)
    return Limits(torch.where(there, low, 0.0), torch.where(there, high, 0.0))


def _blur(signal: Tensor, weight: Tensor, sigma: float) -> Tensor:
    """Return the weighted mean under a Gaussian around each valid sample, (B, C, T); 0 elsewhere."""
    radius = int(4 * sigma + 0.5)
    place = torch.arange(-radius, radius + 1, dtype=signal.dtype, device=signal.device)
    kernel = torch.exp(-0.5 * (place / sigma) ** 2)[None, None]  # (1, 1, W)
    stacked = torch.stack([signal, weight], dim=2).flatten(0, 2)[:, None]  # (B, C, T) -> (B * C * 2, 1, T)
    summed = F.conv1d(stacked, kernel, padding=radius).view(*signal.shape[:2], 2, -1)
    return summed[:, :, 0] / summed[:, :, 1].clamp(min=1e-8) * weight


def standardise(signal: Tensor, valid: Tensor) -> Tensor:
    """Return each channel minus its mean over its population standard deviation, both over valid samples only.

    signal, valid: (B, C, T). Gaps become 0, and so do channels that do not move: those whose deviation is below what
    float32 resolves beside their mean. The mean is taken out twice: a PPG's DC may be 10,000 times its pulse.
    """
    return fit_level_and_size(signal, valid).scaled


def fit_level_and_size(signal: Tensor, valid: Tensor) -> Fit:
    """Return what `standardise` gives, with the mean and the deviation that it took away; `line` is level, (B, C, 1)."""
    count = valid.sum(dim=2, keepdim=True).clamp_min(1)

    def mean(values: Tensor) -> Tensor:
        return values.sum(dim=2, keepdim=True) / count

    present = torch.where(valid, signal.float(), 0.0)
    level = mean(present)
    centred = torch.where(valid, present - level, 0.0)
    rest = mean(centred)
    centred = torch.where(valid, centred - rest, 0.0)
    deviation = mean(centred.square()).sqrt()
    is_flat = deviation <= 1e-6 * level.abs()
    scaled = torch.where(is_flat, 0.0, centred / torch.where(is_flat, 1.0, deviation))
    return Fit(scaled, level + rest, torch.where(is_flat, 0.0, deviation))
