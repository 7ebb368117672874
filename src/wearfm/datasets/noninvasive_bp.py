"""Noninvasive-BP: pulse wave, ECG, heart sound and force at the cuff of 26 healthy people, with readings of an arm cuff.

A person is a file. The pulse wave at the finger, ECG, heart sound (PCG) and the force that tells when the cuff is pumped
up (FSR) have 1000 Hz. The readings of the cuff, several a person, become events `sbp_mmHg` and `dbp_mmHg` where the file
says when they were taken, and their means become the facts of the same names.

| key of the file | in the recording |
|---|---|
| `data_PPG`, `data_ECG`, `data_PCG`, `data_FSR` | channels `ppg`, `ecg`, `pcg`, `other` |
| `data_BP` | readings: pairs [systolic, diastolic], or objects with `SBP`, `DBP` and, where known, `time` in s |

**Cautions.** NormWear's evaluation cut 125 pieces of three channels out of these recordings; where, is not published. The
unit of the ECG is not published either: it stays "other" in arbitrary units, as do all signals. Predicting the mean of the
training people scores as well as published models do (`NormWear`, Table 14): read a figure beside that baseline. **This
layout is recalled from the page of the data set and could not be checked**: keys, rate and file form may differ.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from wearfm.datasets.base import Dataset, Row, only
from wearfm.errors import BadRecording
from wearfm.readers.assembly import Assembly, Series
from wearfm.readers.labels import Meaning
from wearfm.signals.recording import SECOND, Fact, Recording

RATE_HZ = 1000.0  # Esmaili, Kachuee & Shabany 2017 [recalled]
_SIGNALS = {  # key -> name, modality, placement
    "data_PPG": ("PPG", "ppg", "finger"),
    "data_ECG": ("ECG", "other", "chest"),
    "data_PCG": ("PCG", "pcg", "chest"),
    "data_FSR": ("force at the cuff", "other", "arm"),
}
_READINGS = ("sbp_mmHg", "dbp_mmHg")


def recordings(folder: Path) -> Iterator[Recording]:
    """Yield every person under a folder, with the readings of the cuff as events and their means as facts."""
    for path in only(folder.rglob("*.json"), what="people (one JSON file each)", folder=folder):
        content = _content(path)
        if content is not None:
            yield _recording(path, content)


def _content(path: Path) -> dict[str, Any] | None:
    """Return a person's file; None for one that holds no signals, as a description of the data set."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BadRecording(path, 0, f"not JSON ({error})") from error
    return content if isinstance(content, dict) and any(key in content for key in _SIGNALS) else None


def _recording(path: Path, content: dict[str, Any]) -> Recording:
    found = Assembly(path=path)
    for key, (label, modality, placement) in _SIGNALS.items():
        if key in content:
            meaning = Meaning(modality=modality, unit="au", placement=placement)
            samples = _samples(path, key, content[key])
            found.add(Series(label=label, meaning=meaning, samples=samples, rate_hz=RATE_HZ, start_ns=0))
    readings = [_reading(path, each) for each in content.get("data_BP", [])]
    found.events.extend(row for sbp, dbp, at_s in readings if at_s is not None for row in _events(sbp, dbp, at_s))
    means = np.mean([reading[:2] for reading in readings], axis=0).tolist() if readings else []
    facts: dict[str, Fact] = dict(zip(_READINGS, means, strict=False))
    return found.finish(
        participant=f"noninvasive_bp:{path.stem}", name="session", clock="relative", source=path.name, facts=facts
    )


def _samples(path: Path, key: str, values: Any) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    try:
        samples = np.ravel(np.array(values, dtype=np.float64))
    except (ValueError, TypeError) as error:
        raise BadRecording(path, 0, f"{key} is not a list of numbers ({error})") from error
    if len(samples) == 0:
        raise BadRecording(path, 0, f"{key} is empty; copy the file again")
    return samples


def _reading(path: Path, each: Any) -> tuple[float, float, float | None]:
    """Return systolic and diastolic pressure and when they were read, None if the file does not say."""
    try:
        if isinstance(each, dict):
            return float(each["SBP"]), float(each["DBP"]), float(each["time"]) if "time" in each else None
        sbp, dbp = each
        return float(sbp), float(dbp), None
    except (KeyError, ValueError, TypeError) as error:
        raise BadRecording(path, 0, f"reading {each!r} of data_BP is no pair of pressures ({error})") from error


def _events(sbp: float, dbp: float, at_s: float) -> list[Row]:
    return [(kind, round(at_s * SECOND), 0, "", value) for kind, value in zip(_READINGS, (sbp, dbp), strict=True)]


DATASET = Dataset(
    name="noninvasive_bp",
    title="Non-invasive Blood Pressure Estimation (NormWear's Noninvasive-BP)",
    modalities=("ppg", "pcg", "other"),
    folder="ppg/noninvasive_bp",
    participants=26,
    licence="as its Kaggle page says; not seen",
    citation="Esmaili, Kachuee & Shabany 2017, IEEE Trans. Instrum. Meas. 66(12):3299, doi:10.1109/TIM.2017.2745081",
    homepage="https://www.kaggle.com/datasets/mkachuee/noninvasivebp",
    recordings=recordings,
    layout="""<person>.json     data_PPG, data_ECG, data_PCG, data_FSR, data_BP (recalled, not seen)""",
    by_hand="Download it from Kaggle (a free account) and unpack it.",
)
