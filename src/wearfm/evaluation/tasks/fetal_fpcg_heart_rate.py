"""Fetal-fPCG: the mean heart rate of an unborn child, from sounds on the abdomen."""

from __future__ import annotations

from wearfm.evaluation.labels import fact, of_dataset
from wearfm.evaluation.task import Published, Task

PROTOCOL = "NormWear (arXiv:2412.09758), Table 2: linear probe, one split by subject 80/20"
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
    published=(
        Published(
            model="NormWear",
            metric="relative_accuracy",
            value=0.99072,
            protocol=PROTOCOL,
            matches=False,
            why_not=WHY_NOT,
        ),
        Published(
            model="hand-made statistics (as published)",
            metric="relative_accuracy",
            value=0.98929,
            protocol=PROTOCOL,
            matches=False,
            why_not=WHY_NOT,
        ),
        Published(
            model="the mean of the training people (as published)",
            metric="relative_accuracy",
            value=0.99033,
            protocol=PROTOCOL,
            matches=False,
            why_not=WHY_NOT,
        ),
    ),
)
