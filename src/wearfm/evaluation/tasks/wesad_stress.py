"""WESAD: stress (Trier social stress test) against baseline and amusement, from chest belt or wrist band."""

from __future__ import annotations

from wearfm.evaluation.labels import event_label, of_dataset
from wearfm.evaluation.task import Task

ANSWERS = {"baseline": "no", "amusement": "no", "stress": "yes"}

TASK = Task(
    name="wesad_stress",
    question="Is the wearer under stress, not at rest or amused?",
    dataset="wesad",
    kind="binary",
    level="window",
    label=of_dataset("wesad", event_label("condition", min_share=1.0, mapping=ANSWERS)),
    classes=("no", "yes"),
    positive="yes",
    metric="auroc",
    demographics=("age_years", "sex"),
    citation="Schmidt et al. 2018, ICMI, doi:10.1145/3242969.3242985",
)
