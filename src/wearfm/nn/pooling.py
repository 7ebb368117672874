"""Many vectors into one."""

from __future__ import annotations

import torch
from torch import Tensor


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
