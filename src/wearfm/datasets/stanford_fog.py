"""Stanford freezing of gait: people with Parkinson's disease turn and walk around obstacles with IMUs on the body.

Read are the sensors at the lower back, wrists and ankles, from tables converted to parquet with their columns as
published. Most visits had no sensor at the wrists: such columns hold no number and give no channel, which a note says.
The authors mark freezing sample by sample: it is an event from its first sample to the end of its last.

Times are seconds of the visit, so that the trials of a visit keep their order. No task is asked here: only two of the
seven people are in the collection that this house tests with, and a split by person needs three.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from wearfm.datasets.base import Dataset, integers, numbers, only, stretches, table
from wearfm.errors import BadRecording
from wearfm.signals.clock import Grid, regularise
from wearfm.signals.door import Admitted, admit
from wearfm.signals.quality_record import Quality
from wearfm.signals.recording import SECOND, Events, Recording

RATE_HZ = 128.0  # O'Day et al. 2022; the stamps say the same
PLACES = {
    "lumbar": "lower back",
    "wrist_l": "left wrist",
    "wrist_r": "right wrist",
    "ankle_l": "left ankle",
    "ankle_r": "right ankle",
}
_KINDS = {"a": ("acc", "m/s2"), "g": ("gyro", "rad/s")}  # letter of the column -> modality, unit
_TRIAL = re.compile(r"pt(?P<person>\d+)_(?P<trial>visit_.+)")


def recordings(folder: Path) -> Iterator[Recording]:
    """Yield every walking trial under a folder, with freezing as events."""
    for path in only(folder.rglob("pt*_visit_*.parquet"), what="trials (pt3_visit_12.1_..._trial_1.parquet)", folder=folder):
        named = _TRIAL.fullmatch(path.stem)
        if named is None:
            raise BadRecording(path, 0, "the name is not of the form pt3_visit_12.1_tbc_walklr_0_trial_1")
        read = table(path, columns=["time", "freeze_label", *(f"imu_lumbar_{k}{axis}" for k in _KINDS for axis in "xyz")])
        grid = regularise(integers(numbers(read, "time", path=path) * SECOND, path=path, what="a time"), rate_hz=RATE_HZ)
        admitted, absent = _channels(path, read, grid)
        yield Recording(
            participant=f"stanford_fog:{named['person']}",
            name=named["trial"],
            channels=tuple(a.channel for a in admitted),
            events=_freezing(numbers(read, "freeze_label", path=path), grid),
            device="APDM Opal",
            source=path.name,
            quality=Quality(channels=tuple(a.quality for a in admitted), notes=(*grid.notes, *absent)),
        )


def _channels(path: Path, read: pa.Table, grid: Grid) -> tuple[list[Admitted], tuple[str, ...]]:
    """Return the channels that hold a number, and a note on each place that holds none."""
    found: list[Admitted] = []
    absent = []
    for place, placement in PLACES.items():
        columns = {f"imu_{place}_{kind}{axis}": (kind, axis) for kind in _KINDS for axis in "xyz"}
        values = {name: numbers(read, name, path=path) for name in columns if name in read.column_names}
        if not any(np.isfinite(each).any() for each in values.values()):
            absent.append(f"no sensor at the {placement}")
            continue
        for name, each in values.items():
            kind, axis = columns[name]
            found.append(_channel(each, kind=kind, axis=axis, placement=placement, grid=grid))
    return found, tuple(absent)


def _channel(values: NDArray[np.float64], *, kind: str, axis: str, placement: str, grid: Grid) -> Admitted:
    modality, unit = _KINDS[kind]
    return admit(
        grid.lay(values),
        name=f"{placement} {modality} {axis}",
        modality_name=modality,
        unit=unit,
        rate_hz=grid.rate_hz,
        start_ns=grid.start_ns,
        placement=placement,
        axis=axis,
        present=grid.present,
        findings=grid.findings,
    )


def _freezing(labels: NDArray[np.float64], grid: Grid) -> Events:
    frozen = grid.lay(labels == 1)
    at = [(first, stop) for first, stop in stretches(frozen) if frozen[first]]
    onsets = [
        (grid.start_ns + round(a * SECOND / grid.rate_hz), grid.start_ns + round(b * SECOND / grid.rate_hz)) for a, b in at
    ]
    return Events.of(("freezing", onset, stop - onset, "freezing", float("nan")) for onset, stop in onsets)


DATASET = Dataset(
    name="stanford_fog",
    title="Stanford IMU freezing of gait",
    modalities=("acc", "gyro"),
    folder="gait/stanford_fog",
    participants=7,
    licence="BSD-3-Clause",
    citation="O'Day et al. 2022, Journal of NeuroEngineering and Rehabilitation 19:20, doi:10.1186/s12984-022-00992-x",
    homepage="https://github.com/stanfordnmbl/imu-fog-detection",
    recordings=recordings,
    layout="""pt3_visit_12.1_tbc_walklr_0_trial_1.parquet     a table a trial, columns as published""",
    by_hand="Download the tables that the homepage links to and convert each to parquet with its columns as they are.",
)
