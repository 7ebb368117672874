"""CAPTURE-24: how hard the wearer of a wrist accelerometer moves, or sleeps."""

from __future__ import annotations

from wearfm.evaluation.labels import event_label, of_dataset
from wearfm.evaluation.task import Task

TASK = Task(
    name="capture24_intensity",
    question="Is the wearer asleep, sedentary, or moving lightly or harder?",
    dataset="capture24",
    kind="multiclass",
    level="window",
    label=of_dataset("capture24", event_label("intensity")),
    metric="auroc_ovo",
    demographics=("age_years", "sex"),
    citation="Chan et al. 2024, Scientific Data 11:1135, doi:10.1038/s41597-024-03960-3",
)
