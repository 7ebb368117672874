"""Daphnet: accelerometers at the ankle, the thigh and the lower back of ten people with Parkinson's disease who freeze.

Straight walking, turning and daily tasks in a laboratory, 64 Hz, in thousandths of g, which stay integers. Two
physiotherapists marked freezing from video; the mark of every sample becomes events `freezing`:

| mark | event |
|---|---|
| 0 | none: not part of the experiment (the sensors are put on, or the person rests) |
| 1 | `freezing`, label "no freezing": standing, walking or turning |
| 2 | `freezing`, label "freezing" |

Axes as published: x forward, y vertical, z sideways. Time counts from the start of the file, in ms. **Cautions.** Two of
the ten (S04, S10) did not freeze. Marks are as exact as video is. Published figures often use windows of one person on
both sides. Layout as its README describes it, not seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from wearfm.datasets.base import Address, Dataset, on_axis, only, rows, spells
from wearfm.errors import BadRecording
from wearfm.readers.assembly import Assembly, on_grid
from wearfm.readers.labels import Meaning
from wearfm.signals.recording import Recording

RATE_HZ = 64.0  # Bachlin et al. 2010
PLACES = ("ankle", "thigh", "lower back")
MARKS = {1: "no freezing", 2: "freezing"}
_COLUMNS = ("time", *(f"{place} {axis}" for place in PLACES for axis in "xyz"), "mark")
_NAME = re.compile(r"(S\d\d)(R\d\d)")


def recordings(folder: Path) -> Iterator[Recording]:
    """Yield every walk under a folder, with freezing as events."""
    for path in only(folder.rglob("S[0-9][0-9]R[0-9][0-9].txt"), what="walks (dataset/S01R01.txt)", folder=folder):
        yield _recording(path)


def _recording(path: Path) -> Recording:
    named = _NAME.fullmatch(path.stem)
    read, dropped = rows(path, names=_COLUMNS, delimiter=" ", kinds=dict.fromkeys(_COLUMNS, pa.int64()))
    found = Assembly(path=path)
    if dropped:
        found.note(f"{dropped} rows without {len(_COLUMNS)} cells were left out")
    if any(read.column(name).null_count for name in _COLUMNS):
        raise BadRecording(path, 0, "a cell is empty; copy the file again")
    columns = {name: read.column(name).to_numpy() for name in _COLUMNS}
    if named is None or not np.isin(columns["mark"], (0, *MARKS)).all():
        raise BadRecording(path, 0, "not a walk S01R01 with marks 0, 1 and 2")
    grid = found.grid(columns["time"] * 1_000_000, rate_hz=RATE_HZ)
    for place in PLACES:
        for axis in "xyz":
            meaning = Meaning(modality="acc", unit="mg", axis=axis, placement=place)
            found.add(on_grid(grid, columns[f"{place} {axis}"].astype(np.int32), label=f"{place} {axis}", meaning=meaning))
    marks = on_axis(grid, columns["mark"])
    found.events.extend(spells("freezing", marks, MARKS, rate_hz=grid.rate_hz, start_ns=grid.start_ns))
    return found.finish(
        participant=f"daphnet:{named[1]}",
        name=named[2],
        clock="relative",
        device="wearable accelerometers",
        source=path.name,
    )


DATASET = Dataset(
    name="daphnet",
    title="Daphnet Freezing of Gait",
    modalities=("acc",),
    folder="gait/daphnet",
    participants=10,
    licence="CC BY 4.0 (UCI page)",
    citation="Bachlin et al. 2010, IEEE Trans. Inf. Technol. Biomed. 14(2):436, doi:10.1109/TITB.2009.2036165",
    homepage="https://archive.ics.uci.edu/dataset/245",
    recordings=recordings,
    layout="""dataset_fog_release/dataset/S01R01.txt   time ms, ankle x y z, thigh x y z, lower back x y z in mg, mark
dataset_fog_release/dataset/S01R02.txt   17 walks""",
    size="18 MB",
    addresses=(Address(kind="file", url="https://archive.ics.uci.edu/static/public/245/daphnet+freezing+of+gait.zip"),),
)
