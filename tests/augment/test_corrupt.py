"""Corruptions: what each does, what none may touch, and that all kinds come equally often."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor

from wearfm.augment.corrupt import KINDS, corrupt, drop_out, loosen, saturate, shake
from wearfm.errors import BadConfiguration
from wearfm.nn.draws import Draws

ROWS, LENGTH, RATE_HZ = 200, 640, 64.0
Change = Callable[[Tensor, Tensor, Draws], tuple[Tensor, Tensor]]
CHANGES: dict[str, Change] = {
    "motion": partial(shake, rate_hz=RATE_HZ, strength=1.0),
    "loose contact": partial(loosen, strength=1.0),
    "dropout": drop_out,
    "saturation": saturate,
}


def _waves(rows: int = ROWS, *, channels: int = 2) -> tuple[Tensor, Tensor]:
    """Sines of 1.2 Hz, channel 1 three times as high and at another level; a tenth of channel 0 is not valid."""
    phase = torch.linspace(0, 6, rows)[:, None]
    wave = torch.sin(7.5 * torch.arange(LENGTH) / RATE_HZ + phase)
    signal = torch.stack([wave * 3**number + 10 * number for number in range(channels)], dim=1)
    valid = torch.ones_like(signal, dtype=torch.bool)
    valid[:, 0, 100:164] = False
    return torch.where(valid, signal, 0.0), valid


def _runs(flags: Tensor) -> int:
    edges = flags.int().diff(prepend=torch.zeros(1, dtype=torch.int32), append=torch.zeros(1, dtype=torch.int32))
    return int((edges == 1).sum())


@pytest.mark.parametrize("name", CHANGES)
def test_length_validity_and_what_is_not_valid_stay_and_something_changes(name: str) -> None:
    signal, valid = _waves()
    poisoned = torch.where(valid, signal, torch.nan)
    changed, still = CHANGES[name](poisoned, valid, Draws(0))
    assert still is valid
    assert changed.shape == signal.shape
    assert changed[~valid].isnan().all()
    assert torch.isfinite(changed[valid]).all()
    assert torch.equal(torch.where(valid, changed, 0.0), CHANGES[name](signal, valid, Draws(0))[0])
    assert ((changed != signal) & valid).flatten(1).any(dim=1).all()


@pytest.mark.parametrize("name", CHANGES)
def test_the_same_draws_give_the_same_bits_and_rows_do_not_depend_on_each_other(name: str) -> None:
    signal, valid = _waves(8)
    whole, _ = CHANGES[name](signal, valid, Draws(1, rows=8, total=8))
    again, _ = CHANGES[name](signal, valid, Draws(1, rows=8, total=8))
    part, _ = CHANGES[name](signal[4:], valid[4:], Draws(1, first=4, rows=4, total=8))
    other, _ = CHANGES[name](signal, valid, Draws(2, rows=8, total=8))
    assert torch.equal(whole, again)
    assert torch.equal(whole[4:], part)
    assert not torch.equal(whole, other)


@pytest.mark.parametrize("name", CHANGES)
def test_what_is_done_scales_with_the_signal_and_follows_its_level(name: str) -> None:
    signal, valid = _waves(20)
    plain, _ = CHANGES[name](signal, valid, Draws(3))
    scaled, _ = CHANGES[name](50 * signal, valid, Draws(3))
    torch.testing.assert_close(scaled, 50 * plain, rtol=1e-4, atol=1e-3)
    if name == "dropout":  # its 0 is the converter's, wherever the signal lies
        return
    raised, _ = CHANGES[name](torch.where(valid, signal + 7, 0.0), valid, Draws(3))
    torch.testing.assert_close(raised[valid], (plain + 7)[valid], rtol=1e-4, atol=1e-4)


def test_motion_adds_one_slow_and_high_curve_to_all_channels() -> None:
    signal, valid = _waves()
    size = torch.stack([signal[:, c][valid[:, c]].view(ROWS, -1).std(dim=1, correction=0) for c in (0, 1)], dim=1)[..., None]
    added = (shake(signal, valid, Draws(0), rate_hz=RATE_HZ, strength=1.0)[0] - signal) / size
    both = valid.all(dim=1)
    torch.testing.assert_close(added[:, 0][both], added[:, 1][both], rtol=1e-3, atol=1e-3)
    highest = added[:, 1].abs().amax(dim=1)
    assert highest.min() > 0.9
    assert highest.max() <= 2 + 2 * 4
    power = torch.fft.rfft(added[:, 1]).abs().square().mean(dim=0)
    frequency_hz = torch.fft.rfftfreq(LENGTH, 1 / RATE_HZ)
    assert power[frequency_hz > 6].sum() < 0.01 * power.sum()
    twice = (shake(signal, valid, Draws(0), rate_hz=RATE_HZ, strength=2.0)[0] - signal) / size
    torch.testing.assert_close(twice[:, 1], 2 * added[:, 1], rtol=1e-3, atol=1e-3)


def test_a_loose_contact_shrinks_moves_and_roughens_one_stretch() -> None:
    signal, valid = _waves()
    changed, _ = loosen(signal, valid, Draws(0), strength=1.0)
    size = 3 / 2**0.5
    for row in range(ROWS):
        inside = changed[row, 1] != signal[row, 1]
        assert _runs(inside) == 1
        assert 0.3 - 1e-3 <= inside.float().mean() <= 0.7 + 1e-3
        stretch = (changed[row, 1, inside] - 10) / size
        assert 0.6 < stretch.mean().abs() < 3.4
        rough = stretch.diff().std() / 2**0.5
        assert 0.07 < rough < 0.35
        assert stretch.std() < 0.3 + 0.3 + 0.1


def test_dropouts_are_runs_of_the_value_before_them_or_of_nought_and_are_not_marked() -> None:
    signal, valid = _waves()
    changed, still = drop_out(signal, valid, Draws(0))
    assert torch.equal(still, valid)
    noughts = 0
    for row in range(ROWS):
        inside = changed[row, 1] != signal[row, 1]
        assert 0.04 <= inside.float().mean() <= 0.36 + 0.01
        values = changed[row, 1, inside].unique()
        assert 1 <= len(values) <= 3
        if values.tolist() == [0.0]:
            noughts += 1
            continue
        for start in (inside.int().diff() == 1).nonzero().ravel().tolist():
            assert changed[row, 1, start + 1] == changed[row, 1, start]
    assert 0.4 < noughts / ROWS < 0.6


def test_a_dropout_never_holds_what_was_not_measured() -> None:
    signal = torch.arange(1.0, 101.0).repeat(300, 1, 1)
    valid = torch.ones_like(signal, dtype=torch.bool)
    valid[..., 20:40] = False
    changed, _ = drop_out(torch.where(valid, signal, -5.0), valid, Draws(0))
    seen = changed[valid]
    assert set(seen.tolist()) <= {0.0} | set(signal[valid].tolist())
    nothing = torch.zeros_like(valid)
    assert torch.equal(drop_out(signal, nothing, Draws(0))[0], signal)


def test_saturation_cuts_a_share_of_the_range_and_nothing_else() -> None:
    signal, valid = _waves(600)
    changed, _ = saturate(signal, valid, Draws(0))
    low, high = (getattr(signal[:, 1], name)(dim=1) for name in ("amin", "amax"))
    top, bottom = (high - changed[:, 1].amax(dim=1)) / (high - low), (changed[:, 1].amin(dim=1) - low) / (high - low)
    both, above, below = (top > 1e-6) & (bottom > 1e-6), (top > 1e-6) & (bottom <= 1e-6), (top <= 1e-6) & (bottom > 1e-6)
    assert (both | above | below).all()
    for flags in (both, above, below):
        assert 0.26 < flags.float().mean() < 0.41
    cut = torch.maximum(top, bottom)
    assert cut.min() >= 0.15 - 1e-3
    assert cut.max() <= 0.4 + 1e-3
    inside = (signal[:, 1] < changed[:, 1].amax(dim=1, keepdim=True)) & (signal[:, 1] > changed[:, 1].amin(dim=1, keepdim=True))
    assert torch.equal(changed[:, 1][inside], signal[:, 1][inside])


def test_all_kinds_come_equally_often_and_rows_are_what_their_kind_says() -> None:
    signal, valid = _waves(4000, channels=1)
    made = corrupt(signal, valid, Draws(0), rate_hz=RATE_HZ, strength=1.0)
    shares = torch.bincount(made.kind, minlength=len(KINDS)) / len(signal)
    assert len(shares) == len(KINDS) == 5
    assert (shares - 0.2).abs().max() < 0.025
    is_same = (made.signal == signal).flatten(1).all(dim=1)
    assert torch.equal(is_same, made.kind == KINDS.index("none"))
    clipped = made.signal[made.kind == KINDS.index("saturation")]
    original = signal[made.kind == KINDS.index("saturation")]
    assert (clipped.amax(dim=2) <= original.amax(dim=2)).all()
    assert torch.equal(made.valid, valid)


def test_a_window_that_does_not_move_is_left_alone_and_says_so() -> None:
    signal, valid = _waves(100, channels=1)
    signal[:50] = 0.0  # what standardising leaves of it
    valid[90:] = False
    made = corrupt(torch.where(valid, signal, 0.0), valid, Draws(0), rate_hz=RATE_HZ, strength=1.0)
    assert (made.kind[:50] == 0).all()
    assert (made.kind[90:] == 0).all()
    assert (made.kind[50:90] > 0).any()


def test_a_corruption_of_no_strength_is_refused() -> None:
    signal, valid = _waves(2)
    with pytest.raises(BadConfiguration, match="strength=0: a corruption of no strength cannot be recognised"):
        corrupt(signal, valid, Draws(0), rate_hz=RATE_HZ, strength=0.0)
