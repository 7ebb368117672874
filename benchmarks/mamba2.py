"""Mamba-2: the scan in chunks against its recurrence step by step, and the layer against a transformer block.

A week of hours, eight weeks of hours, a week of minutes. Width 256, no gradient. CPU time, one interleaved run per row,
random weights: time does not depend on them.
"""

from __future__ import annotations

from dataclasses import replace
from statistics import median

import torch
from torch import Tensor

from benchmarks.row import Row, interleave, timed_row
from wearfm.nn.backbones.mamba2 import Bidirectional, scan, start_states
from wearfm.nn.backbones.transformer import Block

LENGTHS = (168, 1344, 10_080)
WIDTH, HEADS, HEAD_WIDTH, STATES = 256, 8, 64, 64


def step_by_step(values: Tensor, dt: Tensor, rate: Tensor, enter: Tensor, leave: Tensor) -> Tensor:
    """The reference: the recurrence as it is written, all rows and heads at once."""
    state = values.new_zeros(len(values), HEADS, HEAD_WIDTH, STATES)
    out = []
    for x, step, b, c in zip(values.unbind(1), dt.unbind(1), enter.unbind(1), leave.unbind(1), strict=True):
        gained = (x * step[..., None])[..., None] * b[:, None, None]
        state = state * (step * rate).exp()[..., None, None] + gained
        out.append((state * c[:, None, None]).sum(dim=3))
    return torch.stack(out, dim=1)


def numbers(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def scans() -> list[Row]:
    return [_scan(length) for length in LENGTHS]


def _scan(length: int) -> Row:
    dt = 0.1 * numbers(1, length, HEADS, seed=1).sigmoid()
    parts = (numbers(1, length, HEADS, HEAD_WIDTH, seed=0), dt, -torch.linspace(1, 16, HEADS))
    enter, leave = (numbers(1, length, STATES, seed=seed) / STATES**0.5 for seed in (2, 3))
    difference = (scan(*parts, enter, leave, chunk=64) - step_by_step(*parts, enter, leave)).abs().max()
    ours, theirs = interleave(
        lambda: scan(*parts, enter, leave, chunk=64), lambda: step_by_step(*parts, enter, leave), repeats=5
    )
    return timed_row(
        f"Mamba-2 scan, {length} steps",
        "the recurrence, step by step",
        ours,
        theirs,
        target=3.0,
        note=f"{1e6 * median(ours) / length:.0f} us a step; {_spread(ours)}; largest difference {float(difference):.0e}",
    )


@torch.no_grad()
def layers() -> list[Row]:
    return [_layer(length) for length in LENGTHS]


def _layer(length: int) -> Row:
    """Both directions of Mamba-2 against the block with an MLP of four widths; no target below the length where they cross."""
    with torch.random.fork_rng(devices=[]):
        layer, block = Bidirectional(WIDTH), Block(WIDTH, heads=4, mlp_width=4 * WIDTH)
    start_states(layer, torch.Generator().manual_seed(0))
    tokens = numbers(1, length, WIDTH, seed=0)
    ours, theirs = interleave(lambda: layer(tokens), lambda: block(tokens), repeats=5)
    row = timed_row(
        f"bidirectional Mamba-2 layer, {length} steps",
        "a transformer block of equal width",
        ours,
        theirs,
        target=1.0,
        note=f"{1e6 * median(ours) / length:.0f} us a step; {_spread(ours)}",
    )
    return row if length == LENGTHS[-1] else replace(row, target="none", met=None)


def _spread(seconds: list[float]) -> str:
    return f"{1e3 * min(seconds):.3g} to {1e3 * max(seconds):.3g} ms"


BENCHMARKS = (scans, layers)
