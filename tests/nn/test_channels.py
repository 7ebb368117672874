"""Channels of a window, chosen to be looked at together."""

from __future__ import annotations

import torch

from wearfm.nn.channels import choose_channels


def test_four_channels_are_chosen_as_the_original_collates() -> None:
    present = torch.tensor([[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0], [1, 0, 1, 0, 0, 0]], dtype=torch.bool)
    noise = torch.tensor([0.5, 0.1, 0.9, 0.0, 0.3, 0.7]).expand(3, 6)
    chosen = choose_channels(present, noise, count=4)
    assert chosen.tolist() == [[3, 1, 4, 0], [0, 1, 2, 3], [0, 2, 2, 2]]
