"""PTB-XL: the diagnostic superclass of an ECG; records with exactly one have a label."""

from __future__ import annotations

from wearfm.evaluation.labels import fact, of_dataset
from wearfm.evaluation.task import Task

TASK = Task(
    name="ptb_xl_superclass",
    question="Is this ECG normal, or does it show infarction, ST/T changes, a conduction disturbance or hypertrophy?",
    dataset="ptb_xl",
    kind="multiclass",
    level="recording",
    label=of_dataset("ptb_xl", fact("superclass")),
    classes=("NORM", "MI", "STTC", "CD", "HYP"),
    metric="auroc_ovo",
    demographics=("age_years", "sex"),
    citation="Wagner et al. 2020, Scientific Data 7:154, doi:10.1038/s41597-020-0495-6",
)
