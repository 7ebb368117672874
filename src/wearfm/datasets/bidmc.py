"""BIDMC: eight minutes each of finger pulse wave, ECG and breathing of intensive-care patients, with heart and breathing rates.

A participant is the MIMIC-II subject, not the record: some people were recorded twice.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from wearfm.datasets.base import Address, Dataset, only
from wearfm.errors import BadRecording
from wearfm.signals.door import Admitted, admit
from wearfm.signals.quality_record import Quality
from wearfm.signals.recording import SECOND, Events, Fact, Recording

RATE_HZ = 125.0  # Pimentel et al. 2016, section II-A
_CHANNELS = {  # column -> modality, unit, placement
    "PLETH": ("ppg", "au", "finger"),
    "II": ("ecg", "mV", "lead II"),
    "V": ("ecg", "mV", "lead V"),
    "AVR": ("ecg", "mV", "lead aVR"),
    "RESP": ("resp", "au", "chest"),
    "ABP": ("pressure", "mmHg", "arterial"),
    "ART": ("pressure", "mmHg", "arterial"),
}
_NUMERICS = {"HR": "hr", "PULSE": "pulse", "RESP": "resp_rate", "SpO2": "spo2"}


def recordings(folder: Path) -> Iterator[Recording]:
    """Yield every record under a folder, with the monitor's numbers and the annotated breaths as events."""
    for path in only(folder.rglob("bidmc_*_Signals.csv*"), what="records (bidmc_*_Signals.csv)", folder=folder):
        prefix = path.name.split("_Signals")[0]
        fixed = _fixed(path.with_name(f"{prefix}_Fix.txt"))
        admitted = _channels(path)
        events = Events.of(
            [*_numerics(path.with_name(f"{prefix}_Numerics.csv")), *_breaths(path.with_name(f"{prefix}_Breaths.csv"))]
        )
        yield Recording(
            participant=f"bidmc:{fixed.pop('person')}",
            name=prefix,
            channels=tuple(a.channel for a in admitted),
            events=events,
            device="bedside monitor",
            source=path.name,
            facts=fixed,
            quality=Quality(channels=tuple(a.quality for a in admitted)),
        )


def _columns(path: Path) -> dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    try:
        text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        table = pacsv.read_csv(pa.BufferReader(text))
        return {
            name.strip(): table.column(name).cast(pa.float64()).to_numpy(zero_copy_only=False) for name in table.column_names
        }
    except (OSError, EOFError, pa.ArrowInvalid) as error:
        raise BadRecording(path, 0, f"not a BIDMC table ({error})") from error


def _channels(path: Path) -> list[Admitted]:
    columns = _columns(path)
    return [
        admit(
            columns[name].astype(np.float32),
            name=name,
            modality_name=modality,
            unit=unit,
            rate_hz=RATE_HZ,
            start_ns=0,
            placement=placement,
        )
        for name, (modality, unit, placement) in _CHANNELS.items()
        if name in columns
    ]


def _numerics(path: Path) -> list[tuple[str, int, int, str, float]]:
    columns = _columns(path)
    onset = np.round(columns["Time [s]"] * SECOND).astype(np.int64).tolist()
    return [
        (kind, at, SECOND, "", value)
        for name, kind in _NUMERICS.items()
        if name in columns
        for at, value in zip(onset, columns[name].tolist(), strict=True)
        if np.isfinite(value) and value > 0
    ]


def _breaths(path: Path) -> list[tuple[str, int, int, str, float]]:
    rows = []
    for line in path.read_text().splitlines()[1:]:
        for annotator, sample in enumerate(line.split(","), start=1):
            if sample.strip() not in ("", "NaN"):
                rows.append(("breath", round(int(sample) * SECOND / RATE_HZ), 0, f"annotator {annotator}", float("nan")))
    return rows


def _fixed(path: Path) -> dict[str, Fact]:
    text = path.read_text()

    def value(label: str) -> str:
        found = re.search(rf"{label}: *(\S+)", text)
        if found is None:
            raise BadRecording(path, 0, f"no line {label!r}")
        return found.group(1)

    facts: dict[str, Fact] = {"person": value("MIMIC II matched wdb ID"), "sex": {"M": "male", "F": "female"}[value("Gender")]}
    age = value("Age").rstrip("+")
    if age.replace(".", "", 1).isdigit():
        facts["age_years"] = float(age)
    return facts


DATASET = Dataset(
    name="bidmc",
    title="BIDMC PPG and Respiration",
    modalities=("ppg", "ecg", "resp", "pressure"),
    folder="ppg/bidmc",
    participants=46,
    licence="ODC-By 1.0",
    citation="Pimentel et al. 2016, IEEE TBME 64(8):1914, doi:10.1109/TBME.2016.2613124; PhysioNet",
    homepage="https://doi.org/10.13026/C2208R",
    recordings=recordings,
    layout="""bidmc_csv/bidmc_01_Signals.csv
bidmc_csv/bidmc_01_Numerics.csv
bidmc_csv/bidmc_01_Breaths.csv
bidmc_csv/bidmc_01_Fix.txt""",
    addresses=(Address(kind="physionet", url="https://physionet.org/files/bidmc/1.0.0/", only=("bidmc_csv/*",)),),
)
