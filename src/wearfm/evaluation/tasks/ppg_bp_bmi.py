"""PPG-BP: what is this person's body mass index, from two seconds of finger pulse wave."""

from __future__ import annotations

from wearfm.evaluation.labels import fact, of_dataset
from wearfm.evaluation.task import Task

TASK = Task(
    name="ppg_bp_bmi",
    question="What is this person's body mass index?",
    dataset="ppg_bp",
    kind="regression",
    unit="kg/m2",
    level="participant",
    label=of_dataset("ppg_bp", fact("bmi_kg_m2")),
    metric="mae",
    demographics=("age_years", "sex"),
    citation="Liang et al. 2018, Scientific Data 5:180020",
)
