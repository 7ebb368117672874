"""Depresjon: the sex of the wearer, from days of wrist activity counts."""

from __future__ import annotations

from wearfm.evaluation.labels import fact_in, of_dataset
from wearfm.evaluation.task import Task

TASK = Task(
    name="depresjon_sex",
    question="Is the wearer female?",
    dataset="depresjon",
    kind="binary",
    level="participant",
    label=of_dataset("depresjon", fact_in("sex", {"male": "male", "female": "female"})),
    classes=("male", "female"),
    positive="female",
    metric="auroc",
    demographics=("age_years",),
    citation="Garcia-Ceja et al. 2018, ACM MMSys, doi:10.1145/3204949.3208125",
)
