"""Channel permutation: whole channels move, with their validity, each row in an order of its own."""

from __future__ import annotations

import torch

from wearfm.augment.permute import permute_channels
from wearfm.nn.draws import Draws


def test_whole_channels_move_with_their_validity() -> None:
    signal = torch.arange(4.0)[None, :, None].repeat(50, 1, 6)
    valid = signal < 2
    shuffled, moved = permute_channels(signal, valid, Draws(0))
    assert torch.equal(shuffled.sort(dim=1).values, signal)
    assert torch.equal(moved, shuffled < 2)
    assert torch.equal(shuffled[:, :, :1].expand_as(shuffled), shuffled)


def test_every_order_occurs() -> None:
    signal = torch.arange(3.0)[None, :, None].repeat(300, 1, 1)
    shuffled, _ = permute_channels(signal, signal >= 0, Draws(0))
    assert len({tuple(row) for row in shuffled[:, :, 0].tolist()}) == 6
