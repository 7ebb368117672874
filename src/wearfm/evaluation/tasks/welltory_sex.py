"""Welltory: the sex of the wearer, from daily heart rates and, of a third of the people, steps."""

from __future__ import annotations

from wearfm.evaluation.labels import fact_in, of_dataset
from wearfm.evaluation.task import Task

TASK = Task(
    name="welltory_sex",
    question="Is the wearer female?",
    dataset="welltory",
    kind="binary",
    level="participant",
    label=of_dataset("welltory", fact_in("sex", {"male": "male", "female": "female"})),
    classes=("male", "female"),
    positive="female",
    metric="auroc",
    demographics=("age_years",),
    citation="Welltory 2020, https://github.com/Welltory/hrv-covid19",
)
