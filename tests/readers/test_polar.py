from __future__ import annotations

import gzip
import os
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.readers.tiny_polar import FIRST_NS, POLAR, write_polar
from wearfm.errors import BadRecording
from wearfm.readers import find, read
from wearfm.signals.recording import SECOND

DATA = ROOT / os.environ.get("WEARFM_DATA", "../shared/data") / "raw_devices/polar_verity_biobss"
NOON = 1_650_886_776  # 2022-04-25 11:39:36 on the wall clock


def test_a_folder_is_one_recording_on_one_clock(tmp_path: Path) -> None:
    (recording,) = read(write_polar(tmp_path))
    table = {channel.name: (channel.modality, channel.unit, channel.axis) for channel in recording.channels}
    assert table == {
        "ACC x": ("acc", "g", "x"), "ACC y": ("acc", "g", "y"), "ACC z": ("acc", "g", "z"),
        "PPG channel 0": ("ppg", "au", ""), "ambient": ("other", "au", ""),
    }  # fmt: skip
    assert {(channel.rate_hz, channel.start_ns) for channel in recording.channels} == {(50.0, NOON * SECOND)}
    assert recording.channel("ACC y").physical().tolist() == pytest.approx([1.0, 0.999, 0.998, 0.997, 0.996, 0.995])
    assert recording.channel("PPG channel 0").samples.dtype == np.int32
    assert (recording.clock, recording.utc_offset_s, recording.device) == ("local", None, "Polar Sense")
    assert recording.quality.notes[0] == (
        "the phone's stamps are ahead of the sensor's: Polar_Sense_ACC.txt 2.000 s, Polar_Sense_PPG.txt.gz 3.000 s;"
        " the least was added to all"
    )


def test_rates_sound_intervals_and_markers_are_events(tmp_path: Path) -> None:
    (recording,) = read(write_polar(tmp_path))
    assert [(kind, on / SECOND - NOON, long / SECOND, label) for kind, on, long, label, _ in recording.events.rows()] == [
        ("annotation", pytest.approx(0.05, abs=1e-6), 0, "MARKER_START"),
        ("hr", 1.0, 1.0, ""),
        ("ibi", pytest.approx(1.1, abs=1e-6), 0.9, ""),
    ]
    assert recording.quality.notes[1:] == (
        "1 lines of Polar_Sense_HR.txt hold no heart rate; left out",
        "1 lines of Polar_Sense_PPI.txt are marked as disturbed by movement; left out",
        "1 lines of Polar_Sense_PPI.txt are marked as without contact to the skin; left out",
    )


def test_broken_lines_are_counted_and_a_lost_second_is_a_gap(tmp_path: Path) -> None:
    path = write_polar(tmp_path) / "Polar_Sense_ACC.txt"
    rows = [f"2022-04-25T11:39:36.{20 * k:03d};{FIRST_NS + 20_000_000 * k};{k};0;0" for k in range(20)]
    lines = [POLAR[path.name].splitlines()[0], *rows]
    lines[3] = lines[3].replace("2022-04-25T", "yesterday ")
    lines[6] = lines[6] + ";7"
    path.write_text("\n".join([*lines, ""]))
    (recording,) = read(path.parent)
    x = recording.channel("ACC x")
    assert np.flatnonzero(~x.mask()).tolist() == [2, 5]
    assert recording.quality.channels[0].findings[0].samples == 2


def test_a_file_alone_is_read_and_a_walk_finds_the_folder(tmp_path: Path) -> None:
    folder = write_polar(tmp_path)
    assert find(tmp_path) == [folder]
    alone = tmp_path / "alone.txt"
    alone.write_text(POLAR["Polar_Sense_HR.txt"].replace(";66", ";0"))
    with pytest.raises(BadRecording, match=r"no line that can be read; 2 lines of alone\.txt hold no heart rate"):
        list(read(alone))


@pytest.mark.real
def test_a_genuine_folder_holds_what_a_loop_finds() -> None:
    if not DATA.exists():
        pytest.skip(f"no {DATA}")
    (recording,) = read(DATA)
    with gzip.open(DATA / "Polar_Sense_ACC.txt.gz", "rt") as file:
        rows = [line.split(";") for line in file.read().splitlines()[1:]]
    for place, axis in enumerate("xyz", 2):
        channel = recording.channel(f"ACC {axis}")
        assert channel.samples[channel.mask()].tolist() == [int(row[place]) for row in rows]
    lasts = (int(rows[-1][1]) - int(rows[0][1])) / 1e9
    assert recording.channel("ACC x").duration_s == pytest.approx(lasts, rel=1e-3)
    with (DATA / "Polar_Sense_PPI.txt").open() as text:
        beats = [line.split(";") for line in text.read().splitlines()[1:]]
    sound = [int(beat[1]) for beat in beats if beat[3] == "0"]
    events = recording.events.of_kind("ibi")
    assert sorted((events.value * 1000).round().astype(int).tolist()) == sorted(sound)
    assert int(np.median(60_000 / np.array(sound))) in range(40, 120)
    first = datetime.fromisoformat(next(beat[0] for beat in beats if beat[3] == "0") + "+00:00")
    assert int(events.onset_ns[0] + events.duration_ns[0]) / SECOND == pytest.approx(first.timestamp())
    rates = recording.events.of_kind("hr").value
    with (DATA / "Polar_Sense_HR.txt").open() as text:
        written = [int(line.split(";")[1]) for line in text.read().splitlines()[1:]]
    assert rates.tolist() == [rate for rate in written if rate > 0]
