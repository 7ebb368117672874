"""Position tables: the formula, the order, and other grids."""

from __future__ import annotations

import math

import numpy as np
import torch

from wearfm.nn.positions import Positions, resize_grid, sincos, sincos_grid, sincos_in_turn


def test_sines_come_first_then_cosines() -> None:
    table = sincos(np.array([0.0, 3.0]), 4)
    np.testing.assert_allclose(table[0], [0, 0, 1, 1])
    np.testing.assert_allclose(table[1], [math.sin(3), math.sin(0.03), math.cos(3), math.cos(0.03)])


def test_sines_and_cosines_can_take_turns() -> None:
    table = sincos_in_turn(4, 4)
    torch.testing.assert_close(table[3], torch.tensor([math.sin(3), math.cos(3), math.sin(0.03), math.cos(0.03)]))
    assert table[0].tolist() == [0, 1, 0, 1]


def test_the_first_half_is_the_column_the_second_the_row() -> None:
    table = sincos_grid(3, 2, 8)
    assert table.shape == (6, 8)
    for row in range(3):
        for column in range(2):
            expected = np.concatenate([sincos(np.array([float(p)]), 4)[0] for p in (column, row)])
            np.testing.assert_allclose(table[row * 2 + column], expected, atol=1e-7)


def test_the_same_grid_is_left_alone() -> None:
    table = sincos_grid(4, 3, 8)
    assert resize_grid(table, grid=(4, 3), target=(4, 3)) is table


def test_a_straight_line_stays_nearly_straight() -> None:
    rows = torch.arange(8.0)[:, None, None].expand(8, 2, 1).reshape(16, 1)
    resized = resize_grid(rows, grid=(8, 2), target=(16, 2)).reshape(16, 2)
    torch.testing.assert_close(resized[:, 0], resized[:, 1])
    torch.testing.assert_close(resized.flip(0), 7 - resized)
    centres = torch.arange(4, 12) / 2 - 0.25  # a token of the fine grid stands a quarter beside one of the coarse
    torch.testing.assert_close(resized[4:12, 0], centres, rtol=0, atol=0.05)  # torch's cubic bends a line by 0.047


def test_chosen_tokens_learn_the_places_they_come_from() -> None:
    positions = Positions(sincos_grid(3, 2, 8))
    tokens, kept = torch.zeros(2, 6, 8), torch.tensor([[5, 0], [2, 3]])
    full = positions(tokens)
    assert torch.equal(positions(tokens[:, :2], kept), torch.stack([full[0, [5, 0]], full[1, [2, 3]]]))
    assert not positions.state_dict()


def test_learnt_positions_start_as_the_table() -> None:
    fixed, learnt = Positions(sincos_grid(3, 2, 8)), Positions(sincos_grid(3, 2, 8), is_learnt=True)
    tokens = torch.zeros(1, 6, 8)
    assert torch.equal(fixed(tokens), learnt(tokens))
    assert [tuple(p.shape) for p in learnt.parameters()] == [(6, 8)]
    learnt(tokens).sum().backward()
    assert learnt.bias.grad.sum() == 48
