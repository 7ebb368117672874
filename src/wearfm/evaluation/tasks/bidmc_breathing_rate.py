"""BIDMC: how many breaths a minute does the patient take, from finger pulse wave and ECG."""

from __future__ import annotations

from wearfm.evaluation.labels import event_mean, of_dataset
from wearfm.evaluation.task import Task

TASK = Task(
    name="bidmc_breathing_rate",
    question="How many breaths a minute does the patient take?",
    dataset="bidmc",
    kind="regression",
    unit="1/min",
    level="window",
    label=of_dataset("bidmc", event_mean("resp_rate")),
    metric="mae",
    demographics=("age_years", "sex"),
    citation="Pimentel et al. 2016, IEEE TBME 64(8):1914",
)
