"""Warps: the spline, and both warps against loops written from their description."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from wearfm.augment.warp import read_at, spline, warp_magnitude, warp_pace, warp_time
from wearfm.nn.draws import Draws


def _signal(rows: int = 4, channels: int = 3, length: int = 60) -> tuple[Tensor, Tensor]:
    signal = torch.randn(rows, channels, length, generator=torch.Generator().manual_seed(0))
    return signal, torch.ones_like(signal, dtype=torch.bool)


def not_a_knot(values: np.ndarray, length: int) -> np.ndarray:
    """Cubic spline through equally spaced knots, from its defining equations: pieces a + b u + c u^2 + d u^3."""
    pieces = len(values) - 1
    rows, right = [], []

    def add(target: float, **terms: tuple[int, float]) -> None:
        row = np.zeros((pieces, 4))
        for piece, power, factor in terms.values():
            row[piece, power] += factor
        rows.append(row.ravel())
        right.append(target)

    for p in range(pieces):
        add(values[p], a=(p, 0, 1.0))
        add(values[p + 1], a=(p, 0, 1.0), b=(p, 1, 1.0), c=(p, 2, 1.0), d=(p, 3, 1.0))
    for p in range(pieces - 1):
        add(0, b=(p, 1, 1.0), c=(p, 2, 2.0), d=(p, 3, 3.0), e=(p + 1, 1, -1.0))
        add(0, c=(p, 2, 2.0), d=(p, 3, 6.0), e=(p + 1, 2, -2.0))
    for p in (0, pieces - 2):
        add(0, d=(p, 3, 1.0), e=(p + 1, 3, -1.0))
    table = np.linalg.solve(np.array(rows), np.array(right)).reshape(pieces, 4)
    result = []
    for sample in range(length):
        at = sample / (length - 1) * pieces
        piece = min(int(at), pieces - 1)
        result.append(sum(table[piece, power] * (at - piece) ** power for power in range(4)))
    return np.array(result)


def test_the_spline_equals_its_defining_equations() -> None:
    values = np.random.default_rng(0).normal(size=7)
    ours = spline(7, 50) @ torch.from_numpy(values).float()
    np.testing.assert_allclose(ours.numpy(), not_a_knot(values, 50), atol=1e-5)


def test_the_spline_reproduces_cubic_polynomials() -> None:
    knots, samples = torch.linspace(0, 1, 6), torch.linspace(0, 1, 31)
    torch.testing.assert_close(spline(6, 31) @ (knots**3 - knots), samples**3 - samples, atol=1e-5, rtol=0)


def test_magnitude_is_multiplied_by_one_curve_for_all_channels() -> None:
    signal, valid = _signal()
    warped, still = warp_magnitude(signal, valid, Draws(3), knots=5, deviation=0.2)
    factors = 1 + 0.2 * Draws(3).normal(4, 7)
    for row in range(4):
        curve = not_a_knot(factors[row].numpy(), 60)
        np.testing.assert_allclose(warped[row].numpy(), signal[row].numpy() * curve, rtol=1e-4, atol=1e-5)
    assert torch.equal(still, valid)


@pytest.mark.parametrize("is_shared", [False, True])
def test_time_is_read_along_the_described_curve(is_shared: bool) -> None:
    signal, valid = _signal()
    warped, still = warp_time(signal, valid, Draws(3), knots=5, deviation=0.1, is_shared=is_shared)
    factors = 1 + 0.1 * Draws(3).normal(4, 1 if is_shared else 3, 7)
    for row in range(4):
        for channel in range(3):
            factor = factors[row, 0 if is_shared else channel].numpy()
            curve = not_a_knot(np.linspace(0, 59, 7) * factor, 60)
            curve = np.clip(curve * 59 / curve[-1], 0, 59)
            expected = np.interp(curve, np.arange(60), signal[row, channel].numpy())
            np.testing.assert_allclose(warped[row, channel].numpy(), expected, atol=1e-3)  # positions are float32
    assert still.all()


@pytest.mark.parametrize("is_shared", [False, True])
def test_the_pace_is_summed_up_and_the_signal_read_between_arrivals(is_shared: bool) -> None:
    signal, valid = _signal()
    warped, still = warp_pace(signal, valid, Draws(3), knots=4, deviation=0.2, is_shared=is_shared)
    paces = 1 + 0.2 * Draws(3).normal(4, 1 if is_shared else 3, 6)
    for row in range(4):
        for channel in range(3):
            arrival = np.cumsum(not_a_knot(paces[row, 0 if is_shared else channel].numpy(), 60))
            arrival *= 59 / arrival[-1]
            expected = np.interp(np.arange(60), arrival, signal[row, channel].numpy())
            np.testing.assert_allclose(warped[row, channel].numpy(), expected, atol=1e-3)  # positions are float32
    assert still.all()


def test_a_pace_that_would_stand_still_goes_on_slowly() -> None:
    signal, valid = _signal(rows=200)
    warped, _ = warp_pace(signal, valid, Draws(0), knots=4, deviation=2.0, is_shared=False)
    assert torch.isfinite(warped).all()
    assert (warped >= signal.amin(dim=2, keepdim=True)).all()
    assert (warped <= signal.amax(dim=2, keepdim=True)).all()


def test_a_pace_keeps_the_order_of_what_happens() -> None:
    signal = torch.arange(60.0).repeat(50, 3, 1)
    warped, _ = warp_pace(signal, signal >= 0, Draws(0), knots=4, deviation=0.3, is_shared=False)
    assert (warped.diff(dim=2) >= 0).all()
    torch.testing.assert_close(warped[..., -1], signal[..., -1])
    assert (warped[..., 0] == 0).all()


def test_an_even_pace_delays_by_less_than_a_sample_as_published() -> None:
    ramp = torch.arange(60.0).repeat(1, 1, 1)
    even, _ = warp_pace(ramp, ramp >= 0, Draws(0), knots=4, deviation=0.0, is_shared=True)
    arrival = torch.arange(1, 61) * (59 / 60)  # the sum of ones starts at 1, not at 0
    expected = np.interp(np.arange(60), arrival.numpy(), np.arange(60.0))
    np.testing.assert_allclose(even[0, 0].numpy(), expected, atol=1e-4)
    assert (even - ramp).abs().max() <= 1


def test_time_starts_and_ends_where_the_window_does() -> None:
    signal, valid = _signal()
    warped, _ = warp_time(signal, valid, Draws(0), knots=5, deviation=0.1, is_shared=False)
    torch.testing.assert_close(warped[..., 0], signal[..., 0])
    torch.testing.assert_close(warped[..., -1], signal[..., -1], atol=1e-4, rtol=1e-4)


def test_shared_time_keeps_equal_channels_equal() -> None:
    signal, valid = _signal(channels=1)
    signal, valid = signal.repeat(1, 3, 1), valid.repeat(1, 3, 1)
    for warp in (warp_time, warp_pace):
        together, _ = warp(signal, valid, Draws(0), knots=5, deviation=0.1, is_shared=True)
        apart, _ = warp(signal, valid, Draws(0), knots=5, deviation=0.1, is_shared=False)
        assert torch.equal(together[:, 0], together[:, 2])
        assert not torch.equal(apart[:, 0], apart[:, 2])


def test_no_deviation_changes_nothing() -> None:
    signal, valid = _signal()
    for warped, _ in (
        warp_magnitude(signal, valid, Draws(0), knots=5, deviation=0.0),
        warp_time(signal, valid, Draws(0), knots=5, deviation=0.0, is_shared=False),
    ):
        torch.testing.assert_close(warped, signal, atol=1e-4, rtol=1e-4)


def test_reading_never_mixes_across_a_gap() -> None:
    signal = torch.tensor([[[1.0, 2.0, 0.0, 4.0, 5.0]]])
    valid = torch.tensor([[[True, True, False, True, True]]])
    values, is_valid = read_at(signal, valid, torch.tensor([[[0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0]]]))
    assert is_valid[0, 0].tolist() == [True, True, True, False, False, False, True, True, True]
    assert values[0, 0].tolist() == [1.0, 1.5, 2.0, 0.0, 0.0, 0.0, 4.0, 4.5, 5.0]


def test_what_lies_in_a_gap_cannot_come_out_of_a_warp() -> None:
    signal, valid = _signal()
    valid[:, :, 20:30] = False
    loud, quiet = signal.masked_fill(~valid, torch.nan), signal.masked_fill(~valid, 0.0)
    for warp in (warp_time, warp_pace):
        warped = [warp(x, valid, Draws(0), knots=5, deviation=0.1, is_shared=False)[0] for x in (loud, quiet)]
        assert torch.equal(*warped)


def test_mixed_precision_does_not_coarsen_time() -> None:
    signal, valid = _signal()
    for warp in (warp_time, warp_pace):
        expected, _ = warp(signal, valid, Draws(0), knots=5, deviation=0.1, is_shared=False)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            warped, _ = warp(signal, valid, Draws(0), knots=5, deviation=0.1, is_shared=False)
        assert torch.equal(warped, expected)
