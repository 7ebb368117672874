"""Stress-Predict: whether the wearer of a wrist band is under stress now: a Stroop test, an interview, hyperventilation."""

from __future__ import annotations

from wearfm.evaluation.labels import event_label, of_dataset
from wearfm.evaluation.task import Task

TASK = Task(
    name="stress_predict_stress",
    question="Is the wearer in a task that causes stress?",
    dataset="stress_predict",
    kind="binary",
    level="window",
    label=of_dataset("stress_predict", event_label("stress", min_share=1.0)),
    classes=("rest", "stress"),
    positive="stress",
    metric="auroc",
    citation="Iqbal et al. 2022, Sensors 22(21):8135, doi:10.3390/s22218135",
)
