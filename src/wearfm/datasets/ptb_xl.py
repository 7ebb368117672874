"""PTB-XL: 21 799 ten-second ECGs with twelve leads of 18 869 people, with what cardiologists read in them.

`ptbxl_database.csv` names a patient for every record, so that people are never split. Facts of a record:

| in the tables | fact |
|---|---|
| `scp_codes`, if `scp_statements.csv` calls them diagnostic | `superclasses`: NORM, MI, STTC, CD, HYP, joined by "+" |
| the same, where there is exactly one | `superclass` |
| every superclass | `has_norm` ... `has_hyp`, 1 or 0, where the record has any |
| `age`, `sex`, `height`, `weight` | `age_years`, `sex`, `height_cm`, `weight_kg`; an age of 300 (older than 89) is left out |
| `strat_fold` | `fold`, 1 to 10: the authors' own split by patient |

A code counts whatever its likelihood, as in the authors' benchmark (Strodthoff et al. 2021). Samples stay the integers of
the files. The records at 500 Hz are read where they are there, else those at 100 Hz, which the authors made of them.
The clock is relative: the published dates are shifted by the authors. **Not read**: reports, rhythm and form statements,
notes on signal quality. Layout as its PhysioNet page describes it, not seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from wearfm.datasets.base import Address, Dataset, number, only, table
from wearfm.errors import BadRecording
from wearfm.readers import wfdb
from wearfm.signals.recording import Fact, Recording

SUPERCLASSES = ("NORM", "MI", "STTC", "CD", "HYP")
OLDEST = 89  # older people are written as 300
_SEXES: dict[Any, Fact] = {0: "male", 1: "female"}
_CODE = re.compile(r"'([^']+)'\s*:")
_COLUMNS = ("patient_id", "age", "sex", "height", "weight", "scp_codes", "strat_fold", "filename_lr", "filename_hr")


def recordings(folder: Path) -> Iterator[Recording]:
    """Yield every record under a folder, with the superclasses of its diagnoses and the person as facts."""
    path = only(folder.rglob("ptbxl_database.csv"), what="table of records (ptbxl_database.csv)", folder=folder)[0]
    classes = _classes(path.with_name("scp_statements.csv"))
    for row in table(path, columns=_COLUMNS).to_pylist():
        header = next((each for name in ("filename_hr", "filename_lr") if (each := _header(path, row[name])).is_file()), None)
        if header is None:
            continue
        for one in wfdb.read(header):
            yield replace(
                one,
                participant=f"ptb_xl:{round(number(row['patient_id'], path=path, what='patient_id'))}",
                channels=tuple(replace(channel, placement=f"lead {channel.name}") for channel in one.channels),
                clock="relative",
                facts=_facts(path, row, classes),
            )


def _header(path: Path, name: str) -> Path:
    """Return the header of a record; names in the table stay below its folder."""
    inside = Path(name)
    if inside.is_absolute() or ".." in inside.parts:
        raise BadRecording(path, 0, f"file name {name!r} leaves the folder of the table")
    return path.parent / f"{inside}.hea"


def _classes(path: Path) -> dict[str, str]:
    """Return the superclass of every diagnostic code."""
    read = table(path, columns=["diagnostic", "diagnostic_class"])
    rows = zip(read.column(0).to_pylist(), read.to_pylist(), strict=True)
    return {code: row["diagnostic_class"] for code, row in rows if row["diagnostic"] == 1}


def _facts(path: Path, row: Mapping[str, Any], classes: Mapping[str, str]) -> dict[str, Fact]:
    found = {classes[code] for code in _CODE.findall(row["scp_codes"]) if code in classes}
    unknown = found - set(SUPERCLASSES)
    if unknown:
        raise BadRecording(path, 0, f"superclass {sorted(unknown)[0]!r} is not one of {', '.join(SUPERCLASSES)}")
    facts: dict[str, Fact] = {"fold": number(row["strat_fold"], path=path, what="strat_fold")}
    if found:
        facts["superclasses"] = "+".join(name for name in SUPERCLASSES if name in found)
        facts |= {f"has_{name.lower()}": float(name in found) for name in SUPERCLASSES}
    if len(found) == 1:
        facts["superclass"] = next(iter(found))
    facts |= {"sex": _SEXES[row["sex"]]} if row["sex"] in _SEXES else {}
    numbers = {"age_years": row["age"], "height_cm": row["height"], "weight_kg": row["weight"]}
    facts |= {name: number(value, path=path, what=name) for name, value in numbers.items() if value is not None}
    return {name: value for name, value in facts.items() if name != "age_years" or float(value) <= OLDEST}


DATASET = Dataset(
    name="ptb_xl",
    title="PTB-XL, a large publicly available electrocardiography dataset",
    modalities=("ecg",),
    folder="ecg/ptb_xl",
    participants=18_869,
    licence="CC BY 4.0",
    citation="Wagner et al. 2020, Scientific Data 7:154, doi:10.1038/s41597-020-0495-6; PhysioNet, doi:10.13026/kfzx-aw45",
    homepage="https://physionet.org/content/ptb-xl/1.0.3/",
    recordings=recordings,
    layout="""ptbxl_database.csv
scp_statements.csv
records500/00000/00001_hr.hea, 00001_hr.dat
records100/00000/00001_lr.hea, 00001_lr.dat""",
    size="3.0 GB",
    addresses=(Address(kind="physionet", url="https://physionet.org/files/ptb-xl/1.0.3/"),),
)
