"""CAST: how old the patient is, from a day of heart rate. Ages are known in bands of five years.

The label is the middle of the band, so that the order of the bands counts; even a perfect guess of the age is off by
1.2 years on average.
"""

from __future__ import annotations

from wearfm.evaluation.labels import fact, of_dataset
from wearfm.evaluation.task import Task

TASK = Task(
    name="cast_age",
    question="How old is the patient, to the middle of a band of five years?",
    dataset="cast",
    kind="regression",
    unit="years",
    level="participant",
    label=of_dataset("cast", fact("age_years")),
    metric="mae",
    demographics=("sex",),
    citation="Stein et al. 2000, Clinical Cardiology 23:187",
)
