"""A 1-D EfficientNet: inverted bottlenecks with depthwise convolutions and squeeze-and-excitation, pooled over time.

    signal (B, C, T) ── stem, stride 2 ── MBConv x n, some with stride 2 ── last 1x1 ── mean over time ── (B, D)

Tan & Le 2019 (arXiv:1905.11946) with its blocks from Sandler et al. 2018 (arXiv:1801.04381, inverted residuals) and
Hu et al. 2018 (arXiv:1709.01507, squeeze and excitation). Which widths, kernels and strides: the recipe's `Stage` table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn

NORM_EPS = 1e-3  # of the TensorFlow original of EfficientNet; ports keep it


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A run of equal blocks.

    width: channels that leave each block. kernel: of the depthwise convolution, odd. stride: of the first block; the
    others have 1. expansion: how many times wider a block is inside; 1 leaves the expanding convolution out. repeats:
    number of blocks, at least 1.
    """

    width: int
    kernel: int
    stride: int
    expansion: int
    repeats: int


class EfficientNet(nn.Module):
    """Encoder of a whole window: (B, C, T) -> (B, D), for any T >= 1.

    channels: C. stem: channels after the first convolution. stem_kernel: its size, odd. squeeze: width of the
    squeeze-and-excitation bottleneck as a share of the EXPANDED channels. width: D.
    """

    def __init__(
        self, *, channels: int, stem: int, stem_kernel: int, stages: Sequence[Stage], squeeze: float, width: int
    ) -> None:
        super().__init__()
        self.stem = ConvNorm(channels, stem, kernel=stem_kernel, stride=2)
        blocks: list[MBConv] = []
        inside = stem
        for stage in stages:
            for number in range(stage.repeats):
                blocks.append(MBConv(inside, stage, stride=stage.stride if number == 0 else 1, squeeze=squeeze))
                inside = stage.width
        self.blocks = nn.ModuleList(blocks)
        self.last = ConvNorm(inside, width)

    def features(self, signal: Tensor) -> Tensor:
        """Return the map before pooling, (B, C, T) -> (B, D, ceil(T / total stride))."""
        maps = self.stem(signal)
        for block in self.blocks:
            maps = block(maps)
        return self.last(maps)  # type: ignore[no-any-return]

    def forward(self, signal: Tensor) -> Tensor:
        """Return one vector per window, (B, C, T) -> (B, D)."""
        return self.features(signal).mean(dim=2)  # (B, D, T') -> (B, D)


class MBConv(nn.Module):
    """An inverted bottleneck: widen, filter each channel by itself, gate the channels, narrow; plus the input if it fits."""

    def __init__(self, inside: int, stage: Stage, *, stride: int, squeeze: float) -> None:
        super().__init__()
        hidden = inside * stage.expansion
        self.expand = ConvNorm(inside, hidden) if stage.expansion > 1 else nn.Identity()
        self.depthwise = ConvNorm(hidden, hidden, kernel=stage.kernel, stride=stride, groups=hidden)
        self.gate = ChannelGate(hidden, max(1, int(hidden * squeeze)))
        self.project = ConvNorm(hidden, stage.width, is_active=False)
        self.is_residual = stride == 1 and inside == stage.width

    def forward(self, maps: Tensor) -> Tensor:
        """Return the block's output, (B, C, T) -> (B, width, ceil(T / stride))."""
        narrow: Tensor = self.project(self.gate(self.depthwise(self.expand(maps))))
        return maps + narrow if self.is_residual else narrow


class ChannelGate(nn.Module):
    """Squeeze and excitation: scale every channel by a number in (0, 1) computed from the means of all channels."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.reduce = nn.Conv1d(width, hidden, 1)
        self.expand = nn.Conv1d(hidden, width, 1)
        self.activation = nn.SiLU()

    def forward(self, maps: Tensor) -> Tensor:
        """Return the scaled maps, (B, C, T) -> (B, C, T)."""
        means = maps.mean(dim=2, keepdim=True)  # (B, C, T) -> (B, C, 1)
        scale: Tensor = self.expand(self.activation(self.reduce(means))).sigmoid()
        return maps * scale


class ConvNorm(nn.Module):
    """A convolution without bias, batch norm and SiLU (unless `is_active` is False); zero padding keeps ceil(T / stride)."""

    def __init__(
        self, inside: int, outside: int, *, kernel: int = 1, stride: int = 1, groups: int = 1, is_active: bool = True
    ) -> None:
        super().__init__()
        assert kernel % 2 == 1, f"kernel {kernel} is even; symmetric padding needs an odd one"
        self.conv = nn.Conv1d(inside, outside, kernel, stride, padding=(kernel - 1) // 2, groups=groups, bias=False)
        self.norm = nn.BatchNorm1d(outside, eps=NORM_EPS)
        self.activation = nn.SiLU() if is_active else nn.Identity()

    def forward(self, maps: Tensor) -> Tensor:
        """Return the filtered maps, (B, inside, T) -> (B, outside, ceil(T / stride))."""
        return self.activation(self.norm(self.conv(maps)))  # type: ignore[no-any-return]
