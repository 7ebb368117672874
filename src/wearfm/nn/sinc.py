"""Resampling of tensors by a windowed sinc, for models whose authors resampled that way."""

from __future__ import annotations

from math import ceil

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F


def resample(signal: Tensor, rate_hz: int, *, target_hz: int, crossings: int = 6, rolloff: float = 0.99) -> Tensor:
    """Return the signal at another rate, (..., T) -> (..., ceil(T * target_hz / rate_hz)).

    The sinc has `crossings` zeros on each side under a Hann window and cuts off at `rolloff` of the lower of the two Nyquist
    frequencies; beyond the ends the signal is 0. Smith 1984, "A flexible sampling-rate conversion method", eq. 2.
    """
    cutoff = rolloff * min(rate_hz, target_hz) / rate_hz  # of the input's Nyquist frequency
    reach = ceil(crossings / cutoff)
    centre = np.arange(ceil(signal.shape[-1] * target_hz / rate_hz)) * rate_hz / target_hz  # in input samples
    taken = np.floor(centre)[:, None].astype(np.int64) + np.arange(-reach, reach + 2)  # (T', W)
    phase = np.clip((taken - centre[:, None]) * cutoff, -crossings, crossings)
    kernel = cutoff * np.sinc(phase) * np.cos(np.pi * phase / (2 * crossings)) ** 2
    padded = F.pad(signal, (reach, reach + 2))
    windows = padded[..., torch.as_tensor(taken + reach, device=signal.device)]  # (..., T', W)
    return (windows * torch.as_tensor(kernel, dtype=signal.dtype, device=signal.device)).sum(dim=-1)
