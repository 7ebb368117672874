"""GAMEEMO: which of four games a student plays, made to bore, calm, frighten or amuse, from EEG."""

from __future__ import annotations

from wearfm.evaluation.labels import event_label, of_dataset
from wearfm.evaluation.published import STATISTICS, of_normwear
from wearfm.evaluation.task import Task

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
    published=of_normwear("auroc_ovo", {"NormWear": 0.54937, STATISTICS: 0.51009, "Chronos": 0.53747}, why_not=WHY_NOT),
)
