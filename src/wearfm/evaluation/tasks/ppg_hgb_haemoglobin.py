"""PPG-Hgb: the haemoglobin of the blood, from red and infrared pulse waves."""

from __future__ import annotations

from wearfm.evaluation.labels import fact, of_dataset
from wearfm.evaluation.published import MEAN, STATISTICS, of_normwear
from wearfm.evaluation.task import Task

WHY_NOT = "their pieces and their split are not ours"

TASK = Task(
    name="ppg_hgb_haemoglobin",
    question="How much haemoglobin is in this person's blood?",
    dataset="ppg_hgb",
    kind="regression",
    unit="g/dL",
    level="participant",
    label=of_dataset("ppg_hgb", fact("hemoglobin_g_dl")),
    metric="mae",
    demographics=("age_years", "sex"),
    citation="Abuzairi et al. 2024, Data in Brief 52:109823",
    published=of_normwear("relative_accuracy", {"NormWear": 0.94632, STATISTICS: 0.94219, MEAN: 0.94816}, why_not=WHY_NOT),
)
