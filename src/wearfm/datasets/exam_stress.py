"""Exam stress: Empatica E4 at the wrist of ten students through two midterm exams and a final, with their grades.

A session is a recording, with an event `exam` where the exam was: from nine o'clock in the morning, 90 minutes for a
midterm and three hours for the final, in the time zone of Houston. The grade is the fact `grade`, a share of what could be
reached (midterms count to 100, the final to 200); `exam` says which one it was.

**Time.** Stamps are UTC. The authors shifted the dates, not the times of day, and say that summer time stays right: a
session is UTC minus 5 hours where the shifted date lies in summer time of the United States, else minus 6. The event is
cut to the session; a session outside the hours of the exam has no event, and a note. **Cautions.** Ten people, three grades
each: a model that tells people apart tells grades apart. The authors say that two of the ten are women, and not which.
Layout as its PhysioNet page describes it, not seen; the sessions are those of `readers.empatica`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from wearfm.datasets.base import Address, Dataset, Row, only
from wearfm.errors import BadRecording
from wearfm.readers import empatica
from wearfm.signals.recording import SECOND, Events, Recording

EXAMS = {"Midterm 1": (90, 100.0), "Midterm 2": (90, 100.0), "Final": (180, 200.0)}  # folder -> minutes, best grade
BEGINS_H = 9  # in local time
_STANDARD_S, _SUMMER_S = -6 * 3600, -5 * 3600
_TITLE = re.compile(r"GRADES\s*[-\u2013]\s*(.+?)\s*(?:\(.*\))?")
_GRADE = re.compile(r"(S\d+)\s*[-\u2013]\s*(\d+(?:\.\d+)?)")


def recordings(folder: Path) -> Iterator[Recording]:
    """Yield every session under a folder, with the exam as an event and the grade as a fact."""
    grades = _grades(only(folder.rglob("StudentGrades.txt"), what="table of grades (StudentGrades.txt)", folder=folder)[0])
    sessions = (path.parent for path in folder.rglob("BVP.csv*") if path.parent.name in EXAMS)
    for session in only(sessions, what="sessions (Data/S1/Final/BVP.csv)", folder=folder):
        person, exam = session.parent.name, session.name
        for one in empatica.read(session):
            offset_s = _offset_s(one.start_ns)
            rows = list(_exam(one, exam, offset_s))
            notes = () if rows else (f"the {exam.lower()} at {BEGINS_H} o'clock is not in this session: no event",)
            grade = grades.get((person, exam))
            yield replace(
                one,
                participant=f"exam_stress:{person}",
                name=exam.lower(),
                utc_offset_s=offset_s,
                events=Events.of([*one.events.rows(), *rows]),
                facts={"exam": exam.lower()} | ({} if grade is None else {"grade": grade / EXAMS[exam][1]}),
                quality=replace(one.quality, notes=(*one.quality.notes, *notes)),
            )


def _grades(path: Path) -> dict[tuple[str, str], float]:
    """Return the grade of every person in every exam, from lines "S1 - 78" below a title "GRADES - Midterm 1"."""
    grades: dict[tuple[str, str], float] = {}
    exam = ""
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        title, grade = _TITLE.fullmatch(line.strip()), _GRADE.fullmatch(line.strip())
        if title is not None:
            exam = next((name for name in EXAMS if title[1].lower().startswith(name.lower())), "")
        elif grade is not None and exam:
            grades[grade[1], exam] = float(grade[2])
    if not grades:
        raise BadRecording(path, 0, "no line 'S1 - 78' below a title 'GRADES - Midterm 1'; copy the file again")
    return grades


def _exam(one: Recording, exam: str, offset_s: int) -> Iterator[Row]:
    """Yield the part of the exam that lies inside the session."""
    nine = _nine_o_clock_ns(one.start_ns, offset_s)
    onset, end = max(nine, one.start_ns), nine + EXAMS[exam][0] * 60 * SECOND
    end = min(end, one.start_ns + round(one.duration_s * SECOND))
    if onset < end:
        yield "exam", onset, end - onset, exam.lower(), float("nan")


def _offset_s(time_ns: int) -> int:
    """Return local time minus UTC in Houston: summer time from the second Sunday of March to the first of November."""
    day = datetime.fromtimestamp(time_ns // SECOND, UTC)
    begins = _sunday(day.year, 3, number=2) + timedelta(seconds=2 * 3600 - _STANDARD_S)
    ends = _sunday(day.year, 11, number=1) + timedelta(seconds=2 * 3600 - _SUMMER_S)
    return _SUMMER_S if begins <= day < ends else _STANDARD_S


def _sunday(year: int, month: int, *, number: int) -> datetime:
    first = datetime(year, month, 1, tzinfo=UTC)
    return first + timedelta(days=(6 - first.weekday()) % 7 + 7 * (number - 1))


def _nine_o_clock_ns(time_ns: int, offset_s: int) -> int:
    """Return nine o'clock of the local day in which a moment lies, UTC."""
    day_s = 86_400
    local_s = time_ns // SECOND + offset_s
    return (local_s // day_s * day_s + BEGINS_H * 3600 - offset_s) * SECOND


DATASET = Dataset(
    name="exam_stress",
    title="A Wearable Exam Stress Dataset for Predicting Cognitive Performance in Real-World Settings",
    modalities=("ppg", "eda", "temp", "acc"),
    folder="e4/exam_stress",
    participants=10,
    licence="ODC-By 1.0",
    citation="Amin et al. 2022, PhysioNet, doi:10.13026/kvkb-aj90",
    homepage="https://physionet.org/content/wearable-exam-stress/1.0.0/",
    recordings=recordings,
    layout="""StudentGrades.txt
Data/S1/Midterm 1/ACC.csv, BVP.csv, EDA.csv, HR.csv, IBI.csv, TEMP.csv, tags.csv     (Data.zip, unpacked)
Data/S1/Midterm 2/...
Data/S1/Final/...""",
    size="80 MB",
    addresses=(Address(kind="physionet", url="https://physionet.org/files/wearable-exam-stress/1.0.0/"),),
)
