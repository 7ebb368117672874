"""BIDMC: what is the heart rate, from finger pulse wave and ECG."""

from __future__ import annotations

from wearfm.evaluation.labels import event_mean, of_dataset
from wearfm.evaluation.task import Task

TASK = Task(
    name="bidmc_heart_rate",
    question="What is the heart rate?",
    dataset="bidmc",
    kind="regression",
    unit="1/min",
    level="window",
    label=of_dataset("bidmc", event_mean("hr")),
    metric="mae",
    demographics=("age_years", "sex"),
    citation="Pimentel et al. 2016, IEEE TBME 64(8):1914",
)
