"""Depresjon: how severe the depression of a patient is, from days of wrist activity counts. Controls have no score."""

from __future__ import annotations

from wearfm.evaluation.labels import fact, of_dataset
from wearfm.evaluation.task import Task

TASK = Task(
    name="depresjon_madrs",
    question="What is the patient's score on the Montgomery-Asberg depression scale when the recording starts?",
    dataset="depresjon",
    kind="regression",
    unit="points",
    level="participant",
    label=of_dataset("depresjon", fact("madrs_start")),
    metric="mae",
    demographics=("age_years", "sex"),
    citation="Garcia-Ceja et al. 2018, ACM MMSys, doi:10.1145/3204949.3208125",
)
