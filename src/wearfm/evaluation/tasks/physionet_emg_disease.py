"""EMG examples: which of three muscles this is. There is one person a disease: a split by person cannot answer it.

The task stands here for its published figures. With the data set as published it has three people, and is not answered:
no figure on it says anything about disease.
"""

from __future__ import annotations

from wearfm.evaluation.labels import fact, of_dataset
from wearfm.evaluation.published import STATISTICS, of_normwear
from wearfm.evaluation.task import Task

WHY_NOT = "pieces of the same three recordings lie on both sides there"

TASK = Task(
    name="physionet_emg_disease",
    question="Is this muscle healthy, or has it neuropathy or myopathy?",
    dataset="physionet_emg",
    kind="multiclass",
    level="window",
    label=of_dataset("physionet_emg", fact("diagnosis")),
    classes=("healthy", "neuropathy", "myopathy"),
    metric="auroc_ovo",
    citation="Goldberger et al. 2000, Circulation 101(23):e215; PhysioNet emgdb",
    published=of_normwear("auroc_ovo", {"NormWear": 0.99216, STATISTICS: 0.99309}, why_not=WHY_NOT),
)
