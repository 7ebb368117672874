"""PAT: what it saves to encode the visible tenth only, and what attention maps and dropout cost.

Weeks of 10,080 minutes. CPU time, one interleaved run per row, random weights: time does not depend on them.
"""

from __future__ import annotations

from dataclasses import replace
from statistics import median

import torch
from torch import Tensor

from benchmarks.row import Row, interleave, timed_row
from wearfm.nn.draws import Draws
from wearfm.nn.masking import Mask
from wearfm.recipes.pat import PAT, PATConfig, pat_l, pat_m, small
from wearfm.signals.minutes.features import MINUTE_HZ
from wearfm.windows.batch import Batch, Signal


def weeks(rows: int) -> Batch:
    signal = torch.randn(rows, 1, 10_080, generator=torch.Generator().manual_seed(0))
    stream = Signal(signal=signal, valid=torch.ones_like(signal, dtype=torch.bool), rate_hz=MINUTE_HZ)
    numbers = torch.arange(rows)
    return Batch(streams={"counts": stream}, participant=numbers, recording=numbers, start_ns=numbers, local_ns=numbers)


def encode_all(recipe: PAT, values: Tensor, mask: Mask) -> Tensor:
    """The reference: every patch through the encoder, the hidden ones replaced behind it."""
    everything = torch.arange(mask.hidden.shape[1]).expand_as(mask.hidden)
    latent = recipe.encoder(values, ~mask.hidden)
    return recipe.decoder(latent, everything, seen=~mask.hidden)


def pretraining() -> list[Row]:
    plain = {"scale": "global", "is_misplaced": False}
    sizes = (("S", small(), 8, 1.3), ("M", replace(pat_m(), **plain), 4, 2.0), ("L", replace(pat_l(), **plain), 2, 3.0))
    return [_pretraining(name, config, rows=rows, target=target) for name, config, rows, target in sizes]


def _pretraining(name: str, config: PATConfig, *, rows: int, target: float) -> Row:
    recipe, batch = PAT(config).eval(), weeks(rows)
    values, valid = recipe.prepare(batch)
    mask = recipe.draw_mask(recipe.measured(valid), Draws(seed=0))
    with torch.no_grad():
        difference = (recipe.reconstruct(values, mask) - encode_all(recipe, values, mask)).abs().max()
    ours, theirs = interleave(
        lambda: recipe.reconstruct(values, mask).square().mean().backward(),
        lambda: encode_all(recipe, values, mask).square().mean().backward(),
        repeats=3,
    )
    return timed_row(
        f"pretraining step, PAT-{name}, {rows} weeks",
        "encoding all patches, the hidden ones unseen",
        ours,
        theirs,
        target=target,
        note=f"{rows / median(ours):.1f} weeks a second of CPU time; largest difference {float(difference):.0e}",
    )


def dropout() -> Row:
    """A step as published against the same with dropout of attention weights too, which forbids the fused kernel."""
    batch, plain, heavy = weeks(4), PAT(small()).train(), PAT(small()).train()
    for module in (heavy.encoder.blocks[0], heavy.decoder.block):
        module.attention.dropout = 0.1
    ours, theirs = interleave(
        lambda: plain.loss(batch, Draws(seed=0)).total.backward(),
        lambda: heavy.loss(batch, Draws(seed=0)).total.backward(),
        repeats=3,
    )
    return timed_row(
        "training step, PAT-S, 4 weeks, dropout of what is added",
        "of attention weights as well",
        ours,
        theirs,
        target=1.5,
        note="noise for N * N weights a head is drawn one by one",
    )


def attention() -> Row:
    recipe, batch = PAT(replace(pat_l(), scale="global")).eval().requires_grad_(False), weeks(4)
    values, valid = recipe.prepare(batch)
    measured = recipe.measured(valid)
    block = recipe.encoder.blocks[-1].attention

    def at_once() -> Tensor:
        tokens = recipe.encoder(values, measured, depth=len(recipe.encoder.blocks) - 1)
        return block.attention(tokens).sum(dim=2)

    ours, theirs = interleave(lambda: recipe.encoder.received(values, measured), at_once, repeats=3)
    difference = (recipe.encoder.received(values, measured) - at_once()).abs().max()
    return timed_row(
        "attention map, PAT-L, 4 weeks",
        "weights of all weeks at once",
        ours,
        theirs,
        target=0.95,
        note=f"60 MB of weights at a time instead of 240; largest difference {float(difference):.0e}",
    )


BENCHMARKS = (pretraining, dropout, attention)
