"""Exam stress: the grade of an exam, a share of what could be reached, from a wrist band worn through it."""

from __future__ import annotations

from wearfm.evaluation.labels import fact, of_dataset
from wearfm.evaluation.task import Task

TASK = Task(
    name="exam_stress_grade",
    question="Which share of the grade did the student reach?",
    dataset="exam_stress",
    kind="regression",
    unit="share",
    level="recording",
    label=of_dataset("exam_stress", fact("grade")),
    metric="mae",
    citation="Amin et al. 2022, PhysioNet, doi:10.13026/kvkb-aj90",
)
