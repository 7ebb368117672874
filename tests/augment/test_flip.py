"""Flips: upside down keeps the gaps where they are, back to front takes them along; both undo themselves."""

from __future__ import annotations

import torch

from wearfm.augment.flip import negate, reverse
from wearfm.nn.draws import Draws

SIGNAL = torch.tensor([[[1.0, 2.0, 0.0, 4.0], [5.0, 0.0, 7.0, 8.0]]])
VALID = SIGNAL != 0


def test_negation_changes_the_sign_and_nothing_else() -> None:
    negated, valid = negate(SIGNAL, VALID, Draws(0))
    assert negated.tolist() == [[[-1.0, -2.0, 0.0, -4.0], [-5.0, 0.0, -7.0, -8.0]]]
    assert torch.equal(valid, VALID)


def test_reversal_plays_all_channels_backwards_with_their_gaps() -> None:
    reversed_, valid = reverse(SIGNAL, VALID, Draws(0))
    assert reversed_.tolist() == [[[4.0, 0.0, 2.0, 1.0], [8.0, 7.0, 0.0, 5.0]]]
    assert torch.equal(valid, reversed_ != 0)


def test_each_undoes_itself() -> None:
    for flip in (negate, reverse):
        back, valid = flip(*flip(SIGNAL, VALID, Draws(0)), Draws(1))
        assert torch.equal(back, SIGNAL)
        assert torch.equal(valid, VALID)
