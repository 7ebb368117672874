"""Fixed sine and cosine tables that tell a token where it stands."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F


def sincos(positions: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Return [sin(p w_i), cos(p w_i)] with w_i = 10000^(-2 i / size), (N,) -> (N, size); size is even.

    Vaswani et al. 2017 (arXiv:1706.03762), section 3.5, sines first and then cosines instead of in turn.
    """
    half = size // 2
    angles = np.asarray(positions, dtype=np.float64)[:, None] * 10000.0 ** (-np.arange(half) / half)
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1)


def sincos_in_turn(count: int, size: int) -> Tensor:
    """Return sines and cosines in turn, (count, size) float32: sin(p w_i), cos(p w_i) with w_i = 10000^(-2 i / size).

    The order of Vaswani et al. 2017 (arXiv:1706.03762), section 3.5; size is even.
    """
    halves = torch.tensor(sincos(np.arange(count, dtype=np.float64), size), dtype=torch.float32)
    return halves.view(count, 2, -1).transpose(1, 2).flatten(1)  # (N, 2, D / 2) -> (N, D)


def sincos_grid(rows: int, columns: int, size: int) -> Tensor:
    """Return the table of a grid read row by row, (rows * columns, size) float32; size is a multiple of 4.

    The first half of a vector encodes the column, the second half the row, as in masked autoencoders
    (He et al. 2022, arXiv:2111.06377).
    """
    row, column = np.divmod(np.arange(rows * columns, dtype=np.float64), columns)
    table = np.concatenate([sincos(column, size // 2), sincos(row, size // 2)], axis=1)
    return torch.tensor(table, dtype=torch.float32)


def resize_grid(table: Tensor, *, grid: tuple[int, int], target: tuple[int, int]) -> Tensor:
    """Return a grid's table for another grid by bicubic interpolation, (rows * columns, D) -> (target rows * columns, D)."""
    if grid == target:
        return table
    plane = table.reshape(1, *grid, -1).permute(0, 3, 1, 2)  # (N, D) -> (1, D, rows, columns)
    resized = F.interpolate(plane, size=target, mode="bicubic", align_corners=False)
    return resized.permute(0, 2, 3, 1).reshape(target[0] * target[1], -1)  # (N', D)


class Positions(nn.Module):
    """A fixed table added to tokens and, where it is learnt, an offset to that table which starts at 0.

    The table is made by its formula and no part of the weights, so that a longer window needs no other ones.
    """

    table: Tensor
    bias: Tensor | None

    def __init__(self, table: Tensor, *, is_learnt: bool = False) -> None:
        super().__init__()
        self.register_buffer("table", table, persistent=False)
        self.register_parameter("bias", nn.Parameter(torch.zeros_like(table)) if is_learnt else None)

    def forward(self, tokens: Tensor, kept: Tensor | None = None) -> Tensor:
        """Return tokens that know their place, (B, N, D) -> (B, N, D). kept: (B, N) places of the tokens; None: in order."""
        table = self.table if self.bias is None else self.table + self.bias
        return tokens + (table if kept is None else table[kept])
