"""NHANES: how old a person is, from a week of movement."""

from __future__ import annotations

from wearfm.evaluation.labels import fact, of_dataset
from wearfm.evaluation.task import Task

TASK = Task(
    name="nhanes_age",
    question="How old is this person?",
    dataset="nhanes",
    kind="regression",
    unit="years",
    level="participant",
    label=of_dataset("nhanes", fact("age_years")),
    metric="mae",
    demographics=("sex",),
    citation="National Center for Health Statistics, NHANES 2003-2014",
)
