"""PPG-BP: how old is this person, from two seconds of finger pulse wave."""

from __future__ import annotations

from wearfm.evaluation.labels import fact, of_dataset
from wearfm.evaluation.task import Task

TASK = Task(
    name="ppg_bp_age",
    question="How old is this person?",
    dataset="ppg_bp",
    kind="regression",
    unit="years",
    level="participant",
    label=of_dataset("ppg_bp", fact("age_years")),
    metric="mae",
    demographics=("sex", "bmi_kg_m2"),
    citation="Liang et al. 2018, Scientific Data 5:180020",
)
