"""Patches of planes as tokens: one linear map of every tile, for all tiles or for those chosen."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class PatchEmbedding(nn.Module):
    """Tiles of (B, planes, T, K) as tokens, row by row: the second axis of a tile runs fastest.

    The same map as a strided convolution without padding (Dosovitskiy et al. 2021, arXiv:2010.11929), and its weight has
    that shape, (width, planes, *size). As a matrix product it can leave out tiles that nobody looks at. What is left
    over at the end of either axis is dropped.
    """

    def __init__(self, planes: int, width: int, *, size: tuple[int, int]) -> None:
        super().__init__()
        self.size = size
        self.weight = nn.Parameter(torch.zeros(width, planes, *size))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, planes: Tensor, kept: Tensor | None = None) -> Tensor:
        """Return the tokens, (B, planes, T, K) -> (B, N, width). kept: (B, M) the only tiles wanted, -> (B, M, width)."""
        patches = tiles(planes, self.size)
        if kept is not None:
            patches = patches.gather(1, kept[..., None].expand(-1, -1, patches.shape[2]))  # (B, N, .) -> (B, M, .)
        return F.linear(patches, self.weight.flatten(1), self.bias)


def tiles(planes: Tensor, size: tuple[int, int]) -> Tensor:
    """Return the tiles of planes, flattened, (B, planes, T, K) -> (B, N, planes * size[0] * size[1])."""
    B, count, T, K = planes.shape
    rows, columns = T // size[0], K // size[1]
    whole = planes[:, :, : rows * size[0], : columns * size[1]]
    split = whole.reshape(B, count, rows, size[0], columns, size[1])
    return split.permute(0, 2, 4, 1, 3, 5).reshape(B, rows * columns, count * size[0] * size[1])
