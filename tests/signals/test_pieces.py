"""Pieces cover every valid sample once, and a signal goes on beyond its ends as a line would."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from wearfm.errors import BadConfiguration
from wearfm.signals.pieces import check_rows, extend, pieces


@given(arrays.arrays(bool, st.tuples(st.integers(0, 5), st.integers(0, 30))))
def test_every_valid_sample_lies_in_exactly_one_piece(valid: np.ndarray) -> None:
    covered = np.zeros(valid.shape, dtype=int)
    for rows, start, stop in pieces(valid):
        assert stop > start
        covered[rows, start:stop] += 1
    assert np.array_equal(covered, valid.astype(int))


def test_rows_without_a_gap_are_one_piece() -> None:
    valid = np.ones((4, 6), dtype=bool)
    valid[1, 2:4] = False
    found = [(rows.tolist(), start, stop) for rows, start, stop in pieces(valid)]
    assert found == [([0, 2, 3], 0, 6), ([1], 0, 2), ([1], 4, 6)]


@given(st.integers(1, 9), st.integers(0, 40), st.integers(0, 40), st.floats(-10, 10), st.floats(-10, 10))
def test_a_line_goes_on_as_itself(length: int, before: int, after: int, level: float, slope: float) -> None:
    position = np.arange(-before, length + after)
    line = level + slope * position if length > 1 else np.full(len(position), level)
    out = extend(line[None, before : before + length], before=before, after=after)
    np.testing.assert_allclose(out[0], line, rtol=0, atol=1e-9)


@pytest.mark.parametrize(("before", "after"), [(0, 0), (2, 0), (0, 2), (2, 2), (7, 9)])
def test_extension_is_repeated_point_reflection(before: int, after: int) -> None:
    row = [3.0, 5.0, 4.0]
    expected = list(row)
    for _ in range(before):
        expected.insert(0, 2 * expected[0] - expected[1] if len(expected) < 2 else _reflected(row, -1 - (len(expected) - 3)))
    for number in range(after):
        expected.append(_reflected(row, 3 + number))
    np.testing.assert_allclose(extend(np.array([row]), before=before, after=after)[0], expected)


def _reflected(row: list[float], index: int) -> float:
    """x[index] by the rule alone, one reflection at a time."""
    if index < 0:
        return 2 * row[0] - _reflected(row, -index)
    if index >= len(row):
        return 2 * row[-1] - _reflected(row, 2 * (len(row) - 1) - index)
    return row[index]


def test_extension_keeps_float32() -> None:
    assert extend(np.zeros((1, 3), dtype=np.float32), before=1, after=5).dtype == np.float32


def test_rows_that_do_not_fit_are_named() -> None:
    with pytest.raises(BadConfiguration, match=r"signal \(3,\) and valid \(3,\) must both be \(N, T\)"):
        check_rows(np.zeros(3), np.ones(3, dtype=bool))
    with pytest.raises(BadConfiguration, match="a signal of int32 is not physical; convert it to float32 or float64"):
        check_rows(np.zeros((1, 3), dtype=np.int32), np.ones((1, 3), dtype=bool))
