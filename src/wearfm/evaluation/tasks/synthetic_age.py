"""Simulated cohort: how old the person is."""

from __future__ import annotations

from wearfm.evaluation.labels import fact, of_dataset
from wearfm.evaluation.task import Task

TASK = Task(
    name="synthetic_age",
    question="How old is this person?",
    dataset="synthetic",
    kind="regression",
    unit="years",
    level="participant",
    label=of_dataset("synthetic", fact("age_years")),
    metric="mae",
    demographics=("sex", "bmi_kg_m2"),
    citation="simulated, wearfm.synthetic",
)
