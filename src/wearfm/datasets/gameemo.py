"""GAMEEMO: EEG of 28 students who played four computer games, made to bore, to calm, to frighten and to amuse.

A head band with 14 electrodes (Emotiv Epoc+) at 128 Hz, five minutes a game. A game is a recording, with an event
`emotion` over its whole length: G1 boring, G2 calm, G3 horror, G4 funny.

**Cautions.** The label is the game, not what the player felt; their own ratings of valence and arousal lie beside the data
as PDF, which is **not read**. A game is played once a person and its label is the same for all of it: windows of one game
resemble each other for many reasons. Signals as the band gave them are read where they are there (they carry its offset of
about 4 mV), else the authors' filtered ones: never both. A note says which. Unit microvolt, as the device exports; the
files do not say. Layout as described by its users, not seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from wearfm.datasets.base import Dataset, numbers, only, table
from wearfm.errors import BadRecording
from wearfm.readers.assembly import Assembly, Series
from wearfm.readers.labels import Meaning
from wearfm.signals.recording import SECOND, Recording

RATE_HZ = 128.0  # Alakus et al. 2020
EMOTIONS = {"G1": "boring", "G2": "calm", "G3": "horror", "G4": "funny"}
PLACES = ("AF3", "AF4", "F3", "F4", "F7", "F8", "FC5", "FC6", "O1", "O2", "P7", "P8", "T7", "T8")
_NAME = re.compile(r"(S\d\d)(G[1-4])All(Raw)?Channels")


def recordings(folder: Path) -> Iterator[Recording]:
    """Yield every game of every player under a folder, with the game's emotion as an event."""
    raw = sorted(folder.rglob("S*AllRawChannels.csv"))
    what = "games (S01G1AllRawChannels.csv or S01G1AllChannels.csv)"
    for path in raw or only(folder.rglob("S*AllChannels.csv"), what=what, folder=folder):
        named = _NAME.fullmatch(path.stem)
        if named is None:
            raise BadRecording(path, 0, f"{path.stem!r} is not of the form S01G1AllRawChannels")
        yield _recording(path, person=named[1], game=named[2], is_raw=bool(named[3]))


def _recording(path: Path, *, person: str, game: str, is_raw: bool) -> Recording:
    read = table(path, columns=PLACES)
    found = Assembly(path=path)
    found.note("signals as the device gave them" if is_raw else "signals as the authors filtered them: no raw ones here")
    for place in PLACES:
        found.add(
            Series(
                label=place,
                meaning=Meaning(modality="eeg", unit="uV", placement=place),
                samples=numbers(read, place, path=path),
                rate_hz=RATE_HZ,
                start_ns=0,
            )
        )
    found.events.append(("emotion", 0, round(len(read) * SECOND / RATE_HZ), EMOTIONS[game], float("nan")))
    return found.finish(participant=f"gameemo:{person}", name=game, clock="relative", device="Emotiv Epoc+", source=path.name)


DATASET = Dataset(
    name="gameemo",
    title="GAMEEMO, EEG of emotions in computer games",
    modalities=("eeg",),
    folder="eeg/gameemo",
    participants=28,
    licence="free for research with citation (authors' page)",
    citation="Alakus, Gonen & Turkoglu 2020, Biomed. Signal Process. Control 60:101951, doi:10.1016/j.bspc.2020.101951",
    homepage="https://doi.org/10.1016/j.bspc.2020.101951",
    recordings=recordings,
    layout="""GAMEEMO/(S01)/Raw EEG Data/.csv format/S01G1AllRawChannels.csv
GAMEEMO/(S01)/Preprocessed EEG Data/.csv format/S01G1AllChannels.csv""",
    by_hand="Download it from Kaggle (Database for Emotion Recognition System - GAMEEMO; a free account) and unpack it.",
)
