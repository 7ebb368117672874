"""Simulated cohort: the heart rate."""

from __future__ import annotations

from wearfm.evaluation.labels import event_mean, of_dataset
from wearfm.evaluation.task import Task

TASK = Task(
    name="synthetic_heart_rate",
    question="What is the heart rate?",
    dataset="synthetic",
    kind="regression",
    unit="1/min",
    level="window",
    label=of_dataset("synthetic", event_mean("hr")),
    metric="mae",
    demographics=("age_years", "sex"),
    citation="simulated, wearfm.synthetic",
)
