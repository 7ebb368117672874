"""Rows of different lengths in one sequence, so that nothing is computed for tokens that are not there.

    (B, N, D) tokens, (B, N) which of them exist ──Packing──▶ (total, D), row after row, short rows first

Norms, linear maps and MLPs see (total, D); in attention every row is a call of its own, save that rows of one length
share theirs. There is no padding and no mask. In numbers it is the block of `backbones.transformer` under a mask: a token
that nobody may look at, and whose own output nobody uses, need not be computed. On a CPU one call a row is as fast as
buckets of nearly equal lengths, which need masks, or faster (docs/recipes/lsm2.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor
from torch.nn import functional as F

from wearfm.nn.backbones.transformer import TOKENS_AT_ONCE, Attention, Block


@dataclass(frozen=True, eq=False)
class Packing:
    """Where the tokens of B rows with N places lie when packed.

    place: (total,) int64, b * N + n of every packed token. lengths: of the rows in packed order, ascending, none 0.
    shape: (B, N).
    """

    place: Tensor
    lengths: tuple[int, ...]
    shape: tuple[int, int]

    @classmethod
    def of(cls, chosen: Tensor) -> Packing:
        """Return the packing of the chosen tokens, (B, N) bool; rows without any take no room."""
        counts, order = chosen.sum(dim=1).sort(stable=True)
        row, column = chosen[order].nonzero(as_tuple=True)
        lengths = tuple(count for count in counts.tolist() if count)
        return cls(order[row] * chosen.shape[1] + column, lengths, (chosen.shape[0], chosen.shape[1]))

    @property
    def row(self) -> Tensor:
        """Which row each packed token belongs to, (total,)."""
        return self.place // self.shape[1]

    @property
    def column(self) -> Tensor:
        """Which of the N places of its row each packed token has, (total,)."""
        return self.place % self.shape[1]

    def pack(self, tokens: Tensor) -> Tensor:
        """Return the tokens that exist, (B, N, D) -> (total, D)."""
        return tokens.flatten(0, 1)[self.place]

    def unpack(self, packed: Tensor, filler: Tensor) -> Tensor:
        """Return full rows with a filler where no token is, (total, D) and (D,) -> (B, N, D)."""
        rows, places = self.shape
        full = filler.to(packed.dtype).expand(rows * places, -1)
        return full.index_put((self.place,), packed).reshape(rows, places, -1)


def group_mean(tokens: Tensor, group: Tensor, *, count: int) -> Tensor:
    """Return the mean of the tokens of each group, (total, D) and (total,) -> (count, D); zeros for an empty group."""
    sums = tokens.new_zeros(count, tokens.shape[1]).index_add(0, group, tokens)
    sizes = tokens.new_zeros(count).index_add(0, group, tokens.new_ones(len(group)))
    return sums / sizes.clamp(min=1)[:, None]


class PackedBlock(Block):
    """The block with a second way in: packed rows instead of padded and masked ones. Same weights, same numbers."""

    def forward(self, tokens: Tensor, visible: Tensor | None = None, *, lengths: tuple[int, ...] | None = None) -> Tensor:
        """Return the tokens one layer deeper: (B, N, D) -> (B, N, D) or, given the lengths of packed rows, (total, D) likewise.

        visible: as in `Attention`, for rows that are not packed. Without gradient, packed rows are computed some at a
        time, so that memory is bounded.
        """
        if lengths is None:
            return super().forward(tokens, visible)
        if torch.is_grad_enabled() or len(tokens) <= TOKENS_AT_ONCE:
            return self._packed(tokens, lengths)
        parts = list(_parts(lengths, tokens=TOKENS_AT_ONCE))
        rows = torch.split(tokens, [sum(part) for part in parts])
        return torch.cat([self._packed(*each) for each in zip(rows, parts, strict=True)])

    def _packed(self, tokens: Tensor, lengths: tuple[int, ...]) -> Tensor:
        tokens = tokens + packed_attention(self.attention, self.norm1(tokens), lengths)
        return tokens + self.mlp(self.norm2(tokens))  # type: ignore[no-any-return]


def _parts(lengths: tuple[int, ...], *, tokens: int) -> Iterator[tuple[int, ...]]:
    """Yield the lengths of some rows each: as many as have at most `tokens` tokens, but one at least."""
    first = 0
    for stop in range(1, len(lengths) + 1):
        if stop == len(lengths) or sum(lengths[first : stop + 1]) > tokens:
            yield lengths[first:stop]
            first = stop


def packed_attention(attention: Attention, tokens: Tensor, lengths: tuple[int, ...]) -> Tensor:
    """Return what each token gathers from its own row, (total, D) -> (total, D). lengths: of the rows; they add up."""
    total, width = tokens.shape
    mixed = attention.qkv(tokens).reshape(total, 3, attention.heads, width // attention.heads)
    rows = [(length, len(list(same))) for length, same in groupby(lengths)]
    parts = mixed.split([length * count for length, count in rows])
    gathered = [_attend(part, count) for part, (_, count) in zip(parts, rows, strict=True)]
    return attention.project(torch.cat([mixed[:0, 0].flatten(1), *gathered]))  # type: ignore[no-any-return]


def _attend(mixed: Tensor, rows: int) -> Tensor:
    """Return the attention of rows of one length, (rows * n, 3, heads, D / heads) -> (rows * n, D)."""
    query, key, value = mixed.reshape(rows, -1, *mixed.shape[1:]).permute(2, 0, 3, 1, 4)  # 3 of (rows, heads, n, D / heads)
    gathered = F.scaled_dot_product_attention(query, key, value)
    return gathered.transpose(1, 2).flatten(2).flatten(0, 1)  # (rows * n, D)
