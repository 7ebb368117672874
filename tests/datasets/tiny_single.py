"""Data sets of one or a few people, of a few samples, in the layout in which their authors publish them."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import savemat

ELECTRODES = ("AF3", "F7", "F3", "FC5", "T7", "P7", "O1", "O2", "P8", "T8", "FC6", "F4", "F8", "AF4")


def write_eeg_eye_state(folder: Path) -> None:
    """Three seconds: eyes open for two, closed for one, with a row at 100 that jumps in T7 and leaves the range in AF4."""
    folder.mkdir(exist_ok=True)
    rows = []
    for number in range(384):
        values = [4300.0 + column + number % 2 for column in range(14)]
        if number == 100:
            values[4], values[13] = 7222.05, 715897.0
        rows.append(",".join(f"{value:g}" for value in values) + f",{int(number >= 256)}")
    head = ["@RELATION EEG_DATA", "", *(f"@ATTRIBUTE {name} NUMERIC" for name in ELECTRODES), "@ATTRIBUTE eyeDetection {0,1}"]
    (folder / "EEG Eye State.arff").write_text("\n".join([*head, "", "@DATA", *rows]) + "\n")


def write_muse_biopsykit(folder: Path) -> None:
    """One second at 256 Hz, stamped in whole milliseconds, with nothing plugged into the fifth socket."""
    folder.mkdir(exist_ok=True)
    rows = [f"{1606398309.680 + round(number / 256, 3):.3f},{number}.5,-1.0,-2.0,-3.0,0.000" for number in range(256)]
    text = "\n".join(["timestamps,TP9,AF7,AF8,TP10,Right AUX", *rows]) + "\n"
    (folder / "eeg_muse_example.csv.gz").write_bytes(gzip.compress(text.encode()))


def write_ecg5000(folder: Path) -> None:
    """Two beats of the training half and one of the other."""
    folder.mkdir(exist_ok=True)
    up, down = (",".join(f"{sign * (point - 69.5) / 40:.4f}" for point in range(140)) for sign in (1, -1))
    head = "#ECG5000\n@problemName ECG5000\n@classLabel true 1 2 3 4 5\n@data\n"
    (folder / "ECG5000_TRAIN.ts").write_text(f"{head}{up}:1\n{down}:2\n")
    (folder / "ECG5000_TEST.ts.gz").write_bytes(gzip.compress(f"{head}{down}:5\n".encode()))


def bout(start_s: float, end_s: float, *, contacts: list[float], finals: list[float], in_samples: bool) -> dict[str, Any]:
    """A walking bout of the reference whose strides go from each contact to the next but one."""
    feet = ["Left" if number % 2 == 0 else "Right" for number in range(len(contacts))]
    first, last = np.array(contacts[:-2]), np.array(contacts[2:])
    between = np.stack([first, last], axis=1)
    return {
        "Start": start_s,
        "End": end_s,
        "WalkingSpeed": 1.05,
        "Stride_InitialContacts": np.rint(between * 100).astype(np.uint16) if in_samples else between,
        "Stride_Duration": np.where(last - first < 1.5, last - first, np.nan),
        "Stride_Length": np.full(len(first), 1.25),
        "InitialContact_Event": np.array(contacts),
        "InitialContact_LeftRight": np.array(feet, dtype=object),
        "FinalContact_Event": np.array(finals),
        "FinalContact_LeftRight": np.array(feet[: len(finals)], dtype=object),
    }


def write_mobgap_lab(folder: Path) -> None:
    """A person with two trials of four seconds: one bout in samples, and two in seconds, with what could not be timed."""
    inside = folder / "HA" / "001"
    inside.mkdir(parents=True)
    number = np.arange(400)
    sensor = {
        "Acc": np.stack([np.ones(400), number * 0.001, np.zeros(400)], axis=1),
        "Gyr": np.full((400, 3), 7.5),
        "Mag": np.full((400, 3), -9.625),
        "Bar": np.full(400, 1008.0),
        "Timestamp": 1607605064.733 + number / 100,
    }
    one = bout(0.5, 3.0, contacts=[0.5, 1.1, 1.75, 2.3], finals=[0.9, 1.5], in_samples=True)
    two = bout(2.2, 3.9, contacts=[2.2, 2.7, np.nan, 3.8], finals=[], in_samples=False)
    trials = {
        f"Trial{k}": {
            "StartDateTime": "2020-12-10T13:57:44.733+01:00",
            "TimeZone": "Europe/Berlin",
            "SU": {"LowerBack": sensor},
            "Standards": {"INDIP": {"ContinuousWalkingPeriod": bouts}},
        }
        for k, bouts in ((1, one), (2, np.array([one, two], dtype=object)))
    }
    savemat(inside / "data.mat", {"data": {"TimeMeasure1": {"Test5": trials}}})
    about = {"Height": 159, "Weight": 73, "SensorHeight": 96.4, "Handedness": "R", "WalkingAid_01": 0}
    savemat(inside / "infoForAlgo.mat", {"infoForAlgo": {"TimeMeasure1": about}})
