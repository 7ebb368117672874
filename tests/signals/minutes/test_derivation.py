"""A whole recording: which features, from which sensor, and where they can be believed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.signals.minutes.days import NOON_S, acceleration, intervals, pulse, raw, recording, seconds, stillness, walk
from tests.signals.waves import ECG, beat_times, wave
from wearfm.errors import BadConfiguration
from wearfm.signals.minutes import LSM_FEATURES, MINUTE_FEATURES, MINUTE_HZ, derive_minutes, minutes
from wearfm.signals.minutes.features import feature_number
from wearfm.signals.recording import SECOND, Events
from wearfm.signals.units import modality
from wearfm.synthetic import Cohort, CohortConfig


def skin(minutes_long: float, **more: object) -> tuple:
    length = len(seconds(minutes_long, 4.0))
    return (
        raw(np.full(length, 2.0), name="EDA", modality="eda", rate_hz=4.0, **more),
        raw(np.linspace(33, 33.5, length), name="TEMP", modality="temp", rate_hz=4.0, **more),
    )


def watch(minutes_long: float = 10, **more: object):
    half = minutes_long / 2
    axes = np.concatenate((stillness(half), walk(half)), axis=1)
    return recording(pulse(minutes_long, **more), *acceleration(axes, rate_hz=32.0, **more), *skin(minutes_long, **more))


def test_a_watch_gives_every_feature_but_height_and_what_only_devices_know():
    found = derive_minutes(watch())
    assert set(found.missing) == {"altitude_std", "intensity", "calories"}
    assert found.missing["altitude_std"] == "no altitude channel"
    assert [channel.modality for channel in found.recording.channels] == [
        name for name in MINUTE_FEATURES if name not in found.missing
    ]
    assert {(channel.rate_hz, channel.start_ns, len(channel.samples)) for channel in found.recording.channels} == {
        (MINUTE_HZ, NOON_S * SECOND, 10)
    }


def test_rest_and_walk_look_as_they_should():
    made = minutes(watch())
    values = {channel.modality: channel.physical() for channel in made.channels}
    assert made.channel("hr").valid.bounds.tolist() == [[0, 5]]  # light cannot tell beats from steps
    np.testing.assert_allclose(values["hr"][:5], 72.0, atol=0.2)
    np.testing.assert_allclose(values["steps"][[1, 2, 3, 6, 7, 8]], [0, 0, 0, 108, 108, 108], atol=2)
    assert (values["acc_log_energy"][6:] > values["acc_log_energy"][:5].max() + 4).all()
    assert made.channel("hr_at_rest").valid.bounds.tolist() == [[1, 5]]
    np.testing.assert_allclose(values["temp_slope"], 0.05, atol=1e-3)
    np.testing.assert_allclose(values["eda"], 2.0)


def test_minutes_are_whole_minutes_of_the_clock():
    made = minutes(watch(4, start_s=NOON_S + 20.5))
    channel = made.channel("temp")
    assert channel.start_ns == NOON_S * SECOND
    assert len(channel.samples) == 5
    assert channel.valid.bounds.tolist() == [[0, 4]]  # 39.5 s of the first, 20.5 s of the last
    assert made.channel("steps").valid.bounds.tolist() == [[1, 4]]


def test_who_and_when_and_what_happened_stay():
    events = Events.of([("stress", (NOON_S + 30) * SECOND, 60 * SECOND, "", 1.0)])
    before = replace(watch(4), events=events)
    made = minutes(before)
    for field in ("participant", "name", "clock", "utc_offset_s", "facts", "device", "events"):
        assert getattr(made, field) is getattr(before, field)


def test_nothing_is_nan_and_every_minute_has_a_fate():
    made = minutes(watch(6, gaps=((100.0, 250.0),)))
    entries = {entry.name: entry for entry in made.quality.channels}
    for channel in made.channels:
        assert np.isfinite(channel.samples).all()
        entry = entries[channel.name]
        assert (entry.source, entry.kept, entry.length) == (6, channel.valid.total, 6)
        kind = modality(channel.modality)
        inside = channel.physical()[channel.mask()]
        assert ((inside >= kind.low) & (inside <= kind.high)).all()
    assert made.channel("temp").valid.bounds.tolist() == [[0, 2], [4, 6]]
    assert entries["temp"].findings[0].reason == "less than half of the minute measured"


def test_what_lies_in_a_gap_changes_nothing():
    first = watch(6, gaps=((100.0, 250.0),))
    second = replace(
        first,
        channels=tuple(
            replace(channel, samples=np.where(channel.mask(), channel.samples, np.float32(-7.0))) for channel in first.channels
        ),
    )
    for one, other in zip(minutes(first).channels, minutes(second).channels, strict=True):
        assert one.samples.tobytes() == other.samples.tobytes()
        assert one.valid == other.valid


def test_the_rate_of_the_device_does_not_matter():
    slow, fast = (minutes(recording(*acceleration(walk(4, rate_hz=rate, noise_g=0.0), rate_hz=rate))) for rate in (25.0, 100.0))
    for channel in slow.channels:
        if channel.modality not in ("acc_covariance", "acc_sleep"):
            np.testing.assert_allclose(channel.physical(), fast.channel(channel.name).physical(), rtol=0.05, atol=0.02)


def test_a_recording_of_minutes_returns_as_it_is():
    made = minutes(watch(4))
    assert minutes(made) is made


def test_reported_steps_stand_before_derived_ones():
    reported = raw(np.full(4, 7.0), name="device steps", modality="steps", rate_hz=MINUTE_HZ)
    made = minutes(recording(*acceleration(walk(4), rate_hz=32.0), reported))
    assert made.channel("device steps").physical().tolist() == [7.0] * 4
    assert [channel.modality for channel in made.channels].count("steps") == 1


def test_half_minute_counts_beside_a_signal_are_summed():
    reported = raw(np.arange(8.0), name="counts", modality="counts", rate_hz=1 / 30)
    made = minutes(recording(*skin(4), reported))
    assert made.channel("counts").physical().tolist() == [1.0, 5.0, 9.0, 13.0]


def test_totals_that_cannot_be_brought_to_minutes_are_missing_with_the_reason():
    reported = raw(np.arange(2.0), name="steps", modality="steps", rate_hz=1 / 300)
    found = derive_minutes(recording(*skin(10), reported))
    assert found.missing["steps"].startswith("channel 'steps' has one value in 300 s")


def test_intervals_of_the_device_stand_before_its_light():
    events = intervals([0.75] * 320)
    made = minutes(recording(pulse(4, per_min=72.0), events=events))
    np.testing.assert_allclose(made.channel("hr").physical(), 80.0, atol=1e-3)
    assert "heart: from the intervals of the device" in made.quality.notes
    alone = minutes(recording(events=events))
    np.testing.assert_allclose(alone.channel("hr").physical(), 80.0, atol=1e-3)


def test_an_electrocardiogram_counts_beats_of_a_walker():
    beats = beat_times(240, mean_s=0.6, swing_s=0.0)
    ecg = raw(wave(beats, ECG, seconds=240, rate_hz=128.0), name="ECG", modality="ecg", rate_hz=128.0, placement="chest")
    made = minutes(recording(ecg, *acceleration(walk(4), rate_hz=32.0), events=intervals([0.75] * 320)))
    assert made.channel("hr").valid.bounds.tolist() == [[0, 4]]
    np.testing.assert_allclose(made.channel("hr").physical(), 100.0, atol=0.5)


def test_the_lead_with_the_most_beats_is_taken_and_a_kind_without_any_gives_way():
    noise = np.random.default_rng(3).normal(size=240 * 128)
    torn = raw(noise, name="torn", modality="ecg", rate_hz=128.0)
    good = raw(wave(beat_times(240, swing_s=0), ECG, seconds=240, rate_hz=128.0), name="good", modality="ecg", rate_hz=128.0)
    assert "heart: from ecg 'good'" in minutes(recording(torn, good)).quality.notes
    assert "heart: from ppg 'BVP'" in minutes(recording(torn, pulse(4))).quality.notes
    alone = minutes(recording(torn))
    assert "heart: from ecg 'torn'" in alone.quality.notes
    assert alone.channel("hr").valid.total == 0
    assert alone.channel("rr_valid_share").physical().tolist() == [0.0] * 4


def test_the_wrist_is_chosen_among_accelerometers():
    chest = acceleration(stillness(3), rate_hz=32.0, placement="chest")
    chest = tuple(replace(channel, name=f"chest {channel.axis}") for channel in chest)
    made = minutes(recording(*chest, *acceleration(walk(3), rate_hz=32.0)))
    assert made.channel("steps").physical()[1] == pytest.approx(108, abs=1)


@pytest.mark.parametrize(
    ("channels", "feature", "why"),
    [
        (acceleration(walk(2, rate_hz=5.0), rate_hz=5.0), "steps", "acc at 5 Hz; movement needs 10 Hz"),
        (acceleration(walk(2), rate_hz=32.0)[:2], "enmo", "no accelerometer with axes x, y and z"),
        ((pulse(2, rate_hz=8.0),), "hr", "ppg at 8 Hz; beats need 16 Hz"),
        ((pulse(2),), "hr_at_rest", "no accelerometer that tells rest from movement"),
        ((), "rmssd", "no ECG, PPG, pressure or inter-beat intervals"),
    ],
)
def test_what_is_missing_has_a_reason(channels, feature, why):
    found = derive_minutes(recording(*channels, *skin(2)))
    assert found.missing[feature] == why
    assert any(feature in note and why in note for note in found.recording.quality.notes)


def test_a_recording_without_any_feature_is_refused():
    with pytest.raises(BadConfiguration, match="recording 'day' has eeg; no minute feature can be derived from that"):
        minutes(recording(raw(np.zeros(600), name="Fz", modality="eeg", rate_hz=100.0)))


def test_channels_that_lie_years_apart_are_refused():
    early = replace(skin(2)[1], start_ns=0)
    with pytest.raises(BadConfiguration, match="recording 'day' spans 19677 days; at most 1000 are brought to minutes at once"):
        minutes(recording(skin(2)[0], early))


def test_features_are_modalities_in_the_published_order():
    assert all(modality(name).unit for name in MINUTE_FEATURES)
    assert len(LSM_FEATURES) == 26
    assert [feature_number(name) for name in ("hr", "steps", "altitude_std", "counts")] == [0, 10, 25, 26]


@pytest.mark.slow
def test_a_simulated_person_is_read_as_they_were():
    cohort = Cohort(CohortConfig(num_participants=3, num_sessions=1, session_hours=3), seed=1)
    for person in range(3):
        simulated = cohort.record(person, 0)
        made = minutes(replace(simulated, channels=tuple(c for c in simulated.channels if c.modality != "ecg")))
        truth, rate = simulated.events.of_kind("hr"), made.channel("hr")
        number = (truth.onset_ns - rate.start_ns) // (60 * SECOND)
        error = np.abs(rate.physical()[number] - truth.value)[rate.mask()[number]]
        assert len(error) > 60
        assert np.median(error) < 1.0
