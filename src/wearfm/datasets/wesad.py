"""WESAD: a chest belt and a wrist band through baseline, stress (Trier test), amusement and two guided meditations.

Two recordings a person. **chest**: the RespiBAN at 700 Hz, from its text file. **wrist**: the Empatica E4, from its zip.
The protocol (`S2_quest.csv`) counts minutes and seconds from the start of the chest belt: there its conditions are exact
to the second and become events `condition` (baseline, stress, amusement, meditation), with the answers after them as
events `valence` and `arousal` (1 to 9) over the same time.

| file | in the recording |
|---|---|
| `S2_respiban.txt` | channels `ecg`, `eda`, `emg`, `resp`, three `acc` (16-bit codes with scale and offset), `temp` |
| `S2_E4_Data.zip` | channels `ppg`, `eda`, `temp`, `acc` as `readers.empatica` gives them |
| `S2_quest.csv` | conditions and answers |
| `S2_readme.txt` | facts: age, sex, size, dominant hand |

**Time.** The belt keeps the computer's wall clock (local), the band UTC; the band starts 17 to 24 minutes earlier. How far
the two stand apart is found from how both moved (`signals.alignment`), to a quarter of a second. Where that is not clear
the band's conditions are those of the data set `wesad_e4`, which aligns by the band alone and to a minute only; a note
says which. **Cautions.** `wesad_e4` holds the same people: never use both. The order of stress and amusement changes
between people, baseline is always first. **Not read**: the pickled, synchronised copy (a pickle runs what it holds), the
answers to PANAS, STAI and SSSQ, lost packets of the belt's counter. The belt's layout as the authors' readme describes it,
not seen; the rest on genuine files.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wearfm.datasets import wesad_e4
from wearfm.datasets.base import Address, Dataset, Row, only
from wearfm.errors import BadRecording
from wearfm.readers import respiban
from wearfm.readers.assembly import Assembly
from wearfm.signals.alignment import Shift, align, movement
from wearfm.signals.recording import SECOND, Events, Recording

CONDITIONS = wesad_e4.CONDITIONS
_FROM_PROTOCOL = ("condition", "valence", "arousal")


def recordings(folder: Path) -> Iterator[Recording]:
    """Yield chest and wrist of every person under a folder, with conditions and answers as events, the person as facts."""
    for path in only(folder.rglob("S*_quest.csv"), what="protocols (S2/S2_quest.csv)", folder=folder):
        person = path.name.removesuffix("_quest.csv")
        (wrist,) = wesad_e4.recordings(path.parent)
        chest = replace(_chest(path.with_name(f"{person}_respiban.txt"), path, person), facts=wrist.facts)
        yield chest
        yield _wrist(wrist, chest, person)


def _chest(path: Path, quest: Path, person: str) -> Recording:
    if not path.is_file():
        raise BadRecording(quest, 0, f"no {path.name} beside the protocol; the data set wesad_e4 reads the wrist alone")
    head = respiban.read_head(path)
    sensors = {column: sensor for column, sensor in zip(head.columns, head.sensors, strict=True) if sensor}
    found = Assembly(path=path)
    for each in respiban.series(respiban.read_codes(path, head), sensors, rate_hz=head.rate_hz, start_ns=head.start_ns):
        found.add(each)
    found.events.extend(_conditions(wesad_e4.read_protocol(quest), head.start_ns))
    return found.finish(
        participant=f"wesad:{person}", name="chest", clock="local", device="RespiBAN Professional", source=path.name
    )


def _conditions(protocol: wesad_e4.Protocol, zero_ns: int) -> Iterator[Row]:
    """Yield every condition and what was answered after it."""
    for name, (start, stop) in protocol.times_s.items():
        onset, lasts = zero_ns + start * SECOND, (stop - start) * SECOND
        yield "condition", onset, lasts, CONDITIONS[name], float("nan")
        for kind, value in zip(("valence", "arousal"), protocol.rated.get(name, ()), strict=False):
            yield kind, onset, lasts, "", value


def _wrist(wrist: Recording, chest: Recording, person: str) -> Recording:
    """Return the wrist's recording with the conditions of the chest on its own clock."""
    shift = between(chest, wrist)
    measured = f"the belt starts {shift.seconds:g} s after the band by their movement, correlation {shift.correlation:.2f}"
    notes = (*wrist.quality.notes, f"{measured}, {shift.rival:.2f} elsewhere" + ("" if shift.is_clear else ": not used"))
    events = wrist.events
    if shift.is_clear:
        by_ns = wrist.start_ns - chest.start_ns + round(shift.seconds * SECOND)
        rows = [(kind, onset + by_ns, *rest) for kind, onset, *rest in chest.events.rows()]
        kept = [row for row in wrist.events.rows() if row[0] not in _FROM_PROTOCOL]
        events = Events.of([*kept, *rows])  # type: ignore[list-item]
    return replace(
        wrist, participant=f"wesad:{person}", name="wrist", events=events, quality=replace(wrist.quality, notes=notes)
    )


def between(chest: Recording, wrist: Recording) -> Shift:
    """Return by how much later the chest starts than the wrist."""
    return align(*(movement(_axes(one), rate_hz=_rate_hz(one)) for one in (chest, wrist)))


def _axes(one: Recording) -> NDArray[np.float64]:
    return np.stack([channel.physical() for channel in one.channels if channel.modality == "acc"])  # (3, T)


def _rate_hz(one: Recording) -> float:
    return next(channel.rate_hz for channel in one.channels if channel.modality == "acc")


DATASET = Dataset(
    name="wesad",
    title="WESAD, chest and wrist",
    modalities=("ecg", "eda", "emg", "resp", "acc", "temp", "ppg"),
    folder="e4/wesad",
    participants=15,
    licence="scientific, non-commercial use with credit (authors' readme); CC BY 4.0 (UCI page)",
    citation="Schmidt et al. 2018, ICMI, doi:10.1145/3242969.3242985",
    homepage="https://archive.ics.uci.edu/dataset/465",
    recordings=recordings,
    layout="""WESAD/S2/S2_respiban.txt
WESAD/S2/S2_E4_Data.zip
WESAD/S2/S2_quest.csv
WESAD/S2/S2_readme.txt""",
    size="2.5 GB (packed)",
    addresses=(Address(kind="file", url="https://uni-siegen.sciebo.de/s/HGdUkoNlW1Ub0Gx/download", path="WESAD.zip"),),
)
