"""Sleep-EDF expanded: nights of polysomnography with stages by hand; 78 healthy people at home, 22 in hospital with temazepam.

A recording of `sleep-cassette` (SC) is about 20 hours at home, one of `sleep-telemetry` (ST) a night in hospital after
temazepam or placebo. The hypnogram beside it becomes events `sleep_stage`; stages 3 and 4 of the older rules are N3.

| in the hypnogram | event |
|---|---|
| `Sleep stage W`, `1`, `2`, `3` and `4`, `R` | `sleep_stage` W, N1, N2, N3, REM, for as long as the file says |
| `Movement time`, `Sleep stage ?` | none: such time has no stage |

| in the name | meaning |
|---|---|
| `SC4ssNE0` | person `ss` (00 to 82) of the cassettes, night `N` |
| `ST7ssNJ0` | person `ss` (01 to 24) of telemetry, night `N`; another person than the same number of the cassettes |

The number of the person is the participant, so that two nights are never two people. Age and sex come from the patient
field ("Female_33yr": there is no name in it). EEG (Fpz-Cz, Pz-Oz) and EOG have 100 Hz. **Cautions.** In SC the chin EMG is
an envelope at 1 Hz, and breathing, temperature and the event marker have 1 Hz. The long waking hours before and after the
night of SC are read: most of a recording is W. **Not read**: the lights-off times and the order of drug and placebo, which
stand in the `.xls` tables. Layout as its PhysioNet page describes it, not seen; the format is EDF+ (`readers.edf`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from wearfm.datasets.base import Address, Dataset, Row, only
from wearfm.errors import BadRecording
from wearfm.readers import edf
from wearfm.readers.base import peek
from wearfm.signals.recording import Events, Fact, Recording

STAGES = {
    "Sleep stage W": "W",
    "Sleep stage 1": "N1",
    "Sleep stage 2": "N2",
    "Sleep stage 3": "N3",
    "Sleep stage 4": "N3",
    "Sleep stage R": "REM",
}
_NAME = re.compile(r"(SC4|ST7)(\d\d)(\d)[A-Z]\d-PSG")
_PATIENT = re.compile(r"(Female|Male)_(\d{1,3})yr")
_STUDIES = {"SC4": "cassette", "ST7": "telemetry"}


def recordings(folder: Path) -> Iterator[Recording]:
    """Yield every night under a folder, with its sleep stages as events and age, sex and study as facts."""
    for path in only(folder.rglob("S[CT]*-PSG.edf"), what="nights (SC4001E0-PSG.edf)", folder=folder):
        named = _NAME.fullmatch(path.stem)
        if named is None:
            raise BadRecording(path, 0, f"{path.stem!r} is not of the form SC4001E0-PSG")
        study, person, night = named.groups()
        for one in edf.read(path):
            yield replace(
                one,
                participant=f"sleep_edf:{study}{person}",
                name=f"night {night}",
                events=Events.of([*one.events.rows(), *_stages(_hypnogram(path), one.clock)]),
                device=f"{_STUDIES[study]} recorder",
                facts={"study": _STUDIES[study], **_facts(path)},
            )


def _hypnogram(path: Path) -> Path:
    """Return the hypnogram of a night: the same seven letters, and the scorer's."""
    found = sorted(path.parent.glob(f"{path.stem[:7]}?-Hypnogram.edf"))
    if len(found) != 1:
        raise BadRecording(path, 0, f"{len(found)} hypnograms {path.stem[:7]}?-Hypnogram.edf beside it; there must be one")
    return found[0]


def _stages(path: Path, clock: str) -> Iterator[Row]:
    for one in edf.read(path):
        if one.clock != clock:
            raise BadRecording(path, 168, f"its clock is {one.clock}, that of the night {clock}; one of the dates is wrong")
        for _, onset, lasts, label, value in one.events.rows():
            if label in STAGES:
                yield "sleep_stage", onset, lasts, STAGES[label], value


def _facts(path: Path) -> dict[str, Fact]:
    found = _PATIENT.search(peek(path)[8:88].decode("latin-1"))
    return {} if found is None else {"sex": found[1].lower(), "age_years": float(found[2])}


DATASET = Dataset(
    name="sleep_edf",
    title="Sleep-EDF Database Expanded",
    modalities=("eeg", "eog", "emg", "resp", "temp", "other"),
    folder="sleep/sleep_edf",
    participants=100,
    licence="ODC-By 1.0",
    citation="Kemp et al. 2000, IEEE TBME 47(9):1185, doi:10.1109/10.867928; PhysioNet, doi:10.13026/C2X676",
    homepage="https://physionet.org/content/sleep-edfx/1.0.0/",
    recordings=recordings,
    layout="""sleep-cassette/SC4001E0-PSG.edf
sleep-cassette/SC4001EC-Hypnogram.edf
sleep-telemetry/ST7011J0-PSG.edf
sleep-telemetry/ST7011JP-Hypnogram.edf""",
    size="8.1 GB",
    addresses=(Address(kind="physionet", url="https://physionet.org/files/sleep-edfx/1.0.0/"),),
)
