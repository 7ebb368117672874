"""Through the door: bits stay, units become canonical, and whatever is implausible is masked and counted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from wearfm.errors import UnknownName, UnknownUnit
from wearfm.signals.door import Admitted, admit
from wearfm.signals.quality_record import Finding
from wearfm.signals.spans import Spans


def _admit(samples: np.ndarray, **changes: object) -> Admitted:
    fields: dict[str, object] = {"name": "x", "modality_name": "acc", "unit": "g", "rate_hz": 50.0, "start_ns": 0}
    return admit(samples, **(fields | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("dtype", "stored"),
    [
        (np.int8, np.int16), (np.uint8, np.int16), (np.int16, np.int16), (np.uint16, np.int32), (np.int32, np.int32),
        (np.int64, np.int32), (np.float16, np.float32), (np.float32, np.float32), (np.float64, np.float32),
    ],
)  # fmt: skip
def test_samples_keep_their_values_in_the_smallest_type(dtype: type, stored: type) -> None:
    samples = np.array([0, 1, 7, 30], dtype=dtype)
    channel = _admit(samples).channel
    assert channel.samples.dtype == stored
    assert channel.samples.tolist() == samples.tolist()


def test_integers_beyond_32_bits_become_float32() -> None:
    channel = _admit(np.array([2**40, 3]), modality_name="other", unit="au").channel
    assert channel.samples.dtype == np.float32


def test_units_change_scale_and_offset_and_no_bit() -> None:
    samples = np.array([-4096, 0, 4096], dtype=np.int16)
    channel = _admit(samples, unit="m/s2", scale=0.0024, offset=0.1).channel
    assert np.array_equal(channel.samples, samples)
    np.testing.assert_allclose(channel.physical(), (samples * 0.0024 + 0.1) / 9.80665)


def test_values_outside_the_plausible_range_are_masked_with_the_range_as_reason() -> None:
    found = _admit(np.array([0, 33, -33, 32, -32], dtype=np.int16))
    assert found.channel.mask().tolist() == [True, False, False, True, True]
    assert found.quality.findings == (Finding(action="masked", samples=2, reason="outside -32 to 32 g"),)


def test_a_negative_scale_turns_the_range_round() -> None:
    found = _admit(np.array([3, -3], dtype=np.int16), modality_name="eda", unit="uS", scale=-1.0)
    assert found.channel.mask().tolist() == [False, True]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_masked_as_such(bad: float) -> None:
    found = _admit(np.array([0.5, bad, 1.0]))
    assert found.channel.mask().tolist() == [True, False, True]
    assert found.quality.findings == (Finding(action="masked", samples=1, reason="not a number or infinite"),)


def test_gaps_are_counted_as_inserted_and_never_judged() -> None:
    found = _admit(np.array([1.0, np.nan, 999.0, 1.0]), present=Spans.of([(0, 1), (3, 4)]))
    assert found.channel.valid == Spans.of([(0, 1), (3, 4)])
    assert found.quality.findings == (Finding(action="inserted", samples=2, reason="gap: no samples in the source"),)
    assert (found.quality.source, found.quality.kept, found.quality.length) == (2, 2, 4)


def test_what_the_reader_dropped_counts_as_source() -> None:
    dropped = Finding(action="dropped", samples=7, reason="broken block")
    found = _admit(np.zeros(3), findings=(dropped,))
    assert (found.quality.source, found.quality.kept) == (10, 3)
    assert found.quality.findings == (dropped,)


@given(
    arrays.arrays(np.float64, st.integers(0, 40), elements=st.floats(allow_nan=True, allow_infinity=True)),
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=3),
)
def test_the_books_always_balance(samples: np.ndarray, pairs: list[tuple[int, int]]) -> None:
    found = _admit(samples, present=Spans.of(pairs))
    assert found.quality.length == len(samples)
    valid = found.channel.physical()[found.channel.mask()]
    assert np.isfinite(valid).all()
    assert np.all(np.abs(valid) <= 32)
    assert found.quality.kept == len(valid)


@given(arrays.arrays(np.int16, st.integers(1, 30)), st.floats(1e-4, 10.0), st.floats(-50, 50))
def test_integers_are_judged_as_their_physical_values_are(samples: np.ndarray, scale: float, offset: float) -> None:
    found = _admit(samples, scale=scale, offset=offset)
    physical = samples * scale + offset
    clear = np.abs(np.abs(physical) - 32) > 1e-9
    assert np.array_equal(found.channel.mask()[clear], (np.abs(physical) <= 32)[clear])


def test_unknown_words_are_refused() -> None:
    with pytest.raises(UnknownName, match="modality 'song' is not known"):
        _admit(np.zeros(3), modality_name="song")
    with pytest.raises(UnknownUnit, match=r"'mV' \(voltage\) cannot be converted to 'g' \(acceleration\)"):
        _admit(np.zeros(3), unit="mV")
