"""The cascade: who is changed, in which order, and that rows do not depend on one another."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import Tensor

import wearfm.augment
from wearfm.augment import (
    Step,
    cascade,
    crop_pad,
    cut_out,
    drop_out,
    loosen,
    negate,
    permute_channels,
    permute_segments,
    reverse,
    rotate,
    saturate,
    scale_channels,
    scale_clearly,
    shake,
    switch_axes,
    warp_magnitude,
    warp_pace,
    warp_time,
    white_noise,
)
from wearfm.errors import BadConfiguration
from wearfm.nn.draws import Draws

FAMILIES = {
    "crop_pad": partial(crop_pad, concentration=0.5),
    "cut_out": partial(cut_out, shortest=0.3, longest=0.5),
    "permute_segments": partial(permute_segments, segments=4, shortest=5, with_identity=True),
    "rotate": partial(rotate, largest_angle=3.0),
    "scale_channels": partial(scale_channels, deviation=0.1),
    "scale_clearly": partial(scale_clearly, least=0.15, largest=0.5),
    "switch_axes": switch_axes,
    "warp_pace": partial(warp_pace, knots=4, deviation=0.2, is_shared=False),
    "warp_magnitude": partial(warp_magnitude, knots=5, deviation=0.2),
    "warp_time": partial(warp_time, knots=5, deviation=0.1, is_shared=False),
    "white_noise": partial(white_noise, lowest=0.05, highest=0.1),
    "permute_channels": permute_channels,
    "shake": partial(shake, rate_hz=10.0, strength=1.0),
    "loosen": partial(loosen, strength=1.0),
    "drop_out": drop_out,
    "saturate": saturate,
}
CERTAIN = {"negate": negate, "reverse": reverse}  # these draw nothing
EVERY = {**FAMILIES, **CERTAIN}


def _windows(rows: int = 400) -> tuple[Tensor, Tensor]:
    signal = torch.randn(rows, 3, 30, generator=torch.Generator().manual_seed(0))
    return signal, torch.ones_like(signal, dtype=torch.bool)


def _plus(amount: float, signal: Tensor, valid: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:
    return signal + amount, valid


def _times(factor: float, signal: Tensor, valid: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:
    return signal * factor, valid


@pytest.mark.parametrize("probability", [0.25, 0.8])
def test_a_step_changes_its_share_of_the_rows(probability: float) -> None:
    signal, valid = _windows()
    changed, _ = cascade(signal, valid, Draws(0), steps=[Step(probability, partial(_plus, 1.0))])
    share = (changed != signal).all(dim=(1, 2)).float().mean()
    assert float(share) == pytest.approx(probability, abs=0.07)
    assert torch.equal((changed != signal).all(dim=(1, 2)), (changed != signal).any(dim=(1, 2)))


def test_steps_are_independent_and_come_in_order() -> None:
    signal, valid = torch.ones(400, 1, 1), torch.ones(400, 1, 1, dtype=torch.bool)
    changed, _ = cascade(signal, valid, Draws(0), steps=[Step(0.5, partial(_plus, 1.0)), Step(0.5, partial(_times, 10.0))])
    values, counts = changed.flatten().unique(return_counts=True)
    assert values.tolist() == [1.0, 2.0, 10.0, 20.0]
    assert counts.min() > 70


def test_no_and_certain_chance_are_exact() -> None:
    signal, valid = _windows(20)
    assert torch.equal(cascade(signal, valid, Draws(0), steps=[Step(0.0, partial(_plus, 1.0))])[0], signal)
    assert torch.equal(cascade(signal, valid, Draws(0), steps=[Step(1.0, partial(_plus, 1.0))])[0], signal + 1)


def test_every_augmentation_of_the_library_is_tested_here() -> None:
    mixture = {"KINDS", "Corrupted", "corrupt"}  # of four families: tests/augment/test_corrupt.py
    assert EVERY.keys() | mixture | {"Augmentation", "Step", "cascade"} == set(wearfm.augment.__all__)


@pytest.mark.parametrize("family", EVERY)
def test_every_family_keeps_shape_type_and_seed(family: str) -> None:
    signal, valid = _windows(8)
    before = signal.clone()
    first, mask = EVERY[family](signal, valid, Draws(0))
    assert torch.equal(signal, before)
    assert first.shape == signal.shape == mask.shape
    assert first.dtype == torch.float32
    assert mask.dtype == torch.bool
    assert not torch.equal(first, signal)
    assert torch.equal(EVERY[family](signal, valid, Draws(0))[0], first)
    assert torch.equal(EVERY[family](signal, valid, Draws(0, step=1))[0], first) == (family in CERTAIN)


@pytest.mark.parametrize("family", EVERY)
def test_a_row_is_the_same_in_whichever_part_of_the_batch_it_is_computed(family: str) -> None:
    signal, valid = _windows(12)
    steps = [Step(0.7, EVERY[family])]
    whole, _ = cascade(signal, valid, Draws(5, 2), steps=steps)
    parts = [
        cascade(signal[first : first + 4], valid[first : first + 4], Draws(5, 2, first=first, rows=4, total=12), steps=steps)[0]
        for first in (0, 4, 8)
    ]
    torch.testing.assert_close(torch.cat(parts), whole)


@pytest.mark.parametrize("family", EVERY)
def test_gaps_stay_gaps(family: str) -> None:
    signal, valid = _windows(8)
    valid[:, :, 10:14] = False
    valid[:, 1, 20:24] = False
    changed, mask = EVERY[family](torch.where(valid, signal, 0.0), valid, Draws(0))
    assert (changed[~mask] == 0).all()
    assert (~mask).any(dim=(1, 2)).all()
    assert mask.sum() > valid.sum() / 2


def test_a_chance_above_one_is_refused() -> None:
    with pytest.raises(BadConfiguration, match=r"probability of 1.5 must lie in \[0, 1\]"):
        Step(1.5, permute_channels)
