"""A network runs as if nobody trained it, and returns to what it was."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from wearfm.nn.modes import evaluating


def test_batch_norms_use_their_running_statistics_inside_and_keep_them() -> None:
    norm = nn.BatchNorm1d(2)
    signal = torch.tensor([[5.0, 7.0], [9.0, 1.0]])
    with evaluating(norm):
        torch.testing.assert_close(norm(signal), signal, rtol=1e-4, atol=0)
    assert norm.num_batches_tracked == 0


def test_every_part_returns_to_the_mode_it_was_in_also_after_an_error() -> None:
    network = nn.Sequential(nn.Linear(1, 1), nn.Dropout())
    network[0].eval()
    with evaluating(network):
        assert not any(part.training for part in network.modules())
    with pytest.raises(RuntimeError, match="shape"), evaluating(network):
        network(torch.zeros(2))
    assert [part.training for part in network.modules()] == [True, False, True]
