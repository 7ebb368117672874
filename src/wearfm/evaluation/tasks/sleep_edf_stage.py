"""Sleep-EDF: the sleep stage, from EEG, EOG and chin EMG; epochs of 30 s are meant. Movement time has no stage."""

from __future__ import annotations

from wearfm.evaluation.labels import event_label, of_dataset
from wearfm.evaluation.task import Task

TASK = Task(
    name="sleep_edf_stage",
    question="Is the sleeper awake, in N1, N2, N3 or in REM sleep?",
    dataset="sleep_edf",
    kind="multiclass",
    level="window",
    label=of_dataset("sleep_edf", event_label("sleep_stage")),
    classes=("W", "N1", "N2", "N3", "REM"),
    metric="auroc_ovo",
    citation="Kemp et al. 2000, IEEE TBME 47(9):1185, doi:10.1109/10.867928",
)
