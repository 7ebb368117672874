"""Welltory: how ill somebody with COVID-19 feels that day, from the daily values of a wearable; windows of a day are meant.

People answered on days of their choice, and 27 did so on a day with a value of their wearable: most days have no label.
"""

from __future__ import annotations

from wearfm.evaluation.labels import event_mean, of_dataset
from wearfm.evaluation.task import Task

TASK = Task(
    name="welltory_symptoms",
    question="How ill does the wearer feel today, from 1 (not at all) to 6 (extremely)?",
    dataset="welltory",
    kind="regression",
    unit="points",
    level="window",
    label=of_dataset("welltory", event_mean("covid_overall")),
    metric="mae",
    demographics=("age_years", "sex"),
    citation="Welltory 2020, https://github.com/Welltory/hrv-covid19",
)
