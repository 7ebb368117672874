"""Crop and pad: one stretch stays where it is, half the window or longer, as long as its Beta distribution says."""

from __future__ import annotations

import pytest
import torch

from wearfm.augment.crop import crop_pad
from wearfm.errors import BadConfiguration
from wearfm.nn.draws import Draws

ROWS, LENGTH = 2000, 100


def _kept(concentration: float = 0.5) -> torch.Tensor:
    signal = torch.arange(1.0, LENGTH + 1).repeat(ROWS, 2, 1)
    valid = signal > 10
    cropped, still = crop_pad(signal, valid, Draws(0), concentration=concentration)
    assert torch.equal(still, valid)
    assert ((cropped == signal) | (cropped == 0)).all()
    return cropped != 0


def test_one_stretch_is_kept_where_it_is_in_all_channels() -> None:
    kept = _kept()
    assert torch.equal(kept[:, 0], kept[:, 1])
    edges = kept[:, 0].int().diff(dim=1, prepend=torch.zeros(ROWS, 1), append=torch.zeros(ROWS, 1)).abs().sum(dim=1)
    assert (edges == 2).all()


@pytest.mark.parametrize("concentration", [0.5, 1.0, 3.0])
def test_its_length_follows_the_larger_share_of_a_beta(concentration: float) -> None:
    lengths = _kept(concentration)[:, 0].sum(dim=1).float() / LENGTH
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        drawn = torch.distributions.Beta(concentration, concentration).sample((100_000,))
    expected = torch.maximum(drawn, 1 - drawn)
    shares = torch.linspace(0.05, 0.95, 10)
    torch.testing.assert_close(lengths.quantile(shares), expected.quantile(shares), atol=0.025, rtol=0)
    assert lengths.min() >= 0.5


def test_it_lies_anywhere() -> None:
    kept = _kept()[:, 0]
    is_short = kept.sum(dim=1) < 80
    first = kept.int().argmax(dim=1)[is_short]
    room = LENGTH - kept.sum(dim=1)[is_short]
    assert abs((first / room).mean() - 0.5) < 0.03
    assert (first == 0).any()
    assert (first == room).any()


def test_a_distribution_that_does_not_exist_is_refused() -> None:
    with pytest.raises(BadConfiguration, match="concentration=0 of a Beta distribution must be positive"):
        crop_pad(torch.zeros(1, 1, 4), torch.ones(1, 1, 4, dtype=torch.bool), Draws(0), concentration=0.0)
