"""UCI-HAR: what the wearer of a phone at the waist is doing; stretches of its published windows."""

from __future__ import annotations

from wearfm.evaluation.labels import event_label, of_dataset
from wearfm.evaluation.published import STATISTICS, of_normwear
from wearfm.evaluation.task import Task

WHY_NOT = "windows as published there, cut anew out of joined stretches here; another split"
ACTIVITIES = ("walking", "walking upstairs", "walking downstairs", "sitting", "standing", "lying")

TASK = Task(
    name="uci_har_activity",
    question="What is the wearer doing: walking, climbing, descending, sitting, standing or lying?",
    dataset="uci_har",
    kind="multiclass",
    level="window",
    label=of_dataset("uci_har", event_label("activity", min_share=1.0)),
    classes=ACTIVITIES,
    metric="auroc_ovo",
    citation="Anguita et al. 2013, ESANN",
    published=of_normwear("auroc_ovo", {"NormWear": 0.98954, STATISTICS: 0.95784, "TF-C": 0.96892}, why_not=WHY_NOT),
)
