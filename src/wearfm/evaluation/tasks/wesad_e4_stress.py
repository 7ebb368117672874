"""WESAD: stress (Trier social stress test) against baseline and amusement, from a wrist band.

The conditions lie on a clock that is known to within a minute; a minute is cut off both their ends (`datasets.wesad_e4`).
It is asked of five people upwards, for no more are in the collection that this house tests with.
"""

from __future__ import annotations

from wearfm.evaluation.labels import event_label, of_dataset
from wearfm.evaluation.task import Task

ANSWERS = {"baseline": "no", "amusement": "no", "stress": "yes"}

TASK = Task(
    name="wesad_e4_stress",
    question="Is the wearer under stress, not at rest or amused?",
    dataset="wesad_e4",
    kind="binary",
    level="window",
    label=of_dataset("wesad_e4", event_label("condition", min_share=1.0, mapping=ANSWERS)),
    classes=("no", "yes"),
    positive="yes",
    metric="auroc",
    demographics=("age_years", "sex"),
    min_participants=5,
    citation="Schmidt et al. 2018, ICMI, doi:10.1145/3242969.3242985",
)
