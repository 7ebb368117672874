"""Many vectors into one."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from wearfm.nn.backbones.post_norm import PostNormBlock
from wearfm.nn.draws import Draws


def masked_mean(vectors: Tensor, valid: Tensor | None) -> Tensor:
    """Return the mean over the valid vectors, (..., N, D) and (..., N) -> (..., D); zeros where none is valid.

    valid: None counts all of them.
    """
    if valid is None:
        return vectors.mean(dim=-2)
    weights = valid[..., None].to(vectors.dtype)
    return (vectors * weights).sum(dim=-2) / weights.sum(dim=-2).clamp(min=1)


def sum_scales(tokens: Tensor, *, columns: int) -> Tensor:
    """Return [CLS] and one token per time step, the sum over its scales, (..., 1 + h * w, D) -> (..., 1 + h, D)."""
    patches = tokens[..., 1:, :]
    steps = patches.reshape(*patches.shape[:-2], -1, columns, patches.shape[-1]).sum(dim=-2)
    return torch.cat([tokens[..., :1, :], steps], dim=-2)


class AttentionPooling(nn.Module):
    """Vectors that look at each other once, in a post-norm layer, and then their mean; their order does not matter.

    Thapa et al. 2026 (Nature Medicine, doi:10.1038/s41591-025-04133-4): channels of a group, groups of a night, moments of a
    window. dropout: everywhere in the layer.
    """

    def __init__(self, width: int, *, heads: int, mlp_width: int, dropout: float) -> None:
        super().__init__()
        self.layer = PostNormBlock(
            width,
            heads=heads,
            head_width=width // heads,
            mlp_width=mlp_width,
            dropout=dropout,
            inner_dropout=dropout,
            eps=1e-5,
        )

    def forward(self, vectors: Tensor, there: Tensor, draws: Draws | None = None) -> Tensor:
        """Return one vector for many, (R, N, D) -> (R, D). there: (R, N) bool, which exist; zeros where none does."""
        looked_at = there | ~there.any(dim=1, keepdim=True)  # attention needs something to look at
        return masked_mean(self.layer(vectors, looked_at, draws), there)
