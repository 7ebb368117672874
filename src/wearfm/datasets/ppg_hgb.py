"""PPG-Hgb: red and infrared pulse waves at the finger of 68 people, with the haemoglobin of their blood.

The haemoglobin in g/dL is the fact `hemoglobin_g_dl`, beside age and sex. A file of signals is a recording.

| table | columns |
|---|---|
| `subjects.csv` | `subject`, `sex` (male or female), `age_years`, `hemoglobin_g_dl` |
| `<subject>.csv`, or `<subject>_<number>.csv` for several of a person | `time_s`, `red`, `infrared` |

**This is not the layout of the publication**, which could not be seen: bring the published files into it (the card says
from where). A column of times is asked for because the rate is not to be guessed. **Cautions.** Haemoglobin spreads little
between people, and more between the sexes: predicting the mean of the training people scores as well as published models do
(`NormWear`, Table 14). Read a figure beside that baseline, and beside age and sex.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from wearfm.datasets.base import Dataset, integers, number, numbers, only, table
from wearfm.errors import BadRecording
from wearfm.readers.assembly import Assembly, on_grid
from wearfm.readers.labels import Meaning
from wearfm.signals.recording import SECOND, Fact, Recording

_SIGNALS = ("red", "infrared")
_NUMBERS = ("age_years", "hemoglobin_g_dl")


def recordings(folder: Path) -> Iterator[Recording]:
    """Yield every recording under a folder, with haemoglobin, age and sex as facts."""
    people_path = only(folder.rglob("subjects.csv"), what="table of people (subjects.csv)", folder=folder)[0]
    people = {str(row["subject"]): row for row in table(people_path, columns=["subject", "sex", *_NUMBERS]).to_pylist()}
    signals = (path for path in folder.rglob("*.csv") if path != people_path)
    for path in only(signals, what="signals (<subject>.csv)", folder=folder):
        subject, _, part = path.stem.partition("_")
        if subject not in people:
            raise BadRecording(path, 0, f"person {subject!r} is not in {people_path.name}; add the row, or remove the file")
        yield _recording(path, subject, part, people[subject])


def _recording(path: Path, subject: str, part: str, person: Mapping[str, Any]) -> Recording:
    read = table(path, columns=["time_s", *_SIGNALS])
    time_s = numbers(read, "time_s", path=path)
    found = Assembly(path=path)
    grid = found.grid(integers(time_s * SECOND, path=path, what="time_s"))
    for name in _SIGNALS:
        values = numbers(read, name, path=path)
        found.add(on_grid(grid, values, label=name, meaning=Meaning(modality="ppg", unit="au", placement="finger")))
    facts: dict[str, Fact] = {name: number(person[name], path=path, what=name) for name in _NUMBERS if person[name] is not None}
    return found.finish(
        participant=f"ppg_hgb:{subject}",
        name=f"recording {part or 1}",
        clock="relative",
        source=path.name,
        facts=facts | ({"sex": str(person["sex"]).lower()} if person["sex"] else {}),
    )


DATASET = Dataset(
    name="ppg_hgb",
    title="Haemoglobin and photoplethysmography (NormWear's PPG-Hgb)",
    modalities=("ppg",),
    folder="ppg/ppg_hgb",
    participants=68,
    licence="CC BY 4.0 (figshare page) [recalled]",
    citation="Abuzairi et al. 2024, Data in Brief 52:109823, doi:10.1016/j.dib.2023.109823",
    homepage="https://doi.org/10.6084/m9.figshare.22256143",
    recordings=recordings,
    layout="""subjects.csv      subject, sex, age_years, hemoglobin_g_dl
1.csv             time_s, red, infrared        (ours: the publication's own layout was not seen)""",
    by_hand="Download the files from the homepage and bring them into the layout above; times from the rate that the article "
    "gives.",
)
