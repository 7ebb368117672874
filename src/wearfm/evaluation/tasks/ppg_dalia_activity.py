"""PPG-DaLiA: what the wearer is doing, eight activities of a day."""

from __future__ import annotations

from wearfm.evaluation.labels import event_label, of_dataset
from wearfm.evaluation.task import Task

ACTIVITIES = ("sitting", "stairs", "table soccer", "cycling", "driving", "lunch", "walking", "working")

TASK = Task(
    name="ppg_dalia_activity",
    question="What is the wearer doing?",
    dataset="ppg_dalia",
    kind="multiclass",
    level="window",
    label=of_dataset("ppg_dalia", event_label("activity", min_share=1.0)),
    classes=ACTIVITIES,
    metric="auroc_ovo",
    citation="Reiss et al. 2019, Sensors 19(14):3079, doi:10.3390/s19143079",
)
