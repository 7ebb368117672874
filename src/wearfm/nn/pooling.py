"""Many vectors into one."""

from __future__ import annotations

from torch import Tensor


def masked_mean(vectors: Tensor, valid: Tensor | None) -> Tensor:
    """Return the mean over the valid vectors, (..., N, D) and (..., N) -> (..., D); zeros where none is valid.

    valid: None counts all of them.
    """
    if valid is None:
        return vectors.mean(dim=-2)
    weights = valid[..., None].to(vectors.dtype)
    return (vectors * weights).sum(dim=-2) / weights.sum(dim=-2).clamp(min=1)
