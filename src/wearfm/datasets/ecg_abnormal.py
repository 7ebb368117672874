"""ECG-Abnormal: the PTB Diagnostic ECG Database, fifteen leads of 290 people with and without a disease of the heart.

It is the source of the task "ECG-Abnormal" of NormWear's evaluation, which used single leads of a part of these people.
A record is about two minutes at 1000 Hz: the twelve usual leads and the three of Frank. Age, sex and diagnosis stand in
the comments of the header and become facts; a participant is the folder (`patient001`), with one to five records.

| in the header | fact |
|---|---|
| `Reason for admission` | `diagnosis`, in small letters ("myocardial infarction", "healthy control" ...) |
| `Acute infarction (localization)` | `infarction`, where there is one |
| `age`, `sex` | `age_years`, `sex` |

**Cautions.** The same people lie in many tables of heart beats made from this set, in which nobody knows who is who:
do not mix them. Healthy people are younger than the ill ones. 22 people have no diagnosis: the fact is not there.
**Not read**: catheter findings, drugs and the rest of the comments; the date of the ECG (the clock is relative). Layout
as its PhysioNet page describes it, not seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from wearfm.datasets.base import Address, Dataset, only
from wearfm.readers import wfdb
from wearfm.readers.wfdb_header import parse_record
from wearfm.signals.recording import Fact, Recording

_LINE = re.compile(r"([^:]+):\s*(.*)")
_UNKNOWN = {"", "n/a", "unknown"}
_SEXES: dict[Fact, Fact] = {"F": "female", "M": "male"}
_FACTS = {"reason for admission": "diagnosis", "acute infarction (localization)": "infarction"}


def recordings(folder: Path) -> Iterator[Recording]:
    """Yield every record under a folder, with diagnosis, age and sex as facts."""
    for path in only(folder.rglob("patient[0-9]*/*.hea"), what="records (patient001/s0010_re.hea)", folder=folder):
        for one in wfdb.read(path):
            yield replace(
                one,
                participant=f"ecg_abnormal:{path.parent.name.removeprefix('patient')}",
                channels=tuple(replace(channel, placement=f"lead {channel.name}") for channel in one.channels),
                clock="relative",
                device="PTB recorder",
                facts=_facts(path, one),
            )


def _facts(path: Path, one: Recording) -> dict[str, Fact]:
    facts = {name: _SEXES.get(value, value) if name == "sex" else value for name, value in one.facts.items()}
    comments = parse_record(path, path.read_text(encoding="latin-1")).comments
    for line in filter(None, map(_LINE.fullmatch, comments)):
        name, value = _FACTS.get(line[1].strip().lower()), line[2].strip().lower()
        if name and value not in _UNKNOWN | {"no"}:
            facts[name] = value
    return facts


DATASET = Dataset(
    name="ecg_abnormal",
    title="PTB Diagnostic ECG Database (NormWear's ECG-Abnormal)",
    modalities=("ecg",),
    folder="ecg/ptbdb",
    participants=290,
    licence="ODC-By 1.0",
    citation="Bousseljot, Kreiseler & Schnabel 1995, Biomedizinische Technik 40(S1):317, doi:10.1515/bmte.1995.40.s1.317; "
    "PhysioNet, doi:10.13026/C28C71",
    homepage="https://physionet.org/content/ptbdb/1.0.0/",
    recordings=recordings,
    layout="""patient001/s0010_re.hea
patient001/s0010_re.dat          twelve leads
patient001/s0010_re.xyz          three leads of Frank""",
    size="1.7 GB",
    addresses=(Address(kind="physionet", url="https://physionet.org/files/ptbdb/1.0.0/"),),
)
