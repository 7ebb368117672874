"""Which tokens an encoder does not see: masks from noise, and the way back to the full sequence.

Every function takes the uniform noise instead of drawing it, so that the caller decides where numbers come from. The tokens
of a grid are numbered row by row. `whole_rows`, `whole_columns` and `first_rows` order the noise such that `keep` shows rows,
columns or the beginning, and the same number of tokens as ever (here 7 of 20, shown as o):

    noise        whole_rows   whole_columns   first_rows
    . o . . o    . . . . .    . o . . o       o o o o o
    . . . o .    o o o o o    . o . . .       . o . o .
    o . . . .    . . . . .    . o . . o       . . . . .
    . o o . .    . o o . .    . o . . o       . . . . .
"""

from __future__ import annotations

from collections.abc import Sequence
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


def whole_rows(row_noise: Tensor, noise: Tensor) -> Tensor:
    """Return noise by which whole rows of a grid stay or go, (B, rows) and (B, rows * columns) -> (B, rows * columns).

    Rows go in the order of their own noise. The row that a count cuts through goes in part, in the order of `noise`.
    """
    rows = row_noise.shape[1]
    place = row_noise.argsort(dim=1).argsort(dim=1)  # (B, rows)
    return _staged(place[:, :, None], noise.reshape(len(noise), rows, -1), stages=rows)


def whole_columns(column_noise: Tensor, noise: Tensor) -> Tensor:
    """Return noise by which whole columns stay or go, (B, columns) and (B, rows * columns) -> (B, rows * columns)."""
    columns = column_noise.shape[1]
    place = column_noise.argsort(dim=1).argsort(dim=1)  # (B, columns)
    return _staged(place[:, None], noise.reshape(len(noise), -1, columns), stages=columns)


def first_rows(noise: Tensor, *, rows: int) -> Tensor:
    """Return noise by which the first rows stay and the last go, (B, rows * columns) -> (B, rows * columns)."""
    place = torch.arange(rows, device=noise.device)[:, None]  # (rows, 1)
    return _staged(place, noise.reshape(len(noise), rows, -1), stages=rows)


def choose(noise: Tensor, weights: Sequence[float]) -> Tensor:
    """Return which of several choices every row takes, (B,) -> (B,) int64. weights: of the choices, relative, >= 0."""
    edges = torch.tensor(weights, dtype=torch.float64, device=noise.device).cumsum(dim=0)
    return torch.searchsorted(edges / edges[-1], noise.double(), right=True)


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


def last_block(starts: Tensor, *, size: int, length: int) -> Tensor:
    """Return the number of the last block that covers each of `length` places, -1 for none, (B, n) -> (B, length) int64."""
    places = (starts[..., None] + torch.arange(size, device=starts.device)).flatten(1)  # (B, n) -> (B, n * size)
    numbers = torch.arange(starts.shape[1], device=starts.device).repeat_interleave(size).expand(places.shape)
    none = torch.full((len(starts), length), -1, device=starts.device)
    return none.scatter_reduce(1, places, numbers, reduce="amax")


def gather_tokens(tokens: Tensor, kept: Tensor) -> Tensor:
    """Return the chosen tokens, (B, N, D) and (B, M) -> (B, M, D)."""
    return tokens.gather(1, kept[..., None].expand(-1, -1, tokens.shape[2]))


def restore_tokens(visible: Tensor, filler: Tensor, restore: Tensor) -> Tensor:
    """Return the full sequence with a filler in place of hidden tokens, (B, M, D) and (1, 1, D) -> (B, N, D)."""
    hidden = filler.to(visible.dtype).expand(len(visible), restore.shape[1] - visible.shape[1], -1)
    return gather_tokens(torch.cat([visible, hidden], dim=1), restore)


def _staged(place: Tensor, noise: Tensor, *, stages: int) -> Tensor:
    """Return noise on [0, 1) in which lower places come first, (B, rows, columns) -> (B, rows * columns)."""
    return ((place + noise) / stages).flatten(1)


def _smallest(noise: Tensor, count: int) -> Tensor:
    """Return where the `count` smallest numbers of each row are, (B, N) bool."""
    chosen = noise.argsort(dim=1, stable=True)[:, :count]
    return torch.zeros_like(noise, dtype=torch.bool).scatter(1, chosen, value=True)
