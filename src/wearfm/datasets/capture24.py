"""CAPTURE-24: a day of wrist acceleration of 151 people in free living, annotated from a camera that they wore.

An Axivity AX3 on the dominant wrist, 100 Hz, in g, about 24 hours a person. The annotations follow the Compendium of
Physical Activities ("7030 sleeping;MET 0.95"); the authors' dictionary groups them. Two of its groupings become events:

| column of `annotation-label-dictionary.csv` | event |
|---|---|
| `label:WillettsSpecific2018` | `activity`: sleep, sitting, standing, walking, bicycling, vehicle, household-chores ... |
| `label:Walmsley2020` | `intensity`: sleep, sedentary, light, moderate-vigorous |

A third of the time is not annotated and has no event. `metadata.csv` gives sex and an age band as facts.

**Time.** Stamps are wall-clock times of the United Kingdom, whose date does not tell the offset here: local.
**Cautions.** Pictures come every 20 to 40 s, and sleep is from diaries: edges are that rough. A file has about nine
million rows: a person is held in memory at once. Layout as its page describes it, not seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from wearfm.datasets.base import NO_CODE, Address, Dataset, middle_of, on_axis, only, spells, table
from wearfm.errors import BadConfiguration, BadRecording
from wearfm.readers.assembly import Assembly, on_grid
from wearfm.readers.labels import Meaning
from wearfm.signals.recording import Fact, Recording

RATE_HZ = 100.0  # Chan et al. 2024
GROUPINGS = {"activity": "label:WillettsSpecific2018", "intensity": "label:Walmsley2020"}
_KINDS = {
    "time": pa.timestamp("us"),
    **dict.fromkeys("xyz", pa.float32()),
    "annotation": pa.dictionary(pa.int32(), pa.string()),
}
_SEXES: dict[str, Fact] = {"F": "female", "M": "male"}


def recordings(folder: Path) -> Iterator[Recording]:
    """Yield the day of every person under a folder, with activities and intensities as events, age and sex as facts."""
    paths = only(folder.rglob("P[0-9][0-9][0-9].csv*"), what="days (capture24/P001.csv.gz)", folder=folder)
    meaning = _dictionary(folder)
    people = {row["pid"]: row for path in sorted(folder.rglob("metadata.csv")) for row in _people(path)}
    for path in paths:
        person = path.name.partition(".")[0]
        yield _recording(path, person, meaning, _facts(people.get(person, {})))


def _recording(path: Path, person: str, meaning: Mapping[str, Mapping[str, str]], facts: dict[str, Fact]) -> Recording:
    read = _read(path)
    found = Assembly(path=path)
    stamps = read.column("time").cast(pa.int64()).to_numpy() * 1000
    grid = found.grid(stamps, rate_hz=RATE_HZ)
    for axis in "xyz":
        own = Meaning(modality="acc", unit="g", axis=axis, placement="wrist")
        found.add(on_grid(grid, read.column(axis).to_numpy(), label=f"acc {axis}", meaning=own))
    annotation = read.column("annotation").unify_dictionaries().combine_chunks()
    chunk = annotation.chunk(0) if isinstance(annotation, pa.ChunkedArray) else annotation
    entries = chunk.dictionary.to_pylist()
    codes = chunk.indices.fill_null(NO_CODE).to_numpy(zero_copy_only=False).astype(np.int64)
    for kind, grouping in meaning.items():
        names = dict.fromkeys(sorted({grouping[entry] for entry in entries if entry in grouping}))
        number = {name: place for place, name in enumerate(names)}
        of_entry = np.array([*(number[grouping[e]] if e in grouping else NO_CODE for e in entries), NO_CODE], dtype=np.int64)
        grouped = on_axis(grid, of_entry[codes])  # the last entry, -1, is NO_CODE
        places = {place: name for name, place in number.items()}
        found.events.extend(spells(kind, grouped, places, rate_hz=grid.rate_hz, start_ns=grid.start_ns))
    return found.finish(
        participant=f"capture24:{person}", name="day", clock="local", device="Axivity AX3", source=path.name, facts=facts
    )


def _read(path: Path) -> pa.Table:
    try:
        read = pacsv.read_csv(path, convert_options=pacsv.ConvertOptions(column_types=_KINDS, strings_can_be_null=True))
    except (OSError, EOFError, pa.ArrowException) as error:
        raise BadRecording(path, 0, f"not a table of times, three axes and annotations ({error})") from error
    missing = sorted(set(_KINDS) - set(read.column_names))
    if missing or len(read) == 0 or read.column("time").null_count:
        raise BadRecording(path, 0, f"no {', '.join(missing) or 'row, or a row without a time'}; copy the file again")
    return read


def _dictionary(folder: Path) -> dict[str, dict[str, str]]:
    """Return, for every kind of event, what the authors' dictionary calls an annotation."""
    name = "annotation-label-dictionary.csv"
    path = only(folder.rglob(name), what=f"dictionary ({name})", folder=folder)[0]
    rows = table(path, columns=["annotation", *GROUPINGS.values()]).to_pylist()
    return {kind: {row["annotation"]: row[column] for row in rows if row[column]} for kind, column in GROUPINGS.items()}


def _people(path: Path) -> list[dict[str, Any]]:
    return list(table(path, columns=["pid", "age", "sex"]).to_pylist())


def _facts(row: Mapping[str, Any]) -> dict[str, Fact]:
    facts: dict[str, Fact] = {"sex": _SEXES[row["sex"]]} if row.get("sex") in _SEXES else {}
    band = str(row.get("age") or "")
    if band:
        facts["age_band"] = band
    try:
        return facts | {"age_years": middle_of(band)}
    except BadConfiguration:  # "53+" has no middle
        return facts


DATASET = Dataset(
    name="capture24",
    title="CAPTURE-24",
    modalities=("acc",),
    folder="har/capture24",
    participants=151,
    licence="CC BY 4.0",
    citation="Chan et al. 2024, Scientific Data 11:1135, doi:10.1038/s41597-024-03960-3",
    homepage="https://ora.ox.ac.uk/objects/uuid:99d7c092-d865-4a19-b096-cc16440cd001",
    recordings=recordings,
    layout="""capture24/P001.csv.gz                          time, x, y, z, annotation
capture24/annotation-label-dictionary.csv
capture24/metadata.csv                         pid, age, sex""",
    size="6.5 GB",
    addresses=(
        Address(
            kind="file",
            url="https://ora.ox.ac.uk/objects/uuid:99d7c092-d865-4a19-b096-cc16440cd001/files/rpr76f381b",
            path="capture24.zip",
        ),
    ),
)
