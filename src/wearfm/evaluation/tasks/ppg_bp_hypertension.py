"""PPG-BP: the stage of hypertension from two seconds of finger pulse wave."""

from __future__ import annotations

from wearfm.evaluation.labels import fact_in, of_dataset
from wearfm.evaluation.task import Published, Task

PROTOCOL = "NormWear (arXiv:2412.09758), Table 2: linear probe, one split by subject 80/20"
STAGES = ("normal", "prehypertension", "stage 1 hypertension", "stage 2 hypertension")

TASK = Task(
    name="ppg_bp_hypertension",
    question="Which stage of hypertension does this person have?",
    dataset="ppg_bp",
    kind="multiclass",
    level="participant",
    label=of_dataset("ppg_bp", fact_in("hypertension_stage", {stage: stage for stage in STAGES})),
    classes=STAGES,
    metric="auroc_ovo",
    demographics=("age_years", "sex", "bmi_kg_m2"),
    citation="Liang et al. 2018, Scientific Data 5:180020",
    published=(
        Published(
            model="NormWear",
            metric="auroc_ovo",
            value=0.62341,
            protocol=PROTOCOL,
            matches=False,
            why_not="219 people there, 146 here; their split, window and model weights are not ours",
        ),
        Published(
            model="hand-made statistics (as published)",
            metric="auroc_ovo",
            value=0.59499,
            protocol=PROTOCOL,
            matches=False,
            why_not="219 people there, 146 here; their split, window and model weights are not ours",
        ),
        Published(
            model="TF-C",
            metric="auroc_ovo",
            value=0.65229,
            protocol=PROTOCOL,
            matches=False,
            why_not="219 people there, 146 here; their split, window and model weights are not ours",
        ),
    ),
)
