"""NormWear: preparation, scalogram, embedding and pretraining, each against what it replaces or what the machine allows.

Six-second windows at 65 Hz, 388 samples. CPU time, one interleaved run per row. The network is the released
construction with random weights: time does not depend on them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from statistics import median

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks.row import Row, interleave, timed_row
from wearfm.nn.draws import Draws
from wearfm.nn.tokens.cwt import scalogram_by_convolution, scalogram_by_fourier
from wearfm.recipes.normwear import DIFFERENCES, NormWear, NormWearConfig, paper, small
from wearfm.signals.conditioning import condition
from wearfm.windows.batch import Batch, Signal

SAMPLES = 388
RATE_HZ = 250  # of the recording that the published preprocessing gets


def noise(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def preprocess_by_comprehension(signal: list[list[float]], rate_hz: int) -> list[list[float]]:
    """The five steps of the sheet, channel by channel and sample by sample on the grid of rate x target, as published."""
    return [_one_channel(channel, rate_hz) for channel in signal]


def _one_channel(x: list[float], rate_hz: int) -> list[float]:
    target = 65
    jumps = [abs(x[i + 1] - x[i]) for i in range(len(x) - 1)]
    limit = float(np.quantile(jumps, 0.95))
    knots = [i for i in range(len(x)) if i == len(x) - 1 or jumps[i] <= limit]
    fine = _interpolated([i * target for i in knots], [x[i] for i in knots], len(x) * target)
    filled = [fine[i] for i in range(0, len(fine), rate_hz)]
    slope, level = np.polyfit(range(len(filled)), filled, 1)
    flat = [value - slope * i - level for i, value in enumerate(filled)]
    weights = [math.exp(-(d**2) / (2 * 1.3**2)) for d in range(-5, 6)]
    padded = flat[4::-1] + flat + flat[:-6:-1]
    smooth = [sum(w * padded[i + d] for d, w in enumerate(weights)) / sum(weights) for i in range(len(flat))]
    size = sum(abs(value) for value in smooth) / len(smooth)
    return [value / size for value in smooth]


def _interpolated(places: list[int], values: list[float], length: int) -> list[float]:
    """Every point of the grid 0 .. length - 1, ends held."""
    out = [values[0]] * places[0]
    for left, right, a, b in zip(places, places[1:], values, values[1:], strict=False):
        out += [a + (b - a) * (i - left) / (right - left) for i in range(left, right)]
    return out + [values[-1]] * (length - len(out))


def preprocessing() -> Row:
    signal = noise(6, 6 * RATE_HZ).cumsum(dim=1).double().numpy()
    plain = signal.tolist()
    difference = np.abs(condition(signal, RATE_HZ) - np.array(preprocess_by_comprehension(plain, RATE_HZ))).max()
    ours, theirs = interleave(
        lambda: _repeat(50, lambda: condition(signal, RATE_HZ)),
        lambda: preprocess_by_comprehension(plain, RATE_HZ),
        repeats=7,
    )
    return timed_row(
        "NormWear preprocessing, 6 channels x 6 s at 250 Hz",
        "the five steps in list comprehensions",
        [t / 50 for t in ours],
        theirs,
        target=100,
        note=f"largest difference {difference:.1e}",
    )


def scalograms() -> list[Row]:
    return [_scalogram(windows, channels=3, repeats=repeats) for windows, repeats in ((1, 100), (8, 20))]


def _scalogram(windows: int, *, channels: int, repeats: int) -> Row:
    x = noise(windows, channels, 1 + DIFFERENCES, SAMPLES - DIFFERENCES)
    scales = paper().scales
    difference = scalogram_by_fourier(x, scales=scales, variant="torch") - scalogram_by_convolution(
        x, scales=scales, variant="torch"
    )
    ours, theirs = interleave(
        lambda: _repeat(repeats, lambda: scalogram_by_fourier(x, scales=scales, variant="torch")),
        lambda: _repeat(repeats, lambda: scalogram_by_convolution(x, scales=scales, variant="torch")),
        repeats=7,
    )
    return timed_row(
        f"scalogram, {windows} x {channels} channels",
        "conv1d, kernels kept",
        [t / repeats for t in ours],
        [t / repeats for t in theirs],
        target=3,
        note=f"largest difference {float(difference.abs().max()):.1e}",
    )


def flops(config: NormWearConfig, *, channels: int, tokens: int) -> float:
    """Floating point operations of the encoder for one window, two for a multiply-add, without the scalogram."""
    width, layers = config.width, config.depth
    linear = 2 * tokens * (4 * width**2 + 2 * width * config.mlp_width)
    attention = 4 * tokens**2 * width
    patches = 2 * (tokens - 1) * 3 * config.patch[0] * config.patch[1] * width
    fusion = 2 * channels * (4 * width**2 + 2 * width * config.mlp_width) * math.ceil(layers / config.fusion_every)
    return channels * (layers * (linear + attention) + patches) + fusion


def embedding() -> list[Row]:
    recipe, x = NormWear(paper()).eval(), noise(1, 3, SAMPLES)
    rows, inner = noise(3 * 560, 768), noise(3072, 768)
    work, product = flops(recipe.config, channels=3, tokens=560), 2.0 * rows.shape[0] * inner.numel()

    def fast() -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return recipe.encode(x).tokens

    with torch.inference_mode():
        cosine = F.cosine_similarity(fast().float().mean(dim=2), recipe.encode(x).tokens.mean(dim=2), dim=2).min()
        ours, peak = interleave(lambda: recipe.encode(x), lambda: _repeat(20, lambda: F.linear(rows, inner)))
        half, full = interleave(fast, lambda: recipe.encode(x))
    speed, limit = work / median(ours) / 1e9, 20 * product / median(peak) / 1e9
    return [
        Row(
            name="NormWear embedding, fp32, 3 channels x 388",
            reference="GEMM 1680 x 768 x 3072 of the same run",
            ours=speed,
            reference_value=limit,
            unit="GFLOP/s per core",
            ratio=speed / limit,
            target=">= 0.9x",
            limit=f"{work / 1e9:.1f} GFLOP a window",
            met=speed >= 0.9 * limit,
        ),
        timed_row(
            "NormWear embedding, bf16 autocast",
            "fp32",
            half,
            full,
            target=3.5,
            note=f"cosine of the pooled embedding {float(cosine):.6f}",
        ),
    ]


def pretraining() -> Row:
    x = noise(32, 4, 390).cumsum(dim=2)
    rows = torch.arange(32)
    stream = Signal(signal=x, valid=torch.ones_like(x, dtype=torch.bool), rate_hz=65.0)
    batch = Batch(streams={"ppg": stream}, participant=rows, recording=rows, start_ns=rows, local_ns=rows)
    visible, everything = NormWear(small()), NormWear(replace(small(), time_share=0.0, scale_share=0.0))
    ours, theirs = interleave(
        lambda: visible.loss(batch, Draws(seed=0)).total.backward(),
        lambda: everything.loss(batch, Draws(seed=0)).total.backward(),
    )
    note = f"{len(x) / median(ours):.0f} windows of 4 channels a second of CPU time, preset small"
    return timed_row("pretraining step, preset small", "encoding all patches", ours, theirs, target=3, note=note)


def _repeat(count: int, function: Callable[[], object]) -> None:
    for _ in range(count):
        function()


BENCHMARKS = (preprocessing, scalograms, embedding, pretraining)
