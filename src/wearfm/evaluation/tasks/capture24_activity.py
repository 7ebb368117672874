"""CAPTURE-24: what the wearer of a wrist accelerometer does in free living, in the authors' ten groups."""

from __future__ import annotations

from wearfm.evaluation.labels import event_label, of_dataset
from wearfm.evaluation.task import Published, Task

PROTOCOL = "harnet (arXiv:2206.02909), npj Digital Medicine 2024: windows of 10 s at 30 Hz, splits by person, macro F1"
WHY_NOT = "fewer groups of activities there, and fine-tuned"

TASK = Task(
    name="capture24_activity",
    question="What is the wearer doing?",
    dataset="capture24",
    kind="multiclass",
    level="window",
    label=of_dataset("capture24", event_label("activity")),
    metric="auroc_ovo",
    demographics=("age_years", "sex"),
    citation="Chan et al. 2024, Scientific Data 11:1135, doi:10.1038/s41597-024-03960-3",
    published=(
        Published(
            model="harnet, all layers fine-tuned",
            metric="f1_macro",
            value=0.726,
            protocol=PROTOCOL,
            matches=False,
            why_not=WHY_NOT,
        ),
        Published(
            model="harnet, from scratch",
            metric="f1_macro",
            value=0.708,
            protocol=PROTOCOL,
            matches=False,
            why_not=WHY_NOT,
        ),
    ),
)
