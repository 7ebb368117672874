from dataclasses import replace

import numpy as np
import pytest

from wearfm.errors import BadConfiguration
from wearfm.signals.recording import SECOND, Recording
from wearfm.synthetic import Cohort, CohortConfig

SMALL = CohortConfig(num_participants=4, num_sessions=2, session_hours=0.1, ppg_wavelengths=2, missingness=4.0)


def same(first: Recording, second: Recording) -> bool:
    channels = all(
        np.array_equal(a.samples, b.samples) and a.valid == b.valid and a.start_ns == b.start_ns and a.name == b.name
        for a, b in zip(first.channels, second.channels, strict=True)
    )
    return channels and first.events.rows().__repr__() == second.events.rows().__repr__() and first.facts == second.facts


@pytest.fixture(scope="module")
def day() -> Recording:
    config = CohortConfig(
        session_hours=24.0, missingness=2.0, ppg_hz=32.0, ecg_hz=64.0, modalities=("ppg", "ecg", "eda", "temp")
    )
    return Cohort(config, 5).record(0, 0)


def test_the_same_seed_gives_the_same_bits():
    assert same(Cohort(SMALL, 7).record(1, 1), Cohort(SMALL, 7).record(1, 1))
    assert not same(Cohort(SMALL, 7).record(1, 1), Cohort(SMALL, 8).record(1, 1))


def test_order_and_cohort_size_change_nothing():
    in_order = list(Cohort(SMALL, 7).recordings())
    larger = Cohort(replace(SMALL, num_participants=900, num_sessions=30), 7)
    assert len(in_order) == 8
    assert same(larger.record(3, 1), in_order[7])
    assert same(larger.record(0, 0), in_order[0])


def test_leaving_channels_out_does_not_move_the_others():
    whole = Cohort(SMALL, 7).record(2, 0)
    part = Cohort(replace(SMALL, modalities=("eda", "ecg"), ppg_wavelengths=1), 7).record(2, 0)
    for name in ("ecg", "eda"):
        assert np.array_equal(whole.channel(name).samples, part.channel(name).samples)
    assert [channel.name for channel in part.channels] == ["eda", "ecg"]


def test_participants_and_sessions_differ():
    cohort = Cohort(SMALL, 7)
    first, again, other = cohort.record(0, 0), cohort.record(0, 1), cohort.record(1, 0)
    assert first.facts == again.facts != other.facts
    assert first.participant == again.participant != other.participant
    assert not np.array_equal(first.channel("ecg").samples, again.channel("ecg").samples)
    assert again.start_ns - first.start_ns == 7 * 86_400 * SECOND


def test_a_session_starts_at_its_local_hour():
    recording = Cohort(replace(SMALL, start_hour=21.5, utc_offset_s=-18_000), 1).record(0, 0)
    local_s = recording.start_ns // SECOND + recording.utc_offset_s
    assert local_s % 86_400 == 21.5 * 3600
    assert recording.clock == "utc"


def test_channels_have_the_rates_and_lengths_asked_for():
    recording = Cohort(SMALL, 7).record(0, 0)
    rates = {channel.name: channel.rate_hz for channel in recording.channels}
    assert rates == {
        "ppg_green": 64, "ppg_infrared": 64, "ecg": 128, "acc_x": 32, "acc_y": 32, "acc_z": 32, "eda": 4, "temp": 4,
    }  # fmt: skip
    for channel in recording.channels:
        assert channel.samples.dtype == np.int16
        assert len(channel.samples) == round(360 * channel.rate_hz)


@pytest.mark.parametrize("rate_hz", [13.0, 25.6, 100.0])
def test_odd_rates_work(rate_hz):
    config = replace(SMALL, acc_hz=rate_hz, ppg_hz=rate_hz, ecg_hz=rate_hz, eda_hz=rate_hz / 8, temp_hz=1 / 60)
    recording = Cohort(config, 7).record(0, 0)
    assert len(recording.channel("acc_x").samples) == round(360 * rate_hz)
    assert len(recording.channel("temp").samples) == 6


@pytest.mark.slow
def test_valid_samples_are_plausible_over_a_day(day):
    for name, low, high in [("ppg_green", -16, 16), ("ecg", -5, 5), ("eda", 0.05, 60), ("temp", 22, 42)]:
        channel = day.channel(name)
        values = channel.physical()[channel.mask()]
        assert low <= values.min() <= values.max() <= high
        assert values.std() > 0.01


@pytest.mark.slow
def test_gaps_are_not_valid_and_hold_nothing(day):
    channel = day.channel("ppg_green")
    gaps = day.events.of_kind("gap")
    gaps = gaps.select(gaps.label != "patch_radio")
    assert len(gaps) > 5
    mask = channel.mask()
    for onset, duration in zip(gaps.onset_ns, gaps.duration_ns, strict=True):
        start, stop = ((t - day.start_ns) * channel.rate_hz / SECOND for t in (onset, onset + duration))
        inside = slice(int(np.ceil(start + 0.01)), int(np.ceil(stop - 0.01)))
        assert not mask[inside].any()
    assert len(np.unique(channel.samples[~mask])) == 1


@pytest.mark.slow
def test_the_quality_record_balances(day):
    for channel, quality in zip(day.channels, day.quality.channels, strict=True):
        assert quality.name == channel.name
        assert quality.length == len(channel.samples)
        assert quality.kept == channel.valid.total
        assert quality.count("inserted") == len(channel.samples) - channel.valid.total
        assert quality.count("inserted") > 0


@pytest.mark.slow
def test_activity_rhythm_and_heart_rate_are_told_for_the_whole_day(day):
    for kind in ("activity", "rhythm"):
        spans = day.events.of_kind(kind)
        assert spans.duration_ns.sum() == 86_400 * SECOND
        assert np.array_equal(spans.onset_ns[1:], (spans.onset_ns + spans.duration_ns)[:-1])
    rate = day.events.of_kind("hr")
    assert len(rate) == 1440
    beats = day.events.of_kind("beat")
    first_hour = beats.value[beats.onset_ns < day.start_ns + 3600 * SECOND]
    assert rate.value[:60].mean() == pytest.approx(60 / first_hour.mean(), rel=0.03)


@pytest.mark.slow
def test_the_night_is_slower_warmer_and_calmer(day):
    activity = day.events.of_kind("activity")

    def during(label, name):
        channel = day.channel(name)
        mask, values = channel.mask(), channel.physical()
        chosen = np.zeros(len(mask), dtype=bool)
        for onset, length in zip(
            *(column[activity.label == label] for column in (activity.onset_ns, activity.duration_ns)), strict=True
        ):
            chosen[slice(*(round((t - day.start_ns) / SECOND * channel.rate_hz) for t in (onset, onset + length)))] = True
        return values[chosen & mask].mean()

    assert during("sleep", "temp") > during("rest", "temp") + 0.3
    assert during("sleep", "eda") < during("stress", "eda")


def test_events_are_sorted_and_inside_the_session():
    recording = Cohort(SMALL, 7).record(0, 0)
    onset = recording.events.onset_ns
    assert (np.diff(onset) >= 0).all()
    assert onset.min() >= recording.start_ns
    assert (onset + recording.events.duration_ns).max() <= recording.start_ns + 360 * SECOND


def test_someone_who_is_not_there_is_refused():
    with pytest.raises(BadConfiguration, match="participant 4 is not in this cohort; choose 0 to 3 or raise num_participants"):
        Cohort(SMALL, 7).participant(4)
    with pytest.raises(BadConfiguration, match="session -1 is not in this cohort"):
        Cohort(SMALL, 7).record(0, -1)
