"""A learned distance between windows: how badly is one rebuilt from pieces of the other?

    query ─ by the key's level and size ─ features ──────────┐
    key   ─ by its own level and size ─┬─ features (keys) ───┼─ attention ─ project ─ back to units ─▶ the query rebuilt
                                       └─ features (values) ─┘

A window with the same motifs at other moments is near, one without them is far. Xu et al. 2025 (RelCon, arXiv:2411.18822),
section 3.1. Nothing is learned across batches here: every statistic is that of one window.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from wearfm.nn.backbones.post_norm import drop
from wearfm.nn.draws import Draws

Weighting = Literal["softmax", "sparsemax"]
_EPS = 1e-5  # of all variances


class Memory(NamedTuple):
    """What a key is looked up by. level, size: (B, C, 1) of its valid samples. keys, values: (B, W, N)."""

    level: Tensor
    size: Tensor
    keys: Tensor
    values: Tensor

    def select(self, rows: Tensor) -> Memory:
        """Return the chosen rows."""
        return Memory(*(part[rows] for part in self))


class MotifNet(nn.Module):
    """Rebuilds a query window from a key window by cross-attention between features of both.

    channels: of a window. width: W of the features, kernel: odd, samples. depth: dilated layers, with dilations 1, 2, 4 ...;
    stride: of the last of them, so that features and rebuilt samples lie at 0, stride, 2 stride ...; bottleneck: width inside
    the dilated layers. dropout: of the attention weights, where draws are given.
    """

    def __init__(
        self, channels: int, *, width: int, kernel: int, depth: int, stride: int = 1, bottleneck: int = 8, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.stride, self.dropout = stride, dropout
        self.scale = ReversibleScale(channels)
        sizes = {"width": width, "kernel": kernel, "depth": depth, "stride": stride, "bottleneck": bottleneck}
        self.query = DilatedNet(channels, **sizes)
        self.key = DilatedNet(channels, **sizes)
        self.value = DilatedNet(channels, **sizes)
        self.project = nn.Linear(width, channels)

    def remember(self, key: Tensor, valid: Tensor) -> Memory:
        """Return what a key is looked up by; key, valid: (B, C, T). A gap is as if its channel stood at its level."""
        level, size = measure(key, valid)
        scaled = self.scale(torch.where(valid, key, level), level, size)
        return Memory(level, size, self.key(scaled), self.value(scaled))

    def rebuild(
        self,
        query: Tensor,
        visible: Tensor,
        memory: Memory,
        *,
        weighting: Weighting = "softmax",
        draws: Draws | None = None,
    ) -> Tensor:
        """Return the query as far as the key can tell it, (B, C, T) -> (B, C, ceil(T / stride)), in the query's unit.

        visible: (B, C, T) bool, samples of the query that may be looked at. draws: for dropout, None without.
        """
        scaled = self.scale(torch.where(visible, query, 0.0), memory.level, memory.size)
        looking = self.query(scaled, visible)
        gathered = self._attend(looking, memory, weighting, draws)
        return self.scale.undo(self.project(gathered).transpose(1, 2), memory.level, memory.size)  # (B, N, C) -> (B, C, N)

    def attention(self, query: Tensor, visible: Tensor, memory: Memory, *, weighting: Weighting) -> Tensor:
        """Return how much each moment of the query looks at each moment of the key, (B, N, N); rows sum to 1."""
        scaled = self.scale(torch.where(visible, query, 0.0), memory.level, memory.size)
        return _weights(self.query(scaled, visible), memory.keys, weighting)

    def _attend(self, looking: Tensor, memory: Memory, weighting: Weighting, draws: Draws | None) -> Tensor:
        """Return the values that each moment of the query gathers, (B, N, W)."""
        values = memory.values.transpose(1, 2)  # (B, W, N) -> (B, N, W)
        if weighting == "softmax" and (draws is None or self.dropout == 0):
            return F.scaled_dot_product_attention(looking.transpose(1, 2), memory.keys.transpose(1, 2), values)
        return drop(_weights(looking, memory.keys, weighting), self.dropout, draws) @ values


def _weights(looking: Tensor, keys: Tensor, weighting: Weighting) -> Tensor:
    scores = torch.einsum("bwn,bwm->bnm", looking, keys) / math.sqrt(looking.shape[1])
    return sparsemax(scores) if weighting == "sparsemax" else scores.softmax(dim=2)


def sparsemax(scores: Tensor) -> Tensor:
    """Return the point of the probability simplex nearest to the scores of the last axis: many weights are exactly 0.

    Martins & Astudillo 2016 (arXiv:1602.02068), algorithm 1.
    """
    ordered = scores.sort(dim=-1, descending=True).values
    sums = ordered.cumsum(dim=-1)
    rank = torch.arange(1, scores.shape[-1] + 1, dtype=scores.dtype, device=scores.device)
    number = (1 + rank * ordered > sums).sum(dim=-1, keepdim=True)  # how many weights are above 0
    threshold = (sums.gather(-1, number - 1) - 1) / number
    return (scores - threshold).clamp_min(0)


def measure(signal: Tensor, valid: Tensor, *, floor: float = _EPS) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation of each channel over its valid samples, (B, C, T) -> (B, C, 1) each.

    The variance is that of the samples themselves, not of what they are drawn from; floor: added to it. A channel without
    samples has level 0.
    """
    count = valid.sum(dim=2, keepdim=True).clamp_min(1)
    level = torch.where(valid, signal, 0.0).sum(dim=2, keepdim=True) / count
    variance = torch.where(valid, signal - level, 0.0).square().sum(dim=2, keepdim=True) / count
    return level, (variance + floor).sqrt()


class ReversibleScale(nn.Module):
    """Takes level and size out of a signal, gives each channel a gain and an offset, and undoes both.

    Kim et al. 2022 (RevIN, ICLR), section 3. The caller brings level and size, so that one window can be seen on the scale of
    another.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, signal: Tensor, level: Tensor, size: Tensor) -> Tensor:
        """Return the scaled signal, (B, C, T); level, size: (B, C, 1)."""
        return (signal - level) / size * self.weight[:, None] + self.bias[:, None]

    def undo(self, scaled: Tensor, level: Tensor, size: Tensor) -> Tensor:
        """Return the signal, (B, C, T); a gain of 0 is kept from dividing."""
        return (scaled - self.bias[:, None]) / (self.weight[:, None] + _EPS**2) * size + level


class DilatedNet(nn.Module):
    """Features whose receptive field doubles with each layer: a partial convolution, then `depth` dilated layers."""

    def __init__(self, channels: int, *, width: int, kernel: int, depth: int, stride: int, bottleneck: int) -> None:
        super().__init__()
        self.first = PartialConv(channels, width, kernel, padding=kernel // 2)
        strides = [1] * (depth - 1) + [stride]
        self.layers = nn.ModuleList(
            DilatedLayer(width, kernel=kernel, dilation=2**number, stride=step, bottleneck=bottleneck)
            for number, step in enumerate(strides)
        )

    def forward(self, signal: Tensor, visible: Tensor | None = None) -> Tensor:
        """Return (B, W, ceil(T / stride)) of (B, C, T); visible: (B, C, T) bool, None for all."""
        features = F.instance_norm(F.gelu(self.first(signal, visible)), eps=_EPS)
        for layer in self.layers:
            features = layer(features)
        return features


class DilatedLayer(nn.Module):
    """norm(gelu(x + convolution(bottleneck(x)))): the activation comes after the sum; the norm is that of each window."""

    def __init__(self, width: int, *, kernel: int, dilation: int, stride: int, bottleneck: int) -> None:
        super().__init__()
        self.stride = stride
        self.narrow = nn.Conv1d(width, bottleneck, 1)
        self.widen = nn.Conv1d(bottleneck, width, kernel, stride=stride, dilation=dilation, padding=kernel // 2 * dilation)

    def forward(self, features: Tensor) -> Tensor:
        """Return the features one layer deeper, (B, W, T) -> (B, W, ceil(T / stride))."""
        risen = self.widen(self.narrow(features)) + features[..., :: self.stride]
        return F.instance_norm(F.gelu(risen), eps=_EPS)


class PartialConv(nn.Conv1d):
    """A convolution that knows which samples are missing: what it sees stands in for what it does not.

    The sum over the samples under the kernel is scaled up by the kernel's size over their number; without any, the output is
    0. Liu et al. 2018 (arXiv:1804.07723), eqs. 1 and 2. The zeros beyond the window's ends count as missing.
    """

    def forward(self, input: Tensor, visible: Tensor | None = None) -> Tensor:
        """Return (B, W, T) of (B, C, T); visible: (B, C, T) bool, None for all."""
        visible = torch.ones_like(input, dtype=torch.bool) if visible is None else visible
        assert self.bias is not None
        ones = input.new_ones(1, 1, self.kernel_size[0])
        number = F.conv1d(visible.to(input.dtype).sum(dim=1, keepdim=True), ones, padding=self.padding)  # (B, 1, T)
        seen = F.conv1d(torch.where(visible, input, 0.0), self.weight, padding=self.padding)
        is_any = number.clamp(0, 1)
        gain = self.weight[0].numel() / (number + 1e-8) * is_any
        return seen * gain + self.bias[:, None] * is_any
