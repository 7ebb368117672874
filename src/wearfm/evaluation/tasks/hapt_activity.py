"""HAPT: what the wearer of a phone at the waist is doing."""

from __future__ import annotations

from wearfm.evaluation.labels import event_label, of_dataset
from wearfm.evaluation.task import Published, Task

PROTOCOL = "NormWear (arXiv:2412.09758), Table 2: linear probe, one split by subject 80/20"
ACTIVITIES = ("walking", "walking upstairs", "walking downstairs", "sitting", "standing", "lying")  # the six of UCI-HAR

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
    published=(
        Published(
            model="NormWear",
            metric="auroc_ovo",
            value=0.98954,
            protocol=PROTOCOL,
            matches=False,
            why_not="30 people and UCI-HAR's own windows there, 21 people and the raw recordings here",
        ),
        Published(
            model="hand-made statistics (as published)",
            metric="auroc_ovo",
            value=0.95784,
            protocol=PROTOCOL,
            matches=False,
            why_not="30 people and UCI-HAR's own windows there, 21 people and the raw recordings here",
        ),
    ),
)
