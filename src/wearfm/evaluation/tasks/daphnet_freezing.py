"""Daphnet: whether a walker with Parkinson's disease freezes; time outside the experiment has no label."""

from __future__ import annotations

from wearfm.evaluation.labels import event_label, of_dataset
from wearfm.evaluation.task import Task

ANSWERS = {"no freezing": "no", "freezing": "yes"}

TASK = Task(
    name="daphnet_freezing",
    question="Is the walker frozen?",
    dataset="daphnet",
    kind="binary",
    level="window",
    label=of_dataset("daphnet", event_label("freezing", mapping=ANSWERS)),
    classes=("no", "yes"),
    positive="yes",
    metric="auroc",
    citation="Bachlin et al. 2010, IEEE Trans. Inf. Technol. Biomed. 14(2):436, doi:10.1109/TITB.2009.2036165",
)
