"""Units convert exactly, there and back, and refuse what measures something else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wearfm.errors import UnknownName, UnknownUnit
from wearfm.signals.units import _SPELLINGS, _UNITS, MODALITIES, affine, modality, unit


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        (1.0, "V", "mV", 1000.0), (2.5, "uV", "mV", 0.0025), (9.80665, "m/s2", "g", 1.0), (1000.0, "mg", "g", 1.0),
        (98.6, "degF", "degC", 37.0), (310.15, "K", "degC", 37.0), (37.0, "degC", "degF", 98.6), (37.0, "degC", "K", 310.15),
        (1.0, "Hz", "bpm", 60.0), (1.0, "rad/s", "deg/s", 57.29577951308232), (1.0, "G", "uT", 100.0),
        (10.0, "kPa", "mmHg", 75.00616),
    ],
)  # fmt: skip
def test_known_conversions_hold(value: float, source: str, target: str, expected: float) -> None:
    scale, offset = affine(source, target)
    assert scale * value + offset == pytest.approx(expected, rel=1e-6)


@given(st.sampled_from(sorted(_UNITS)), st.sampled_from(sorted(_UNITS)), st.floats(-1e6, 1e6))
def test_a_conversion_comes_back_or_is_refused(source: str, target: str, value: float) -> None:
    if _UNITS[source][0] != _UNITS[target][0]:
        with pytest.raises(UnknownUnit, match="cannot be converted"):
            affine(source, target)
        return
    there, shift = affine(source, target)
    back, return_shift = affine(target, source)
    assert back * (there * value + shift) + return_shift == pytest.approx(value, rel=1e-9, abs=1e-6)


@pytest.mark.parametrize("name", sorted(_UNITS))
def test_a_unit_in_itself_is_unchanged(name: str) -> None:
    assert affine(name, name) == (1.0, 0.0)
    assert unit(f" {name} ") == name


@pytest.mark.parametrize(
    ("spelling", "expected"), [*_SPELLINGS.items(), ("BPM", "1/min"), ("MV", "mV"), ("µV", "uV"), ("°C", "degC")]
)
def test_spellings_are_understood(spelling: str, expected: str) -> None:
    assert unit(spelling) == expected


@pytest.mark.parametrize("name", ["S", "s", "g", "G"])
def test_capitals_matter_where_they_change_the_meaning(name: str) -> None:
    assert unit(name) == name


def test_unknown_units_are_named_with_the_known_ones() -> None:
    with pytest.raises(UnknownUnit, match="unit 'furlong' is not known; write one of %, 1/min"):
        unit("furlong")
    with pytest.raises(UnknownUnit, match=r"'mV' \(voltage\) cannot be converted to 'uS' \(conductance\); correct the unit"):
        affine("mV", "uS")


def test_unknown_modalities_are_named_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="modality 'ppgg' is not known; did you mean 'ppg'"):
        modality("ppgg")


@pytest.mark.parametrize("name", sorted(MODALITIES))
def test_every_modality_has_a_unit_a_range_and_a_because(name: str) -> None:
    kind = modality(name)
    assert unit(kind.unit) == kind.unit
    assert kind.low < kind.high
    assert kind.because
