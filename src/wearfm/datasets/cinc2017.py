"""CinC Challenge 2017: single-lead ECG of 9 to 61 s from a hand-held recorder, with the rhythm that experts saw in it.

The set does not say who was recorded, and some people were recorded more than once. Each record is its own participant
here, because nothing better is known: a split by participant is then a split by record, and a person may stand on both
sides. Figures on this set are figures on new recordings, not on new people.

The rhythm is a fact of the record ("normal", "atrial fibrillation", "other", "noisy"; version 3 of the labels). Samples
stay the integers of the files, 1000 to the millivolt. The electrodes are thumbs or palms; records held the other way
round are upside down, and are left so.

Reads the official folder (`training2017/A00001.mat`), zips of such files, or both; a record that stands in several
places (the official validation folder repeats 300) is read once.
"""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from wearfm.datasets.base import DAMAGED_ARCHIVE, Address, Dataset, only, variable
from wearfm.errors import BadRecording
from wearfm.signals.door import admit
from wearfm.signals.quality_record import Quality
from wearfm.signals.recording import Fact, Recording

RATE_HZ = 300.0  # Clifford et al. 2017, and the headers of the set
_SCALE_MV = 1 / 1000  # headers of the set: 1000/mV
RHYTHMS = {"N": "normal", "A": "atrial fibrillation", "O": "other", "~": "noisy"}


def recordings(folder: Path) -> Iterator[Recording]:
    """Yield every record under a folder, with its rhythm as a fact."""
    rhythms = _rhythms(folder)
    found = iter([*folder.rglob("A[0-9]*.mat"), *folder.rglob("*.zip")])
    paths = only(found, what="records (A00001.mat, or a zip of them)", folder=folder)
    seen: set[str] = set()
    for path in sorted(paths, key=lambda path: path.suffix == ".zip"):
        for record, content in _members(path):
            if record in seen:
                continue
            seen.add(record)
            admitted = admit(
                _samples(path, record, content),
                name="ECG",
                modality_name="ecg",
                unit="mV",
                rate_hz=RATE_HZ,
                start_ns=0,
                placement="hands",
                scale=_SCALE_MV,
            )
            facts: dict[str, Fact] = {"rhythm": rhythms[record]} if record in rhythms else {}
            yield Recording(
                participant=f"cinc2017:{record}",
                name=record,
                channels=(admitted.channel,),
                device="AliveCor",
                source=path.name,
                facts=facts,
                quality=Quality(channels=(admitted.quality,)),
            )


def _rhythms(folder: Path) -> dict[str, str]:
    """Return the rhythm of every record in the tables of labels, of version 3."""
    rhythms: dict[str, str] = {}
    for path in only(folder.rglob("REFERENCE-v3*.csv"), what="table of labels (REFERENCE-v3.csv)", folder=folder):
        with path.open(newline="", encoding="latin-1") as file:
            for row in csv.reader(file):
                if len(row) != 2 or row[1] not in RHYTHMS:
                    raise BadRecording(path, 0, f"row {row} is not a record and one of {', '.join(RHYTHMS)}")
                rhythms[row[0]] = RHYTHMS[row[1]]
    return rhythms


def _members(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield (record, bytes) of a file, or of every record in a zip."""
    if path.suffix != ".zip":
        yield path.stem, path.read_bytes()
        return
    try:
        with zipfile.ZipFile(path) as archive:
            for name in sorted(archive.namelist()):
                place = PurePosixPath(name)
                if place.match("A[0-9]*.mat"):
                    yield place.stem, archive.read(name)
    except DAMAGED_ARCHIVE as error:
        raise BadRecording(path, 0, f"damaged zip ({error})") from error


def _samples(path: Path, record: str, content: bytes) -> NDArray[np.generic]:
    """Return the samples of a MATLAB file, (T,)."""
    values = variable(path, "val", content=content, record=record)
    if values.ndim != 2 or len(values) != 1 or values.dtype.kind not in "iu":
        raise BadRecording(path, 0, f"{record} holds {values.dtype}{values.shape}; a record is one row of integers")
    return values.ravel()


DATASET = Dataset(
    name="cinc2017",
    title="PhysioNet/CinC Challenge 2017, AF classification (training set)",
    modalities=("ecg",),
    folder="ecg/cinc2017",
    participants=8528,  # records: the set does not say who was recorded
    licence="ODC-By 1.0",
    citation="Clifford et al. 2017, Computing in Cardiology 44, doi:10.22489/CinC.2017.065-469; PhysioNet",
    homepage="https://physionet.org/content/challenge-2017/1.0.0/",
    recordings=recordings,
    layout="""training2017/A00001.mat     or training2017.zip
REFERENCE-v3.csv""",
    addresses=(
        Address(
            kind="physionet",
            url="https://physionet.org/files/challenge-2017/1.0.0/",
            only=("training2017.zip", "REFERENCE-v3.csv"),
        ),
    ),
)
