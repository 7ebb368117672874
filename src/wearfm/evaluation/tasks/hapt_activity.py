"""HAPT: what the wearer of a phone at the waist is doing."""

from __future__ import annotations

from wearfm.evaluation.labels import event_label, of_dataset
from wearfm.evaluation.published import STATISTICS, of_normwear
from wearfm.evaluation.task import Task

ACTIVITIES = ("walking", "walking upstairs", "walking downstairs", "sitting", "standing", "lying")  # the six of UCI-HAR

WHY_NOT = "30 people and UCI-HAR's own windows there, 21 people and the raw recordings here"

TASK = Task(
    name="hapt_activity",
    question="What is the wearer doing: walking, climbing, descending, sitting, standing or lying?",
    dataset="hapt",
    kind="multiclass",
    level="window",
    label=of_dataset("hapt", event_label("activity", min_share=1.0, mapping={activity: activity for activity in ACTIVITIES})),
    classes=ACTIVITIES,
    metric="auroc_ovo",
    citation="Reyes-Ortiz et al. 2016, Neurocomputing 171:754",
    published=of_normwear(
        "auroc_ovo",
        {"NormWear": 0.98954, STATISTICS: 0.95784},
        why_not=WHY_NOT,
    ),
)
