"""HARTH: what the wearer of two accelerometers does in free living."""

from __future__ import annotations

from wearfm.evaluation.labels import event_label, of_dataset
from wearfm.evaluation.task import Published, Task

PROTOCOL = "SelfPAB (NIKT 2023, abstract): frames of 1 s within five minutes, people not seen in training, F1"
WHY_NOT = "fine-tuned on class shares of frames there, single windows here"

TASK = Task(
    name="harth_activity",
    question="What is the wearer doing?",
    dataset="harth",
    kind="multiclass",
    level="window",
    label=of_dataset("harth", event_label("activity")),
    metric="auroc_ovo",
    citation="Logacjov et al. 2021, Sensors 21(23):7853, doi:10.3390/s21237853",
    published=(
        Published(
            model="SelfPAB",
            metric="f1_macro",
            value=0.813,
            protocol=PROTOCOL,
            matches=False,
            why_not=WHY_NOT,
        ),
    ),
)
