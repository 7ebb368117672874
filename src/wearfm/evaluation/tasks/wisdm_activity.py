"""WISDM: which of eighteen activities the wearer of a watch or phone does."""

from __future__ import annotations

from wearfm.evaluation.labels import event_label, of_dataset
from wearfm.evaluation.task import Published, Task

PROTOCOL = "harnet (arXiv:2206.02909), npj Digital Medicine 2024: windows of 10 s at 30 Hz, splits by person, macro F1"
WHY_NOT = "acceleration of the watch of 51 people there, both sensors here; fine-tuned there"

TASK = Task(
    name="wisdm_activity",
    question="What is the wearer doing?",
    dataset="wisdm",
    kind="multiclass",
    level="window",
    label=of_dataset("wisdm", event_label("activity", min_share=1.0)),
    metric="auroc_ovo",
    citation="Weiss, Yoneda & Hayajneh 2019, IEEE Access 7:133190, doi:10.1109/ACCESS.2019.2940729",
    published=(
        Published(
            model="harnet, all layers fine-tuned",
            metric="f1_macro",
            value=0.81,
            protocol=PROTOCOL,
            matches=False,
            why_not=WHY_NOT,
        ),
        Published(
            model="harnet, from scratch",
            metric="f1_macro",
            value=0.684,
            protocol=PROTOCOL,
            matches=False,
            why_not=WHY_NOT,
        ),
    ),
)
