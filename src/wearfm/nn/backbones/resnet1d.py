"""A residual network over time whose blocks normalise and activate before they convolve.

    (B, C, T) ── stem ── block ── block ── ... ──▶ (B, D, N)

He et al. 2016 (arXiv:1603.05027), figure 4e, in one dimension. Two ways to carry a block's input past it, when width or rate
change: a projection, or padding without parameters (Hong et al. 2020, KDD, "HOLMES"). Windows are padded so that a stride s
makes ceil(T / s) steps of T, whatever the kernel; of an odd number of padded zeros the larger half is on the right.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

Shortcut = Literal["project", "pad"]
Drop = Callable[[Tensor], Tensor]
"""Dropout of a (B, D, T) map; the caller knows the generator."""


@dataclass(frozen=True, kw_only=True)
class Stem:
    """The first convolution. is_padded: as the blocks are, or not at all. pool: kernel and stride of a max pool, or None."""

    width: int
    kernel: int
    stride: int = 1
    is_padded: bool = True
    pool: tuple[int, int] | None = None


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One residual block. width: channels that leave it. stride: of its first convolution."""

    width: int
    kernel: int
    stride: int = 1


class ResNet1D(nn.Module):
    """Stem and blocks; no pooling over time and no head.

    has_active_start: the first block normalises and activates its input, as all others do; the stem has just done so.
    """

    def __init__(
        self, channels: int, *, stem: Stem, layers: Sequence[Layer], shortcut: Shortcut, has_active_start: bool
    ) -> None:
        super().__init__()
        self.stem = StemBlock(channels, stem)
        widths = [stem.width, *(layer.width for layer in layers)]
        self.blocks = nn.ModuleList(
            PreActivationBlock(before, layer, shortcut=shortcut, is_active=number > 0 or has_active_start)
            for number, (before, layer) in enumerate(zip(widths, layers, strict=False))
        )
        self.width = widths[-1]

    def forward(self, signal: Tensor, drop: Drop | None = None) -> Tensor:
        """Return the last map, (B, C, T) -> (B, D, N). drop: dropout before the convolutions of the blocks, None without."""
        signal = self.stem(signal)
        for block in self.blocks:
            signal = block(signal, drop)
        return signal


class StemBlock(nn.Module):
    """Convolution, norm, ReLU, and a max pool where there is one."""

    def __init__(self, channels: int, stem: Stem) -> None:
        super().__init__()
        make = SameConv if stem.is_padded else nn.Conv1d
        self.conv = make(channels, stem.width, stem.kernel, stride=stem.stride)
        self.norm = nn.BatchNorm1d(stem.width)
        self.pool = stem.pool

    def forward(self, signal: Tensor) -> Tensor:
        """Return the first map, (B, C, T) -> (B, D, N)."""
        signal = self.norm(self.conv(signal)).relu()
        return signal if self.pool is None else F.max_pool1d(signal, self.pool[0], self.pool[1])


class PreActivationBlock(nn.Module):
    """x + conv(relu(norm(conv(relu(norm(x)))))), the first pair of norm and ReLU only where `is_active`."""

    def __init__(self, before: int, layer: Layer, *, shortcut: Shortcut, is_active: bool) -> None:
        super().__init__()
        self.width, self.stride = layer.width, layer.stride
        self.norm1 = nn.BatchNorm1d(before) if is_active else None
        self.conv1 = SameConv(before, layer.width, layer.kernel, stride=layer.stride)
        self.norm2 = nn.BatchNorm1d(layer.width)
        self.conv2 = SameConv(layer.width, layer.width, layer.kernel)
        is_projected = shortcut == "project" and (before != layer.width or layer.stride > 1)
        self.project = nn.Conv1d(before, layer.width, 1, stride=layer.stride) if is_projected else None

    def forward(self, signal: Tensor, drop: Drop | None = None) -> Tensor:
        """Return the map one block deeper, (B, D, T) -> (B, D', ceil(T / stride)); drop as in `ResNet1D`."""
        inner = signal if self.norm1 is None else _dropped(self.norm1(signal).relu(), drop)
        inner = self.conv1(inner)
        inner = self.conv2(_dropped(self.norm2(inner).relu(), drop))
        return inner + self._carry(signal)  # type: ignore[no-any-return]

    def _carry(self, signal: Tensor) -> Tensor:
        """Return the input at the width and rate of the output; zeros beyond the end take part in the maximum [HOLMES]."""
        if self.project is not None:
            return self.project(signal)  # type: ignore[no-any-return]
        if self.stride > 1:
            signal = F.max_pool1d(F.pad(signal, (0, -signal.shape[2] % self.stride)), self.stride)
        more = self.width - signal.shape[1]
        return F.pad(signal, (0, 0, more // 2, more - more // 2)) if more else signal  # (B, D, T) -> (B, D', T)


class SameConv(nn.Conv1d):
    """A convolution that makes ceil(T / stride) steps of T, with zeros on both sides, the odd one on the right."""

    def forward(self, input: Tensor) -> Tensor:
        """Return (B, D', ceil(T / stride)) of (B, D, T)."""
        length, stride, kernel = input.shape[2], self.stride[0], self.kernel_size[0]
        total = max(0, (-(-length // stride) - 1) * stride + kernel - length)
        return super().forward(F.pad(input, (total // 2, total - total // 2)))


def _dropped(signal: Tensor, drop: Drop | None) -> Tensor:
    return signal if drop is None else drop(signal)
