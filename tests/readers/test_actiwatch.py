from __future__ import annotations

import csv
import gzip
import os
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.readers.tiny_actiwatch import ABOUT, AWD, COLUMNS, EPOCHS, actiware, write_actiware, write_awd, write_mesa
from wearfm.errors import BadRecording
from wearfm.readers import read
from wearfm.signals.recording import SECOND, Recording

DATA = ROOT / os.environ.get("WEARFM_DATA", "../shared/data") / "raw_devices"


def _write(folder: Path, text: str, name: str = "export.csv") -> Recording:
    path = folder / name
    path.write_text(text)
    (recording,) = read(path)
    return recording


def _labels(recording: Recording, kind: str) -> list[tuple[float, float, str]]:
    start = recording.start_ns
    return [
        ((onset - start) / SECOND, lasts / SECOND, label) for _, onset, lasts, label, _ in recording.events.of_kind(kind).rows()
    ]


def test_an_awd_file_has_counts_light_markers_and_facts(tmp_path: Path) -> None:
    (recording,) = read(write_awd(tmp_path))
    counts, light = recording.channels
    assert (counts.samples.tolist(), counts.samples.dtype, counts.rate_hz) == ([0, 498, 394, 666, 262, 14], np.int32, 1 / 60)
    assert light.physical().tolist() == [0.0, 1.5, 2.0, 0.25, 0.0, 0.0]
    assert (recording.clock, recording.utc_offset_s, recording.participant) == ("local", None, "P07")
    assert recording.start_ns == 1_254_416_400 * SECOND  # 2009-10-01 17:00 on the wall clock
    assert recording.facts == {"sex": "female", "age_years": 34.0}
    assert _labels(recording, "tag") == [(60.0, 0.0, "")]


def test_the_name_of_a_person_is_no_participant(tmp_path: Path) -> None:
    recording = _write(tmp_path, AWD.replace("P07", "Ann Example") + "1\n", "night.AWD")
    assert (recording.participant, "Ann" in repr(recording)) == ("night", False)


def test_months_are_read_in_other_languages_and_false_years_keep_their_time_of_day(tmp_path: Path) -> None:
    dutch = _write(tmp_path, AWD.replace("Oct", "okt") + "1\n", "night.AWD")
    assert dutch.start_ns == 1_254_416_400 * SECOND
    old = _write(tmp_path, AWD.replace("2009", "1918") + "1\n", "night.AWD")
    assert (old.clock, old.start_ns) == ("relative", 17 * 3600 * SECOND)
    assert old.quality.notes == ("the date is before 1980, as of a file made anonymous: only the time of day is kept",)


def test_a_line_that_is_no_epoch_is_masked_and_an_unknown_epoch_refused(tmp_path: Path) -> None:
    recording = _write(tmp_path, AWD + "5\n#!\n7 M\n", "night.AWD")
    assert recording.channels[0].mask().tolist() == [True, False, True]
    assert recording.quality.reasons() == {"masked: a line that is no epoch": 1}
    with pytest.raises(BadRecording, match=r"epoch code '5' is none of 1 \(15 s\), 2 \(30 s\).*another epoch"):
        _write(tmp_path, AWD.replace(" 4 ", "5") + "1\n", "night.AWD")
    with pytest.raises(BadRecording, match="no line after the header is a count"):
        _write(tmp_path, AWD + "x\ny\n", "night.AWD")


def test_an_export_has_spans_of_sleep_intervals_and_off_the_wrist(tmp_path: Path) -> None:
    (recording,) = read(write_actiware(tmp_path))
    counts, light = recording.channels
    assert (counts.rate_hz, counts.samples.dtype, counts.placement) == (1 / 30, np.int16, "wrist")
    assert counts.samples[counts.mask()].tolist() == [12, 0, 0, 7]
    assert light.physical()[light.mask()].tolist() == [3.5, 0.0, 0.0, 9.25]
    assert (recording.clock, recording.utc_offset_s) == ("utc", 3600)
    assert recording.start_ns == 1_588_287_540 * SECOND  # 2020-04-30 23:59 at one hour before UTC
    assert _labels(recording, "sleep_stage") == [(0.0, 30.0, "W"), (30.0, 60.0, "asleep"), (120.0, 30.0, "W")]
    assert [label for *_, label in _labels(recording, "interval")] == ["active", "sleep", "excluded", "active"]
    assert _labels(recording, "off_wrist") == [(90.0, 30.0, "")]
    assert _labels(recording, "tag") == [(30.0, 0.0, "")]


def test_of_the_person_only_a_code_sex_and_age_are_kept(tmp_path: Path) -> None:
    (recording,) = read(write_actiware(tmp_path))
    assert (recording.participant, recording.facts) == ("S01", {"sex": "female", "age_years": 29.0})
    assert not any(word in repr(recording) for word in ("Ann", "A.E.", "Road", "1990"))


def test_day_and_month_are_told_apart_by_the_days_that_follow(tmp_path: Path) -> None:
    rows = [f'"{k}","{day}","{time}","0","5","0","0","1","ACTIVE"' for k, day, time in (
        (1, "04/07/2020", "23:59:30"), (2, "04/08/2020", "00:00:00"), (3, "04/08/2020", "00:00:30"),
    )]  # fmt: skip
    columns = COLUMNS.replace('Status",\n', 'Status"\n')
    american = _write(tmp_path, actiware(*rows, columns=columns))
    assert american.start_ns == (1_586_303_970 - 3600) * SECOND  # 7 April
    assert len(american.channels[0].samples) == 3
    unknown = _write(
        tmp_path, actiware(rows[0], rows[0].replace('"1","04', '"2","04').replace("23:59:30", "23:59:45"), columns=columns)
    )
    assert (unknown.clock, unknown.start_ns) == ("relative", 86_370 * SECOND)
    assert unknown.quality.notes[0] == "'04/07/2020' may be day and month or month and day"


def test_twelve_hours_decimal_commas_and_dutch_are_read(tmp_path: Path) -> None:
    columns = "Lijn,Datum,Tijd,Activiteit,Wit licht,Slapen/waken,Intervalstatus\n\n"
    rows = ('1,31-01-2020,11:59:30 PM,4,"2,5",1,ACTIEF', '2,01-02-2020,12:00:00 AM,3,"0,5",0,SLAAP')
    recording = _write(tmp_path, actiware(*rows, columns=columns))
    assert recording.channels[1].physical().tolist() == [2.5, 0.5]
    assert _labels(recording, "interval") == [(0.0, 30.0, "active"), (30.0, 30.0, "sleep")]


def test_a_broken_row_is_dropped_and_counted(tmp_path: Path) -> None:
    recording = _write(tmp_path, actiware(*EPOCHS[:2], '"3","01/05/2020"', *EPOCHS[3:]))
    assert recording.quality.channels[0].findings[0].reason == "row with too few or too many cells"
    assert recording.channels[0].mask().tolist() == [True, True, False, False, True]
    with pytest.raises(BadRecording, match="no table of epochs; export it with the epoch-by-epoch data"):
        _write(tmp_path, ABOUT)


def test_the_tables_of_mesa_have_times_without_a_date(tmp_path: Path) -> None:
    (recording,) = read(write_mesa(tmp_path))
    assert (recording.participant, recording.clock, recording.start_ns) == ("0001", "relative", 86_340 * SECOND)
    assert recording.channels[0].samples[:3].tolist() == [8, 0, 2]
    assert recording.channels[0].mask().tolist() == [True, True, True, False]
    assert [label for *_, label in _labels(recording, "interval")] == ["active", "rest", "sleep", "excluded"]


def _genuine(name: str) -> Path:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"no {path}")
    return path


@pytest.mark.real
@pytest.mark.parametrize("number", range(1, 6))
def test_genuine_awd_files_hold_what_a_loop_finds(number: int) -> None:
    path = _genuine(f"pyactigraphy/example_0{number}.AWD")
    lines = path.read_text().splitlines()
    (recording,) = read(path)
    by_hand = [int(line.replace("M", "")) for line in lines[7:]]
    assert recording.channels[0].samples.tolist() == by_hand
    assert [row for row, line in enumerate(lines[7:]) if "M" in line] == [
        (onset - recording.start_ns) // (60 * SECOND) for onset in recording.events.of_kind("tag").onset_ns.tolist()
    ]
    hour, minute = map(int, lines[2].split(":"))
    assert recording.start_ns == (hour * 60 + minute) * 60 * SECOND


@pytest.mark.real
def test_a_genuine_export_agrees_with_its_own_statistics() -> None:
    path = _genuine("pyactigraphy/test_sample_rpx_eng.csv.gz")
    (recording,) = read(path)
    with gzip.open(path, "rt", encoding="utf-8-sig") as file:
        lines = list(csv.reader(file))
    epochs = lines[max(k for k, cells in enumerate(lines) if cells[:1] == ["1"]) :]
    counts, light = recording.channels
    assert counts.samples.tolist() == [int(cells[3]) for cells in epochs]
    np.testing.assert_allclose(light.physical(), [float(cells[5]) for cells in epochs], rtol=1e-6)
    assert recording.clock == "utc"
    assert recording.start_ns == 1_435_999_500 * SECOND  # 2015-07-04 09:45 in Dublin, summer time
    (first,) = [cells for cells in lines if cells[:2] == ["SLEEP", "1"]]  # 21:20:30 to 06:56:30, 44.5 min awake
    begin, end = (recording.start_ns + seconds * SECOND for seconds in (41_730, 76_290))
    rows = recording.events.of_kind("sleep_stage").rows()
    for label, cell in (("W", 9), ("asleep", 11)):
        inside = sum(max(0, min(on + long, end) - max(on, begin)) for _, on, long, name, _ in rows if name == label)
        assert inside / SECOND / 60 == float(first[cell])


@pytest.mark.real
def test_a_genuine_dutch_export_is_off_the_wrist_as_long_as_it_says() -> None:
    (recording,) = read(_genuine("actiwatch/Actiwatch.csv"))
    assert recording.events.of_kind("off_wrist").duration_ns.sum() / SECOND / 60 == 199.25  # its table says 199,25
    assert (recording.participant, recording.clock, recording.utc_offset_s) == ("1", "utc", 3600)
    counts = recording.channels[0]
    assert (len(counts.samples), counts.valid.total, counts.samples[-3:].tolist()) == (860, 63, [105, 159, 82])


@pytest.mark.real
def test_the_genuine_awd_of_another_house() -> None:
    path = _genuine("actiwatch/Actiwatch.AWD")
    (recording,) = read(path)
    rows = [line.split(",") for line in path.read_text(encoding="latin-1").splitlines()[7:]]
    assert recording.channels[0].samples.tolist() == [int(cells[0]) for cells in rows]
    assert len(recording.events.of_kind("tag")) == sum("M" in cells[-1] for cells in rows) == 2
    assert (recording.clock, recording.start_ns) == ("local", 1_254_416_400 * SECOND)
