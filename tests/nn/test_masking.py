"""Masks: how much is hidden, which order is kept, and the way back."""

from __future__ import annotations

import torch

from wearfm.nn.masking import count_kept, gather_tokens, keep, restore_tokens, seen_in_grid


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
