"""MIT-BIH Arrhythmia Database: half an hour of two-lead ECG of 47 people, every beat annotated by two cardiologists.

    beat          no duration, at the R wave; label: the kind of beat ("normal", "premature ventricular" ...)
    rhythm        from its mark to the next one; label: "normal sinus", "atrial fibrillation" ...
    annotation    every other mark (noise "~", artefact "|", flutter "[" "!" "]" ...), label: its symbol

The marks of ventricular flutter waves ("!", record 207) are not beats. Records 201 and 202 are one person [recalled, from
the directory of the database]. Medication is a fact, as the header lists it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from wearfm.datasets.base import Address, Dataset, only
from wearfm.readers import wfdb
from wearfm.readers.wfdb_header import parse_record
from wearfm.signals.recording import Events, Fact, Recording

BEATS = {  # symbols of WFDB Applications Guide, annotation codes
    "N": "normal",
    "L": "left bundle branch block",
    "R": "right bundle branch block",
    "B": "bundle branch block",
    "A": "premature atrial",
    "a": "aberrated premature atrial",
    "J": "premature nodal",
    "S": "premature supraventricular",
    "V": "premature ventricular",
    "r": "premature ventricular, R on T",
    "F": "fusion of ventricular and normal",
    "e": "atrial escape",
    "j": "nodal escape",
    "n": "supraventricular escape",
    "E": "ventricular escape",
    "/": "paced",
    "f": "fusion of paced and normal",
    "Q": "unclassifiable",
    "?": "not classified",
}
RHYTHMS = {
    "AB": "atrial bigeminy",
    "AFIB": "atrial fibrillation",
    "AFL": "atrial flutter",
    "B": "ventricular bigeminy",
    "BII": "second degree heart block",
    "IVR": "idioventricular rhythm",
    "N": "normal sinus",
    "NOD": "nodal rhythm",
    "P": "paced",
    "PREX": "pre-excitation",
    "SBR": "sinus bradycardia",
    "SVTA": "supraventricular tachyarrhythmia",
    "T": "ventricular trigeminy",
    "VFL": "ventricular flutter",
    "VT": "ventricular tachycardia",
}
_SAME_PERSON = {"202": "201"}


def recordings(folder: Path) -> Iterator[Recording]:
    """Yield every record under a folder, with beats and rhythms as events and age, sex and medication as facts."""
    for path in only(folder.rglob("[12][0-9][0-9].hea"), what="records (100.hea)", folder=folder):
        for one in wfdb.read(path):
            yield replace(
                one,
                participant=f"mitdb:{_SAME_PERSON.get(one.name, one.name)}",
                channels=tuple(replace(channel, placement=f"lead {channel.name}") for channel in one.channels),
                events=Events.of(_named(*row) for row in one.events.rows()),
                device="Holter ECG",
                facts=_facts(path, one),
            )


def _named(kind: str, onset_ns: int, duration_ns: int, label: str, value: float) -> tuple[str, int, int, str, float]:
    """Return an event of the reader with the words for its symbol."""
    if kind == "annotation" and label in BEATS:
        return "beat", onset_ns, duration_ns, BEATS[label], value
    return kind, onset_ns, duration_ns, RHYTHMS.get(label, label) if kind == "rhythm" else label, value


def _facts(path: Path, one: Recording) -> dict[str, Fact]:
    """Return the reader's age and sex, and the second comment of the header: the medication."""
    comments = parse_record(path, path.read_text(encoding="latin-1")).comments
    return dict(one.facts) | ({"medication": comments[1].lower()} if len(comments) > 1 else {})


DATASET = Dataset(
    name="mitdb",
    title="MIT-BIH Arrhythmia Database",
    modalities=("ecg",),
    folder="ecg/mitdb",
    participants=47,
    licence="ODC-By 1.0",
    citation="Moody & Mark 2001, IEEE EMB Magazine 20(3):45, doi:10.1109/51.932724; PhysioNet",
    homepage="https://physionet.org/content/mitdb/1.0.0/",
    recordings=recordings,
    layout="""100.hea, 100.dat, 100.atr""",
    size="104 MB",
    addresses=(Address(kind="physionet", url="https://physionet.org/files/mitdb/1.0.0/", only=("*.hea", "*.dat", "*.atr")),),
)
