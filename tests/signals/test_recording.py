"""Channels, events and recordings refuse what cannot be, and tell times and values exactly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wearfm.errors import BadConfiguration, UnknownName
from wearfm.signals.recording import SECOND, Channel, Events, Recording
from wearfm.signals.spans import Spans


def _channel(**changes: object) -> Channel:
    fields: dict[str, object] = {
        "name": "x", "modality": "acc", "rate_hz": 50.0, "start_ns": 0,
        "samples": np.arange(100, dtype=np.int16), "valid": Spans.all(100),
    }  # fmt: skip
    return Channel(**(fields | changes))  # type: ignore[arg-type]


def test_physical_values_are_scale_times_sample_plus_offset() -> None:
    channel = _channel(samples=np.array([-32768, 0, 32767], dtype=np.int16), valid=Spans.all(3), scale=0.5, offset=-1.0)
    assert channel.physical().dtype == np.float64
    assert channel.physical().tolist() == [-16385.0, -1.0, 16382.5]


def test_the_mask_is_that_of_the_valid_spans() -> None:
    channel = _channel(valid=Spans.of([(10, 20), (90, 100)]))
    assert np.flatnonzero(channel.mask()).tolist() == [*range(10, 20), *range(90, 100)]


def test_a_channel_takes_its_modality_s_unit() -> None:
    assert _channel().unit == "g"
    assert _channel(modality="ecg").unit == "mV"


@given(st.floats(1e-4, 1e4), st.integers(0, 10**6), st.integers(-(10**18), 10**18))
def test_times_are_exact_to_the_nanosecond(rate_hz: float, sample: int, start_ns: int) -> None:
    channel = _channel(rate_hz=rate_hz, start_ns=start_ns)
    exact = sample * SECOND / rate_hz
    assert abs(channel.time_ns(sample) - start_ns - exact) <= 0.5 + 1e-15 * exact
    assert channel.stop_ns == channel.time_ns(100)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"unit": "m/s2"}, "channel 'x' is in 'm/s2'; acc is kept in 'g': use units.affine"),
        ({"samples": np.zeros(100)}, "channel 'x' is float64(100,); it must be (T,) int16, int32 or float32"),
        ({"samples": np.zeros((2, 50), dtype=np.int16)}, "int16(2, 50); it must be (T,)"),
        ({"rate_hz": 0.0}, "channel 'x' has rate_hz 0.0; it must be positive"),
        ({"rate_hz": float("nan")}, "it must be positive"),
        ({"valid": Spans.all(101)}, "channel 'x' is valid up to sample 101 of 100"),
    ],
)
def test_impossible_channels_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(BadConfiguration) as caught:
        _channel(**changes)
    assert message in str(caught.value)


def test_an_unknown_modality_is_refused() -> None:
    with pytest.raises(UnknownName, match="modality 'song' is not known"):
        _channel(modality="song")


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["beat", "tag", "ibi"]),
        st.integers(-(10**18), 10**18),
        st.integers(0, 10**12),
        st.sampled_from(["", "N", "V"]),
        st.floats(allow_nan=False),
    ),
    max_size=8,
)


@given(ROWS)
def test_events_come_back_sorted_by_onset(rows: list[tuple[str, int, int, str, float]]) -> None:
    events = Events.of(rows)
    assert sorted(events.rows()) == sorted(rows)
    assert np.all(np.diff(events.onset_ns) >= 0)
    assert len(events) == len(rows)
    assert events.value.dtype == np.float64


def test_events_are_chosen_by_kind() -> None:
    events = Events.of([("tag", 5, 0, "", float("nan")), ("beat", 1, 0, "N", 1.0), ("beat", 9, 0, "V", 2.0)])
    assert events.of_kind("beat").rows() == [("beat", 1, 0, "N", 1.0), ("beat", 9, 0, "V", 2.0)]
    assert len(events.of_kind("step")) == 0
    assert events.select(np.array([True, False, False])).label.tolist() == ["N"]


def test_a_recording_runs_from_its_earliest_to_its_latest_sample() -> None:
    first, second = _channel(start_ns=2 * SECOND), _channel(name="y", rate_hz=10.0, start_ns=SECOND)
    recording = Recording(participant="p", name="r", channels=(first, second))
    assert (recording.start_ns, recording.duration_s) == (SECOND, 10.0)
    assert recording.channel("y") is second
    assert Recording(participant="p", name="r", channels=()).duration_s == 0.0


def test_an_absent_channel_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="z"):
        Recording(participant="p", name="r", channels=(_channel(),)).channel("z")


@pytest.mark.parametrize(
    ("participant", "name", "what"),
    [("", "r", "participant ''"), ("p", "a\nb", "recording 'a\\nb'"), ("x" * 201, "r", "participant")],
)
def test_names_must_be_printable_and_short(participant: str, name: str, what: str) -> None:
    with pytest.raises(BadConfiguration) as caught:
        Recording(participant=participant, name=name, channels=())
    assert str(caught.value).startswith(what)
    assert "must be 1 to 200 printable characters" in str(caught.value)


def test_channels_of_one_name_are_refused() -> None:
    with pytest.raises(BadConfiguration, match=r"recording 'r' has channels of the same name: \['x', 'x'\]"):
        Recording(participant="p", name="r", channels=(_channel(), _channel()))
