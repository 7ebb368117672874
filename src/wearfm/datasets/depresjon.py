"""Depresjon: two weeks of wrist activity counts of people with and without depression, one count a minute.

The watches went on counting after they were taken off, some for weeks, and some tick at a few counts while they lie
still: 7.3 days a control and 1.8 a patient here, a difference of the groups that is none of the wearers. A run of
`STILL_S` in which no minute exceeds `STILL_COUNTS` is therefore not valid, nor is the handling between two of them
(`signals.wear`). What remains is 12 to 21 days a person; the study asked for two weeks (Jakobsen et al. 2020).

Stamps are wall-clock times. Where the clock was set forward in spring the file jumps by an hour: a gap of 60 minutes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from wearfm.datasets.base import Address, Dataset, middle_of, number, numbers, only, table
from wearfm.errors import BadRecording
from wearfm.signals.clock import Grid, regularise
from wearfm.signals.door import admit
from wearfm.signals.minutes.features import MINUTE_HZ
from wearfm.signals.quality_record import Quality
from wearfm.signals.recording import SECOND, Fact, Recording
from wearfm.signals.spans import Spans
from wearfm.signals.wear import bridge, long_runs, without

STILL_S = 180 * 60.0  # of 60 to 180 min the best rule for 24 h counts (Jaeschke et al. 2017, Sci Rep 7:2227, study ActivE)
STILL_COUNTS = 20  # ours: unworn watches tick at 3 to 9 here; the first 13 days have 4 such runs below 4 h, 9 above 6 h
NOT_WORN = f"not worn: {STILL_S / 3600:g} h and more without a minute above {STILL_COUNTS} counts"

# Codes of the data set's page [recalled]; which one is female cannot be checked in the files.
_CODES: dict[str, tuple[str, Mapping[int, Fact]]] = {
    "gender": ("sex", {1: "female", 2: "male"}),
    "afftype": ("affective_disorder", {1: "bipolar II", 2: "unipolar depression", 3: "bipolar I"}),
    "melanch": ("melancholia", {1: 1.0, 2: 0.0}),
    "inpatient": ("inpatient", {1: 1.0, 2: 0.0}),
    "marriage": ("married_or_cohabiting", {1: 1.0, 2: 0.0}),
    "work": ("working_or_studying", {1: 1.0, 2: 0.0}),
}
_NUMBERS = {"days": "days_listed", "madrs1": "madrs_start", "madrs2": "madrs_end"}


def recordings(folder: Path) -> Iterator[Recording]:
    """Yield the actigraphy of every person under a folder, with diagnosis, MADRS scores, age and sex as facts."""
    scores = only(folder.rglob("scores.csv*"), what="table of participants (scores.csv)", folder=folder)[0]
    people = table(scores, columns=["number", "age", *_CODES, *_NUMBERS]).to_pylist()
    facts = {row["number"]: _facts(scores, row) for row in people}
    paths = [*folder.rglob("condition_*.csv*"), *folder.rglob("control_*.csv*")]
    for path in only(iter(paths), what="activity counts (condition_*.csv, control_*.csv)", folder=folder):
        name = path.name.partition(".")[0]
        if name not in facts:
            raise BadRecording(path, 0, f"{name} is not in {scores.name}; add its row, or remove the file")
        yield _recording(path, name, facts[name])


def _recording(path: Path, name: str, facts: Mapping[str, Fact]) -> Recording:
    read = table(path, columns=["timestamp", "activity"])
    grid = _grid(path, read)
    counts = np.asarray(grid.lay(numbers(read, "activity", path=path)), dtype=np.float32)
    admitted = admit(
        counts,
        name="activity",
        modality_name="counts",
        unit="count",
        rate_hz=grid.rate_hz,
        start_ns=grid.start_ns,
        placement="wrist",
        present=grid.present,
        findings=grid.findings,
    )
    admitted = without(admitted, unworn(counts), reason=NOT_WORN)
    return Recording(
        participant=f"depresjon:{name}",
        name="actigraphy",
        channels=(admitted.channel,),
        clock="local",
        device="Actiwatch AW4",
        source=path.name,
        facts=facts,
        quality=Quality(channels=(admitted.quality,), notes=grid.notes),
    )


def unworn(counts: NDArray[np.float32]) -> Spans:
    """Return the minutes in which the watch was not worn; counts: (T,) a minute each."""
    still = long_runs(counts <= STILL_COUNTS, rate_hz=MINUTE_HZ, least_s=STILL_S)
    return bridge(still, len(counts), rate_hz=MINUTE_HZ)


def _grid(path: Path, read: pa.Table) -> Grid:
    try:
        stamps = read.column("timestamp").cast(pa.timestamp("s")).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid as error:
        raise BadRecording(path, 0, f"a time stamp is not a date and time ({error})") from error
    return regularise(stamps.astype("datetime64[s]").astype(np.int64) * SECOND, rate_hz=MINUTE_HZ)


def _facts(path: Path, row: Mapping[str, Any]) -> dict[str, Fact]:
    facts: dict[str, Fact] = {"condition": "patient" if row["number"].startswith("condition") else "control"}
    if row["age"]:
        facts |= {"age_band": row["age"], "age_years": middle_of(row["age"])}
    facts |= {name: number(row[column], path=path, what=column) for column, name in _NUMBERS.items() if row[column] is not None}
    for column, (name, meaning) in _CODES.items():
        if row[column] in meaning:
            facts[name] = meaning[row[column]]
    return facts


DATASET = Dataset(
    name="depresjon",
    title="Depresjon",
    modalities=("counts",),
    folder="actigraphy/depresjon",
    participants=55,
    licence="Simula terms: research and education; commercial use needs permission",
    citation="Garcia-Ceja et al. 2018, ACM MMSys, doi:10.1145/3204949.3208125",
    homepage="https://datasets.simula.no/depresjon/",
    recordings=recordings,
    layout="""data/scores.csv
data/condition/condition_1.csv
data/control/control_1.csv""",
    addresses=(Address(kind="file", url="https://datasets.simula.no/downloads/depresjon.zip"),),
)
