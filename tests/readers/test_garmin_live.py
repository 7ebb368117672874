from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.readers.tiny_garmin_live import DATA, write_garmin_live
from wearfm.readers import find, read
from wearfm.signals.recording import SECOND

FOLDER = ROOT / os.environ.get("WEARFM_DATA", "../shared/data") / "raw_devices/garmin_flirt"
NINE = 1_571_220_540  # 2019-10-16 12:09 at two hours before UTC


def test_a_folder_has_axes_events_and_steps(tmp_path: Path) -> None:
    (recording,) = read(write_garmin_live(tmp_path))
    x = recording.channel("ACC x")
    assert (x.rate_hz, x.start_ns, x.samples.tolist()) == (25.0, (NINE + 1) * SECOND, [-36, -35, -34, -33, -32, -31])
    assert x.physical()[0] == pytest.approx(-0.036)
    steps = recording.channel("steps")
    assert (steps.physical().tolist(), steps.start_ns) == ([10, 10], (NINE - 60) * SECOND)
    assert (recording.clock, recording.utc_offset_s, recording.participant) == ("utc", 7200, "P07")
    assert [(kind, on / SECOND - NINE, long / SECOND, value) for kind, on, long, _, value in recording.events.rows()] == [
        ("ibi", 0, 0.75, 0.75), ("hr", 0.5, 0, 79), ("stress", 1, 0, 7),
    ]  # fmt: skip
    assert recording.quality.notes == (
        "1 counts of steps begin anew; what came before them that day is not known",
        "1 values of stress are outside 0 to 100; left out",
        "not read: CALORIES (1)",
    )


def test_each_offset_is_a_recording_and_bad_lines_are_counted(tmp_path: Path) -> None:
    folder = write_garmin_live(tmp_path)
    (folder / "data.csv").write_text(DATA + "2019-10-27T12:00:00.000+01:00;HEART_RATE;60.0\nnow;HEART_RATE;1\n5\n")
    summer, winter = read(folder)
    assert [summer.utc_offset_s, winter.utc_offset_s] == [7200, 3600]
    assert winter.events.rows()[0][:2] == ("hr", 1_572_174_000 * SECOND)
    assert summer.quality.notes[0] == "2 lines of data.csv have no time, no number or the wrong number of cells; left out"
    assert find(tmp_path) == [folder]


@pytest.mark.real
def test_a_genuine_folder_holds_what_a_loop_finds() -> None:
    if not FOLDER.exists():
        pytest.skip(f"no {FOLDER}")
    (recording,) = read(FOLDER)
    with gzip.open(FOLDER / "acc.csv.gz", "rt") as file:
        rows = {line.split(";")[0]: line.rstrip("\n").split(";")[1:] for line in reversed(file.read().splitlines())}
    for place, axis in enumerate("xyz"):
        channel = recording.channel(f"ACC {axis}")
        assert channel.samples[channel.mask()].tolist() == [int(rows[stamp][place]) for stamp in sorted(rows)]
    length = np.sqrt(sum(recording.channel(f"ACC {axis}").physical() ** 2 for axis in "xyz"))
    assert 0.8 < np.median(length[recording.channel("ACC x").mask()]) < 1.1  # gravity
    with gzip.open(FOLDER / "data.csv.gz", "rt") as file:
        lines = [line.rstrip("\n").split(";") for line in file]
    written = {name: [float(line[2]) for line in lines if line[1] == name] for name in ("HEART_RATE", "HEART_RATE_VARIABILITY")}
    rates, beats = recording.events.of_kind("hr").value, recording.events.of_kind("ibi").value
    assert sorted(rates.tolist()) == sorted(rate for rate in written["HEART_RATE"] if 20 <= rate <= 300)
    assert beats.sum() == pytest.approx(sum(written["HEART_RATE_VARIABILITY"]) / 1000)
    assert 60 / rates.mean() == pytest.approx(beats.mean(), rel=0.05)  # two tellings of one heart
