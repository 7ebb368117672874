"""BioPsyKit's example of a Muse headband: two minutes of EEG at four places of one head, without labels.

| in the file | in the recording |
|---|---|
| TP9, AF7, AF8, TP10 | four channels of EEG, uV, 256 Hz |
| `Right AUX` | a fifth channel of EEG if something was plugged in; zeros throughout are left out, with a note |

The file is what the recorder of the headband's stream writes (muselsl): values in steps of 0.488 uV, the reference at Fpz
[recalled]. Nothing says who was recorded, or what the person did.

**Time.** Stamps are Unix seconds with three decimals, so UTC; the zone of the wearer is not told. Steps of 3 and 4 ms are
256 Hz, rounded; every sample that is put back by more than 0.4 ms is counted.

**Cautions.** One person and no labels: there is nothing to ask, and no task here. It serves to try a headband's data.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from wearfm.datasets.base import Address, Dataset, numbers, only, table
from wearfm.readers.assembly import Assembly, on_grid
from wearfm.readers.base import stem
from wearfm.readers.labels import Meaning
from wearfm.signals.recording import SECOND, Recording

RATE_HZ = 256.0
ELECTRODES = ("TP9", "AF7", "AF8", "TP10")
_SOCKET = "Right AUX"


def recordings(folder: Path) -> Iterator[Recording]:
    """Yield every recording of the headband under a folder."""
    for path in only(folder.rglob("eeg_muse*.csv*"), what="recording (eeg_muse_example.csv)", folder=folder):
        read = table(path, columns=["timestamps", *ELECTRODES])
        values = {name: numbers(read, name, path=path) for name in (*ELECTRODES, _SOCKET) if name in read.column_names}
        found = Assembly(path=path)
        if _SOCKET in values and not values[_SOCKET].any():
            found.note(f"{_SOCKET!r} is zero throughout: nothing was plugged in, no channel")
            del values[_SOCKET]
        grid = found.grid(np.rint(numbers(read, "timestamps", path=path) * SECOND).astype(np.int64), rate_hz=RATE_HZ)
        for name, each in values.items():
            place = "scalp" if name in ELECTRODES else ""
            meaning = Meaning(modality="eeg", unit="uV", placement=place)
            found.add(on_grid(grid, each.astype(np.float32), label=name, meaning=meaning))
        yield found.finish(participant="muse_biopsykit:1", name=stem(path), clock="utc", source=path.name, device="Muse")


DATASET = Dataset(
    name="muse_biopsykit",
    title="BioPsyKit, example of a Muse headband",
    modalities=("eeg",),
    folder="eeg/muse_biopsykit",
    participants=1,
    licence="MIT",
    citation="Richer et al. 2021, Journal of Open Source Software 6(66):3702, doi:10.21105/joss.03702",
    homepage="https://github.com/mad-lab-fau/BioPsyKit",
    recordings=recordings,
    layout="""eeg_muse_example.csv     timestamps, TP9, AF7, AF8, TP10, Right AUX""",
    addresses=(
        Address(
            kind="file",
            url="https://raw.githubusercontent.com/mad-lab-fau/BioPsyKit/main/example_data/eeg_muse_example.csv",
        ),
    ),
)
