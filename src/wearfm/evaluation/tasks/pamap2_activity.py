"""PAMAP2: which of the twelve activities of the protocol the wearer does; those of the optional part have no label."""

from __future__ import annotations

from wearfm.evaluation.labels import event_label, of_dataset
from wearfm.evaluation.task import Published, Task

PROTOCOL = "RelCon (arXiv:2411.18822), Table 3: windows of 10 s of the wrist, 100 Hz, eight folds by person, macro F1"
WHY_NOT = "one sensor there, three here; the inner split of the published scripts lets test people into training"
ACTIVITIES = (
    "lying",
    "sitting",
    "standing",
    "walking",
    "running",
    "cycling",
    "Nordic walking",
    "ascending stairs",
    "descending stairs",
    "vacuum cleaning",
    "ironing",
    "rope jumping",
)

TASK = Task(
    name="pamap2_activity",
    question="What is the wearer doing?",
    dataset="pamap2",
    kind="multiclass",
    level="window",
    label=of_dataset("pamap2", event_label("activity", min_share=1.0, mapping={activity: activity for activity in ACTIVITIES})),
    classes=ACTIVITIES,
    metric="auroc_ovo",
    citation="Reiss & Stricker 2012, ISWC, doi:10.1109/ISWC.2012.13",
    published=(
        Published(
            model="RelCon, MLP probe",
            metric="f1_macro",
            value=0.854,
            protocol=PROTOCOL,
            matches=False,
            why_not=WHY_NOT,
        ),
        Published(
            model="harnet (Yuan et al.), MLP probe",
            metric="f1_macro",
            value=0.725,
            protocol=PROTOCOL,
            matches=False,
            why_not=WHY_NOT,
        ),
    ),
)
