"""Epileptic Seizure Recognition: seconds of single-channel EEG, at rest and in seizures, from 500 segments of the Bonn set.

Two layouts are read: the table of the UCI repository (`data.csv`: 11 500 rows of 178 samples, a second each, shuffled), and
the five folders of the University of Bonn (`Z`, `O`, `N`, `F`, `S`: 100 files of 4097 samples each). A row or a file is a
recording; what was recorded is its fact `state`:

| y, folder | state | who |
|---|---|---|
| 5, Z | eyes open | five volunteers, scalp |
| 4, O | eyes closed | the same five |
| 3, N | healthy area | five patients, inside the skull, between seizures, the half of the brain without the focus |
| 2, F | tumour area | the same five, at the focus, between seizures |
| 1, S | seizure | the same five, at the focus |

**Cautions.** Nobody published who is behind a segment. A segment is its own participant here, because nothing better is
known: 500 "participants" are ten people, and a person stands on both sides of every split. Volunteers were recorded from
the scalp and patients from inside the skull: what tells the two apart need not be epilepsy. "Tumour area" is the name that
the table uses; the Bonn paper speaks of the epileptogenic zone. The rate is that of the Bonn paper, 173.61 Hz; the table
calls 178 samples a second. Layouts as their pages describe them, not seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wearfm.datasets.base import Dataset, matrix, numbers, only, table
from wearfm.errors import BadRecording
from wearfm.readers.assembly import Assembly, Series
from wearfm.readers.labels import Meaning
from wearfm.signals.recording import Recording

RATE_HZ = 173.61  # Andrzejak et al. 2001, section II
LENGTH = 178  # samples of a row of the table
STATES = {5: "eyes open", 4: "eyes closed", 3: "healthy area", 2: "tumour area", 1: "seizure"}
_FOLDERS = {"Z": 5, "O": 4, "N": 3, "F": 2, "S": 1}
_ROW = re.compile(r"X(\d+)\.(V[\d.]+)")


def recordings(folder: Path) -> Iterator[Recording]:
    """Yield every second of the table, or every segment of the five folders, with its state as a fact."""
    tables = [path for path in sorted(folder.rglob("*.csv")) if _is_table(path)]
    for path in tables:
        yield from _from_table(path)
    if tables:
        return
    files = (path for path in folder.rglob("[ZONFS][0-9][0-9][0-9].*") if path.suffix.lower() == ".txt")
    for path in only(files, what="table (data.csv) nor segments (Z/Z001.txt)", folder=folder):
        samples = _whole(path, matrix(path, columns=1)[:, 0])
        yield _recording(path, samples, segment=path.stem, name="segment", state=STATES[_FOLDERS[path.stem[0]]])


def _is_table(path: Path) -> bool:
    with path.open(encoding="latin-1") as file:
        head = file.readline().replace('"', "").strip().split(",")
    return head[-1] == "y" and f"X{LENGTH}" in head


def _from_table(path: Path) -> Iterator[Recording]:
    columns = [f"X{number}" for number in range(1, LENGTH + 1)]
    read = table(path, columns=[*columns, "y"])
    names = read.column(0).to_pylist()
    values = np.stack([numbers(read, column, path=path) for column in columns], axis=1)  # (rows, 178)
    for row, (text, code) in enumerate(zip(names, read.column("y").to_pylist(), strict=True)):
        named = _ROW.fullmatch(str(text))
        if named is None or code not in STATES:
            raise BadRecording(path, 0, f"row {row + 1} ({text!r}, y = {code}) is not of the form 'X21.V1.791', y from 1 to 5")
        yield _recording(path, _whole(path, values[row]), segment=named[2], name=f"second {named[1]}", state=STATES[code])


def _whole(path: Path, values: NDArray[np.generic]) -> NDArray[np.int16]:
    """Return the samples as the integers that the converter gave."""
    numbers = values.astype(np.float64)
    if not np.array_equal(numbers, np.round(numbers)) or np.abs(numbers).max() > 32767:
        raise BadRecording(path, 0, "the samples are not whole numbers of at most 16 bits")
    return numbers.astype(np.int16)


def _recording(path: Path, samples: NDArray[np.int16], *, segment: str, name: str, state: str) -> Recording:
    found = Assembly(path=path)
    meaning = Meaning(modality="eeg", unit="uV")
    found.add(Series(label="EEG", meaning=meaning, samples=samples, rate_hz=RATE_HZ, start_ns=0))
    return found.finish(
        participant=f"epilepsy:{segment}",
        name=name,
        clock="relative",
        device="128-channel amplifier",
        source=path.name,
        facts={"state": state},
    )


DATASET = Dataset(
    name="epilepsy",
    title="Epileptic Seizure Recognition (UCI), the EEG segments of the University of Bonn",
    modalities=("eeg",),
    folder="eeg/epilepsy",
    participants=500,  # segments, of ten people: the set does not say whose
    licence="the Bonn page allows research with citation; the UCI page was withdrawn and gave no licence text",
    citation="Andrzejak et al. 2001, Physical Review E 64:061907, doi:10.1103/PhysRevE.64.061907",
    homepage="https://www.upf.edu/web/ntsa/downloads/",
    recordings=recordings,
    layout="""data.csv                            the UCI table: id, X1 ... X178, y
Z/Z001.txt ... S/S100.txt           or the five folders of Bonn; the table is taken where both lie""",
    size="7.6 MB (the table), 3.1 MB (the folders, packed)",
    by_hand="Download the five archives Z, O, N, F and S from the homepage and unpack each into a folder of its name, or put "
    "the table of the UCI repository (Epileptic Seizure Recognition) there as data.csv.",
)
