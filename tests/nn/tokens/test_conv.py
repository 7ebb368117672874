"""Tokens from convolutions: the stack by hand, and no statistic of what was not measured."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from wearfm.nn.initial import uniform_by_fan_in
from wearfm.nn.tokens.conv import ConvTokens


def _tokens(length: int = 20) -> ConvTokens:
    tokens = ConvTokens(length, widths=(2, 3), width=4)
    uniform_by_fan_in(tokens, torch.Generator().manual_seed(0))
    return tokens


def _pieces(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


def by_hand(tokens: ConvTokens, piece: Tensor) -> Tensor:
    """Sample by sample, (P,) -> (D,), with running statistics."""
    maps = piece[None]  # (1, P)
    for stage in tokens.stages:
        padded = F.pad(maps, (2, 2))
        filtered = torch.stack(
            [
                torch.stack([(padded[:, at : at + 5] * weight).sum() + bias for at in range(0, maps.shape[1], 2)])
                for weight, bias in zip(stage.conv.weight, stage.conv.bias, strict=True)
            ]
        )
        normal = (filtered - stage.norm.running_mean[:, None]) / (stage.norm.running_var[:, None] + 1e-5).sqrt()
        active = torch.where(normal > 0, normal, normal.exp() - 1)
        maps = (active - active.mean()) / (active.var(unbiased=False) + 1e-5).sqrt()
    return tokens.project(maps.mean(dim=1))


@torch.no_grad()
def test_a_token_is_the_published_stack_of_its_piece() -> None:
    tokens, pieces = _tokens(), _pieces(2, 3, 2, 20)
    tokens.stages[0].norm.running_mean += 0.1
    found = tokens.eval()(pieces, torch.ones(2, 3, 2, dtype=torch.bool))
    torch.testing.assert_close(found[1, 2, 0], by_hand(tokens, pieces[1, 2, 0]))


def test_lengths_that_do_not_halve_are_rounded_up() -> None:
    assert [stage.scale.normalized_shape for stage in _tokens(length=21).stages] == [(2, 11), (3, 6)]


def test_what_was_not_measured_is_in_no_statistic_and_becomes_zeros() -> None:
    pieces, measured = _pieces(2, 3, 2, 20), torch.ones(2, 3, 2, dtype=torch.bool)
    measured[0, 1:] = False
    moved = torch.where(measured[..., None], pieces, 1e3)
    one, other = _tokens().train(), _tokens().train()
    for is_training in (True, False):
        found, again = one.train(is_training)(pieces, measured), other.train(is_training)(moved, measured)
        assert torch.equal(found, again)
        assert not found[0, 1:].any()
    assert all(torch.equal(value, other.state_dict()[key]) for key, value in one.state_dict().items())


def test_training_on_nothing_leaves_the_statistics_alone() -> None:
    tokens = _tokens().train()
    before = {key: value.clone() for key, value in tokens.state_dict().items()}
    found = tokens(_pieces(2, 1, 2, 20), torch.zeros(2, 1, 2, dtype=torch.bool))
    assert found.shape == (2, 1, 2, 4)
    assert not found.any()
    assert all(torch.equal(value, before[key]) for key, value in tokens.state_dict().items())
