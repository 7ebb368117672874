"""EEG Eye State: two minutes of a consumer headset with 14 electrodes, in which one person opens and closes the eyes.

| in the file | in the recording |
|---|---|
| AF3, F7, F3, FC5, T7, P7, O1, O2, P8, T8, FC6, F4, F8, AF4 | 14 channels of EEG, uV, 128 Hz |
| `eyeDetection` 0, 1 | events `eyes`, each over its stretch, label "open" or "closed" |

The authors filmed the face and marked the state by hand from the film (UCI page). Values are as the headset gives them, with
its offset of about 4.2 mV; the file names no unit, and 0.51 from step to step is that of the headset in uV [recalled].

**Time.** The file has no stamps: 14,980 rows in 117 s (UCI page) are 128 Hz, and the clock is relative.

**Cautions.** One person, once: no figure on this set says anything about another person, so that no task is asked here. A
random split of rows, as often published, puts neighbours of 8 ms on both sides. Four rows (898, 10386, 11509 and 13179,
from 0) jump by millivolts and back; the largest other step is 45 uV. Rows with a step above `GLITCH_UV` on both sides are not
valid in any channel.
"""

from __future__ import annotations

import gzip
import io
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
from numpy.typing import NDArray

from wearfm.datasets.base import Address, Dataset, numbers, only, stretches
from wearfm.errors import BadRecording
from wearfm.readers.assembly import Assembly, Series, nanoseconds
from wearfm.readers.labels import Meaning
from wearfm.signals.recording import Recording

RATE_HZ = 128.0
GLITCH_UV = 1000.0  # ours, see above
GLITCH = f"the row jumps by more than {GLITCH_UV:g} uV and back"
STATES = {0: "open", 1: "closed"}
ELECTRODES = ("AF3", "F7", "F3", "FC5", "T7", "P7", "O1", "O2", "P8", "T8", "FC6", "F4", "F8", "AF4")
_ATTRIBUTE = re.compile(r"^@attribute\s+(\S+)", flags=re.IGNORECASE | re.MULTILINE)
_DATA = re.compile(r"^@data\s*$", flags=re.IGNORECASE | re.MULTILINE)


def recordings(folder: Path) -> Iterator[Recording]:
    """Yield the one recording under a folder, with the state of the eyes as events."""
    path = only(folder.rglob("EEG*Eye*State.arff*"), what="table (EEG Eye State.arff)", folder=folder)[0]
    read = _arff(path)
    values = np.stack([numbers(read, electrode, path=path) for electrode in ELECTRODES], axis=1)  # (T, 14)
    found = Assembly(path=path)
    jumps = glitches(values)
    for column, electrode in enumerate(ELECTRODES):
        found.add(
            Series(
                label=electrode,
                meaning=Meaning(modality="eeg", unit="uV", placement="scalp"),
                samples=values[:, column].astype(np.float32),
                rate_hz=RATE_HZ,
                start_ns=0,
                missing=jumps,
                missing_reason=GLITCH,
            )
        )
    _add_states(found, numbers(read, "eyeDetection", path=path))
    yield found.finish(participant="eeg_eye_state:1", name="session", clock="relative", source=path.name, device="Emotiv EPOC")


def glitches(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return the rows that lie more than `GLITCH_UV` from both neighbours in any channel, (T, C) -> (T,)."""
    steps = np.abs(np.diff(values, axis=0, prepend=np.nan, append=np.nan)) > GLITCH_UV  # (T + 1, C)
    return np.asarray((steps[:-1] & steps[1:]).any(axis=1))


def _add_states(found: Assembly, marks: NDArray[np.float64]) -> None:
    codes = np.where(np.isin(marks, list(STATES)), marks, -1).astype(np.int64)
    for start, stop in stretches(codes):
        if codes[start] not in STATES:
            raise BadRecording(found.path, 0, f"eyeDetection {marks[start]:g} in row {start} is not 0 or 1")
        onset, end = nanoseconds(start / RATE_HZ), nanoseconds(stop / RATE_HZ)
        found.events.append(("eyes", onset, end - onset, STATES[int(codes[start])], float("nan")))


def _arff(path: Path) -> pa.Table:
    """Return the table of an ARFF file of numbers; BadRecording if it has other columns."""
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        head, _, body = _split(content.decode("latin-1"))
        names = _ATTRIBUTE.findall(head)
        read = pacsv.read_csv(io.BytesIO(body.encode()), read_options=pacsv.ReadOptions(column_names=names))
    except (OSError, EOFError, zlib.error, pa.ArrowException) as error:
        raise BadRecording(path, 0, f"not a table in ARFF ({error})") from error
    if names != [*ELECTRODES, "eyeDetection"]:
        raise BadRecording(path, 0, f"attributes {', '.join(names)}; expected {', '.join(ELECTRODES)}, eyeDetection")
    return read


def _split(text: str) -> tuple[str, str, str]:
    """Return what stands before @DATA, that line, and what stands after it."""
    mark = _DATA.search(text)
    return (text, "", "") if mark is None else (text[: mark.start()], mark[0], text[mark.end() :].lstrip())


DATASET = Dataset(
    name="eeg_eye_state",
    title="EEG Eye State",
    modalities=("eeg",),
    folder="eeg/eeg_eye_state",
    participants=1,
    licence="CC BY 4.0 (UCI page)",
    citation="Roesler 2013, UCI Machine Learning Repository, doi:10.24432/C57G7J",
    homepage="https://archive.ics.uci.edu/dataset/264",
    recordings=recordings,
    layout="""EEG Eye State.arff     14 electrodes and eyeDetection, a row a sample""",
    addresses=(Address(kind="file", url="https://archive.ics.uci.edu/static/public/264/eeg+eye+state.zip"),),
)
