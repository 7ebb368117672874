"""Simulated cohort: whether the person has hypertension."""

from __future__ import annotations

from wearfm.evaluation.labels import fact_in, of_dataset
from wearfm.evaluation.task import Task

TASK = Task(
    name="synthetic_hypertension",
    question="Does this person have hypertension?",
    dataset="synthetic",
    kind="binary",
    level="participant",
    label=of_dataset("synthetic", fact_in("hypertension", {0.0: "no", 1.0: "yes"})),
    classes=("no", "yes"),
    positive="yes",
    metric="auroc",
    demographics=("age_years", "sex", "bmi_kg_m2"),
    citation="simulated, wearfm.synthetic",
)
