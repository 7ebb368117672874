"""Sleep-accel: a night with an Apple Watch beside polysomnography, as the authors' features of 30 s epochs.

Read are the features of movement and heart rate and the sleep stages. The activity is a Gaussian-weighted sum of counts
around the epoch [recalled]. The heart-rate feature is not a rate: it is the local standard deviation of the normalised
rate (Walch et al. 2019, abstract), so that it stands under "other". The features of the body clock are left out: they are
model outputs. Time is hours since the first epoch, in steps of 30 s; epochs that nobody scored are missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wearfm.datasets.base import Dataset, integers, matrix, only, stretches
from wearfm.errors import BadRecording
from wearfm.signals.clock import Grid, regularise
from wearfm.signals.door import Admitted, admit
from wearfm.signals.quality_record import Quality
from wearfm.signals.recording import SECOND, Events, Recording

EPOCH_S = 30
STAGES = {0: "W", 1: "N1", 2: "N2", 3: "N3", 4: "N3", 5: "REM"}  # 4 is stage 4 of the older rules, part of N3
_CHANNELS = {  # file -> name, modality, unit
    "count_feature": ("activity", "counts", "count"),
    "hr_feature": ("heart rate variation", "other", "au"),
}


def recordings(folder: Path) -> Iterator[Recording]:
    """Yield every night under a folder, with its sleep stages as events."""
    for path in only(folder.rglob("*_psg_labels.out"), what="sleep stages (*_psg_labels.out)", folder=folder):
        subject = path.name.partition("_")[0]
        hours = _column(path.with_name(f"{subject}_time_feature.out"))
        grid = regularise(integers(hours * 3600, path=path, what="a time") * SECOND, rate_hz=1 / EPOCH_S)
        admitted = [_channel(path.with_name(f"{subject}_{file}.out"), file, grid) for file in _CHANNELS]
        yield Recording(
            participant=f"sleep_accel:{subject}",
            name="night",
            channels=tuple(a.channel for a in admitted),
            events=_stages(integers(_same_length(path, grid), path=path, what="a stage"), grid),
            device="Apple Watch",
            source=path.name,
            quality=Quality(channels=tuple(a.quality for a in admitted), notes=grid.notes),
        )


def _channel(path: Path, file: str, grid: Grid) -> Admitted:
    name, modality, unit = _CHANNELS[file]
    return admit(
        grid.lay(_same_length(path, grid)).astype(np.float32),
        name=name,
        modality_name=modality,
        unit=unit,
        rate_hz=grid.rate_hz,
        start_ns=grid.start_ns,
        placement="wrist",
        present=grid.present,
        findings=grid.findings,
    )


def _same_length(path: Path, grid: Grid) -> NDArray[np.float64]:
    values = _column(path)
    if len(values) != len(grid.keep):
        raise BadRecording(path, 0, f"{len(values)} epochs, but {len(grid.keep)} times; copy the files of this person again")
    return values


def _column(path: Path) -> NDArray[np.float64]:
    return matrix(path, columns=1)[:, 0]


def _stages(labels: NDArray[np.int64], grid: Grid) -> Events:
    codes = np.full(grid.length, -1, dtype=np.int64)
    codes[grid.position[grid.keep]] = labels[grid.keep]
    epoch_ns = EPOCH_S * SECOND
    return Events.of(
        ("sleep_stage", grid.start_ns + first * epoch_ns, (stop - first) * epoch_ns, STAGES[code], float("nan"))
        for first, stop in stretches(codes)
        if (code := int(codes[first])) in STAGES
    )


DATASET = Dataset(
    name="sleep_accel",
    title="Sleep-accel (Apple Watch and polysomnography), features of 30 s epochs",
    modalities=("counts", "other"),
    folder="sleep/walch2019_features",
    participants=31,
    licence="ODC-By 1.0",
    citation="Walch et al. 2019, Sleep 42(12):zsz180, doi:10.1093/sleep/zsz180; PhysioNet",
    homepage="https://doi.org/10.13026/hmhs-py35",
    recordings=recordings,
    layout="""46343_psg_labels.out
46343_time_feature.out
46343_count_feature.out
46343_hr_feature.out""",
    by_hand="The features are those that the authors' repository sleep_classifiers keeps under outputs/features; the raw "
    "recordings on the homepage are not read.",
)
