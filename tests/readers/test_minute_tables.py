"""Tables of minutes as people have them: every fault is a correct mask with a count, or a clear error; never a shift."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from wearfm.errors import BadRecording
from wearfm.readers.mapping import Mapping
from wearfm.readers.table import read_table
from wearfm.signals.minutes import MINUTE_HZ
from wearfm.signals.minutes.calendar import on_wall_clock
from wearfm.signals.recording import Channel, Recording

COLUMNS = {"steps": {"modality": "steps"}, "temp": {"modality": "temp"}}
BERLIN = ZoneInfo("Europe/Berlin")


def stamps(start_utc: str, count: int, *, step_s: float = 60.0) -> list[datetime]:
    """Times in Berlin, of a device that records without a break."""
    start = datetime.fromisoformat(start_utc).replace(tzinfo=UTC)
    return [(start + timedelta(seconds=step_s * k)).astimezone(BERLIN) for k in range(count)]


def local(times: Sequence[datetime]) -> list[str]:
    return [time.strftime("%Y-%m-%d %H:%M:%S") for time in times]


def table(folder: Path, times: Sequence[str], *, temp: Sequence[object] | None = None, steps: Sequence[object] | None = None,
          **mapping: object) -> Recording:  # fmt: skip
    """Row k has k steps."""
    cells = zip(times, steps or range(len(times)), temp or [33.0] * len(times), strict=True)
    path = folder / "minutes.csv"
    path.write_text("time,steps,temp\n" + "".join(f"{a},{b},{c}\n" for a, b, c in cells))
    plain = {"time": {"column": "time", "unit": "iso"}, "channels": COLUMNS, **mapping}
    return read_table(path, mapping=Mapping.from_dict(plain))


def faces(channel: Channel) -> dict[str, int]:
    """What the clock of the recording shows at each valid minute -> its value."""
    assert channel.rate_hz == MINUTE_HZ
    times = channel.start_ns + 60_000_000_000 * np.arange(len(channel.samples))
    shown = times.astype("datetime64[ns]").astype("datetime64[s]").astype(str)
    return {str(shown[k]).replace("T", " "): int(channel.samples[k]) for k in np.flatnonzero(channel.mask())}


def findings(recording: Recording, name: str = "steps") -> dict[str, int]:
    (entry,) = (entry for entry in recording.quality.channels if entry.name == name)
    return {f"{finding.action}: {finding.reason}": finding.samples for finding in entry.findings}


def first_of(times: Sequence[str]) -> dict[str, int]:
    """The first row of every time."""
    found: dict[str, int] = {}
    for row, time in enumerate(times):
        found.setdefault(time, row)
    return found


def test_a_plain_day_is_its_1440_minutes(tmp_path):
    times = local(stamps("2024-05-01T22:00", 1440))
    made = table(tmp_path, times)
    assert (made.clock, made.utc_offset_s) == ("local", None)
    assert faces(made.channel("steps")) == first_of(times)


@pytest.mark.parametrize("count", [1, 5, 30, 200])
def test_minutes_sent_twice_are_dropped_and_none_moves(tmp_path, count):
    day = local(stamps("2024-05-01T22:00", 1440))
    times = sorted(day + day[700 : 700 + count])
    made = table(tmp_path, times)
    assert faces(made.channel("steps")) == first_of(times)
    assert findings(made) == {"dropped: the same time stamp twice": count}


def test_minutes_out_of_order_lose_a_few_and_none_moves(tmp_path):
    times = local(stamps("2024-05-01T22:00", 1440))
    times[50], times[51] = times[51], times[50]
    made = table(tmp_path, times)
    assert findings(made)["dropped: time stamp out of order"] == 1
    assert faces(made.channel("steps")).items() <= first_of(times).items()


def test_a_table_that_runs_backwards_is_refused(tmp_path):
    with pytest.raises(BadRecording, match="only 1 of 1440 stamps are in order; name the column that holds the time"):
        table(tmp_path, local(stamps("2024-05-01T22:00", 1440))[::-1])


@pytest.mark.parametrize("days", [1, 7])
@pytest.mark.parametrize("is_sorted", [False, True])
def test_a_day_of_25_hours_keeps_the_first_of_each_minute(tmp_path, days, is_sorted):
    times = local(stamps("2024-10-26T22:00", 1500 + 1440 * (days - 1)))
    times = sorted(times) if is_sorted else times
    made = table(tmp_path, times)
    assert faces(made.channel("steps")) == first_of(times)
    assert len(made.channel("steps").samples) == 1440 * days
    assert sum(findings(made).values()) == 60


def test_a_day_of_25_hours_fits_a_declared_rate(tmp_path):
    times = sorted(local(stamps("2024-10-26T22:00", 1500)))
    assert faces(table(tmp_path, times, rate_hz=1 / 60).channel("steps")) == first_of(times)


def test_three_hours_around_the_change_are_no_coarse_clock(tmp_path):
    times = sorted(local(stamps("2024-10-26T23:30", 180)))
    assert faces(table(tmp_path, times).channel("steps")) == first_of(times)


def test_a_day_of_23_hours_has_a_gap(tmp_path):
    times = local(stamps("2024-03-30T23:00", 1380))
    made = table(tmp_path, times)
    assert made.channel("steps").valid.bounds.tolist() == [[0, 120], [180, 1440]]
    assert faces(made.channel("steps")) == first_of(times)


def test_half_minutes_stamped_in_minutes_are_half_minutes(tmp_path):
    times = [time.strftime("%Y-%m-%d %H:%M") for time in stamps("2024-05-01T22:00", 240, step_s=30)]
    made = table(tmp_path, times)
    assert made.channel("steps").rate_hz == 1 / 30
    assert made.channel("steps").samples.tolist() == list(range(240))
    assert any("share their time stamp" in note for note in made.quality.notes)


def test_a_sensor_that_never_worked_is_not_valid(tmp_path):
    made = table(tmp_path, local(stamps("2024-05-01T22:00", 1440)), temp=[""] * 1440)
    assert made.channel("temp").valid.total == 0
    assert findings(made, "temp") == {"masked: empty cell, or not a number": 1440}
    assert made.channel("steps").valid.total == 1440


@pytest.mark.parametrize("is_written", [True, False])
def test_a_week_with_one_valid_hour_is_that_hour(tmp_path, is_written):
    week = local(stamps("2024-05-01T22:00", 10_080))
    cells = [k if 5000 <= k < 5060 else "" for k in range(10_080)]
    rows = slice(None) if is_written else slice(5000, 5060)
    made = table(tmp_path, week[rows], steps=cells[rows])
    assert faces(made.channel("steps")) == {week[k]: k for k in range(5000, 5060)}


def test_two_hours_a_week_apart_lie_a_week_apart(tmp_path):
    week = local(stamps("2024-05-01T22:00", 10_080))
    rows = [*range(60), *range(10_020, 10_080)]
    made = table(tmp_path, [week[k] for k in rows], steps=rows)
    assert faces(made.channel("steps")) == {week[k]: k for k in rows}
    assert findings(made) == {"inserted: gap: no samples in the source": 9960}


def test_seconds_other_than_zero_stay(tmp_path):
    times = local([time + timedelta(seconds=23) for time in stamps("2024-05-01T22:00", 1440)])
    assert faces(table(tmp_path, times).channel("steps")) == first_of(times)


def test_a_device_that_restarts_off_the_minute_is_moved_by_less_than_half_of_one_and_says_so(tmp_path):
    before, after = stamps("2024-05-01T22:00", 600), stamps("2024-05-02T08:40", 800)
    made = table(tmp_path, local([*before, *(time + timedelta(seconds=20) for time in after)]))
    assert faces(made.channel("steps")) == first_of(local([*before, *after]))
    assert findings(made)["repaired: moved to the nearest step of the clock"] == 800


def test_a_flight_west_keeps_what_was_shown_first(tmp_path):
    home = stamps("2024-05-01T22:00", 1440)
    times = local([*home[:700], *(time - timedelta(hours=6) for time in home[700:])])
    made = table(tmp_path, times)
    assert faces(made.channel("steps")) == first_of(times)
    assert findings(made) == {"dropped: time stamp out of order": 360}


def test_offsets_that_change_are_utc_with_a_note_and_can_be_put_on_the_wall(tmp_path):
    moments = stamps("2024-10-26T22:00", 1500)
    made = table(tmp_path, [moment.isoformat() for moment in moments])
    assert (made.clock, made.utc_offset_s) == ("utc", 7200)
    assert made.channel("steps").valid.bounds.tolist() == [[0, 1500]]
    assert any("local time minus UTC is 7200 s in the first row and 3600 s in the last" in note for note in made.quality.notes)
    moved = on_wall_clock(made, zone="Europe/Berlin")
    assert faces(moved.channel("steps")) == first_of(local(moments))


def test_an_offset_that_holds_has_no_note(tmp_path):
    made = table(tmp_path, [moment.isoformat() for moment in stamps("2024-05-01T22:00", 60)])
    assert (made.utc_offset_s, made.quality.notes) == (7200, ())


def test_heart_rate_of_whole_minutes_is_a_channel_beside_steps(tmp_path):
    times = stamps("2024-01-15 00:00", 30)
    channels = {"steps": {"modality": "steps"}, "temp": {"modality": "hr"}}
    recording = table(tmp_path, local(times), temp=[60.0 + k for k in range(30)], channels=channels)
    assert {c.modality: c.rate_hz for c in recording.channels} == {
        "steps": pytest.approx(MINUTE_HZ),
        "hr": pytest.approx(MINUTE_HZ),
    }
    assert len(recording.events.of_kind("hr")) == 0
