"""Driver fatigue: EEG of twelve men in a driving simulator, awake and after driving until they were tired.

Two files a person, a cap of 30 electrodes with two references at the ears, 1000 Hz. The authors kept the last five minutes
of each state; fatigue was judged by questionnaires (Min et al. 2017). A state is a recording, with an event `condition`
over its whole length, "normal" or "fatigue".

**Cautions.** The two states of a person were recorded one after the other: what drifts with time (the paste, the heat under
the cap) tells them apart as well as fatigue does. EEG keeps the reference of the file. Channels whose name is no place of
the 10-20 system (eyes, references, triggers) are "other".

**Not read**: events of the amplifier. Layout as its figshare page describes it, not seen; the format is that of
Neuroscan (`readers.neuroscan`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from wearfm.datasets.base import Address, Dataset, only
from wearfm.errors import BadRecording
from wearfm.readers.assembly import Assembly, Series
from wearfm.readers.labels import Meaning, guess_modality
from wearfm.readers.neuroscan import Continuous, read_continuous
from wearfm.signals.recording import SECOND, Recording

CONDITIONS = {"normal state": "normal", "fatigue state": "fatigue"}  # name of the file -> label


def recordings(folder: Path) -> Iterator[Recording]:
    """Yield both states of every driver under a folder, with the state as an event."""
    found = (path for path in folder.rglob("*") if path.suffix.lower() == ".cnt")
    for path in only(found, what="recordings (1/Normal state.cnt)", folder=folder):
        condition = CONDITIONS.get(path.stem.lower())
        if condition is None:
            raise BadRecording(path, 0, f"state {path.stem!r} is not 'Normal state' or 'Fatigue state'")
        yield _recording(path, read_continuous(path), condition)


def _recording(path: Path, read: Continuous, condition: str) -> Recording:
    found = Assembly(path=path)
    for place, label in enumerate(read.names):
        is_eeg = guess_modality(label) == "eeg"
        scale, offset = (read.scale[place], read.offset[place]) if is_eeg else (1.0, 0.0)
        found.add(
            Series(
                label=label or f"channel {place + 1}",
                meaning=Meaning(modality="eeg", unit="uV", placement=label) if is_eeg else Meaning(modality="other", unit="au"),
                samples=read.samples[:, place],
                rate_hz=read.rate_hz,
                start_ns=0,
                scale=scale,
                offset=offset,
            )
        )
    lasts_ns = round(len(read.samples) * SECOND / read.rate_hz)
    found.events.append(("condition", 0, lasts_ns, condition, float("nan")))
    return found.finish(
        participant=f"driver_fatigue:{path.parent.name}",
        name=condition,
        clock="relative",
        device="Neuroscan",
        source=path.name,
        facts={"sex": "male"},
    )


DATASET = Dataset(
    name="driver_fatigue",
    title="The original EEG data for driver fatigue detection",
    modalities=("eeg", "other"),
    folder="eeg/driver_fatigue",
    participants=12,
    licence="CC BY 4.0 (figshare page)",
    citation="Min, Wang & Hu 2017, PLoS ONE 12(12):e0188756, doi:10.1371/journal.pone.0188756",
    homepage="https://doi.org/10.6084/m9.figshare.5202739",
    recordings=recordings,
    layout="""1/Normal state.cnt
1/Fatigue state.cnt
2/...                    a folder a person, 1 to 12""",
    addresses=(Address(kind="figshare", url="https://figshare.com/articles/dataset/5202739"),),
)
