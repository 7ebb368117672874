"""From UTC to the wall clock: days of 23 and 25 hours, with every minute accounted for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from tests.signals.minutes.days import recording
from wearfm.errors import BadConfiguration
from wearfm.signals.minutes import MINUTE_HZ
from wearfm.signals.minutes.calendar import REPEATED, SKIPPED, WallClock, on_wall_clock
from wearfm.signals.minutes.grid import MINUTE_NS
from wearfm.signals.recording import SECOND, Channel, Events
from wearfm.signals.spans import Spans


def utc_ns(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND


def steps(start: str, count: int, *, missing: tuple[int, ...] = (), every_s: float = 60.0) -> Channel:
    """Minute k of the recording has k steps."""
    mask = ~np.isin(np.arange(count), missing)
    return Channel(
        name="steps",
        modality="steps",
        rate_hz=1 / every_s,
        start_ns=utc_ns(start),
        samples=np.arange(count, dtype=np.int32),
        valid=Spans.from_mask(mask),
    )


def clock_faces(channel: Channel) -> dict[str, int]:
    """What the wall clock showed at each valid minute -> its sample."""
    times = channel.start_ns + MINUTE_NS * np.arange(len(channel.samples))
    return {
        str(np.datetime64(int(time), "ns").astype("datetime64[m]")): int(sample)
        for time, sample, good in zip(times, channel.samples, channel.mask(), strict=True)
        if good
    }


def by_datetime(channel: Channel, zone: str) -> dict[str, int]:
    """The same from the standard library, minute by minute; of two minutes of one name the first."""
    faces: dict[str, int] = {}
    mask = channel.mask()
    for k, sample in enumerate(channel.samples.tolist()):
        moment = datetime.fromtimestamp(channel.start_ns // SECOND + 60 * k, tz=UTC).astimezone(ZoneInfo(zone))
        name = moment.strftime("%Y-%m-%dT%H:%M")
        if mask[k]:
            faces.setdefault(name, sample)
    return faces


@pytest.mark.parametrize(
    ("zone", "start"),
    [
        ("Europe/Berlin", "2024-03-30T12:00"),
        ("Europe/Berlin", "2024-10-26T12:00"),
        ("America/New_York", "2024-03-09T20:17"),
        ("America/New_York", "2024-11-02T20:17"),
        ("Australia/Lord_Howe", "2024-04-06T00:00"),  # half an hour
        ("Asia/Kathmandu", "2024-04-06T00:00"),  # a quarter of an hour off, no change
        ("Pacific/Apia", "2011-12-29T00:00"),  # a day that never was
        ("UTC", "2024-03-30T12:00"),
    ],
)
def test_every_minute_lies_where_the_clock_on_the_wall_stood(zone, start):
    channel = steps(start, 3000)
    made = on_wall_clock(recording(channel), zone=zone)
    assert made.clock == "local"
    assert clock_faces(made.channels[0]) == by_datetime(channel, zone)


def test_a_day_of_23_hours_has_a_gap_of_60_minutes():
    made = on_wall_clock(recording(steps("2024-03-30T23:00", 1380)), zone="Europe/Berlin")
    channel = made.channels[0]
    assert channel.start_ns == utc_ns("2024-03-31T00:00")
    assert len(channel.samples) == 1440
    assert channel.valid.bounds.tolist() == [[0, 120], [180, 1440]]
    (entry,) = made.quality.channels
    assert [(f.action, f.samples, f.reason) for f in entry.findings] == [("inserted", 60, SKIPPED)]
    assert (entry.source, entry.kept, entry.length) == (1380, 1380, 1440)


def test_a_day_of_25_hours_keeps_the_first_of_its_double_hour():
    made = on_wall_clock(recording(steps("2024-10-26T22:00", 1500)), zone="Europe/Berlin")
    channel = made.channels[0]
    assert channel.start_ns == utc_ns("2024-10-27T00:00")
    assert channel.samples[[119, 120, 179, 180]].tolist() == [119, 120, 179, 240]
    assert channel.valid.bounds.tolist() == [[0, 1440]]
    (entry,) = made.quality.channels
    assert [(f.action, f.samples, f.reason) for f in entry.findings] == [("dropped", 60, REPEATED)]
    assert (entry.source, entry.kept) == (1500, 1440)


def test_a_recording_that_begins_in_the_second_hour_keeps_it():
    made = on_wall_clock(recording(steps("2024-10-27T01:10", 120)), zone="Europe/Berlin")
    assert made.channels[0].start_ns == utc_ns("2024-10-27T02:10")
    assert made.quality.channels[0].kept == 120


def test_minutes_that_were_not_valid_stay_so_and_are_counted():
    made = on_wall_clock(recording(steps("2024-10-26T22:00", 1500, missing=(5, 200))), zone="Europe/Berlin")
    (entry,) = made.quality.channels
    assert {f.action: f.samples for f in entry.findings} == {"dropped": 60, "masked": 1}
    assert entry.kept == 1439


def test_events_move_with_their_minutes_and_order_is_kept():
    def hour(text: str, minutes: float, label: str) -> tuple[str, int, int, str, float]:
        return "activity", utc_ns(text), round(minutes * 60) * SECOND, label, float("nan")

    events = Events.of(
        [
            hour("2024-10-26T23:30", 60, "before"),  # 01:30 to 02:30 of summer
            hour("2024-10-27T00:50", 20, "across"),  # 02:50, and on into the second hour
            hour("2024-10-27T01:20", 10, "lost"),  # inside the second hour
            hour("2024-10-27T01:50", 20, "out"),  # into winter at 03:10
            ("tag", utc_ns("2024-10-27T01:30"), 0, "lost", float("nan")),
        ]
    )
    made = on_wall_clock(recording(steps("2024-10-26T22:00", 1500), events=events), zone="Europe/Berlin")
    found = [(row[3], str(np.datetime64(row[1], "ns"))[11:16], row[2] / MINUTE_NS) for row in made.events.rows()]
    assert found == [("before", "01:30", 60.0), ("across", "02:50", 10.0), ("out", "03:00", 10.0)]
    assert f"2 events left out: {REPEATED}" in made.quality.notes
    assert np.all(np.diff(made.events.onset_ns) >= 0)


def test_events_over_the_hour_that_never_was_are_as_long_as_the_clock_says():
    events = Events.of([("sleep", utc_ns("2024-03-31T00:30"), 60 * 60 * SECOND, "", 0.0)])
    made = on_wall_clock(recording(steps("2024-03-30T23:00", 1380), events=events), zone="Europe/Berlin")
    assert made.events.onset_ns.tolist() == [utc_ns("2024-03-31T01:30")]
    assert made.events.duration_ns.tolist() == [120 * 60 * SECOND]


def test_changes_are_found_to_the_minute_over_years():
    clock = WallClock.of("Europe/Berlin", start_ns=utc_ns("2020-01-01T00:00"), stop_ns=utc_ns("2024-01-01T00:00"))
    assert len(clock.change_ns) == 9
    assert clock.change_ns[1] == utc_ns("2020-03-29T01:00")
    moments = [datetime(2020, 1, 1, tzinfo=UTC) + timedelta(hours=7 * k) for k in range(5000)]
    shifts = [moment.astimezone(ZoneInfo("Europe/Berlin")).utcoffset() for moment in moments]
    stamps = np.array([round(moment.timestamp()) * SECOND for moment in moments])
    np.testing.assert_array_equal(clock.local(stamps) - stamps, [round(shift.total_seconds()) * SECOND for shift in shifts])


@pytest.mark.parametrize(
    ("made", "zone", "message"),
    [
        (recording(steps("2024-01-01T00:00", 3)), "Berlin", "zone 'Berlin' is not in the IANA data base"),
        (recording(steps("2024-01-01T00:00", 3)), "../x", "is not in the IANA data base"),
        (
            recording(steps("2024-01-01T00:00", 3), clock="local"),
            "UTC",
            "is on a 'local' clock; only UTC can be moved to a zone",
        ),
        (recording(steps("2024-01-01T00:00", 3), clock="relative"), "UTC", "is on a 'relative' clock"),
        (recording(steps("2024-01-01T00:00", 3, every_s=30)), "UTC", "a wall clock takes minutes: apply `minutes` first"),
    ],
)
def test_what_cannot_be_moved_is_refused(made, zone, message):
    with pytest.raises(BadConfiguration, match=message):
        on_wall_clock(made, zone=zone)


def test_an_empty_recording_is_no_mistake():
    made = on_wall_clock(recording(steps("2024-01-01T00:00", 0)), zone="UTC")
    assert len(made.channels[0].samples) == 0
    assert made.channels[0].rate_hz == MINUTE_HZ
