"""The pre-norm transformer block of vision transformers, with a mask for tokens that must not be looked at.

Vaswani et al. 2017 (arXiv:1706.03762), attention; Dosovitskiy et al. 2021 (arXiv:2010.11929), the order of norms and the
exact (erf) GELU. No dropout, so training and evaluation compute the same.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from wearfm.errors import BadConfiguration

TOKENS_AT_ONCE = 8192  # 100 MB of float32 in an MLP of width 3072


class Attention(nn.Module):
    """Self-attention with queries, keys and values from one linear map."""

    def __init__(self, width: int, *, heads: int, qkv_bias: bool = True) -> None:
        super().__init__()
        if width % heads:
            raise BadConfiguration(f"width {width} does not divide into {heads} heads; use a multiple of {heads}")
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width, bias=qkv_bias)
        self.project = nn.Linear(width, width)

    def forward(self, tokens: Tensor, visible: Tensor | None = None) -> Tensor:
        """Return what each token gathers, (B, N, D) -> (B, N, D).

        visible: bool, (B, N) which tokens may be looked at, or (B, N, N) by which; None for all. At least one each.
        """
        B, N, D = tokens.shape
        packed = self.qkv(tokens).reshape(B, N, 3, self.heads, D // self.heads)
        query, key, value = packed.permute(2, 0, 3, 1, 4).unbind(0)  # 3 of (B, heads, N, D / heads)
        if visible is not None:
            visible = visible[:, None, None] if visible.ndim == 2 else visible[:, None]  # (B, 1, 1 or N, N)
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=visible)
        return self.project(mixed.transpose(1, 2).reshape(B, N, D))  # type: ignore[no-any-return]


class MLP(nn.Module):
    """Two linear maps with a GELU between them."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.expand = nn.Linear(width, hidden)
        self.contract = nn.Linear(hidden, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return (..., width) -> (..., width)."""
        return self.contract(F.gelu(self.expand(tokens)))  # type: ignore[no-any-return]


class Block(nn.Module):
    """x += attention(norm(x)); x += mlp(norm(x))."""

    def __init__(self, width: int, *, heads: int, mlp_width: int, qkv_bias: bool = True, eps: float = 1e-6) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=eps)
        self.attention = Attention(width, heads=heads, qkv_bias=qkv_bias)
        self.norm2 = nn.LayerNorm(width, eps=eps)
        self.mlp = MLP(width, mlp_width)

    def forward(self, tokens: Tensor, visible: Tensor | None = None) -> Tensor:
        """Return the tokens one layer deeper, (B, N, D) -> (B, N, D); visible as in `Attention`."""
        tokens = tokens + self.attention(self.norm1(tokens), visible)
        return tokens + self.mlp(self.norm2(tokens))  # type: ignore[no-any-return]


def in_parts(block: nn.Module, tokens: Tensor, visible: Tensor | None = None) -> Tensor:
    """Return block(tokens, visible), some rows at a time where no gradient is asked for.

    Rows do not see each other, so the numbers are the same; memory is bounded whatever the batch, and what one part needs
    stays near the processor. visible as in `Attention`.
    """
    rows = max(TOKENS_AT_ONCE // tokens.shape[1], 1)
    if torch.is_grad_enabled() or torch.compiler.is_exporting() or len(tokens) <= rows:
        return block(tokens, visible)  # type: ignore[no-any-return]
    starts = range(0, len(tokens), rows)
    parts = ((tokens[i : i + rows], None if visible is None else visible[i : i + rows]) for i in starts)
    return torch.cat([block(part, seen) for part, seen in parts])
