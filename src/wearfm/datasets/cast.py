"""CAST, RR interval sub-study: a day of heart rate at 1 Hz after a heart attack, from Holter ECG.

The files hold a smoothed heart rate, resampled to 1 Hz (the rate is inferred: 74 files of 19 to 26 h), and an age band.
Where no beats were found the last value is held, for up to 70 minutes. Hearts with little variability hold a value for
up to 233 s, then nothing follows until 323 s: from `HELD_S` on a held value is not valid.

Not repaired: rates above 200 1/min, which after a heart attack are mostly beats counted twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wearfm.datasets.base import DAMAGED_ARCHIVE, Dataset, middle_of, only, stretches, table
from wearfm.errors import BadRecording
from wearfm.signals.door import admit
from wearfm.signals.quality_record import Quality
from wearfm.signals.recording import Fact, Recording
from wearfm.signals.spans import Spans
from wearfm.signals.wear import without

RATE_HZ = 1.0
HELD_S = 300.0  # ours, see above
HELD = f"no beats: the same value for {HELD_S:g} s and more"


def recordings(folder: Path) -> Iterator[Recording]:
    """Yield the heart rate of every patient under a folder, with age band and sex as facts."""
    facts: dict[str, dict[str, Fact]] = {}
    for path in only(folder.glob("metadata*.csv"), what="table of patients (metadata.csv)", folder=folder):
        facts |= {row["subject"]: _facts(row) for row in table(path, columns=["subject", "age", "sex"]).to_pylist()}
    for path in only(folder.glob("[efm][0-9][0-9][0-9][ab].npz"), what="heart rates (e001a.npz)", folder=folder):
        rate = _rate(path)
        admitted = admit(rate, name="heart rate", modality_name="hr", unit="1/min", rate_hz=RATE_HZ, start_ns=0)
        admitted = without(admitted, held(rate), reason=HELD)
        yield Recording(
            participant=f"cast:{path.stem[:4]}",
            name=path.stem,
            channels=(admitted.channel,),
            device="Holter ECG",
            source=path.name,
            facts=facts.get(path.stem, {}),
            quality=Quality(channels=(admitted.quality,)),
        )


def held(rate: NDArray[np.float32]) -> Spans:
    """Return where one value is repeated for `HELD_S` or more."""
    return Spans.of([(start, stop) for start, stop in stretches(rate) if stop - start >= HELD_S * RATE_HZ])


def _rate(path: Path) -> NDArray[np.float32]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return np.asarray(archive["hr"], dtype=np.float32)
    except DAMAGED_ARCHIVE as error:
        raise BadRecording(path, 0, f"not a heart rate of CAST ({error})") from error


def _facts(row: Mapping[str, str | None]) -> dict[str, Fact]:
    facts: dict[str, Fact] = {"sex": row["sex"].lower()} if row["sex"] else {}
    return facts | ({"age_band": row["age"], "age_years": middle_of(row["age"])} if row["age"] else {})


DATASET = Dataset(
    name="cast",
    title="CAST RR interval sub-study, resampled heart rate",
    modalities=("hr",),
    folder="rr/cast_crisdb",
    participants=809,  # [recalled]
    licence="ODC-By 1.0",
    citation="Stein et al. 2000, Clinical Cardiology 23:187; PhysioNet",
    homepage="https://physionet.org/content/crisdb/1.0.0/",
    recordings=recordings,
    layout="""metadata.csv     subject, age, sex
e001a.npz        hr, at 1 Hz""",
    by_hand="The heart rates at 1 Hz were made from the intervals on the homepage for a course on wearable data (Udacity, AI "
    "for Healthcare); take the folder crisdb and metadata.csv from one of its public repositories.",
)
