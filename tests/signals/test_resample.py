"""Resampling is exact for what it must keep, silent about what it must drop, and blind across gaps."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from wearfm.errors import BadConfiguration
from wearfm.signals import resample
from wearfm.signals.recording import Channel
from wearfm.signals.resample import rational, reach, resample_channel, resample_rows
from wearfm.signals.spans import Spans

FACTORS = [(1, 2), (2, 1), (13, 25), (25, 72), (128, 125), (1, 60), (7, 5)]


def _noise(rows: int, length: int, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    signal = np.random.default_rng(seed).normal(size=(rows, length))
    return signal, np.ones(signal.shape, dtype=bool)


def _sine(cycles_per_sample: float, length: int) -> np.ndarray:
    return np.sin(2 * np.pi * cycles_per_sample * np.arange(length))[None]


def _middle(signal: np.ndarray) -> np.ndarray:
    """The half of a row that sees no edge."""
    quarter = signal.shape[1] // 4
    return signal[:, quarter:-quarter]


@pytest.mark.parametrize(
    ("rate_hz", "target_hz", "expected"),
    [(125, 65, (13, 25)), (360, 125, (25, 72)), (31.25, 32, (128, 125)), (1 / 60, 1 / 3600, (1, 60)), (100 / 3, 65, (39, 20))],
)
def test_rates_become_the_smallest_factors(rate_hz: float, target_hz: float, expected: tuple[int, int]) -> None:
    assert rational(rate_hz, target_hz) == expected


@given(st.floats(10, 1000), st.floats(10, 1000))
def test_factors_keep_the_ratio(rate_hz: float, target_hz: float) -> None:
    try:
        up, down = rational(rate_hz, target_hz)
    except BadConfiguration:
        reject()
    assert max(up, down) <= 200_000
    assert abs(Fraction(up, down) / (Fraction(target_hz) / Fraction(rate_hz)) - 1) <= Fraction(1, 10**6)


def test_a_device_that_drifts_keeps_its_ratio_to_two_milliseconds_in_two_days() -> None:
    up, down = rational(51.20371, 65.0)
    assert abs(up / down * 51.20371 / 65.0 - 1) <= 1e-8


def test_a_ratio_with_huge_factors_is_refused() -> None:
    with pytest.raises(
        BadConfiguration, match=r"1000 Hz to 0\.0002.* Hz needs a factor above 200000; go by a rate between them"
    ):
        rational(1000.0, 1 / 3600)


@pytest.mark.parametrize("rate_hz", [0.0, -1.0, np.inf, np.nan])
def test_a_rate_that_is_no_rate_is_refused(rate_hz: float) -> None:
    with pytest.raises(BadConfiguration, match="both rates must be positive and finite"):
        rational(rate_hz, 64.0)


@pytest.mark.parametrize(("up", "down"), FACTORS)
def test_a_straight_line_stays_that_line_up_to_its_ends(up: int, down: int) -> None:
    line = (3.0 - 0.25 * np.arange(900))[None]
    out, valid = resample_rows(line, np.ones_like(line, dtype=bool), up=up, down=down)
    assert valid.all()
    np.testing.assert_allclose(out[0], 3.0 - 0.25 * np.arange(out.shape[1]) * down / up, rtol=0, atol=1e-10)


@pytest.mark.parametrize(("up", "down"), FACTORS)
def test_a_slow_sine_keeps_its_amplitude_and_phase(up: int, down: int) -> None:
    length = 12_000
    frequency = 0.5 * 0.75 * min(1.0, up / down)  # 75 % of the slower Nyquist rate, cycles per input sample
    signal = _sine(frequency, length)
    out, _ = resample_rows(signal, np.ones_like(signal, dtype=bool), up=up, down=down)
    np.testing.assert_allclose(_middle(out), _middle(_sine(frequency * down / up, out.shape[1])), rtol=0, atol=1e-3)


@pytest.mark.parametrize(("up", "down"), [(1, 2), (13, 25), (25, 72), (1, 60)])
@pytest.mark.parametrize("above_nyquist", [1.01, 1.3, 1.9])
def test_a_sine_above_the_new_nyquist_rate_is_suppressed_by_60_db(up: int, down: int, above_nyquist: float) -> None:
    signal = _sine(0.5 * above_nyquist * up / down, 12_000)
    out, _ = resample_rows(signal, np.ones_like(signal, dtype=bool), up=up, down=down)
    assert np.abs(_middle(out)).max() < 1e-3


@pytest.mark.parametrize(("up", "down"), [(2, 1), (13, 5), (128, 125)])
def test_up_then_down_returns_what_the_band_holds(up: int, down: int) -> None:
    signal = _sine(0.05, 2500) + 0.5 * _sine(0.31, 2500)
    valid = np.ones_like(signal, dtype=bool)
    there, there_valid = resample_rows(signal, valid, up=up, down=down)
    back, _ = resample_rows(there, there_valid, up=down, down=up)
    np.testing.assert_allclose(_middle(back[:, :2500]), _middle(signal), rtol=0, atol=1e-3)


@pytest.mark.parametrize(("up", "down"), FACTORS)
def test_cutting_with_a_margin_of_reach_commutes_with_resampling(up: int, down: int) -> None:
    signal, valid = _noise(2, 60 * down + 6 * reach(up, down))
    whole, _ = resample_rows(signal, valid, up=up, down=down)
    first = -(-reach(up, down) // down) + 3  # periods: an output number and an input number that coincide
    cut = slice((first - -(-reach(up, down) // down)) * down, (first + 20) * down + reach(up, down))
    part, _ = resample_rows(signal[:, cut], valid[:, cut], up=up, down=down)
    skipped = -(-reach(up, down) // down) * up
    np.testing.assert_allclose(
        part[:, skipped : skipped + 20 * up], whole[:, first * up : (first + 20) * up], rtol=0, atol=1e-12
    )


@pytest.mark.parametrize(("up", "down"), FACTORS)
def test_an_output_depends_on_nothing_beyond_reach(up: int, down: int) -> None:
    signal, valid = _noise(1, 8 * reach(up, down))
    centre = 4 * reach(up, down)
    changed = signal.copy()
    changed[:, centre] += 1.0
    difference = np.abs(np.subtract(*(resample_rows(s, valid, up=up, down=down)[0] for s in (changed, signal))))[0]
    position = np.arange(len(difference)) * down / up
    assert difference[np.abs(position - centre) > reach(up, down)].max() < 1e-12
    assert difference[np.abs(position - centre) < 1].max() > 1e-3


@pytest.mark.parametrize(("up", "down"), FACTORS)
@pytest.mark.parametrize("many_phases", [0, 64])
def test_blocks_and_phases_give_the_same(up: int, down: int, many_phases: int, monkeypatch: pytest.MonkeyPatch) -> None:
    signal, valid = _noise(3, 1000)
    valid[1, 300:400] = False
    blocks = resample_rows(signal, valid, up=up, down=down)[0]
    monkeypatch.setattr(resample, "LARGEST_MATRIX", 0)
    monkeypatch.setattr(resample, "MANY_PHASES", many_phases)
    np.testing.assert_allclose(blocks, resample_rows(signal, valid, up=up, down=down)[0], rtol=0, atol=1e-12)


def test_an_output_is_the_weighted_sum_of_its_formula() -> None:
    signal, valid = _noise(1, 400)
    out, _ = resample_rows(signal, valid, up=3, down=5)
    position = 100 * 5 / 3
    half = 24 * 5 / 3
    cutoff = (1 - resample.TRANSITION / 2) * 3 / 5
    total = 0.0
    for sample in range(400):
        distance = sample - position
        if abs(distance) < half:
            window = np.i0(resample.BETA * np.sqrt(1 - (distance / half) ** 2)) / np.i0(resample.BETA)
            total += signal[0, sample] * cutoff * np.sinc(cutoff * distance) * window
    assert out[0, 100] == pytest.approx(total, abs=2e-3)  # the taps are also made exact for lines: a change of 1e-4


@given(
    gaps=st.lists(st.tuples(st.integers(0, 199), st.integers(1, 30)), max_size=5),
    factor=st.sampled_from(FACTORS),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=60, deadline=None)
def test_nothing_leaks_across_a_gap(gaps: list[tuple[int, int]], factor: tuple[int, int], seed: int) -> None:
    up, down = factor
    signal, valid = _noise(1, 200, seed=seed)
    for start, length in gaps:
        valid[0, start : start + length] = False
    spans = Spans.from_mask(valid[0]).bounds
    out, out_valid = resample_rows(signal, valid, up=up, down=down)
    covering = np.arange(out.shape[1]) * down // up
    assert np.array_equal(out_valid, valid[:, covering])
    assert np.all(out[~out_valid] == 0)
    for start, stop in spans:
        elsewhere = signal.copy()
        elsewhere[0, :start], elsewhere[0, stop:] = np.nan, np.inf
        again, _ = resample_rows(elsewhere, (np.arange(200) >= start) & (np.arange(200) < stop) & valid, up=up, down=down)
        inside = (covering >= start) & (covering < stop)
        assert np.array_equal(again[0, inside], out[0, inside])


@given(length=st.integers(0, 40), factor=st.sampled_from(FACTORS), level=st.floats(-1e6, 1e6))
@settings(deadline=None)
def test_a_constant_of_any_length_stays_that_constant(length: int, factor: tuple[int, int], level: float) -> None:
    up, down = factor
    signal = np.full((1, length), level)
    out, valid = resample_rows(signal, np.ones_like(signal, dtype=bool), up=up, down=down)
    assert out.shape == (1, -(-length * up // down))
    assert valid.all()
    np.testing.assert_allclose(out, level, rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_type_is_kept_and_the_sum_is_in_float64(dtype: type) -> None:
    signal, valid = _noise(4, 500)
    out, _ = resample_rows(signal.astype(dtype), valid, up=13, down=25)
    assert out.dtype == dtype
    exact, _ = resample_rows(signal.astype(dtype).astype(np.float64), valid, up=13, down=25)
    assert np.array_equal(out, exact.astype(dtype))


def test_equal_rates_only_blank_the_gaps() -> None:
    signal, valid = _noise(1, 10)
    valid[0, 3:5] = False
    signal[0, 3:5] = np.nan
    out, _ = resample_rows(signal, valid, up=1, down=1)
    assert np.array_equal(out, np.where(valid, signal, 0.0))


@pytest.mark.parametrize(
    ("signal", "valid", "up", "message"),
    [
        (np.zeros(5), np.ones(5, dtype=bool), 1, r"signal \(5,\) and valid \(5,\) must both be \(N, T\)"),
        (np.zeros((1, 5)), np.ones((1, 4), dtype=bool), 1, r"must both be \(N, T\)"),
        (np.zeros((1, 5), dtype=np.int16), np.ones((1, 5), dtype=bool), 1, "a signal of int16 is not physical; convert it"),
        (np.zeros((1, 5)), np.ones((1, 5), dtype=bool), 0, "up 0 and down 2 must be positive"),
    ],
)
def test_what_cannot_be_resampled_is_named(signal: np.ndarray, valid: np.ndarray, up: int, message: str) -> None:
    with pytest.raises(BadConfiguration, match=message):
        resample_rows(signal, valid, up=up, down=2)


def _channel(samples: np.ndarray, **changes: object) -> Channel:
    fields: dict[str, object] = {
        "name": "x", "modality": "acc", "rate_hz": 100.0, "start_ns": 7, "samples": samples, "valid": Spans.all(len(samples))
    }  # fmt: skip
    return Channel(**(fields | changes))  # type: ignore[arg-type]


def test_a_channel_comes_back_in_physical_units_with_its_gaps() -> None:
    channel = _channel(np.arange(1000, dtype=np.int16), scale=0.01, offset=-1.0, valid=Spans.of([(0, 400), (600, 1000)]))
    out = resample_channel(channel, 50.0)
    assert (out.rate_hz, out.start_ns, out.scale, out.offset, out.samples.dtype) == (50.0, 7, 1.0, 0.0, np.float32)
    assert out.valid == Spans.of([(0, 200), (300, 500)])
    mask = out.mask()
    np.testing.assert_allclose(out.physical()[mask], (0.02 * np.arange(500) - 1)[mask], rtol=0, atol=1e-5)


def test_a_channel_that_has_the_rate_is_the_same_object() -> None:
    channel = _channel(np.arange(10, dtype=np.int16))
    assert resample_channel(channel, 100.0) is channel
