"""NHANES: a person's sex, from a week of movement."""

from __future__ import annotations

from wearfm.evaluation.labels import fact, of_dataset
from wearfm.evaluation.task import Task

TASK = Task(
    name="nhanes_sex",
    question="Is this person male?",
    dataset="nhanes",
    kind="binary",
    level="participant",
    label=of_dataset("nhanes", fact("sex")),
    classes=("female", "male"),
    positive="male",
    metric="auroc",
    demographics=("age_years",),
    citation="National Center for Health Statistics, NHANES 2003-2014",
)
