"""A tiny BIDS data set."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from tests.readers.tiny_brainvision import write

PARTICIPANTS = "participant_id\tage\tsex\tgroup\nsub-07\t41\tF\tcontrol\n"
CHANNELS = "name\ttype\tunits\tstatus\nFp1\tVEOG\tuV\tbad\nECG, chest\tECG\tmV\tgood\n"
EVENTS = "onset\tduration\ttrial_type\n0.004\t0.008\tgo\nn/a\t0\tstop\n0.012\tn/a\tleft\n"


def root_of(folder: Path) -> Path:
    """A data set without runs."""
    path = folder / "study"
    (path / "sub-07" / "eeg").mkdir(parents=True)
    (path / "dataset_description.json").write_text(json.dumps({"Name": "tiny", "BIDSVersion": "1.10.0"}))
    (path / "participants.tsv").write_text(PARTICIPANTS)
    return path


def write_bids(folder: Path) -> Path:
    """One run of EEG with its sidecars."""
    path = root_of(folder)
    runs = path / "sub-07" / "eeg"
    write(runs, "sub-07_task-rest_eeg")
    (runs / "sub-07_task-rest_channels.tsv").write_text(CHANNELS)
    (runs / "sub-07_task-rest_events.tsv").write_text(EVENTS)
    (path / "task-rest_eeg.json").write_text(json.dumps({"TaskName": "rest", "Manufacturer": "Brain Products"}))
    return path


def add_motion(path: Path) -> Path:
    """A run of motion at 2 Hz with its time in the scans."""
    runs = path / "sub-07" / "motion"
    runs.mkdir(parents=True)
    name = "sub-07_task-walk_tracksys-imu"
    run = runs / f"{name}_motion.tsv"
    run.write_text("1\t0.5\t7\n2\tn/a\t7\n3\t1.5\t7\n")
    rows = "acc x\tx\tACCEL\tLeftAnkle\tm/s^2\ngyro z\tz\tGYRO\tLeftAnkle\trad/s\nstep\tn/a\tMISC\tn/a\tn/a\n"
    (runs / f"{name}_channels.tsv").write_text("name\tcomponent\ttype\ttracked_point\tunits\n" + rows)
    (path / "motion.json").write_text(json.dumps({"SamplingFrequency": 4}))
    (runs / f"{name}_motion.json").write_text(json.dumps({"SamplingFrequency": 2}))
    scans = f"filename\tacq_time\nmotion/{run.name}\t2024-05-01T10:00:00\n"
    (path / "sub-07" / "sub-07_scans.tsv").write_text(scans)
    return run


def add_physio(path: Path) -> Path:
    """A run of physiology at 4 Hz that begins a second and a half before the run of EEG."""
    run = path / "sub-07" / "eeg" / "sub-07_task-rest_physio.tsv.gz"
    run.write_bytes(gzip.compress(b"1\t0.5\t2.5\n2\t0.25\t2.5\n", mtime=0))
    about = {
        "SamplingFrequency": 4.0,
        "StartTime": -1.5,
        "Columns": ["cardiac", "respiratory", "GSR"],
        "GSR": {"Units": "uS"},
    }
    run.with_name("sub-07_task-rest_physio.json").write_text(json.dumps(about))
    return run
