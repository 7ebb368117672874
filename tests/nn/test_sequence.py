"""Both ways through a sequence: the recurrence by hand, and nothing behind the end."""

from __future__ import annotations

import torch
from torch import Tensor

from wearfm.nn.initial import uniform_by_fan_in
from wearfm.nn.sequence import BothWays, last_of


def _layer(layers: int = 1) -> BothWays:
    layer = BothWays(3, hidden=4, layers=layers)
    uniform_by_fan_in(layer, torch.Generator().manual_seed(0))
    return layer.requires_grad_(False)


def _tokens(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


def by_hand(layer: BothWays, tokens: Tensor, end: str) -> Tensor:
    """One direction, token by token, (N, D) -> (N, hidden): gates in the order input, forget, cell, output."""
    part = {name: getattr(layer.lstm, f"{name}_l0{end}") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}
    state, cell, states = torch.zeros(4), torch.zeros(4), []
    for token in tokens:
        mixed = part["weight_ih"] @ token + part["bias_ih"] + part["weight_hh"] @ state + part["bias_hh"]
        opened, kept, new, shown = mixed.chunk(4)
        cell = kept.sigmoid() * cell + opened.sigmoid() * new.tanh()
        state = shown.sigmoid() * cell.tanh()
        states.append(state)
    return torch.stack(states)


def test_states_are_the_published_recurrence_there_and_back() -> None:
    layer, tokens = _layer(), _tokens(1, 5, 3)
    there, back = by_hand(layer, tokens[0], ""), by_hand(layer, tokens[0].flip(0), "_reverse").flip(0)
    torch.testing.assert_close(layer(tokens)[0], torch.cat([there, back], dim=1))


def test_what_stands_behind_the_end_does_not_matter() -> None:
    layer, tokens, length = _layer(layers=2), _tokens(3, 6, 3), torch.tensor([6, 4, 0])
    moved = tokens.clone()
    moved[1, 4:] += 100
    states = layer(tokens, length)
    assert torch.equal(layer(moved, length), states)
    torch.testing.assert_close(states[1, :4], layer(tokens[1:2, :4])[0])
    torch.testing.assert_close(states[0], layer(tokens)[0])
    assert not states[1, 4:].any()
    assert not states[2].any()


def test_a_row_ends_behind_the_last_that_is_there() -> None:
    there = torch.tensor([[True, False, True, False], [False] * 4, [True] * 4])
    assert last_of(there).tolist() == [3, 0, 4]
