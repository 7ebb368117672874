"""Fetal-fPCG: the mean heart rate of an unborn child, from sounds on the abdomen."""

from __future__ import annotations

from wearfm.evaluation.labels import fact, of_dataset
from wearfm.evaluation.published import MEAN, STATISTICS, of_normwear
from wearfm.evaluation.task import Task

WHY_NOT = "47 of 60 people there, and their label is not described; their split is not ours"

TASK = Task(
    name="fetal_fpcg_heart_rate",
    question="What is the mean heart rate of the unborn child?",
    dataset="fetal_fpcg",
    kind="regression",
    unit="1/min",
    level="participant",
    label=of_dataset("fetal_fpcg", fact("fetal_hr_per_min")),
    metric="mae",
    citation="Bhaskaran & Arora, Indian Institute of Science Fetal Heart Sound Database, PhysioNet",
    published=of_normwear("relative_accuracy", {"NormWear": 0.99072, STATISTICS: 0.98929, MEAN: 0.99033}, why_not=WHY_NOT),
)
