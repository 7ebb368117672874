"""Tokens from a stack of strided convolutions over short pieces of one channel.

    piece (P,) ── {conv, stride 2 ── batch norm ── ELU ── layer norm over the whole map} x n ── mean over time ── linear ── (D,)

Thapa et al. 2026 (Nature Medicine, doi:10.1038/s41591-025-04133-4), the tokenizer of SleepFM. Only pieces that were measured
go through it while batch statistics are taken, so that padding is in no statistic.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from wearfm.nn.gather import gather_rows


class ConvStage(nn.Module):
    """Half as many samples in more channels, normalised twice: per channel over the batch, and over the piece's whole map."""

    def __init__(self, inside: int, outside: int, *, length: int, kernel: int = 5) -> None:
        super().__init__()
        self.conv = nn.Conv1d(inside, outside, kernel, stride=2, padding=kernel // 2)
        self.norm = nn.BatchNorm1d(outside)
        self.scale = nn.LayerNorm((outside, length))
        self.activation = nn.ELU()

    def forward(self, maps: Tensor) -> Tensor:
        """Return (n, inside, L) -> (n, outside, ceil(L / 2))."""
        return self.scale(self.activation(self.norm(self.conv(maps))))  # type: ignore[no-any-return]


class ConvTokens(nn.Module):
    """One token for each piece of one channel. length: samples of a piece. widths: channels after each stage. width: D."""

    def __init__(self, length: int, *, widths: Sequence[int], width: int) -> None:
        super().__init__()
        inside, stages = 1, []
        for outside in widths:
            length = -(-length // 2)
            stages.append(ConvStage(inside, outside, length=length))
            inside = outside
        self.stages = nn.Sequential(*stages)
        self.project = nn.Linear(inside, width)

    def forward(self, pieces: Tensor, measured: Tensor) -> Tensor:
        """Return the tokens, (B, C, N, P) -> (B, C, N, D); 0 where a piece was not measured.

        measured: (B, C, N) bool. In training a batch of which no piece was measured, on any rank, passes nothing on.
        """
        if not self.training:  # with running statistics no piece knows of another: one shape whatever was measured
            tokens = self._of_pieces(pieces.flatten(0, 2)).reshape(*measured.shape, -1)  # (B * C * N, D) -> (B, C, N, D)
            return torch.where(measured[..., None], tokens, 0.0)
        chosen = pieces[measured]  # (n, P)
        full = pieces.new_zeros(*measured.shape, self.project.out_features)
        if not gather_rows(measured.sum().view(1)).any():  # all ranks call the norms, or none
            return full
        return full.index_put((measured,), self._of_pieces(chosen).to(full.dtype))

    def _of_pieces(self, pieces: Tensor) -> Tensor:
        """Return (n, P) -> (n, D)."""
        maps = self.stages(pieces[:, None])
        return self.project(maps.mean(dim=2))  # type: ignore[no-any-return]
