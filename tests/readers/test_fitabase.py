from __future__ import annotations

import csv
import gzip
import os
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.datasets.tiny import write_fitabase
from tests.readers.tiny_fitbit import FITABASE, write_fitabase_minutes
from wearfm.datasets import fitabase
from wearfm.errors import BadRecording
from wearfm.readers import read
from wearfm.signals.recording import SECOND
from wearfm.signals.spans import Spans

DATA = ROOT / os.environ.get("WEARFM_DATA", "../shared/data") / fitabase.DATASET.folder
MIDNIGHT = 1_460_419_200  # 2016-04-12 on the wall clock


def test_narrow_minutes_seconds_and_sleep_of_a_person(tmp_path: Path) -> None:
    (recording,) = read(write_fitabase_minutes(tmp_path))
    (steps,) = recording.channels
    assert (steps.samples.tolist(), steps.samples.dtype, steps.start_ns) == ([0, 9, 0, 7], np.int16, MIDNIGHT * SECOND)
    assert steps.valid == Spans.of([(0, 2), (3, 4)])
    assert (recording.participant, recording.name, recording.clock) == ("1503960366", "study", "local")
    assert [(kind, on / SECOND - MIDNIGHT, long / SECOND, label) for kind, on, long, label, _ in recording.events.rows()] == [
        ("hr", 5, 0, ""), ("sleep_stage", 10_050, 60, "W"), ("sleep_stage", 10_110, 120, "asleep"),
    ]  # fmt: skip


def test_wide_tables_hold_what_the_data_set_finds(tmp_path: Path) -> None:
    night = "1503960366,4/13/2016 0:00,1,327,346\n"
    write_fitabase(tmp_path, steps=[7, 0, 3], sleep=night + night)
    (ours,), (card,) = read(tmp_path), fitabase.recordings(tmp_path)
    for channel in card.channels:
        assert ours.channel(channel.name).physical().tolist() == channel.physical().tolist()
        assert ours.channel(channel.name).start_ns == channel.start_ns
    assert ours.events.rows() == card.events.rows() or str(ours.events.rows()) == str(card.events.rows())
    assert dict(ours.facts) == dict(card.facts)


def test_rows_without_a_person_or_a_time_are_counted(tmp_path: Path) -> None:
    folder = write_fitabase_minutes(tmp_path)
    path = folder / "minuteStepsNarrow_merged.csv"
    path.write_text(FITABASE[path.name] + "nobody,4/12/2016 12:04:00 AM,1\n1503960366,12.4.2016,1\n1503960366,5\n")
    (recording,) = read(folder)
    assert recording.quality.notes == (
        "3 rows of minuteStepsNarrow_merged.csv have no person, no time or the wrong number of cells; left out",
    )
    path.write_text(FITABASE[path.name].replace(",9\n", ",many\n"))
    with pytest.raises(BadRecording, match="column Steps does not hold numbers"):
        list(read(folder))


@pytest.mark.real
def test_genuine_tables_hold_what_a_loop_finds() -> None:
    if not DATA.exists():
        pytest.skip(f"no {DATA}")
    recordings = {recording.participant: recording for recording in read(DATA)}
    sums: dict[str, int] = {}
    with gzip.open(DATA / "minuteStepsWide_merged.csv.gz", "rt") as file:
        for row in csv.reader(file):
            if row[0].isdigit():
                sums[row[0]] = sums.get(row[0], 0) + sum(map(int, row[2:]))
    found = {
        person: sum(int(c.physical()[c.mask()].sum()) for c in recording.channels if c.name == "steps")
        for person, recording in recordings.items()
    }
    assert {person: count for person, count in found.items() if person in sums} == sums
    card = {recording.participant: recording for recording in fitabase.recordings(DATA)}
    for person in sums:
        ours, theirs = recordings[person].channel("steps"), card[f"fitabase:{person}"].channel("steps")
        assert np.array_equal(ours.physical(), theirs.physical())
        assert ours.start_ns == theirs.start_ns
