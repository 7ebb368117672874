"""CinC 2017: atrial fibrillation in a hand-held ECG, against normal and other rhythms; noisy records have no label.

A participant is a record: the set does not say who was recorded.
"""

from __future__ import annotations

from wearfm.evaluation.labels import fact_in, of_dataset
from wearfm.evaluation.task import Task
from wearfm.signals.recording import Fact

ANSWERS: dict[Fact, str] = {"normal": "no", "other": "no", "atrial fibrillation": "yes"}

TASK = Task(
    name="cinc2017_atrial_fibrillation",
    question="Does this ECG show atrial fibrillation?",
    dataset="cinc2017",
    kind="binary",
    level="recording",
    label=of_dataset("cinc2017", fact_in("rhythm", ANSWERS)),
    classes=("no", "yes"),
    positive="yes",
    metric="auroc",
    citation="Clifford et al. 2017, Computing in Cardiology 44, doi:10.22489/CinC.2017.065-469",
)
