"""Which tokens an encoder does not see: masks from noise, and the way back to the full sequence.

Every function takes the uniform noise instead of drawing it, so that the caller decides where numbers come from.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Mask:
    """Which of N tokens are seen, the same number M in every row.

    kept: (B, M) int64, tokens in the order in which the encoder sees them. restore: (B, N) int64, where token n stands in
    the sequence [kept, hidden]. hidden: (B, N) bool.
    """

    kept: Tensor
    restore: Tensor
    hidden: Tensor


def count_kept(count: int, share: float) -> int:
    """Return how many of `count` tokens stay if `share` of them is hidden, rounded down."""
    return int(count * (1 - share))


def seen_in_grid(row_noise: Tensor, column_noise: Tensor, *, row_share: float, column_share: float) -> Tensor:
    """Return which tokens of a grid lie in rows and columns that stay, (B, rows) and (B, columns) -> (B, rows * columns).

    `row_share` of the rows go and `column_share` of the columns, those with the largest noise: as many in every sample.
    """
    rows = _smallest(row_noise, count_kept(row_noise.shape[1], row_share))
    columns = _smallest(column_noise, count_kept(column_noise.shape[1], column_share))
    return (rows[:, :, None] & columns[:, None, :]).flatten(1)  # (B, rows, columns) -> (B, N)


def keep(count: int, candidates: Tensor, *, noise: Tensor | None = None, valid: Tensor | None = None) -> Mask:
    """Return the mask under which `count` of the candidates are seen, (B, N) bool, at least `count` in every row.

    noise: (B, N) uniform; the smallest stay, in that order (He et al. 2022, arXiv:2111.06377, section 3). None: the first
    ones in natural order. valid: (B, N) bool; candidates that are not valid stay only if there are too few others.
    """
    rank = 2.0 * ~candidates + (0.0 if noise is None else noise)
    if valid is not None:
        rank = rank + (candidates & ~valid)
    order = rank.argsort(dim=1, stable=True)
    hidden = torch.ones_like(candidates).scatter(1, order[:, :count], value=False)
    return Mask(kept=order[:, :count], restore=order.argsort(dim=1), hidden=hidden)


def gather_tokens(tokens: Tensor, kept: Tensor) -> Tensor:
    """Return the chosen tokens, (B, N, D) and (B, M) -> (B, M, D)."""
    return tokens.gather(1, kept[..., None].expand(-1, -1, tokens.shape[2]))


def restore_tokens(visible: Tensor, filler: Tensor, restore: Tensor) -> Tensor:
    """Return the full sequence with a filler in place of hidden tokens, (B, M, D) and (1, 1, D) -> (B, N, D)."""
    hidden = filler.to(visible.dtype).expand(len(visible), restore.shape[1] - visible.shape[1], -1)
    return gather_tokens(torch.cat([visible, hidden], dim=1), restore)


def _smallest(noise: Tensor, count: int) -> Tensor:
    """Return where the `count` smallest numbers of each row are, (B, N) bool."""
    chosen = noise.argsort(dim=1, stable=True)[:, :count]
    return torch.zeros_like(noise, dtype=torch.bool).scatter(1, chosen, value=True)
