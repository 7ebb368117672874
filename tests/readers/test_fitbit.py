from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.readers.tiny_fitbit import HEART, NIGHT, STEPS, write_takeout, write_takeout_steps
from wearfm.errors import BadRecording
from wearfm.readers import find, read
from wearfm.signals.recording import SECOND
from wearfm.signals.spans import Spans

SEVEN = 1_584_514_800  # 2020-03-18 07:00 UTC


def test_minutes_and_nights_are_recordings_on_their_own_clocks(tmp_path: Path) -> None:
    minutes, nights = read(write_takeout(tmp_path))
    assert [(r.name, r.clock, r.utc_offset_s, r.participant) for r in (minutes, nights)] == [
        ("minutes", "utc", None, "P07"),
        ("nights", "local", None, "P07"),
    ]
    (steps,) = minutes.channels
    assert (steps.modality, steps.rate_hz, steps.start_ns, steps.samples.dtype) == ("steps", 1 / 60, SEVEN * SECOND, np.int16)
    assert (steps.samples.tolist(), steps.valid) == ([12, 0, 0, 0, 30], Spans.of([(0, 2), (4, 5)]))
    assert [(on / SECOND - SEVEN, label, value) for _, on, _, label, value in minutes.events.rows()] == [
        (5, "2", 61), (10, "3", 62),
    ]  # fmt: skip


def test_a_short_waking_is_laid_over_its_stage(tmp_path: Path) -> None:
    _, nights = read(write_takeout(tmp_path))
    bed = 1_584_489_540 * SECOND  # 2020-03-17 23:59 on the wall clock
    assert [((on - bed) // SECOND, long // SECOND, label) for _, on, long, label, _ in nights.events.rows()] == [
        (0, 60, "W"), (60, 120, "light"), (180, 30, "W"), (210, 150, "light"), (360, 300, "REM"),
    ]  # fmt: skip


def test_the_rate_at_rest_belongs_to_its_day(tmp_path: Path) -> None:
    days = [
        {"dateTime": f"03/{day}/20 00:00:00", "value": {"date": f"03/{day}/20", "value": rate}}
        for day, rate in ((18, 58.5), (19, 0))
    ]
    _, nights = read(write_takeout(tmp_path, resting_heart_rate=days))
    assert nights.events.of_kind("hr_at_rest").rows() == [
        ("hr_at_rest", (SEVEN - 7 * 3600) * SECOND, 86_400 * SECOND, "", 58.5)
    ]


def test_what_cannot_be_read_is_counted(tmp_path: Path) -> None:
    odd = [*HEART, {"dateTime": "18.3.2020", "value": {"bpm": 60}}, {"dateTime": "03/18/20 07:00:15", "value": {"bpm": 0}}]
    night = {**NIGHT, "levels": {"data": [{"dateTime": "2020-03-18T00:00:00.000", "level": "flying", "seconds": 9}]}}
    path = write_takeout(tmp_path, heart_rate=odd, sleep=[night], distance=STEPS, altitude=STEPS)
    (path / "steps-2020-03-19.json").write_text('[{"dateTime" : oops')
    (minutes,) = read(path)
    assert minutes.quality.notes == (
        "2 entries of heart_rate cannot be read; left out",
        "1 entries of sleep cannot be read; left out",
        "1 entries of steps-2020-03-19.json (no list in JSON) cannot be read; left out",
        "files not read: altitude (1), distance (1)",
    )


def test_the_same_minute_in_two_files_counts_once(tmp_path: Path) -> None:
    path = write_takeout_steps(tmp_path)
    (path / "steps-2020-04-17.json").write_text((path / "steps-2020-03-18.json").read_text().replace('"30"', '"31"'))
    (minutes,) = read(path)
    assert minutes.channels[0].samples.tolist() == [12, 0, 0, 0, 30]
    assert minutes.quality.channels[0].count("dropped") == 3


def test_a_walk_finds_the_folder_and_a_file_of_nothing_is_refused(tmp_path: Path) -> None:
    folder = write_takeout(tmp_path)
    assert find(tmp_path) == [folder]
    assert len(list(read(folder / "sleep-2020-03-18.json"))) == 2
    alone = tmp_path / "altitude-2020-03-18.json"
    alone.write_text('[{"dateTime": "03/18/20 07:00:00", "value": "1"}]')
    with pytest.raises(BadRecording, match=r"nothing that can be read; files not read: altitude \(1\)"):
        list(read(alone))
