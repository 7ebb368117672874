"""A wall clock becomes UTC only when somebody says which zone it was, and changes of the clock are said."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.recordings import channel, ramp, recording
from wearfm.errors import BadConfiguration
from wearfm.signals.recording import SECOND, Events, Recording
from wearfm.signals.zone import in_zone


def at(year: int, month: int, day: int, hour: int, minute: int = 0) -> int:
    return int(datetime(year, month, day, hour, minute, tzinfo=UTC).timestamp()) * SECOND


def local(start_ns: int, *, seconds: float = 4.0) -> Recording:
    one = channel(ramp(seconds, rate_hz=1.0), rate_hz=1.0, start_s=start_ns / SECOND)
    made = recording("p", "r", one, events=Events.of([("tag", start_ns + SECOND, 0, "", 1.0)]))
    return replace(made, clock="local")


@pytest.mark.parametrize(
    ("zone", "month", "offset_h"),
    [("Europe/Berlin", 1, 1), ("Europe/Berlin", 7, 2), ("America/New_York", 7, -4), ("Asia/Kolkata", 1, 5.5), ("UTC", 7, 0)],
)
def test_winter_and_summer_have_their_offsets(zone: str, month: int, offset_h: float) -> None:
    wall = local(at(2021, month, 10, 12))
    found = in_zone(wall, zone)
    assert (found.clock, found.utc_offset_s) == ("utc", int(3600 * offset_h))
    assert found.channels[0].start_ns == at(2021, month, 10, 12) - int(3600 * offset_h) * SECOND
    assert found.events.onset_ns.tolist() == [found.channels[0].start_ns + SECOND]
    assert found.quality.notes == (f"wall clock of {zone}: {int(3600 * offset_h)} s ahead of UTC",)


def test_a_time_shown_twice_is_the_first_and_one_never_shown_is_said() -> None:
    twice = in_zone(local(at(2021, 10, 31, 2, 30)), "Europe/Berlin")
    assert twice.utc_offset_s == 7200
    assert "the start was shown twice, the first is taken" in twice.quality.notes
    never = in_zone(local(at(2021, 3, 28, 2, 30)), "Europe/Berlin")
    assert never.utc_offset_s == 3600
    assert "the start was never shown" in never.quality.notes


def test_a_device_counts_on_when_the_clocks_change() -> None:
    night = in_zone(local(at(2021, 10, 30, 22), seconds=8 * 3600), "Europe/Berlin")
    assert night.utc_offset_s == 7200
    assert night.duration_s == 8 * 3600
    assert any("the clocks changed on the way" in note for note in night.quality.notes)


def test_other_clocks_are_left_alone() -> None:
    utc = recording("p", "r", channel(ramp(2)))
    assert in_zone(utc, "Europe/Berlin") is utc


def test_an_unknown_zone_is_refused_whatever_the_clock() -> None:
    with pytest.raises(BadConfiguration, match="zone 'Europe/Atlantis' is not in the IANA data base"):
        in_zone(recording("p", "r", channel(ramp(2))), "Europe/Atlantis")
