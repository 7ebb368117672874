"""MIT-BIH: whether a stretch of ECG holds a premature ventricular beat; windows of some seconds are meant.

Flutter waves and ventricular escape beats are not premature: stretches with nothing else count as "no".
"""

from __future__ import annotations

from wearfm.evaluation.labels import event_present, of_dataset
from wearfm.evaluation.task import Task

PREMATURE = ("premature ventricular", "premature ventricular, R on T")

TASK = Task(
    name="mitdb_ventricular_beats",
    question="Does a premature ventricular beat begin in this window?",
    dataset="mitdb",
    kind="binary",
    level="window",
    label=of_dataset("mitdb", event_present("beat", PREMATURE)),
    classes=("no", "yes"),
    positive="yes",
    metric="auroc",
    demographics=("age_years", "sex"),
    citation="Moody & Mark 2001, IEEE EMB Magazine 20(3):45, doi:10.1109/51.932724",
)
