"""Noninvasive-BP: what a person's systolic blood pressure is, from pulse wave, ECG and heart sound."""

from __future__ import annotations

from wearfm.evaluation.labels import fact, of_dataset
from wearfm.evaluation.published import MEAN, STATISTICS, of_normwear
from wearfm.evaluation.task import Task

WHY_NOT = "125 pieces with both pressures in one figure there, the mean of a person's readings here"

TASK = Task(
    name="noninvasive_bp_systolic",
    question="What is this person's systolic blood pressure?",
    dataset="noninvasive_bp",
    kind="regression",
    unit="mmHg",
    level="participant",
    label=of_dataset("noninvasive_bp", fact("sbp_mmHg")),
    metric="mae",
    citation="Esmaili, Kachuee & Shabany 2017, IEEE Trans. Instrum. Meas. 66(12):3299",
    published=of_normwear("relative_accuracy", {"NormWear": 0.9242, STATISTICS: 0.9231, MEAN: 0.92988}, why_not=WHY_NOT),
)
