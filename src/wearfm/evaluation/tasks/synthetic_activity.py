"""Simulated cohort: what the wearer is doing."""

from __future__ import annotations

from wearfm.evaluation.labels import event_label, of_dataset
from wearfm.evaluation.task import Task

TASK = Task(
    name="synthetic_activity",
    question="What is the wearer doing: sleeping, resting, walking, exercising or under stress?",
    dataset="synthetic",
    kind="multiclass",
    level="window",
    label=of_dataset("synthetic", event_label("activity", min_share=1.0)),
    classes=("sleep", "rest", "walking", "exercise", "stress"),
    metric="auroc_ovo",
    citation="simulated, wearfm.synthetic",
)
