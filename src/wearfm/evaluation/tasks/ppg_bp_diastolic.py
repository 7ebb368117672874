"""PPG-BP: what is this person's diastolic blood pressure, from two seconds of finger pulse wave."""

from __future__ import annotations

from wearfm.evaluation.labels import fact, of_dataset
from wearfm.evaluation.task import Task

TASK = Task(
    name="ppg_bp_diastolic",
    question="What is this person's diastolic blood pressure?",
    dataset="ppg_bp",
    kind="regression",
    unit="mmHg",
    level="participant",
    label=of_dataset("ppg_bp", fact("dbp_mmHg")),
    metric="mae",
    demographics=("age_years", "sex", "bmi_kg_m2"),
    citation="Liang et al. 2018, Scientific Data 5:180020",
)
