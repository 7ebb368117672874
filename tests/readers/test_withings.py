from __future__ import annotations

import csv
import json
import os
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.readers.tiny_withings import HEAD, write_withings
from wearfm.errors import BadRecording
from wearfm.readers import find, read
from wearfm.signals.recording import SECOND
from wearfm.signals.spans import Spans

DATA = ROOT / os.environ.get("WEARFM_DATA", "../shared/data") / "raw_devices/withings_sleep"
BED = 1_603_483_380  # 2020-10-23 20:03 UTC


def test_a_folder_gives_minutes_stages_and_the_night(tmp_path: Path) -> None:
    (recording,) = read(write_withings(tmp_path))
    hr, steps = recording.channels
    assert (hr.modality, hr.rate_hz, hr.start_ns, hr.samples.dtype) == ("hr", 1 / 60, BED * SECOND, np.int16)
    assert hr.samples[hr.mask()].tolist() == [66, 64, 65]
    assert hr.valid == Spans.of([(0, 2), (5, 6)])
    assert steps.physical().tolist() == [15, 21, 6]
    assert (recording.clock, recording.utc_offset_s, recording.participant) == ("utc", 7200, "P07")
    stages = recording.events.of_kind("sleep_stage").rows()
    assert [(on / SECOND - BED, long / SECOND, label) for _, on, long, label, _ in stages] == [
        (0, 60, "W"), (60, 120, "light"), (180, 60, "REM"),
    ]  # fmt: skip
    assert recording.events.of_kind("snoring").rows() == [("snoring", (BED + 60) * SECOND, 60 * SECOND, "", 100.0)]
    nights = recording.events.of_kind("sleep_night")
    assert dict(zip(nights.label.tolist(), nights.value.tolist(), strict=True)) == {
        "": 360, "light": 180, "deep": 0, "REM": 60, "W": 60,
    }  # fmt: skip


def test_each_offset_is_a_recording_and_a_table_without_a_zone_another(tmp_path: Path) -> None:
    folder = write_withings(tmp_path)
    with (folder / "raw_sleep-monitor_hr.csv").open("a") as file:
        file.write("2020-10-25T22:03:00+01:00,[60],[50]\n")
    (folder / "weight.csv").write_text('Date,"Weight (kg)","Fat mass (kg)"\n2020-10-01 08:00:00,72.5,\n')
    (folder / "bp.csv").write_text('Date,"Heart rate",Systolic,Diastolic,Comments\n2020-10-01 08:01:00,61,120,80,"tired"\n')
    summer, winter, measures = read(folder)
    assert [summer.utc_offset_s, winter.utc_offset_s, measures.utc_offset_s] == [7200, 3600, None]
    assert winter.channels[0].start_ns == 1_603_659_780 * SECOND
    assert measures.clock == "local"
    assert [(kind, value) for kind, *_, value in measures.events.rows()] == [
        ("weight_kg", 72.5), ("dbp_mmHg", 80), ("hr", 61), ("sbp_mmHg", 120),
    ]  # fmt: skip


def test_a_minute_that_two_rows_hold_counts_once_and_odd_rows_are_noted(tmp_path: Path) -> None:
    folder = write_withings(tmp_path)
    with (folder / "raw_sleep-monitor_hr.csv").open("a") as file:
        file.write('2020-10-23T22:04:00+02:00,[60],[99]\n2020-10-23T22:30:00+02:00,"[60,60]",[1]\n')
    (folder / "raw_tracker_elevation.csv").write_text(HEAD)
    (recording,) = read(folder)
    assert recording.channels[0].samples[:2].tolist() == [66, 64]
    assert recording.quality.channels[0].findings[-2].reason == "the same minute again"
    assert recording.quality.notes[:2] == (
        "1 rows of a series that cannot be read; left out",
        "not read: raw_tracker_elevation.csv",
    )


def test_a_series_of_unknown_quantity_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "series.csv"
    path.write_text(HEAD + "2020-10-23T22:04:00+02:00,[60],[99]\n")
    assert find(tmp_path) == [tmp_path]
    with pytest.raises(BadRecording, match=r"no row that can be read; not read: series\.csv"):
        list(read(path))


def _by_minute(quantity: str) -> dict[int, float]:
    """The value of every minute, from the first row that holds it."""
    found: dict[int, float] = {}
    with (DATA / f"raw_sleep-monitor_{quantity}.csv").open() as file:
        for row in sorted(csv.DictReader(file), key=lambda row: datetime.fromisoformat(row["start"])):
            start = int(datetime.fromisoformat(row["start"]).timestamp()) // 60
            for place, value in enumerate(json.loads(row["value"])):
                found.setdefault(start + place, value)
    return found


@pytest.mark.real
def test_a_genuine_folder_holds_what_a_loop_finds() -> None:
    if not DATA.exists():
        pytest.skip(f"no {DATA}")
    (recording,) = read(DATA)
    tables = {quantity: _by_minute(quantity) for quantity in ("hr", "respiratory-rate", "sleep-state")}
    for quantity, name in (("hr", "hr"), ("respiratory-rate", "resp_rate")):
        channel = recording.channel(name)
        minutes = channel.start_ns // SECOND // 60 + np.flatnonzero(channel.mask())
        assert dict(zip(minutes.tolist(), channel.physical()[channel.mask()].tolist(), strict=True)) == tables[quantity]
        assert recording.quality.channels[0].count("dropped") == 4863 - len(tables[quantity])  # nights stand there twice
    stages = recording.events.of_kind("sleep_stage")
    states = list(tables["sleep-state"].values())
    for state, label in enumerate(("W", "light", "deep", "REM")):
        assert stages.duration_ns[stages.label == label].sum() == states.count(state) * 60 * SECOND
    nights = recording.events.of_kind("sleep_night")
    onset = int(datetime.fromisoformat("2020-10-12T23:52:00+02:00").timestamp()) * SECOND
    (light,) = nights.value[(nights.onset_ns == onset) & (nights.label == "light")].tolist()
    inside = (stages.label == "light") & (stages.onset_ns >= onset) & (stages.onset_ns < onset + 8 * 3600 * SECOND)
    assert stages.duration_ns[inside].sum() // SECOND == light == 16_320
