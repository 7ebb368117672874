"""Minute data are taken as they are; finer epochs are brought to minutes exactly, or not at all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from wearfm.errors import BadConfiguration
from wearfm.signals.minutes import MINUTE_HZ
from wearfm.signals.minutes.ready import is_epochs, is_ready, to_minutes
from wearfm.signals.recording import SECOND, Channel
from wearfm.signals.spans import Spans


def epochs(
    values: list[float], *, every_s: float, modality: str = "counts", start_s: float = 0.0, missing: tuple[int, ...] = ()
) -> Channel:
    samples = np.array(values)
    stored = samples.astype(np.int16 if samples.dtype.kind == "i" else np.float32)
    mask = ~np.isin(np.arange(len(samples)), missing)
    return Channel(
        name=modality,
        modality=modality,
        rate_hz=1 / every_s,
        start_ns=round(start_s * SECOND),
        samples=stored,
        valid=Spans.from_mask(mask),
    )


def test_counts_of_half_a_minute_are_summed_in_whole_numbers():
    made = to_minutes(epochs([1, 2, 30, 40, 500, 600], every_s=30))
    assert made.channel.samples.dtype == np.int32
    assert made.channel.samples.tolist() == [3, 70, 1100]
    assert made.channel.rate_hz == MINUTE_HZ
    assert (made.quality.source, made.quality.kept) == (3, 3)


def test_only_complete_minutes_are_valid():
    made = to_minutes(epochs(list(range(24)), every_s=10, start_s=40.0, missing=(9,)))
    assert made.channel.start_ns == 0
    assert made.channel.valid.bounds.tolist() == [[1, 2], [3, 4]]
    assert made.channel.samples.tolist() == [0, sum(range(2, 8)), 0, sum(range(14, 20)), 0]
    assert [(f.samples, f.reason) for f in made.quality.findings] == [(3, "an epoch of the minute is missing")]


def test_sums_beyond_16_bits_and_scales_survive():
    channel = replace(epochs([30_000] * 60, every_s=1), scale=2.0, offset=1.0)
    assert to_minutes(channel).channel.physical().tolist() == [60 * 60_001.0]


def test_rates_are_averaged_over_what_was_measured():
    made = to_minutes(epochs([60.0] * 30 + [80.0] * 30 + [90.0] * 20, every_s=1, modality="hr", start_s=0.0, missing=(0, 1)))
    assert made.channel.physical()[0] == pytest.approx((28 * 60 + 30 * 80) / 58)
    assert made.channel.valid.bounds.tolist() == [[0, 1]]


def test_epochs_that_straddle_minutes_cannot_be_told_apart():
    with pytest.raises(
        BadConfiguration, match=r"epochs of 30 s that begin 15 s after a whole minute do not make up whole minutes"
    ):
        to_minutes(epochs([1, 2, 3], every_s=30, start_s=15.0))
    with pytest.raises(BadConfiguration, match="epochs of 7 s"):
        to_minutes(epochs([1, 2, 3], every_s=7))


def test_longer_epochs_are_refused():
    with pytest.raises(
        BadConfiguration, match="one value in 300 s; minutes cannot be told from longer epochs: give steps once"
    ):
        to_minutes(epochs([1, 2], every_s=300, modality="steps"))


def test_what_is_ready_and_what_is_a_signal():
    assert is_ready(epochs([1], every_s=60))
    assert not is_epochs(epochs([1], every_s=60))
    assert is_epochs(epochs([1], every_s=30))
    assert not is_epochs(epochs([33.0], every_s=0.25, modality="temp"))
    assert is_epochs(epochs([70.0], every_s=1, modality="hr"))
    assert not is_ready(epochs([0.0], every_s=60, modality="other"))
