"""PPG-BP: three 2.1 s finger pulse waves of 219 people, with blood pressure and diagnoses."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from wearfm.datasets.base import Address, Dataset, only
from wearfm.errors import BadRecording
from wearfm.signals.door import admit
from wearfm.signals.quality_record import Quality
from wearfm.signals.recording import Fact, Recording

RATE_HZ = 1000.0  # Liang et al. 2018, Technical validation

_NUMBERS = {
    "Age(year)": "age_years",
    "Height(cm)": "height_cm",
    "Weight(kg)": "weight_kg",
    "BMI(kg/m^2)": "bmi_kg_m2",
    "Systolic Blood Pressure(mmHg)": "sbp_mmHg",
    "Diastolic Blood Pressure(mmHg)": "dbp_mmHg",
    "Heart Rate(b/m)": "hr_per_min",
}
_DIAGNOSES = {
    "Diabetes": "diabetes",
    "cerebral infarction": "cerebral_infarction",
    "cerebrovascular disease": "cerebrovascular_disease",
}


def recordings(folder: Path) -> Iterator[Recording]:
    """Yield every pulse wave under a folder, with the facts of its person."""
    facts = {}
    for table in only(folder.rglob("PPG-BP*dataset*.csv"), what="PPG-BP table (PPG-BP dataset.csv)", folder=folder):
        with table.open(encoding="utf-8-sig", newline="") as file:
            facts.update({row["subject_ID"].strip(): _facts(row) for row in csv.DictReader(file)})
    for path in only(folder.rglob("0_subject/*.txt"), what="pulse waves (0_subject/*.txt)", folder=folder):
        subject, _, segment = path.stem.partition("_")
        admitted = admit(
            _samples(path), name="PPG", modality_name="ppg", unit="au", rate_hz=RATE_HZ, start_ns=0, placement="finger"
        )
        yield Recording(
            participant=f"ppg_bp:{subject}",
            name=f"segment {segment}",
            channels=(admitted.channel,),
            device="SEP9AF-2",
            source=path.name,
            facts=facts.get(subject, {}),
            quality=Quality(channels=(admitted.quality,)),
        )


def _samples(path: Path) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    try:
        values = np.array(path.read_text().split(), dtype=np.float64)
    except ValueError as error:
        raise BadRecording(path, 0, f"not a list of numbers ({error})") from error
    if len(values) == 0 or not np.array_equal(values, np.round(values)) or np.abs(values).max() > 32767:
        raise BadRecording(path, 0, "the samples are not whole numbers of at most 16 bits")
    return values.astype(np.int16)


def _facts(row: Mapping[str, str]) -> dict[str, Fact]:
    facts: dict[str, Fact] = {name: float(row[column]) for column, name in _NUMBERS.items() if row[column].strip()}
    facts["sex"] = row["Sex(M/F)"].strip().lower()
    facts["hypertension_stage"] = row["Hypertension"].strip().lower()
    facts.update({name: 1.0 if row[column].strip() else 0.0 for column, name in _DIAGNOSES.items()})
    return facts


DATASET = Dataset(
    name="ppg_bp",
    title="PPG-BP",
    modalities=("ppg",),
    folder="ppg/ppg_bp",
    participants=219,
    licence="CC0 1.0",
    citation="Liang et al. 2018, Scientific Data 5:180020, doi:10.1038/sdata.2018.20",
    homepage="https://doi.org/10.6084/m9.figshare.5459299",
    recordings=recordings,
    layout="""PPG-BP dataset.csv     the sheet "PPG-BP dataset.xlsx", saved as a table
0_subject/2_1.txt""",
    addresses=(Address(kind="figshare", url="https://figshare.com/articles/dataset/5459299"),),
    by_hand="After the download save the sheet PPG-BP dataset.xlsx as PPG-BP dataset.csv beside the folder 0_subject, its "
    "first line the names of the columns.",
)
