"""ECG-Abnormal: myocardial infarction or a healthy heart, from the PTB Diagnostic ECG Database."""

from __future__ import annotations

from wearfm.evaluation.labels import fact_in, of_dataset
from wearfm.evaluation.published import STATISTICS, of_normwear
from wearfm.evaluation.task import Task
from wearfm.signals.recording import Fact

WHY_NOT = "single beats of one lead of a part of the people there, records of fifteen leads here; another split"
ANSWERS: dict[Fact, str] = {"healthy control": "no", "myocardial infarction": "yes"}

TASK = Task(
    name="ecg_abnormal_diagnosis",
    question="Did this person have a myocardial infarction, rather than a healthy heart?",
    dataset="ecg_abnormal",
    kind="binary",
    level="recording",
    label=of_dataset("ecg_abnormal", fact_in("diagnosis", ANSWERS)),
    classes=("no", "yes"),
    positive="yes",
    metric="auroc",
    demographics=("age_years", "sex"),
    citation="Bousseljot, Kreiseler & Schnabel 1995, Biomedizinische Technik 40(S1):317",
    published=of_normwear("auroc", {"NormWear": 0.9914, STATISTICS: 0.97092}, why_not=WHY_NOT),
)
