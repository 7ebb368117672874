"""Fetal-fPCG: heart sounds of unborn children, from an electronic stethoscope on the abdomen of 60 pregnant women.

Eight minutes a woman at 2000 Hz, in a noisy hospital, in the 30th to 40th week (the fetal heart sound database of the
Indian Institute of Science). A WAV file is a recording; samples stay the integers of the file, in arbitrary units. It can
be no other modality than `pcg`: what the stethoscope hears is mother and child.

What is known of a woman is taken from a table beside the sounds whose first column names the file, where there is one:
`gestational_week`, `age_years` and `fetal_hr_per_min` (the mean heart rate of the child) become facts of these names.

**Cautions.** NormWear's evaluation has 47 of these people and does not say which. Fetal heart rates lie close together:
predicting the mean of the training people scores as well as published models do (`NormWear`, Table 14). **Neither the
archive nor its table was seen**; the table above is asked for by the names given here.
"""

from __future__ import annotations

import wave
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wearfm.datasets.base import Dataset, number, only, table
from wearfm.errors import BadRecording
from wearfm.readers.assembly import Assembly, Series
from wearfm.readers.labels import Meaning
from wearfm.signals.recording import Fact, Recording

_FACTS = ("gestational_week", "age_years", "fetal_hr_per_min")
_WIDTHS = {2: np.int16, 4: np.int32}  # bytes of a sample -> type


def recordings(folder: Path) -> Iterator[Recording]:
    """Yield every recording under a folder, with week, age and heart rate as facts where a table gives them."""
    sounds = only(folder.rglob("*.wav"), what="heart sounds (*.wav)", folder=folder)
    facts = _facts(folder)
    for path in sounds:
        rate_hz, samples = _samples(path)
        found = Assembly(path=path)
        meaning = Meaning(modality="pcg", unit="au", placement="abdomen")
        found.add(Series(label="fPCG", meaning=meaning, samples=samples, rate_hz=rate_hz, start_ns=0))
        yield found.finish(
            participant=f"fetal_fpcg:{path.stem}",
            name="recording",
            clock="relative",
            device="Biopac SS30LA",
            source=path.name,
            facts=facts.get(path.stem, {}),
        )


def _samples(path: Path) -> tuple[float, NDArray[np.generic]]:
    """Return the rate and the samples of a WAV file with one channel, (T,)."""
    try:
        with wave.open(str(path), "rb") as file:
            width, channels, rate = file.getsampwidth(), file.getnchannels(), file.getframerate()
            content = file.readframes(min(file.getnframes(), path.stat().st_size))
    except (OSError, EOFError, wave.Error) as error:
        raise BadRecording(path, 0, f"not a WAV file of integer samples ({error})") from error
    if width not in _WIDTHS or channels != 1 or rate <= 0 or not content:
        raise BadRecording(path, 0, f"{channels} channels of {width} bytes at {rate} Hz; a heart sound is one of 2 or 4 bytes")
    whole = len(content) // width * width
    return float(rate), np.frombuffer(content[:whole], dtype=f"<i{width}").astype(_WIDTHS[width])


def _facts(folder: Path) -> Mapping[str, dict[str, Fact]]:
    """Return what the tables under a folder say of every recording, by the name of its file without its end."""
    facts: dict[str, dict[str, Fact]] = {}
    for path in sorted(folder.rglob("*.csv")):
        read = table(path, columns=[])
        known = [name for name in _FACTS if name in read.column_names]
        for row, first in zip(read.to_pylist(), read.column(0).to_pylist(), strict=True):
            facts[Path(str(first)).stem] = {
                name: number(row[name], path=path, what=name) for name in known if row[name] is not None
            }
    return facts


DATASET = Dataset(
    name="fetal_fpcg",
    title="Indian Institute of Science Fetal Heart Sound Database (NormWear's Fetal-fPCG)",
    modalities=("pcg",),
    folder="pcg/fetal_fpcg",
    participants=60,
    licence="as its PhysioNet page says; not seen",
    citation="Bhaskaran & Arora, Indian Institute of Science Fetal Heart Sound Database, PhysioNet",
    homepage="https://physionet.org/content/?topic=phonocardiography",
    recordings=recordings,
    layout="""*.wav             one channel, 2000 Hz
*.csv             first column: name of the sound; gestational_week, age_years, fetal_hr_per_min (ours: not seen)""",
    by_hand="Find the database on PhysioNet by its title, download and unpack it, and write the table of what is known of each "
    "woman beside it.",
)
