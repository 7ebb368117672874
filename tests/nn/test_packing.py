"""Packed rows: the numbers of padded and masked ones, without the padding."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from wearfm.nn import packing
from wearfm.nn.packing import PackedBlock, Packing, group_mean, packed_attention

CHOSEN = torch.tensor([
    [True, True, True, False, True, True],
    [False, False, True, False, False, False],
    [False, False, False, False, False, False],
    [False, True, False, True, False, True],
    [True, False, False, True, True, False],
])  # fmt: skip


def tokens(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def blocks() -> list[PackedBlock]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return [PackedBlock(8, heads=2, mlp_width=16) for _ in range(2)]


def masked(blocks: list[PackedBlock], padded: Tensor, chosen: Tensor) -> Tensor:
    """The twin: every place is computed, the chosen ones can be looked at; rows without any look at themselves."""
    visible = chosen | ~chosen.any(dim=1, keepdim=True)
    for block in blocks:
        padded = block(padded, visible)
    return padded


def packed(blocks: list[PackedBlock], padded: Tensor, rows: Packing) -> Tensor:
    deep = rows.pack(padded)
    for block in blocks:
        deep = block(deep, lengths=rows.lengths)
    return deep


def test_rows_are_packed_by_length_and_keep_the_order_of_their_tokens() -> None:
    rows = Packing.of(CHOSEN)
    assert rows.lengths == (1, 3, 3, 5)
    assert rows.row.tolist() == [1, 3, 3, 3, 4, 4, 4, 0, 0, 0, 0, 0]
    assert rows.column.tolist() == [2, 1, 3, 5, 0, 3, 4, 0, 1, 2, 4, 5]


def test_unpacking_puts_every_token_back_and_the_filler_elsewhere() -> None:
    rows, padded, filler = Packing.of(CHOSEN), tokens(5, 6, 8), torch.arange(8.0)
    assert torch.equal(rows.unpack(rows.pack(padded), filler), torch.where(CHOSEN[..., None], padded, filler))


def test_packed_blocks_equal_padded_and_masked_ones(blocks: list[PackedBlock]) -> None:
    rows, padded = Packing.of(CHOSEN), tokens(5, 6, 8)
    torch.testing.assert_close(packed(blocks, padded, rows), rows.pack(masked(blocks, padded, CHOSEN)))


def test_gradients_equal_those_of_padded_and_masked_blocks(blocks: list[PackedBlock]) -> None:
    rows, weight = Packing.of(CHOSEN), tokens(12, 8, seed=1)

    def gradients(way: str) -> list[Tensor]:
        padded = tokens(5, 6, 8).requires_grad_()
        deep = packed(blocks, padded, rows) if way == "packed" else rows.pack(masked(blocks, padded, CHOSEN))
        return list(torch.autograd.grad((deep * weight).sum(), [padded, *(p for block in blocks for p in block.parameters())]))

    for ours, theirs in zip(gradients("packed"), gradients("masked"), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_a_token_gathers_from_its_own_row_only(blocks: list[PackedBlock]) -> None:
    rows, padded = Packing.of(CHOSEN), tokens(5, 6, 8)
    moved = padded.clone()
    moved[3] += 1.0
    before, after = packed(blocks, padded, rows), packed(blocks, moved, rows)
    assert torch.equal(before[rows.row != 3], after[rows.row != 3])
    assert not torch.equal(before[rows.row == 3], after[rows.row == 3])


def test_rows_of_one_length_attend_together_as_they_would_alone(blocks: list[PackedBlock]) -> None:
    deep = tokens(12, 8)
    together = packed_attention(blocks[0].attention, deep, (4, 4, 4))
    alone = torch.cat([packed_attention(blocks[0].attention, row, (4,)) for row in deep.split(4)])
    torch.testing.assert_close(together, alone)


def test_nothing_to_pack_gives_nothing_and_full_rows_of_filler(blocks: list[PackedBlock]) -> None:
    rows = Packing.of(torch.zeros(2, 3, dtype=torch.bool))
    deep = packed(blocks, tokens(2, 3, 8), rows)
    assert deep.shape == (0, 8)
    assert torch.equal(rows.unpack(deep, torch.ones(8)), torch.ones(2, 3, 8))


@pytest.mark.parametrize("most", [1, 4, 7, 12])
def test_without_gradient_some_rows_at_a_time_give_the_same(
    blocks: list[PackedBlock], most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, padded, sizes = Packing.of(CHOSEN), tokens(5, 6, 8), []
    whole = packed(blocks, padded, rows).detach()
    monkeypatch.setattr(packing, "TOKENS_AT_ONCE", most)
    blocks[0].norm1.register_forward_hook(lambda _module, given, _out: sizes.append(len(given[0])))
    with torch.no_grad():
        torch.testing.assert_close(packed(blocks, padded, rows), whole)
    assert sizes == {1: [1, 3, 3, 5], 4: [4, 3, 5], 7: [7, 5], 12: [12]}[most]


def test_means_of_groups_count_their_own_tokens_and_are_zero_without_any() -> None:
    mean = group_mean(torch.tensor([[1.0], [3.0], [5.0]]), torch.tensor([2, 0, 2]), count=4)
    assert mean[:, 0].tolist() == [3.0, 0.0, 3.0, 0.0]
