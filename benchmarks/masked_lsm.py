"""LSM: a pretraining step that encodes the shown fifth of the patches, against one that encodes all of them.

Windows of 26 features x 300 minutes, 180 patches, of which 36 are shown. Same weights, same batch, same mask, same loss:
the reference puts mask tokens at the encoder's door, as masked models without visible-only encoding do. CPU time, interleaved.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median

import numpy as np
import torch
from torch import Tensor

from benchmarks.row import Row, interleave
from wearfm.nn.backbones.transformer import in_parts
from wearfm.nn.draws import Draws
from wearfm.objectives.reconstruction import reconstruction_error
from wearfm.recipes.lsm import LSM, LSMConfig, interpolate, small, vit_small
from wearfm.signals.minutes.features import MINUTE_HZ
from wearfm.windows.batch import Batch, Signal


def windows(config: LSMConfig, rows: int) -> Batch:
    generator = torch.Generator().manual_seed(0)
    streams = {}
    for name in config.features:
        signal = torch.randn(rows, 1, config.minutes, generator=generator)
        streams[name] = Signal(signal=signal, valid=torch.ones_like(signal, dtype=torch.bool), rate_hz=MINUTE_HZ)
    number = torch.arange(rows)
    return Batch(streams=streams, participant=number, recording=number, start_ns=number, local_ns=number)


class EncodesAll(LSM):
    """The same network with a mask token in the place of every hidden patch from the first layer on."""

    def loss_of_all(self, batch: Batch, draws: Draws) -> Tensor:
        image, valid = self.prepare(batch)
        mask = self.draw_mask(len(batch), draws)
        hidden = mask.hidden[..., None]
        token = torch.zeros(1, 1, self.config.width)
        encoder = self.encoder
        tokens = encoder.positions(torch.where(hidden, token, encoder.patches(self._plane(image))))
        for block in encoder.blocks:
            tokens = in_parts(block, tokens)
        predicted = self.decoder(self.decoder.embed(encoder.norm(tokens)))
        return reconstruction_error(predicted, self._tiles(image), valid=self._tiles(valid), hidden=hidden)


def step(name: str, config: LSMConfig, *, rows: int, repeats: int) -> Row:
    recipe, batch = EncodesAll(config).train(), windows(config, rows)
    ours, theirs = interleave(
        _step(recipe, lambda: recipe.loss(batch, Draws(seed=0)).total),
        _step(recipe, lambda: recipe.loss_of_all(batch, Draws(seed=0))),
        repeats=repeats,
    )
    ratio = median(theirs) / median(ours)
    return Row(
        name=f"LSM pretraining step, {name}, {rows} windows, 80 % hidden",
        reference="all 180 patches encoded",
        ours=rows / median(ours),
        reference_value=rows / median(theirs),
        unit="windows/s of CPU",
        ratio=ratio,
        target=">= 3x",
        met=ratio >= 3,
        note=f"{min(ours) * 1e3:.0f} to {max(ours) * 1e3:.0f} ms, {min(theirs) * 1e3:.0f} to {max(theirs) * 1e3:.0f} ms",
    )


def _step(recipe: LSM, loss: Callable[[], Tensor]) -> Callable[[], None]:
    """A whole training step: forward, backward, AdamW."""
    optimiser = torch.optim.AdamW(recipe.parameters(), lr=0.0)

    def go() -> None:
        optimiser.zero_grad()
        loss().backward()
        optimiser.step()

    return go


def steps() -> list[Row]:
    return [step("small", small(), rows=32, repeats=7), step("vit_small", vit_small(), rows=32, repeats=3)]


def preparation() -> Row:
    """Imputation in one pass over all series against one series after the other."""
    generator = torch.Generator().manual_seed(0)
    signal = torch.randn(32, 26, 300, generator=generator)
    known = torch.rand(signal.shape, generator=generator) > 0.3

    def by_series() -> list[Tensor]:
        return [_interpolated(x, k) for x, k in zip(signal.flatten(0, 1), known.flatten(0, 1), strict=True)]

    ours, theirs = interleave(lambda: interpolate(signal, known, longest=60), by_series)
    return Row(
        name="imputing 32 windows of 26 x 300 minutes",
        reference="numpy.interp, one series after the other",
        ours=1e3 * median(ours),
        reference_value=1e3 * median(theirs),
        unit="ms",
        ratio=median(theirs) / median(ours),
        target="no target",
    )


def _interpolated(series: Tensor, known: Tensor) -> Tensor:
    place = np.arange(len(series))
    return torch.from_numpy(np.interp(place, place[known.numpy()], series.numpy()[known.numpy()]))


BENCHMARKS = (steps, preparation)
