"""Depresjon: how old the wearer is, from days of wrist activity counts. Ages are known in bands of five years."""

from __future__ import annotations

from wearfm.evaluation.labels import fact, of_dataset
from wearfm.evaluation.task import Task

TASK = Task(
    name="depresjon_age",
    question="How old is the wearer, to the middle of a band of five years?",
    dataset="depresjon",
    kind="regression",
    unit="years",
    level="participant",
    label=of_dataset("depresjon", fact("age_years")),
    metric="mae",
    demographics=("sex",),
    citation="Garcia-Ceja et al. 2018, ACM MMSys, doi:10.1145/3204949.3208125",
)
