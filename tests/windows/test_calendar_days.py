"""Whole days on the wall clock: every minute at its place in the day, and what is not there is not valid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from tests.recordings import recording
from wearfm.errors import BadConfiguration
from wearfm.signals.minutes import MINUTE_HZ
from wearfm.signals.minutes.calendar import on_wall_clock
from wearfm.signals.recording import SECOND, Channel, Recording
from wearfm.signals.spans import Spans
from wearfm.store import Store
from wearfm.windows.batch import Batch
from wearfm.windows.contract import InputContract, Stream
from wearfm.windows.index import UNDATED, WindowIndex
from wearfm.windows.load import load

DAY_S = 86_400


def ns(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND


def minutely(
    start: str | int,
    values: Sequence[int],
    *,
    modality: str = "steps",
    valid: Sequence[tuple[int, int]] | None = None,
    rate_hz: float = MINUTE_HZ,
) -> Channel:
    return Channel(
        name=modality,
        modality=modality,
        rate_hz=rate_hz,
        start_ns=ns(start) if isinstance(start, str) else start,
        samples=np.array(values, dtype=np.int32),
        valid=Spans.all(len(values)) if valid is None else Spans.of(valid),
    )


def on_clock(clock: str, *channels: Channel, utc_offset_s: int | None = None, name: str = "day") -> Recording:
    return replace(recording("p", name, *channels), clock=clock, utc_offset_s=utc_offset_s)  # type: ignore[arg-type]


def days(minutes: int = 1440, *, names: Sequence[str] = ("steps",), min_valid: float = 0.0) -> InputContract:
    streams = tuple(Stream(modality=name, rate_hz=MINUTE_HZ, channels=1, is_optional=True) for name in names)
    return InputContract(streams=streams, window_s=60.0 * minutes, min_valid=min_valid, align_s=DAY_S)


def build(folder: Path, *recordings: Recording, contract: InputContract | None = None) -> tuple[WindowIndex, Batch]:
    store = Store.create(folder / "store")
    store.commit(recordings)
    index = WindowIndex.build(store, contract or days())
    return index, load(store, index, np.arange(len(index)))


def by_day(batch: Batch, name: str = "steps") -> dict[str, dict[int, int]]:
    """Local date -> minute of the day -> value, of what is valid."""
    signal, found = batch.streams[name], {}
    for row, local_ns in enumerate(batch.local_ns.tolist()):
        date = str(np.datetime64(local_ns, "ns").astype("datetime64[m]"))
        there = np.flatnonzero(signal.valid[row, 0].numpy())
        found[date] = {int(k): int(signal.signal[row, 0, k]) for k in there}
    return found


def test_a_recording_that_starts_at_15_00_fills_the_end_of_its_first_day(tmp_path):
    index, batch = build(tmp_path, on_clock("local", minutely("2024-05-01T15:00", range(1440))))
    assert len(index) == 2
    assert by_day(batch) == {
        "2024-05-01T00:00": {900 + k: k for k in range(540)},
        "2024-05-02T00:00": {k: 540 + k for k in range(900)},
    }
    assert batch.streams["steps"].signal[0, 0, :900].abs().sum() == 0


def test_a_recording_in_utc_is_placed_by_its_offset(tmp_path):
    channel = minutely("2024-05-01T15:00", range(1440))
    _, batch = build(tmp_path, on_clock("utc", channel, utc_offset_s=-5 * 3600))  # 10:00 in the morning
    assert by_day(batch)["2024-05-01T00:00"] == {600 + k: k for k in range(840)}
    _, half = build(tmp_path / "b", on_clock("utc", channel, utc_offset_s=5 * 3600 + 45 * 60))
    assert by_day(half)["2024-05-01T00:00"] == {1245 + k: k for k in range(195)}
    assert (half.local_ns - half.start_ns).tolist() == [(5 * 3600 + 45 * 60) * SECOND] * 2


def test_the_same_minutes_in_utc_and_on_the_wall_are_the_same_days(tmp_path):
    channel = minutely("2024-05-01T15:00", range(3000), valid=[(10, 700), (800, 2900)])
    utc = on_clock("utc", channel, utc_offset_s=7200)
    _, one = build(tmp_path / "a", utc)
    _, other = build(tmp_path / "b", on_wall_clock(utc, zone="Europe/Berlin"))
    assert by_day(one) == by_day(other)


def test_an_undated_recording_has_days_but_no_dates(tmp_path):
    index, batch = build(tmp_path, on_clock("relative", minutely(0, range(2000))))
    assert batch.local_ns.tolist() == [UNDATED, UNDATED]
    assert index.start_ns.tolist() == [0, DAY_S * SECOND]
    assert batch.streams["steps"].signal[1, 0, :560].tolist() == list(range(1440, 2000))


def test_utc_without_an_offset_is_not_passed_off_as_local_time(tmp_path):
    _, batch = build(tmp_path, on_clock("utc", minutely("2024-05-01T15:00", range(10))))
    assert batch.local_ns.tolist() == [UNDATED]


def test_a_day_of_23_hours_has_its_gap_and_its_evening_in_place(tmp_path):
    utc = on_clock("utc", minutely("2024-03-30T23:00", range(1380 + 1440)))
    _, batch = build(tmp_path, on_wall_clock(utc, zone="Europe/Berlin"))
    found = by_day(batch)
    assert list(found) == ["2024-03-31T00:00", "2024-04-01T00:00"]
    assert found["2024-03-31T00:00"] == {k: k if k < 120 else k - 60 for k in range(1440) if not 120 <= k < 180}
    assert found["2024-04-01T00:00"] == {k: 1380 + k for k in range(1440)}


def test_a_day_of_25_hours_has_its_evening_in_place(tmp_path):
    utc = on_clock("utc", minutely("2024-10-26T22:00", range(1500 + 1440)))
    _, batch = build(tmp_path, on_wall_clock(utc, zone="Europe/Berlin"))
    found = by_day(batch)
    assert found["2024-10-27T00:00"] == {k: k if k < 180 else k + 60 for k in range(1440)}
    assert found["2024-10-28T00:00"] == {k: 1500 + k for k in range(1440)}


def test_an_offset_alone_is_an_hour_off_after_the_change(tmp_path):
    """Why `on_wall_clock` exists: one number cannot follow a clock that is set."""
    utc = on_clock("utc", minutely("2024-03-30T23:00", range(1380 + 1440)), utc_offset_s=3600)
    _, batch = build(tmp_path, utc)
    assert by_day(batch)["2024-04-01T00:00"][0] == 1440  # the wall showed 01:00


def test_a_week_with_one_valid_hour_is_one_week_with_one_hour(tmp_path):
    channel = minutely("2024-05-01T00:00", range(10_080), valid=[(5000, 5060)])
    index, batch = build(tmp_path, on_clock("local", channel), contract=days(10_080))
    assert len(index) == 1
    assert by_day(batch) == {"2024-05-01T00:00": {k: k for k in range(5000, 5060)}}
    single, _ = build(tmp_path / "days", on_clock("local", channel), contract=days(min_valid=0.02))
    assert [str(np.datetime64(t, "ns"))[:10] for t in single.start_ns.tolist()] == ["2024-05-04"]
    assert sum(single.skipped.values()) == pytest.approx(6 * DAY_S)


def test_a_sensor_that_is_missing_leaves_the_others_in_place(tmp_path):
    steps = minutely("2024-05-01T15:00", range(1440))
    temp = minutely("2024-05-02T03:00", [33] * 600, modality="temp")
    contract = days(names=("steps", "temp", "hr"))
    _, batch = build(tmp_path, on_clock("local", steps, temp), contract=contract)
    assert "hr" not in batch.streams
    assert by_day(batch)["2024-05-02T00:00"] == {k: 540 + k for k in range(900)}
    assert by_day(batch, "temp") == {"2024-05-01T00:00": {}, "2024-05-02T00:00": {180 + k: 33 for k in range(600)}}


def test_a_sensor_that_starts_a_day_later_begins_no_day_of_its_own(tmp_path):
    steps, temp = minutely("2024-05-01T00:00", range(1440)), minutely("2024-05-02T12:00", [33] * 60, modality="temp")
    index, batch = build(tmp_path, on_clock("local", steps, temp), contract=days(names=("steps", "temp")))
    assert len(index) == 2
    assert by_day(batch)["2024-05-02T00:00"] == {}
    assert by_day(batch, "temp")["2024-05-02T00:00"] == {720 + k: 33 for k in range(60)}


def test_minutes_that_begin_at_23_seconds_go_to_the_nearest_minute(tmp_path):
    channel = minutely(ns("2024-05-01T12:00") + 23 * SECOND, range(10))
    _, batch = build(tmp_path, on_clock("local", channel))
    assert by_day(batch)["2024-05-01T00:00"] == {720 + k: k for k in range(10)}


def test_totals_of_half_minutes_are_not_read_as_minutes(tmp_path):
    channel = minutely("2024-05-01T12:00", range(100), rate_hz=1 / 30)
    index, _ = build(tmp_path, on_clock("local", channel))
    assert len(index) == 0
    assert any("totals cannot be resampled" in reason for reason in index.skipped)


def test_a_day_before_1970_is_a_day(tmp_path):
    _, batch = build(tmp_path, on_clock("local", minutely("1969-12-31T23:00", range(120))))
    assert by_day(batch) == {
        "1969-12-31T00:00": {1380 + k: k for k in range(60)},
        "1970-01-01T00:00": {k: 60 + k for k in range(60)},
    }


def test_weeks_begin_on_monday_whatever_the_zone_and_at_the_start_where_there_is_no_date(tmp_path):
    weeks = replace(days(10_080), align_s=7 * DAY_S, align_from_s=4 * DAY_S)
    channel = minutely("2024-05-01T15:00", range(10_080))  # a Wednesday
    for clock, offset in (("local", None), ("utc", 5 * 3600)):
        recorded = on_clock(clock, channel, utc_offset_s=offset)
        index, batch = build(tmp_path / clock, recorded, contract=weeks)
        assert [np.datetime64(t, "ns").item() // 10**9 % (7 * DAY_S) for t in batch.local_ns.tolist()] == [4 * DAY_S] * 2
        assert list(by_day(batch)) == ["2024-04-29T00:00", "2024-05-06T00:00"]
    index, _ = build(tmp_path / "undated", on_clock("relative", minutely(0, range(10_080))), contract=weeks)
    assert index.start_ns.tolist() == [0]


def test_days_of_two_recordings_of_a_person_are_in_order(tmp_path):
    first = on_clock("local", minutely("2024-05-03T00:00", range(1440)), name="a")
    second = on_clock("local", minutely("2024-05-01T00:00", range(1440)), name="b")
    index, batch = build(tmp_path, first, second)
    assert index.by_participant().windows.tolist() == [1, 0]
    assert (batch.local_ns[index.by_participant().windows]).diff().item() == 2 * DAY_S * SECOND


def test_a_stride_that_leaves_the_grid_is_refused(tmp_path):
    store = Store.create(tmp_path)
    store.commit([on_clock("local", minutely("2024-05-01T00:00", range(1440)))])
    with pytest.raises(BadConfiguration, match="windows start at multiples of 86400 s"):
        WindowIndex.build(store, days(), stride_s=3600)
    contract = InputContract(streams=days().streams, window_s=5 * 3600, min_valid=0.0, align_s=DAY_S)
    assert len(WindowIndex.build(store, contract, stride_s=DAY_S)) == 1
