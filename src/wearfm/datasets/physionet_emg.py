"""Examples of electromyograms: one healthy muscle, one with neuropathy, one with myopathy; a needle in the tibialis anterior.

Three records of three people, 11 to 37 s at 4000 Hz, in mV. The disease is the fact `diagnosis`, with age and sex as the
page of the data set gives them.

**Cautions.** One person a disease: whatever tells the three apart may be the person, the needle or the day. A split by
person cannot answer a question about disease here, and the house makes no other. Figures close to 100 % in the literature
come from windows of the same three recordings on both sides. Layout as its PhysioNet page describes it, not seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from wearfm.datasets.base import Address, Dataset, only
from wearfm.readers import wfdb
from wearfm.signals.recording import Fact, Recording

_PEOPLE: dict[str, dict[str, Fact]] = {  # page of the data set
    "emg_healthy": {"diagnosis": "healthy", "age_years": 44.0, "sex": "male"},
    "emg_neuropathy": {"diagnosis": "neuropathy", "age_years": 62.0, "sex": "male"},
    "emg_myopathy": {"diagnosis": "myopathy", "age_years": 57.0, "sex": "male"},
}


def recordings(folder: Path) -> Iterator[Recording]:
    """Yield the three records under a folder, with disease, age and sex as facts."""
    found = (path for path in folder.rglob("emg_*.hea") if path.stem in _PEOPLE)
    for path in only(found, what="records (emg_healthy.hea)", folder=folder):
        for one in wfdb.read(path):
            yield replace(
                one,
                participant=f"physionet_emg:{path.stem.removeprefix('emg_')}",
                channels=tuple(replace(channel, placement="tibialis anterior") for channel in one.channels),
                device="Medelec Synergy N2",
                facts=_PEOPLE[path.stem],
            )


DATASET = Dataset(
    name="physionet_emg",
    title="Examples of Electromyograms (PhysioNet emgdb)",
    modalities=("emg",),
    folder="emg/emgdb",
    participants=3,
    licence="ODC-By 1.0",
    citation="Goldberger et al. 2000, Circulation 101(23):e215, doi:10.1161/01.CIR.101.23.e215; PhysioNet, doi:10.13026/C24S3D",
    homepage="https://physionet.org/content/emgdb/1.0.0/",
    recordings=recordings,
    layout="""emg_healthy.hea, emg_healthy.dat
emg_neuropathy.hea, emg_neuropathy.dat
emg_myopathy.hea, emg_myopathy.dat""",
    size="11 MB",
    addresses=(Address(kind="physionet", url="https://physionet.org/files/emgdb/1.0.0/", only=("*.hea", "*.dat")),),
)
