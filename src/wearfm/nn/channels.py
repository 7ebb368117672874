"""Which channels of a window are looked at together."""

from __future__ import annotations

import torch
from torch import Tensor


def choose_channels(present: Tensor, noise: Tensor, *, count: int) -> Tensor:
    """Return which channels make a sample of `count`, (B, C) bool and uniform noise -> (B, count) int64.

    Of more than `count` channels a random choice in random order; of fewer all, the last one repeated.
    """
    natural = (~present).to(torch.uint8).argsort(dim=1, stable=True)
    shuffled = (noise + (~present).to(noise.dtype)).argsort(dim=1, stable=True)
    number = present.sum(dim=1, keepdim=True)
    order = torch.where(number > count, shuffled, natural)
    place = torch.minimum(torch.arange(count, device=present.device), number.clamp(min=1) - 1)  # (B, count)
    return order.gather(1, place)
