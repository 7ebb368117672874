"""Every data set of the collection at hand: all that is there is read, keeps the contracts, and answers its tasks."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tests.contracts.test_readers import obey
from tests.contracts.test_tasks import Session, keep, spread
from wearfm.datasets import DATASETS
from wearfm.evaluation.task import Task
from wearfm.evaluation.tasks import TASKS
from wearfm.signals.recording import Events, Fact, Recording

PEOPLE = {  # in the collection, as its README counts them
    "bidmc": 13,  # of 15 records: two people were recorded twice
    "cast": 74,
    "cinc2017": 3200,  # records: the set does not say who was recorded
    "depresjon": 36,
    "ecg5000": 1,
    "eeg_eye_state": 1,
    "fitabase": 22,
    "hapt": 21,
    "hmp": 11,
    "mitdb": 18,
    "mobgap_lab": 2,
    "motionsense": 7,
    "muse_biopsykit": 1,
    "ppg_bp": 146,
    "sisfall": 2,
    "sleep_accel": 21,
    "stanford_fog": 2,
    "stress_predict": 29,
    "troika": 7,  # of 8 recordings
    "wearablehrv": 8,  # 7 in the tables, and one in the exports
    "welltory": 124,
    "wesad_e4": 6,
    "wisdm": 7,
}
RATES_ONLY = {"cast"}  # sets that publish a heart rate and no signal
WINDOWS = 200  # of each recording, so that every day of half a year is met


@dataclass(frozen=True, kw_only=True)
class Read:
    """What is kept of the recordings of a set: all but their samples."""

    sessions: list[Session]
    known: Mapping[tuple[str, str], Recording]

    def facts(self, participant: str, recording: str) -> Mapping[str, Fact]:
        """Return the facts of a recording, none for a stranger."""
        one = self.known.get((participant, recording))
        return {} if one is None else one.facts

    def events(self, participant: str, recording: str, kind: str) -> Events:
        """Return the events of one kind of a recording, none for a stranger."""
        one = self.known.get((participant, recording))
        return Events.of() if one is None else one.events.of_kind(kind)


@pytest.fixture(scope="module")
def read() -> dict[str, Read]:
    return {}


def _check(name: str, one: Recording) -> None:
    obey(one, nothing_else=name in RATES_ONLY)
    assert one.participant.startswith(f"{name}:")
    assert {channel.modality for channel in one.channels} <= set(DATASETS[name].modalities)
    assert one.channels or len(one.events)


def _read(name: str, data_folder: Path, read: dict[str, Read]) -> Read:
    """Return a set, read and checked recording by recording, once for all tests."""
    if name not in read:
        folder = data_folder / DATASETS[name].folder
        if not folder.is_dir():
            pytest.skip(f"{folder} is not there")
        sessions, known = [], {}
        for one in DATASETS[name].recordings(folder):
            _check(name, one)
            assert (one.participant, one.name) not in known, "names are unique within a participant"
            bare = Recording(participant=one.participant, name=one.name, channels=(), events=one.events, facts=one.facts)
            known[one.participant, one.name] = bare
            if one.channels:
                sessions.append((one.participant, one.name, one.start_ns, one.duration_s))
        read[name] = Read(sessions=sessions, known=known)
    return read[name]


@pytest.mark.real
@pytest.mark.parametrize("name", sorted(DATASETS))
def test_all_recordings_keep_the_contract_and_nobody_is_missing(name: str, data_folder: Path, read: dict[str, Read]) -> None:
    people = {participant for participant, _ in _read(name, data_folder, read).known}
    assert len(people) == PEOPLE[name]


@pytest.mark.real
@pytest.mark.parametrize("task", [task for task in TASKS.values() if task.dataset in DATASETS], ids=lambda task: task.name)
def test_enough_people_have_a_label(task: Task, data_folder: Path, read: dict[str, Read]) -> None:
    own = _read(task.dataset, data_folder, read)
    rows = spread(own.sessions, each=WINDOWS)
    labelled = keep(task, rows, own)
    assert len(np.unique(rows.participant[labelled])) >= task.min_participants


@pytest.mark.real
def test_every_set_of_the_collection_has_a_card(data_folder: Path) -> None:
    """The folders of recordings at hand are those of the cards; devices' files and models are none."""
    there = {str(path.relative_to(data_folder)) for path in data_folder.glob("[a-z]*/*") if path.is_dir()}
    sets = {folder for folder in there if not folder.startswith(("raw_devices/", "checkpoints/"))}
    assert sets - {dataset.folder for dataset in DATASETS.values()} == set()
