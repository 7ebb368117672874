"""Driver fatigue: whether a driver is tired, from EEG. The two states lie one after the other: see the data set's cautions."""

from __future__ import annotations

from wearfm.evaluation.labels import event_label, of_dataset
from wearfm.evaluation.published import STATISTICS, of_normwear
from wearfm.evaluation.task import Task

WHY_NOT = "four of the thirty channels there, all here; another split"

TASK = Task(
    name="driver_fatigue_fatigue",
    question="Is the driver tired?",
    dataset="driver_fatigue",
    kind="binary",
    level="window",
    label=of_dataset("driver_fatigue", event_label("condition", min_share=1.0)),
    classes=("normal", "fatigue"),
    positive="fatigue",
    metric="auroc",
    citation="Min, Wang & Hu 2017, PLoS ONE 12(12):e0188756",
    published=of_normwear("auroc", {"NormWear": 0.74292, STATISTICS: 0.63249, "Chronos": 0.76722}, why_not=WHY_NOT),
)
