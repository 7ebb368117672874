"""The transformer block as first published: the norm comes after the sum, the activation is a ReLU, dropout is optional.

Vaswani et al. 2017 (arXiv:1706.03762), sections 3.1 to 3.3 and 5.4; the same parts with the norms first after Xiong et al.
2020 (arXiv:2002.04745), figure 1b. Dropout takes its noise from `Draws`, because no layer may draw from the global
generator.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from wearfm.nn.draws import Draws


def drop(tokens: Tensor, share: float, draws: Draws | None) -> Tensor:
    """Return the tokens with a share of their numbers set to 0 and the others scaled up; unchanged without draws."""
    if draws is None or share == 0:
        return tokens
    keep = draws.uniform(*tokens.shape, device=tokens.device) >= share
    return tokens * keep / (1 - share)


class WideAttention(nn.Module):
    """Self-attention whose heads have a width of their own, `heads * head_width` in all, with one linear map each."""

    def __init__(self, width: int, *, heads: int, head_width: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query = nn.Linear(width, heads * head_width)
        self.key = nn.Linear(width, heads * head_width)
        self.value = nn.Linear(width, heads * head_width)
        self.project = nn.Linear(heads * head_width, width)

    def forward(self, tokens: Tensor, visible: Tensor | None = None, draws: Draws | None = None) -> Tensor:
        """Return what each token gathers, (B, N, D) -> (B, N, D).

        visible: (B, N) bool, which tokens may be looked at, at least one each; None for all. draws: for dropout.
        """
        query, key, value = (self._split(layer(tokens)) for layer in (self.query, self.key, self.value))
        mask = None if visible is None else visible[:, None, None]  # (B, 1, 1, N)
        if draws is None or self.dropout == 0:
            mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        else:
            mixed = drop(self.weights(query, key, mask), self.dropout, draws) @ value
        return self.project(mixed.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]

    def attention(self, tokens: Tensor, visible: Tensor | None = None) -> Tensor:
        """Return how much each token looks at each, (B, heads, N, N), rows sum to 1; visible as in `forward`."""
        mask = None if visible is None else visible[:, None, None]
        return self.weights(self._split(self.query(tokens)), self._split(self.key(tokens)), mask)

    def received(self, tokens: Tensor, visible: Tensor | None = None) -> Tensor:
        """Return how much all visible tokens together look at each, (B, heads, N); the numbers of a head sum to their count.

        Row by row: the N * N weights of one window are many, those of a batch too many to keep.
        """
        sums = []
        for row in range(len(tokens)):
            looking = None if visible is None else visible[row : row + 1]
            weights = self.attention(tokens[row : row + 1], looking)  # (1, heads, N, N)
            sums.append(weights.sum(dim=2) if looking is None else (weights * looking[:, None, :, None]).sum(dim=2))
        return torch.cat(sums)

    def weights(self, query: Tensor, key: Tensor, mask: Tensor | None) -> Tensor:
        """Return the softmax of scaled products, (B, heads, N, W) twice -> (B, heads, N, N)."""
        scores = query @ key.transpose(2, 3) / math.sqrt(query.shape[3])
        scores = scores if mask is None else scores.masked_fill(~mask, -torch.inf)
        return scores.softmax(dim=3)

    def _split(self, tokens: Tensor) -> Tensor:
        B, N, _ = tokens.shape
        return tokens.reshape(B, N, self.heads, -1).transpose(1, 2)  # (B, N, H * W) -> (B, H, N, W)


class PostNormBlock(nn.Module):
    """x = norm(x + attention(x)); x = norm(x + mlp(x)).

    dropout: of what is added. inner_dropout: of the hidden layer of the MLP. attention_dropout: of the attention weights,
    None for as much as `dropout`; it forbids the fused attention kernel while training.
    """

    def __init__(
        self,
        width: int,
        *,
        heads: int,
        head_width: int,
        mlp_width: int,
        dropout: float = 0.0,
        inner_dropout: float = 0.0,
        attention_dropout: float | None = None,
        eps: float = 1e-6,
    ) -> None:
        super().__init__()
        self.dropout, self.inner_dropout = dropout, inner_dropout
        looks = dropout if attention_dropout is None else attention_dropout
        self.attention = WideAttention(width, heads=heads, head_width=head_width, dropout=looks)
        self.norm1 = nn.LayerNorm(width, eps=eps)
        self.expand = nn.Linear(width, mlp_width)
        self.contract = nn.Linear(mlp_width, width)
        self.norm2 = nn.LayerNorm(width, eps=eps)

    def forward(self, tokens: Tensor, visible: Tensor | None = None, draws: Draws | None = None) -> Tensor:
        """Return the tokens one layer deeper, (B, N, D) -> (B, N, D); visible, draws as in `WideAttention`."""
        gathered = self.attention(tokens, visible, draws)
        tokens = self.norm1(tokens + drop(gathered, self.dropout, draws))
        hidden = drop(self.expand(tokens).relu(), self.inner_dropout, draws)
        return self.norm2(tokens + drop(self.contract(hidden), self.dropout, draws))  # type: ignore[no-any-return]


class PreNormBlock(PostNormBlock):
    """x = x + attention(norm(x)); x = x + mlp(norm(x)): the same parts, the norms before them. Dropout in the same places."""

    def forward(self, tokens: Tensor, visible: Tensor | None = None, draws: Draws | None = None) -> Tensor:
        """Return the tokens one layer deeper, (B, N, D) -> (B, N, D); visible, draws as in `WideAttention`."""
        gathered = self.attention(self.norm1(tokens), visible, draws)
        tokens = tokens + drop(gathered, self.dropout, draws)
        hidden = drop(self.expand(self.norm2(tokens)).relu(), self.inner_dropout, draws)
        return tokens + drop(self.contract(hidden), self.dropout, draws)
