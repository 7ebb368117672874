"""Noninvasive-BP: what a person's systolic blood pressure is, from pulse wave, ECG and heart sound."""

from __future__ import annotations

from wearfm.evaluation.labels import fact, of_dataset
from wearfm.evaluation.task import Published, Task

PROTOCOL = "NormWear (arXiv:2412.09758), Table 2: linear probe, one split by subject 80/20"
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
    published=(
        Published(
            model="NormWear",
            metric="relative_accuracy",
            value=0.9242,
            protocol=PROTOCOL,
            matches=False,
            why_not=WHY_NOT,
        ),
        Published(
            model="hand-made statistics (as published)",
            metric="relative_accuracy",
            value=0.9231,
            protocol=PROTOCOL,
            matches=False,
            why_not=WHY_NOT,
        ),
        Published(
            model="the mean of the training people (as published)",
            metric="relative_accuracy",
            value=0.92988,
            protocol=PROTOCOL,
            matches=False,
            why_not=WHY_NOT,
        ),
    ),
)
