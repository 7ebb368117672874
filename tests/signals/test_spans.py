"""Spans are sets of samples: every operation agrees with the same operation on masks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from wearfm.signals.spans import Spans

LENGTH = 40
MASKS = arrays.arrays(bool, LENGTH)


def _is_canonical(spans: Spans) -> bool:
    bounds = spans.bounds
    return (
        bounds.dtype == np.int64
        and bounds.shape == (len(spans), 2)
        and bool(np.all(bounds[:, 0] < bounds[:, 1]))
        and bool(np.all(bounds[1:, 0] > bounds[:-1, 1]))
    )


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=6))
def test_a_union_of_pairs_is_canonical_and_complete(pairs: list[tuple[int, int]]) -> None:
    spans = Spans.of(pairs)
    expected = np.zeros(LENGTH, dtype=bool)
    for start, stop in pairs:
        expected[start:stop] = True
    assert _is_canonical(spans)
    assert np.array_equal(spans.mask(LENGTH), expected)


@given(MASKS)
def test_a_mask_comes_back(mask: np.ndarray) -> None:
    spans = Spans.from_mask(mask)
    assert _is_canonical(spans)
    assert np.array_equal(spans.mask(LENGTH), mask)
    assert (spans.total, spans.stop) == (mask.sum(), 1 + max(np.flatnonzero(mask), default=-1))


@given(MASKS)
def test_the_complement_is_the_other_samples(mask: np.ndarray) -> None:
    gaps = Spans.from_mask(mask).complement(LENGTH)
    assert _is_canonical(gaps)
    assert np.array_equal(gaps.mask(LENGTH), ~mask)


@given(MASKS, MASKS)
def test_union_and_intersection_are_those_of_the_masks(first: np.ndarray, second: np.ndarray) -> None:
    ours, theirs = Spans.from_mask(first), Spans.from_mask(second)
    assert (ours | theirs) == Spans.from_mask(first | second)
    assert (ours & theirs) == Spans.from_mask(first & second)


@given(MASKS, st.integers(0, LENGTH), st.integers(0, LENGTH))
def test_clipping_keeps_what_is_inside(mask: np.ndarray, first: int, second: int) -> None:
    start, stop = min(first, second), max(first, second)
    inside = np.zeros(LENGTH, dtype=bool)
    inside[start:stop] = mask[start:stop]
    assert Spans.from_mask(mask).clip(start, stop) == Spans.from_mask(inside)


@given(MASKS, st.lists(st.integers(-10, 50), max_size=8), st.integers(0, 30))
def test_covered_counts_the_valid_samples_of_windows(mask: np.ndarray, starts: list[int], length: int) -> None:
    expected = [int(mask[max(0, start) : max(0, start + length)].sum()) for start in starts]
    assert Spans.from_mask(mask).covered(np.array(starts, dtype=np.int64), length).tolist() == expected


def test_a_mask_longer_or_shorter_than_the_spans_is_cut() -> None:
    spans = Spans.of([(2, 4), (8, 12)])
    assert np.flatnonzero(spans.mask(10)).tolist() == [2, 3, 8, 9]
    assert spans.mask(3).tolist() == [False, False, True]
    assert len(spans.mask(0)) == 0


def test_shifting_moves_every_bound() -> None:
    assert Spans.of([(2, 4), (8, 12)]).shift(3) == Spans.of([(5, 7), (11, 15)])


def test_equal_spans_hash_alike_and_differ_from_other_things() -> None:
    first, second = Spans.of([(0, 3), (3, 5)]), Spans.all(5)
    assert first == second
    assert hash(first) == hash(second)
    assert first != Spans.all(6)
    assert first != [(0, 5)]


@pytest.mark.parametrize("pairs", [[], [(3, 3)], [(5, 2)]])
def test_nothing_is_no_span(pairs: list[tuple[int, int]]) -> None:
    empty = Spans.of(pairs)
    assert (len(empty), empty.total, empty.stop) == (0, 0, 0)
    assert empty == Spans.all(0)
    assert empty.complement(4) == Spans.all(4)
