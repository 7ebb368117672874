"""What the baselines learn from the training side."""

from __future__ import annotations

import numpy as np
import pytest

from wearfm.errors import BadConfiguration
from wearfm.evaluation.generative.background import Background, Windows


def part(values: list[list[list[float]]], names: tuple[str, ...] = ("hr",)) -> Windows:
    """NaN is what was not measured."""
    given = np.array(values, dtype=np.float32)
    valid = np.isfinite(given)
    units = tuple("1/min" for _ in names)
    return Windows(values=np.where(valid, given, 0.0), valid=valid, names=names, units=units, step_s=1.0)


def test_moments_and_range_are_those_of_all_valid_values_however_they_come() -> None:
    nan = float("nan")
    known = Background(total=3, bank_bytes=2**20)
    known.add(part([[[1.0, 5.0, nan]], [[nan, nan, nan]]]))
    known.add(part([[[9.0, nan, 3.0]]]))
    spread = known.spreads["hr"]
    assert (spread.count, spread.low, spread.high, spread.unit) == (4, 1.0, 9.0, "1/min")
    assert spread.mean == pytest.approx(4.5)
    assert spread.sd == pytest.approx(np.std([1, 5, 9, 3]))
    assert known.windows == 3


def test_a_constant_series_has_no_yardstick() -> None:
    known = Background(total=1, bank_bytes=2**20)
    known.add(part([[[7.0, 7.0], [1.0, 2.0]]], names=("spo2", "hr")))
    assert np.isnan(known.scales(("spo2", "hr", "eda"))).tolist() == [True, False, True]
    assert known.means(("spo2", "eda")).tolist() == [7.0, 0.0]
    assert known.bank.z[0].tolist() == [[-1.0, 1.0], [0.0, 0.0]]  # hr, spo2: in the order of their names


def test_series_of_different_windows_find_their_places_in_the_bank() -> None:
    known = Background(total=2, bank_bytes=2**20)
    known.add(part([[[1.0, 3.0], [10.0, 30.0]]], names=("b", "a")))
    known.add(part([[[20.0, 20.0]]], names=("a",)))
    assert known.places(("b", "a", "c")).tolist() == [1, 0, -1]
    assert known.bank.valid[:, 1].tolist() == [[True, True], [False, False]]
    np.testing.assert_allclose(known.bank.z[1, 0], [0.0, 0.0], atol=1e-6)


def test_a_small_bank_takes_every_nth_window_of_all() -> None:
    known = Background(total=100, bank_bytes=5 * 2 * 20)  # values of two samples, 5 bytes each: room for 20 windows
    for first in range(0, 100, 7):
        known.add(part([[[float(n), float(n)]] for n in range(first, min(first + 7, 100))]))
    z = known.bank.z[:, 0, 0] * known.spreads["hr"].sd + known.spreads["hr"].mean
    np.testing.assert_allclose(z, np.arange(0, 100, 5), atol=1e-4)


def test_a_training_side_without_a_value_is_refused() -> None:
    known = Background(total=1, bank_bytes=2**20)
    known.add(part([[[float("nan")]]]))
    with pytest.raises(BadConfiguration, match="the training side has no valid sample; give other people to train on"):
        _ = known.bank
