from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tests.datasets.tiny import write_mitdb
from wearfm.datasets import mitdb
from wearfm.evaluation.task import Rows
from wearfm.evaluation.tasks.mitdb_ventricular_beats import TASK
from wearfm.signals.recording import SECOND


def test_both_leads_are_in_millivolt(tmp_path: Path) -> None:
    write_mitdb(tmp_path)
    (one,) = mitdb.recordings(tmp_path)
    assert [(channel.name, channel.placement) for channel in one.channels] == [("MLII", "lead MLII"), ("V1", "lead V1")]
    assert [channel.physical()[0] for channel in one.channels] == [0.0, 1.0]
    assert one.channels[0].samples.dtype == np.int16
    assert one.duration_s == 2.0


def test_beats_rhythms_and_other_marks_are_three_kinds_of_event(tmp_path: Path) -> None:
    write_mitdb(tmp_path)
    (one,) = mitdb.recordings(tmp_path)
    assert [(row[0], row[3], row[1] / SECOND, row[2] / SECOND) for row in one.events.rows()] == [
        ("rhythm", "normal sinus", 0.05, 0.95),
        ("beat", "normal", 0.1, 0.0),
        ("beat", "premature ventricular", 0.5, 0.0),
        ("annotation", "~", 1.0, 0.0),
        ("rhythm", "atrial fibrillation", 1.0, 1.0),
    ]


def test_records_201_and_202_are_one_person_with_age_sex_and_medication(tmp_path: Path) -> None:
    write_mitdb(tmp_path)
    (one,) = mitdb.recordings(tmp_path)
    assert (one.participant, one.name) == ("mitdb:201", "202")
    assert one.facts == {"age_years": 68.0, "sex": "male", "medication": "digoxin, hydrochlorthiazide"}


class OfRecordings:
    """The truth of recordings in memory."""

    def __init__(self, recordings):
        self._events = {(one.participant, one.name): one.events for one in recordings}

    def facts(self, participant, recording):
        return {}

    def events(self, participant, recording, kind):
        return self._events[participant, recording].of_kind(kind)


@pytest.mark.real
def test_the_real_records_hold_beats_rhythms_and_facts(data_folder: Path) -> None:
    records = list(mitdb.recordings(data_folder / mitdb.DATASET.folder))
    assert len(records) == len({one.participant for one in records}) == 18
    assert sum(one.duration_s for one in records) / 3600 == pytest.approx(9.028, abs=1e-3)
    beats = Counter(label for one in records for label in one.events.of_kind("beat").label.tolist())
    assert sum(beats.values()) == 41995
    assert beats["premature ventricular"] == 3485
    of_119 = next(one for one in records if one.name == "119").events
    assert Counter(of_119.of_kind("beat").label.tolist()) == {"normal": 1543, "premature ventricular": 444}
    rhythms = {label for one in records for label in one.events.of_kind("rhythm").label.tolist()}
    assert rhythms <= set(mitdb.RHYTHMS.values())
    assert {one.facts["sex"] for one in records} == {"male", "female"}
    assert all("medication" in one.facts for one in records)


@pytest.mark.real
def test_real_stretches_of_10_s_hold_premature_beats_in_most_people(data_folder: Path) -> None:
    records = list(mitdb.recordings(data_folder / mitdb.DATASET.folder))
    starts = np.arange(0, 1800, 10)
    rows = Rows(
        participant=np.repeat([one.participant for one in records], len(starts)),
        recording=np.repeat([one.name for one in records], len(starts)),
        start_ns=np.tile(starts * SECOND, len(records)),
        duration_s=np.full(len(records) * len(starts), 10.0),
    )
    labels = TASK.label(rows, OfRecordings(records))
    assert set(labels.tolist()) == {"yes", "no"}
    people = {name: set(labels[rows.participant == name].tolist()) for name in set(rows.participant.tolist())}
    assert sum(found == {"yes", "no"} for found in people.values()) >= 14
