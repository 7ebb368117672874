"""Shuffling the channels."""

from __future__ import annotations

from torch import Tensor

from wearfm.nn.draws import Draws


def permute_channels(signal: Tensor, valid: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:
    """Return the channels of each row in a random order of its own, and their validity with them.

    signal, valid: (B, C, T). For channels of one kind, such as optical paths, of which none is special.
    """
    order = draws.permutation(signal.shape[0], signal.shape[1], device=signal.device)
    index = order[:, :, None].expand_as(signal)  # (B, C) -> (B, C, T)
    return signal.gather(1, index), valid.gather(1, index)
