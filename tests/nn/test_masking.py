"""Masks: how much is hidden, which order is kept, and the way back."""

from __future__ import annotations

import torch

from wearfm.nn.masking import (
    choose,
    count_kept,
    first_rows,
    gather_tokens,
    keep,
    restore_tokens,
    seen_in_grid,
    whole_columns,
    whole_rows,
)


def noise(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(2))


def everything(*shape: int) -> torch.Tensor:
    return torch.ones(*shape, dtype=torch.bool)


def test_the_number_kept_is_rounded_down() -> None:
    assert [count_kept(559, 0.8), count_kept(43, 0.6), count_kept(13, 0.5), count_kept(5, 0.0)] == [111, 17, 6, 5]


def test_the_smallest_noise_is_seen_in_its_order() -> None:
    mask = keep(2, everything(1, 4), noise=torch.tensor([[0.9, 0.1, 0.5, 0.0]]))
    assert mask.kept.tolist() == [[3, 1]]
    assert mask.hidden.tolist() == [[True, False, True, False]]
    assert mask.restore.tolist() == [[3, 1, 2, 0]]


def test_patches_with_gaps_are_hidden_first() -> None:
    valid = torch.tensor([[True, False, True, False, True]])
    mask = keep(3, everything(1, 5), noise=noise(1, 5), valid=valid)
    assert torch.equal(mask.hidden, ~valid)
    assert keep(4, everything(1, 5), noise=noise(1, 5), valid=valid).kept.shape == (1, 4)


def test_a_grid_loses_whole_rows_and_columns_in_natural_order() -> None:
    seen = seen_in_grid(noise(5, 10), noise(5, 4), row_share=0.6, column_share=0.5)
    mask = keep(8, seen)
    assert torch.equal(mask.hidden, ~seen)
    grid = seen.reshape(5, 10, 4)
    assert grid.any(dim=2).sum(dim=1).tolist() == [4] * 5
    assert grid.any(dim=1).sum(dim=1).tolist() == [2] * 5
    assert torch.equal(mask.kept, mask.kept.sort(dim=1).values)


def test_what_was_gathered_returns_to_its_place() -> None:
    tokens, filler = torch.arange(24.0).reshape(2, 6, 2), torch.full((1, 1, 2), -1.0)
    mask = keep(3, everything(2, 6), noise=noise(2, 6))
    restored = restore_tokens(gather_tokens(tokens, mask.kept), filler, mask.restore)
    assert torch.equal(restored, torch.where(mask.hidden[..., None], filler, tokens))


def shown(order: torch.Tensor, count: int, rows: int) -> torch.Tensor:
    """(B, rows, columns) bool, what is seen."""
    return ~keep(count, everything(*order.shape), noise=order).hidden.reshape(len(order), rows, -1)


def test_whole_rows_go_in_the_order_of_their_noise() -> None:
    row_noise = torch.tensor([[0.8, 0.1, 0.9, 0.5]])
    seen = shown(whole_rows(row_noise, noise(1, 20)), 10, rows=4)
    assert seen[0].all(dim=1).tolist() == [False, True, False, True]
    assert seen.sum() == 10


def test_the_row_that_the_count_cuts_through_shows_its_smallest_noise() -> None:
    row_noise, token_noise = torch.tensor([[0.8, 0.1, 0.9, 0.5]]), noise(1, 20)
    seen = shown(whole_rows(row_noise, token_noise), 7, rows=4)
    assert seen[0].sum(dim=1).tolist() == [0, 5, 0, 2]
    last = token_noise.reshape(4, 5)[3]
    assert last[seen[0, 3]].max() < last[~seen[0, 3]].min()


def test_whole_columns_are_whole_rows_of_the_turned_grid() -> None:
    column_noise, token_noise = noise(6, 5), noise(6, 20)
    turned = token_noise.reshape(6, 4, 5).transpose(1, 2).reshape(6, 20)
    seen = shown(whole_columns(column_noise, token_noise), 7, rows=4)
    assert torch.equal(seen, shown(whole_rows(column_noise, turned), 7, rows=5).transpose(1, 2))
    assert seen.all(dim=1).sum(dim=1).tolist() == [1] * 6


def test_the_first_rows_are_seen_and_the_end_is_hidden() -> None:
    seen = shown(first_rows(noise(3, 20), rows=4), 7, rows=4)
    assert seen.sum(dim=2).tolist() == [[5, 2, 0, 0]] * 3
    assert not torch.equal(seen[0, 1], seen[1, 1])


def test_choices_come_as_often_as_they_weigh_and_never_without_weight() -> None:
    chosen = choose(torch.linspace(0, 1, 1001)[:-1], [1.0, 0.0, 3.0, 0.0])
    assert chosen.bincount(minlength=4).tolist() == [250, 0, 750, 0]
    assert choose(torch.tensor([0.0, 0.999999]), [0.0, 2.0]).tolist() == [1, 1]
