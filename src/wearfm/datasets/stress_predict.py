"""Stress-Predict: an hour of Empatica E4 at the wrist with three tasks that cause stress, and rest between them.

The tasks are a Stroop test, an interview and a hyperventilation. The authors' table has a label a second (1 in a task, 0
before, between and after) on the clock of the device: its changes are the button presses of `tags_S02.csv` to the
second, and its rows begin one second before the first of `HR.csv`. So a row is the second that begins at its time; runs
of equal labels become events "stress", with the label "stress" or "rest". Where nobody pressed (S06) the authors took
the minutes of their log. S01 has no labels.

The study was done in Ireland in February and March: local time is UTC. Presses that the authors typed in by hand and that
lie outside the recording (12 hours off) are left out and noted. Questionnaire scores are the sums in the authors' tables,
before and after the session; PSS is there for some people only.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wearfm.datasets.base import Address, Dataset, number, numbers, only, stretches, table
from wearfm.errors import BadRecording
from wearfm.readers import empatica
from wearfm.signals.recording import SECOND, Events, Fact, Recording

LABELS = {0: "rest", 1: "stress"}
_SCALES = {"STAI": "stai", "PSSQ": "pss"}  # as the tables name them -> fact

Row = tuple[str, int, int, str, float]


def recordings(folder: Path) -> Iterator[Recording]:
    """Yield the session of every person under a folder, with stress as events and questionnaire scores as facts."""
    sessions = only(folder.rglob("S[0-9][0-9]"), what="sessions (Raw_data/S02)", folder=folder)
    labels, facts = _labels(folder), _scores(folder)
    for session in (path for path in sessions if path.is_dir()):
        for one in empatica.read(session):
            inside, outside = _split_tags(one)
            note = f"{outside} button presses outside the recording were left out"
            yield replace(
                one,
                participant=f"stress_predict:{session.name}",
                name="session",
                utc_offset_s=0,
                events=Events.of([*inside, *labels.get(session.name, [])]),
                facts=facts.get(session.name, {}),
                quality=replace(one.quality, notes=(*one.quality.notes, *([note] if outside else []))),
            )


def _split_tags(one: Recording) -> tuple[list[Row], int]:
    """Return the events without button presses outside the recording, and how many those are."""
    start, stop = one.start_ns, one.start_ns + round(one.duration_s * SECOND)
    rows = one.events.rows()
    kept = [row for row in rows if row[0] != "tag" or start <= row[1] <= stop]
    return kept, len(rows) - len(kept)


def _labels(folder: Path) -> dict[str, list[Row]]:
    """Return the stretches of stress and rest of every person."""
    name = "Improved_All_Combined_hr_rsp_binary"
    rows: dict[str, list[Row]] = {}
    for path in only(folder.rglob(f"{name}*.csv*"), what=f"table of labels ({name}.csv)", folder=folder):
        read = table(path, columns=["Participant", "Time(sec)", "Label"])
        person, second, label = (
            numbers(read, column, path=path).astype(np.int64) for column in ("Participant", "Time(sec)", "Label")
        )
        if not np.isin(label, list(LABELS)).all():
            raise BadRecording(path, 0, f"labels {sorted(set(label.tolist()))} are not 0 and 1")
        for each in np.unique(person).tolist():
            own = np.flatnonzero(person == each)
            own = own[np.argsort(second[own], kind="stable")]
            rows[f"S{each:02d}"] = list(_stretches(second[own], label[own]))
    return rows


def _stretches(second: NDArray[np.int64], label: NDArray[np.int64]) -> Iterator[Row]:
    """Yield the runs of equal labels; a run ends where seconds are missing. second, label: (T,)."""
    run = np.cumsum(np.diff(second, prepend=second[0]) > 1)
    for start, stop in stretches(2 * run + label):
        onset, end = int(second[start]), int(second[stop - 1]) + 1
        yield "stress", onset * SECOND, (end - onset) * SECOND, LABELS[int(label[start])], float("nan")


def _scores(folder: Path) -> dict[str, dict[str, Fact]]:
    """Return the total of every questionnaire of every person, before and after, from tables with two columns a person."""
    facts: dict[str, dict[str, Fact]] = defaultdict(dict)
    for path in sorted(folder.rglob("Questionnaires_scores*.csv")):
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            cells = list(csv.reader(file))
        totals = next((row for row in cells[3:] if row and row[0].strip() == "Total"), None)
        if totals is None or len({len(row) for row in (*cells[:3], totals)}) > 1:
            raise BadRecording(path, 0, "no row 'Total' as long as the three above the scores; export the sheet again")
        people, scales, whens = cells[:3]
        for column in range(1, len(people)):
            before = column - 1 if not people[column] else column  # the name stands over the first of two columns
            scale = _SCALES.get(scales[before].strip())
            if scale and totals[column].strip():
                total = number(totals[column], path=path, what="a total")
                facts[people[before]][f"{scale}_{whens[column].strip().lower()}"] = total
    return dict(facts)


DATASET = Dataset(
    name="stress_predict",
    title="Stress-Predict",
    modalities=("ppg", "eda", "temp", "acc"),
    folder="e4/stress_predict",
    participants=35,
    licence="MIT (authors' repository)",
    citation="Iqbal et al. 2022, Sensors 22(21):8135, doi:10.3390/s22218135",
    homepage="https://github.com/italha-d/Stress-Predict-Dataset",
    recordings=recordings,
    layout="""Raw_data/S02/ACC.csv, BVP.csv, EDA.csv, HR.csv, IBI.csv, TEMP.csv, tags_S02.csv
Processed_data/Improved_All_Combined_hr_rsp_binary.csv
Questionnaires_scores_STAI.csv""",
    addresses=(
        Address(
            kind="file",
            url="https://github.com/italha-d/Stress-Predict-Dataset/archive/refs/heads/main.zip",
            path="Stress-Predict-Dataset.zip",
        ),
    ),
)
