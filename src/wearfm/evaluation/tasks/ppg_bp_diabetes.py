"""PPG-BP: type 2 diabetes from two seconds of finger pulse wave."""

from __future__ import annotations

from wearfm.evaluation.labels import fact_in, of_dataset
from wearfm.evaluation.published import STATISTICS, of_normwear
from wearfm.evaluation.task import Task

WHY_NOT = "219 people there, 146 here; their split, window and model weights are not ours"

TASK = Task(
    name="ppg_bp_diabetes",
    question="Does this person have type 2 diabetes?",
    dataset="ppg_bp",
    kind="binary",
    level="participant",
    label=of_dataset("ppg_bp", fact_in("diabetes", {0.0: "no", 1.0: "yes"})),
    classes=("no", "yes"),
    positive="yes",
    metric="auroc",
    demographics=("age_years", "sex", "bmi_kg_m2"),
    citation="Liang et al. 2018, Scientific Data 5:180020",
    published=of_normwear(
        "auroc",
        {"NormWear": 0.55893, STATISTICS: 0.47823, "TF-C": 0.57883},
        why_not=WHY_NOT,
    ),
)
