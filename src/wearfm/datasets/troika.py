"""TROIKA (IEEE Signal Processing Cup 2015): two wrist pulse waves, acceleration and ECG of people on a treadmill.

Each recording comes with the heart rate of its ECG in windows of 8 s, one every 2 s. A window is an event "hr" of 8 s, so
events overlap: the first covers 0 to 8 s, the second 2 to 10 s. `labels.event_match` gives a window of 8 s the one
reference that was taken over the same 8 s, and a longer one the mean of the references inside it.

Acceleration is in g (at rest its length is 1.0; it ends at 3.99, the range of a 4 g part). The gain of the ECG is not
published and its samples are codes of 11 bits, so it is kept as "other": it is no ECG in mV.

The readme does not say who ran. A participant is the number in the name, so that `DATA_04_TYPE01` and `DATA_04_TYPE02` are
never on two sides of a split, whether they are one person or two. (`DATA_04_TYPE01`, where it is there, lasts 221 s and
stays below 110 1/min: it does not look like the protocol of its name.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wearfm.datasets.base import Dataset, only, variable
from wearfm.errors import BadRecording
from wearfm.signals.door import Admitted, admit
from wearfm.signals.quality_record import Quality
from wearfm.signals.recording import SECOND, Events, Fact, Recording

RATE_HZ = 125.0  # Readme of the data set
WINDOW_S, STEP_S = 8.0, 2.0  # of the reference heart rate, same source
_ROWS = (  # name, modality, unit, placement, axis
    ("ECG", "other", "au", "chest", ""),
    ("PPG 1", "ppg", "au", "wrist", ""),
    ("PPG 2", "ppg", "au", "wrist", ""),
    ("acc x", "acc", "g", "wrist", "x"),
    ("acc y", "acc", "g", "wrist", "y"),
    ("acc z", "acc", "g", "wrist", "z"),
)
_SPEEDS = {"TYPE01": "treadmill 8 and 15 km/h", "TYPE02": "treadmill 6 and 12 km/h"}
_NAME = re.compile(r"DATA_(\d\d)_(TYPE\d\d)")


def recordings(folder: Path) -> Iterator[Recording]:
    """Yield every run under a folder, with the reference heart rate as events."""
    for path in only(folder.rglob("DATA_*_TYPE*.mat"), what="runs (DATA_01_TYPE01.mat)", folder=folder):
        name = _NAME.fullmatch(path.stem)
        if name is None:
            raise BadRecording(path, 0, f"run {path.stem!r} is not of the form DATA_01_TYPE01")
        samples = _variable(path, "sig")
        admitted = _channels(path, samples)
        facts: dict[str, Fact] = {"protocol": _SPEEDS[name[2]]} if name[2] in _SPEEDS else {}
        yield Recording(
            participant=f"troika:{name[1]}",
            name=name[2],
            channels=tuple(a.channel for a in admitted),
            events=_rates(path.with_name(path.name.replace("DATA", "REF")), samples.shape[1]),
            device="wristband with two green LEDs",
            source=path.name,
            facts=facts,
            quality=Quality(channels=tuple(a.quality for a in admitted)),
        )


def _variable(path: Path, name: str) -> NDArray[np.float64]:
    """Return a variable of a MATLAB file, two-dimensional."""
    values = variable(path, name)
    if values.dtype.kind not in "iuf" or values.ndim != 2:
        raise BadRecording(path, 0, f"{name} holds {values.dtype}{values.shape}; it is a table of numbers")
    return values.astype(np.float64)


def _channels(path: Path, samples: NDArray[np.float64]) -> list[Admitted]:
    if len(samples) != len(_ROWS):
        raise BadRecording(path, 0, f"sig is {samples.shape}; it has {len(_ROWS)} rows: ECG, two PPG, three axes")
    return [
        admit(
            row,
            name=name,
            modality_name=modality,
            unit=unit,
            rate_hz=RATE_HZ,
            start_ns=0,
            placement=placement,
            axis=axis,
        )
        for row, (name, modality, unit, placement, axis) in zip(samples, _ROWS, strict=True)
    ]


def _rates(path: Path, num_samples: int) -> Events:
    """Return the reference heart rates, an event of 8 s each; they may end at most a step after the samples."""
    rates = _variable(path, "BPM0").ravel()
    end_s = (len(rates) - 1) * STEP_S + WINDOW_S
    if end_s > num_samples / RATE_HZ + STEP_S:
        raise BadRecording(path, 0, f"{len(rates)} windows end at {end_s:g} s, the samples at {num_samples / RATE_HZ:g} s")
    return Events.of(
        ("hr", round(number * STEP_S * SECOND), round(WINDOW_S * SECOND), "", rate)
        for number, rate in enumerate(rates.tolist())
        if np.isfinite(rate)
    )


DATASET = Dataset(
    name="troika",
    title="TROIKA, IEEE Signal Processing Cup 2015",
    modalities=("ppg", "acc", "other"),
    folder="ppg/troika_spc2015",
    participants=12,
    licence="free for academic research with citation (Readme)",
    citation="Zhang et al. 2015, IEEE TBME 62(2):522, doi:10.1109/TBME.2014.2359372",
    homepage="https://doi.org/10.1109/TBME.2014.2359372",
    recordings=recordings,
    layout="""DATA_01_TYPE01.mat, REF_01_TYPE01.mat""",
    by_hand="Download the training data of the IEEE Signal Processing Cup 2015 (Training_data.zip) from the author's page, "
    "which the article links to, and unpack it.",
)
