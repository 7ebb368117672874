"""CAST: the sex of the patient, from a day of heart rate."""

from __future__ import annotations

from wearfm.evaluation.labels import fact_in, of_dataset
from wearfm.evaluation.task import Task

TASK = Task(
    name="cast_sex",
    question="Is the patient female?",
    dataset="cast",
    kind="binary",
    level="participant",
    label=of_dataset("cast", fact_in("sex", {"male": "male", "female": "female"})),
    classes=("male", "female"),
    positive="female",
    metric="auroc",
    demographics=("age_years",),
    citation="Stein et al. 2000, Clinical Cardiology 23:187",
)
