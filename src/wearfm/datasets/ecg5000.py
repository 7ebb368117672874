"""ECG5000: single beats of one patient with severe heart failure, stretched to 140 points each, in five classes (UCR archive).

| in the file | in the recording |
|---|---|
| a row of 140 numbers | a recording of one beat: channel `beat`, "other" in arbitrary units, 140 Hz |
| the class after the colon | fact `beat`: in the words of `mitdb`, and `ucr_class`: 1 to 5 |
| the file | fact `ucr_split`: "train" or "test" |

The beats come from 20 hours of ECG of patient chf07 of the BIDMC Congestive Heart Failure Database; the makers cut out each
beat, interpolated it to equal length and drew 5,000 at random. Each is scaled to mean 0 and standard deviation 1. So nothing
is left of millivolts, of the length of a beat and of its place in time: the channel is no ECG in mV, and its rate is
nominal, 140 points to one second. Classes are by automated annotation; their names are [recalled] from the archive's pages.

**Time.** None: each recording begins at 0 of a relative clock.

**Cautions.** One patient: neighbours in time may stand on both sides of the archive's split, a figure on it says how well
beats of this patient are told apart, and no evaluation by participant is possible. Hence no task here. Class 5 has 24 beats
of 5,000 [recalled], 2 of the 500 in the training half. **Not read**: the archive's `.arff` and `.txt`, the same beats again.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wearfm.datasets.base import Address, Dataset, only
from wearfm.errors import BadRecording
from wearfm.readers.base import stem
from wearfm.signals.door import admit
from wearfm.signals.quality_record import Quality
from wearfm.signals.recording import Recording

POINTS = 140
RATE_HZ = 140.0  # nominal, see above
BEATS = {
    "1": "normal",
    "2": "premature ventricular, R on T",
    "3": "premature ventricular",
    "4": "premature supraventricular",
    "5": "unclassifiable",
}


def recordings(folder: Path) -> Iterator[Recording]:
    """Yield every beat under a folder, with its class as a fact."""
    for path in only(folder.rglob("ECG5000_T*.ts*"), what="beats (ECG5000_TRAIN.ts)", folder=folder):
        split = stem(path).rpartition("_")[2].lower()
        for number, (label, values) in enumerate(_beats(path), start=1):
            admitted = admit(values, name="beat", modality_name="other", unit="au", rate_hz=RATE_HZ, start_ns=0)
            yield Recording(
                participant="ecg5000:chf07",
                name=f"{split} {number:04d}",
                channels=(admitted.channel,),
                device="Holter ECG",
                source=path.name,
                facts={"beat": BEATS[label], "ucr_class": float(label), "ucr_split": split},
                quality=Quality(channels=(admitted.quality,)),
            )


def _beats(path: Path) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Yield the class and the points, (140,), of every beat of a file: numbers with commas, a colon, the class."""
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise BadRecording(path, 0, f"cannot be unpacked ({error})") from error
    head, mark, body = content.decode("latin-1").partition("@data")
    if not mark:
        raise BadRecording(path, len(head), "there is no line @data; copy the file again")
    for row, line in enumerate(body.split(), start=1):
        numbers, _, label = line.rpartition(":")
        try:
            values = np.array(numbers.split(","), dtype=np.float32)
        except ValueError as error:
            raise BadRecording(path, 0, f"beat {row} is not a row of numbers ({error})") from error
        if len(values) != POINTS or label not in BEATS:
            raise BadRecording(path, 0, f"beat {row} has {len(values)} points and class {label!r}; expected {POINTS}, 1 to 5")
        yield label, values


DATASET = Dataset(
    name="ecg5000",
    title="ECG5000 (UCR archive)",
    modalities=("other",),
    folder="ecg/ecg5000",
    participants=1,
    licence="ODC-By 1.0 (the ECG, PhysioNet); UCR archive",
    citation="Chen et al. 2015, Data Mining and Knowledge Discovery 29:1622, doi:10.1007/s10618-014-0388-4; PhysioNet",
    homepage="https://www.timeseriesclassification.com/description.php?Dataset=ECG5000",
    recordings=recordings,
    layout="""ECG5000_TRAIN.ts     500 beats
ECG5000_TEST.ts      4500 beats""",
    addresses=(Address(kind="file", url="https://www.timeseriesclassification.com/aeon-toolkit/ECG5000.zip"),),
)
