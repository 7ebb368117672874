"""Simulated cohort: whether the heart is fibrillating now."""

from __future__ import annotations

from wearfm.evaluation.labels import event_label, of_dataset
from wearfm.evaluation.task import Task

TASK = Task(
    name="synthetic_atrial_fibrillation",
    question="Is the heart in atrial fibrillation in this window?",
    dataset="synthetic",
    kind="binary",
    level="window",
    label=of_dataset("synthetic", event_label("rhythm", min_share=1.0)),
    classes=("sinus", "af"),
    positive="af",
    metric="auroc",
    demographics=("age_years", "sex"),
    citation="simulated, wearfm.synthetic",
)
