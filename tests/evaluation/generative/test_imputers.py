"""The baselines, each beside a twin in loops."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from wearfm.evaluation.generative.background import Background, Windows
from wearfm.evaluation.generative.imputers import NearestNeighbours, Seen, imputers

NAMES = ("hr", "temp")
Row = list[float]


def windows(count: int, *, length: int = 12, seed: int = 0, gaps: float = 0.2) -> Windows:
    generator = np.random.default_rng(seed)
    values = generator.standard_normal((count, 2, length)).cumsum(axis=2) * [[10.0], [0.3]] + [[70.0], [33.0]]
    valid = generator.uniform(size=values.shape) >= gaps
    values = np.where(valid, values, 0.0).astype(np.float32)
    return Windows(values=values, valid=valid, names=NAMES, units=("1/min", "degC"), step_s=60.0)


def background(*parts: Windows, bank_bytes: int = 2**20) -> Background:
    known = Background(total=sum(len(part.values) for part in parts), bank_bytes=bank_bytes)
    for part in parts:
        known.add(part)
    return known


def seen(part: Windows, *, share: float = 0.5, seed: int = 1) -> Seen:
    visible = part.valid & (np.random.default_rng(seed).uniform(size=part.valid.shape) < share)
    visible[0, 0] = False  # nothing of a series
    visible[1, 0] = False
    visible[1, 0, 4] = True  # a single value
    visible[2, :, :6] = False  # nothing at the start
    visible[3, :, 6:] = False  # nothing at the end
    return Seen(values=np.where(visible, part.values, 0.0).astype(np.float64), visible=visible, names=part.names)


def window_mean_by_hand(row: Row, known: list[int]) -> Row:
    return [sum(row[t] for t in known) / len(known)] * len(row)


def last_value_by_hand(row: Row, known: list[int]) -> Row:
    return [row[max((k for k in known if k <= t), default=known[0])] for t in range(len(row))]


def linear_by_hand(row: Row, known: list[int]) -> Row:
    filled = []
    for t in range(len(row)):
        left = max((k for k in known if k <= t), default=known[0])
        right = min((k for k in known if k >= t), default=known[-1])
        filled.append(row[left] if left == right else row[left] + (row[right] - row[left]) * (t - left) / (right - left))
    return [row[known[0]] if t < known[0] else row[known[-1]] if t > known[-1] else value for t, value in enumerate(filled)]


def spline_by_hand(row: Row, known: list[int]) -> Row:
    if len(known) < 3:
        return linear_by_hand(row, known)
    curve = PchipInterpolator(known, [row[k] for k in known])
    return [float(curve(min(max(t, known[0]), known[-1]))) for t in range(len(row))]


@pytest.mark.parametrize(
    ("name", "twin"),
    [
        ("window mean", window_mean_by_hand),
        ("last value", last_value_by_hand),
        ("linear", linear_by_hand),
        ("spline", spline_by_hand),
    ],
)
def test_a_baseline_is_its_twin_in_loops(name: str, twin: Callable[[Row, list[int]], Row]) -> None:
    known, given = background(windows(6)), seen(windows(8, seed=3))
    guess = imputers(neighbours=3)[name](given, known)
    means = [known.spreads[each].mean for each in NAMES]
    for row in range(8):
        for series in range(2):
            places = np.flatnonzero(given.visible[row, series]).tolist()
            values = given.values[row, series].tolist()
            expected = twin(values, places) if places else [means[series]] * len(values)
            np.testing.assert_allclose(guess[row, series], expected, rtol=1e-12)


def test_the_training_mean_is_the_mean_of_all_valid_training_values() -> None:
    part = windows(6)
    guess = imputers(neighbours=3)["training mean"](seen(windows(4, seed=3)), background(part))
    for series in range(2):
        values = [float(v) for v, there in zip(part.values[:, series].flat, part.valid[:, series].flat, strict=True) if there]
        np.testing.assert_allclose(guess[:, series], sum(values) / len(values), rtol=1e-6)


def neighbours_by_hand(given: Seen, part: Windows, known: Background, *, count: int) -> NDArray[np.float64]:
    """Window by window, value by value."""
    mean = [known.spreads[name].mean for name in NAMES]
    sd = [known.spreads[name].sd for name in NAMES]
    guess = np.empty(given.values.shape)
    for row in range(len(given.values)):
        ranked = []
        shown = [(c, t) for c in range(2) for t in range(given.values.shape[2]) if given.visible[row, c, t]]
        for number in range(len(part.values)):
            common = [(c, t) for c, t in shown if part.valid[number, c, t]]
            if not common:
                continue
            squares = [((given.values[row, c, t] - float(part.values[number, c, t])) / sd[c]) ** 2 for c, t in common]
            ranked.append((len(common) < 0.5 * len(shown), sum(squares) / len(squares), number))
        nearest = [number for *_, number in sorted(ranked)[:count]]
        for c in range(2):
            for t in range(given.values.shape[2]):
                values = [float(part.values[n, c, t]) for n in nearest if part.valid[n, c, t]]
                guess[row, c, t] = sum(values) / len(values) if values else mean[c]
    return guess


@pytest.mark.parametrize("gaps", [0.0, 0.2, 0.7])
def test_nearest_neighbours_are_the_twin_in_loops(gaps: float) -> None:
    part, given = windows(30, gaps=gaps), seen(windows(8, seed=3))
    known = background(part)
    guess = NearestNeighbours(count=3)(given, known)
    np.testing.assert_allclose(guess, neighbours_by_hand(given, part, known, count=3), rtol=1e-4, atol=1e-4)  # z in float32


def test_a_copy_among_the_training_windows_is_found() -> None:
    part = windows(30, gaps=0.0)
    visible = np.zeros_like(part.valid)
    visible[..., :6] = True
    given = Seen(values=np.where(visible, part.values, 0.0).astype(np.float64), visible=visible, names=NAMES)
    np.testing.assert_allclose(NearestNeighbours(count=1)(given, background(part)), part.values, rtol=1e-5)


def test_blocks_of_the_bank_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    part, given = windows(30), seen(windows(4, seed=3))
    whole = NearestNeighbours()(given, background(part))
    cut = background(part)
    blocks = type(cut.bank).blocks
    monkeypatch.setattr(type(cut.bank), "blocks", lambda bank, places: blocks(bank, places, most_bytes=1))
    assert np.array_equal(NearestNeighbours()(given, cut), whole)


def test_no_baseline_can_see_what_is_hidden() -> None:
    part, given = background(windows(20)), seen(windows(8, seed=3))
    other = Seen(values=np.where(given.visible, given.values, 1e6), visible=given.visible, names=given.names)
    for name, imputer in imputers(neighbours=3).items():
        guess = imputer(given, part)
        assert np.isfinite(guess).all(), name
        assert np.array_equal(guess, imputer(other, part)), name


def test_a_series_that_training_does_not_know_gets_no_neighbours() -> None:
    given = seen(windows(4, seed=3))
    known = background(windows(10))
    stranger = Seen(values=given.values, visible=given.visible, names=("hr", "eda"))
    guess = NearestNeighbours()(stranger, known)
    assert not guess[:, 1].any()
    assert guess[:, 0].all()
