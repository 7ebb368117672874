"""Cutting a block of time out of a window."""

from __future__ import annotations

import torch
from torch import Tensor

from wearfm.nn.draws import Draws


def cut_out(signal: Tensor, valid: Tensor, draws: Draws, *, shortest: float, longest: float) -> tuple[Tensor, Tensor]:
    """Return the signal with one block of time set to 0 in all channels of a row.

    signal, valid: (B, C, T). shortest, longest: shares of T; the block's length is a whole number of samples, uniform in
    [shortest * T, longest * T), and it lies anywhere inside the window. `valid` is returned as it came: the block is a
    made-up silence that the method must explain, not a gap. DeVries & Taylor 2017 (arXiv:1708.04552).
    """
    rows, _, length = signal.shape
    low, high = int(shortest * length), int(longest * length)
    size = low + (draws.uniform(rows, 1, 1, device=signal.device) * (high - low)).long()
    start = (draws.uniform(rows, 1, 1, device=signal.device) * (length - size + 1)).long()
    time = torch.arange(length, device=signal.device)
    is_inside = (time >= start) & (time < start + size)  # (B, 1, T)
    return signal.masked_fill(is_inside, 0.0), valid
