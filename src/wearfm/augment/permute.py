"""Shuffling the channels, and random orders of a few things."""

from __future__ import annotations

from functools import lru_cache
from itertools import permutations

import torch
from torch import Tensor

from wearfm.errors import BadConfiguration
from wearfm.nn.draws import Draws

_MOST = 7  # things of which all orders are listed: 5040


def permute_channels(signal: Tensor, valid: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:
    """Return the channels of each row in a random order of its own, and their validity with them.

    signal, valid: (B, C, T). For channels of one kind, such as optical paths, of which none is special.
    """
    order = draws.permutation(signal.shape[0], signal.shape[1], device=signal.device)
    index = order[:, :, None].expand_as(signal)  # (B, C) -> (B, C, T)
    return signal.gather(1, index), valid.gather(1, index)


def draw_orders(rows: int, count: int, draws: Draws, *, with_identity: bool, device: torch.device) -> Tensor:
    """Return a random order of range(count) for each row, (rows, count) int64, all orders equally often.

    with_identity: whether things may stay where they are; False leaves that one order out. count: 2 to 7.
    """
    if not 2 <= count <= _MOST:
        raise BadConfiguration(f"{count} things to put in order; give 2 to {_MOST}")
    orders = _orders(count)[0 if with_identity else 1 :].to(device)
    chosen = (draws.uniform(rows, device=device) * len(orders)).long()
    return orders[chosen]


@lru_cache(maxsize=8)
def _orders(count: int) -> Tensor:
    """Return all orders of range(count), the identity first, (count!, count)."""
    return torch.tensor(list(permutations(range(count))))
