"""A channel in few columns: the lowest, the highest and the mean valid sample of each, and a line of blocks."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from wearfm.signals.recording import Channel

Floats = NDArray[np.float64]
_BLOCKS = "▁▂▃▄▅▆▇█"
_GAP = " "


@dataclass(frozen=True, kw_only=True, eq=False)
class Outline:
    """Columns over the whole channel in its unit; NaN where a column holds no valid sample.

    edges: (N + 1,) sample numbers. low, high, mean, spread: (N,); spread is the standard deviation inside a column.
    """

    edges: NDArray[np.int64]
    low: Floats
    high: Floats
    mean: Floats
    spread: Floats


def outline(channel: Channel, *, columns: int) -> Outline:
    """Return a channel in at most that many columns; holds one column in memory at a time."""
    length = len(channel.samples)
    edges = np.unique(np.linspace(0, length, min(columns, max(length, 1)) + 1).astype(np.int64))
    table = np.array([_column(channel, start, stop) for start, stop in pairwise(edges.tolist())])
    low, high, mean, spread = table.reshape(-1, 4).T
    return Outline(edges=edges, low=np.minimum(low, high), high=np.maximum(low, high), mean=mean, spread=spread)


def _column(channel: Channel, start: int, stop: int) -> tuple[float, float, float, float]:
    inside = channel.valid.clip(start, stop)
    if inside.total == 0:
        return (np.nan,) * 4
    stored = channel.samples[start:stop]
    some = stored if inside.total == stop - start else stored[inside.shift(-start).mask(stop - start)]
    values = np.array([some.min(), some.max(), some.mean(dtype=np.float64)]) * channel.scale + channel.offset
    return float(values[0]), float(values[1]), float(values[2]), float(some.std(dtype=np.float64) * abs(channel.scale))


def sparkline(channel: Channel, *, columns: int = 40) -> tuple[str, str]:
    """Return a line of blocks, a blank for a gap, and what its height is: "level" (mean) or "swing" (spread).

    A wave whose columns all have the same mean shows how much it swings; a slow series shows its level.
    """
    shape = outline(channel, columns=columns)
    there = np.isfinite(shape.mean)
    if not there.any():
        return _GAP * len(shape.mean), "level"
    what = "level" if shape.mean[there].std() >= shape.spread[there].mean() else "swing"
    height = shape.mean if what == "level" else shape.spread
    low, high = float(height[there].min()), float(height[there].max())
    share = (np.where(there, height, low) - low) / (high - low or 1.0)
    step = np.minimum((share * len(_BLOCKS)).astype(np.int64), len(_BLOCKS) - 1)
    return "".join(_BLOCKS[k] if known else _GAP for k, known in zip(step.tolist(), there.tolist(), strict=True)), what
