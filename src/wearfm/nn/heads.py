"""Small networks on top of an encoder."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from wearfm.nn.draws import Draws


class ProjectionHead(nn.Module):
    """Two linear layers around a ReLU and dropout: the space in which a contrastive loss lives.

    Chen et al. 2020 (arXiv:2002.05709), section 4.2. Dropout takes its mask from outside, because no layer may draw
    from the global generator: see `keep`.
    """

    def __init__(self, width: int, *, hidden: int, out: int, dropout: float) -> None:
        super().__init__()
        self.inner = nn.Linear(width, hidden)
        self.outer = nn.Linear(hidden, out)
        self.dropout = dropout

    def keep(self, rows: int, draws: Draws, *, device: torch.device) -> Tensor | None:
        """Return which hidden units survive dropout, (rows, hidden) bool; None outside training or without dropout."""
        if not self.training or self.dropout == 0:
            return None
        return draws.uniform(rows, self.inner.out_features, device=device) >= self.dropout

    def forward(self, vector: Tensor, keep: Tensor | None = None) -> Tensor:
        """Return the projection, (B, D) -> (B, out). keep: (B, hidden) bool from `keep`, None for no dropout."""
        hidden = self.inner(vector).relu()
        if keep is not None:
            hidden = hidden * keep / (1 - self.dropout)
        return self.outer(hidden)  # type: ignore[no-any-return]


class MLPHead(nn.Module):
    """Dropout, a hidden layer with ReLU, a linear layer: what PAT puts on an encoder to learn from labels.

    Ruan et al. 2024 (arXiv:2411.15240): hidden 128, dropout 0.1. Gives logits, or numbers; the sigmoid belongs to the loss.
    Dropout of the vector takes its mask from outside: see `keep`.
    """

    def __init__(self, width: int, *, out: int, hidden: int = 128, dropout: float = 0.1) -> None:
        super().__init__()
        self.inner = nn.Linear(width, hidden)
        self.outer = nn.Linear(hidden, out)
        self.dropout = dropout

    def keep(self, rows: int, draws: Draws, *, device: torch.device) -> Tensor | None:
        """Return which numbers of the vectors survive dropout, (rows, D) bool; None outside training or without dropout."""
        if not self.training or self.dropout == 0:
            return None
        return draws.uniform(rows, self.inner.in_features, device=device) >= self.dropout

    def forward(self, vector: Tensor, keep: Tensor | None = None) -> Tensor:
        """Return the logits, (R, D) -> (R, out). keep: (R, D) bool from `keep`, None for no dropout."""
        if keep is not None:
            vector = vector * keep / (1 - self.dropout)
        return self.outer(self.inner(vector).relu())  # type: ignore[no-any-return]
