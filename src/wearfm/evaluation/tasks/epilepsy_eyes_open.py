"""Epilepsy: one state of five against the others, in a second of EEG. A participant is a segment, not a person."""

from __future__ import annotations

from wearfm.evaluation.labels import fact_in, of_dataset
from wearfm.evaluation.published import STATISTICS, of_normwear
from wearfm.evaluation.task import Task
from wearfm.signals.recording import Fact

WHY_NOT = "their split of the 500 segments is not ours"
STATES = ("eyes open", "eyes closed", "healthy area", "tumour area", "seizure")
ANSWERS: dict[Fact, str] = {state: "yes" if state == "eyes open" else "no" for state in STATES}

TASK = Task(
    name="epilepsy_eyes_open",
    question="Were the eyes open?",
    dataset="epilepsy",
    kind="binary",
    level="recording",
    label=of_dataset("epilepsy", fact_in("state", ANSWERS)),
    classes=("no", "yes"),
    positive="yes",
    metric="auroc",
    citation="Andrzejak et al. 2001, Physical Review E 64:061907",
    published=of_normwear("auroc", {"NormWear": 0.92743, STATISTICS: 0.82489}, why_not=WHY_NOT),
)
