"""GAMEEMO: which of four games a student plays, made to bore, calm, frighten or amuse, from EEG."""

from __future__ import annotations

from wearfm.evaluation.labels import event_label, of_dataset
from wearfm.evaluation.task import Published, Task

PROTOCOL = "NormWear (arXiv:2412.09758), Table 2: linear probe, one split by subject 80/20"
WHY_NOT = "four of the fourteen channels there, all here; another split"

TASK = Task(
    name="gameemo_emotion",
    question="Which emotion is the game made for: boring, calm, horror or funny?",
    dataset="gameemo",
    kind="multiclass",
    level="window",
    label=of_dataset("gameemo", event_label("emotion", min_share=1.0)),
    classes=("boring", "calm", "horror", "funny"),
    metric="auroc_ovo",
    citation="Alakus, Gonen & Turkoglu 2020, Biomed. Signal Process. Control 60:101951",
    published=(
        Published(
            model="NormWear",
            metric="auroc_ovo",
            value=0.54937,
            protocol=PROTOCOL,
            matches=False,
            why_not=WHY_NOT,
        ),
        Published(
            model="hand-made statistics (as published)",
            metric="auroc_ovo",
            value=0.51009,
            protocol=PROTOCOL,
            matches=False,
            why_not=WHY_NOT,
        ),
        Published(
            model="Chronos",
            metric="auroc_ovo",
            value=0.53747,
            protocol=PROTOCOL,
            matches=False,
            why_not=WHY_NOT,
        ),
    ),
)
