"""PPG-BP: the stage of hypertension from two seconds of finger pulse wave."""

from __future__ import annotations

from wearfm.evaluation.labels import fact_in, of_dataset
from wearfm.evaluation.published import STATISTICS, of_normwear
from wearfm.evaluation.task import Task

STAGES = ("normal", "prehypertension", "stage 1 hypertension", "stage 2 hypertension")

WHY_NOT = "219 people there, 146 here; their split, window and model weights are not ours"

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
    published=of_normwear(
        "auroc_ovo",
        {"NormWear": 0.62341, STATISTICS: 0.59499, "TF-C": 0.65229},
        why_not=WHY_NOT,
    ),
)
