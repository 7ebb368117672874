"""WESAD: baseline, stress or amusement, from chest belt or wrist band."""

from __future__ import annotations

from wearfm.evaluation.labels import event_label, of_dataset
from wearfm.evaluation.published import STATISTICS, of_normwear
from wearfm.evaluation.task import Task

WHY_NOT = "ten channels of both devices at once there, one device at a time here; another split"
STATES = ("baseline", "stress", "amusement")

TASK = Task(
    name="wesad_affect",
    question="Is the wearer at rest, under stress or amused?",
    dataset="wesad",
    kind="multiclass",
    level="window",
    label=of_dataset("wesad", event_label("condition", min_share=1.0, mapping={state: state for state in STATES})),
    classes=STATES,
    metric="auroc_ovo",
    demographics=("age_years", "sex"),
    citation="Schmidt et al. 2018, ICMI, doi:10.1145/3242969.3242985",
    published=of_normwear("auroc_ovo", {"NormWear": 0.7606, STATISTICS: 0.66213, "CLAP": 0.72383}, why_not=WHY_NOT),
)
