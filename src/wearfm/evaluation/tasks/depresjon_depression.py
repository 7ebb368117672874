"""Depresjon: whether the wearer is a patient with depression, from days of wrist activity counts."""

from __future__ import annotations

from wearfm.evaluation.labels import fact_in, of_dataset
from wearfm.evaluation.task import Published, Task

NHANES = "PAT (arXiv:2411.15240): fine-tuned on NHANES 2013-14, a week of counts, PHQ-9 of 10 or more, 2,000 people held out"

TASK = Task(
    name="depresjon_depression",
    question="Is the wearer a patient with depression?",
    dataset="depresjon",
    kind="binary",
    level="participant",
    label=of_dataset("depresjon", fact_in("condition", {"control": "no", "patient": "yes"})),
    classes=("no", "yes"),
    positive="yes",
    metric="auroc",
    demographics=("age_years", "sex"),
    citation="Garcia-Ceja et al. 2018, ACM MMSys, doi:10.1145/3204949.3208125",
    published=(
        Published(
            model="deep network on statistics of a day (Jakobsen et al. 2020)",
            metric="accuracy",
            value=0.84,
            protocol="PLoS ONE 15:e0231995: 14 days, mean, deviation and share of zeros of each day, leave one person out",
            matches=False,
            why_not="55 people there, 36 here; minutes of a watch in a drawer are not valid here",
        ),
        Published(
            model="PAT-L",
            metric="auroc",
            value=0.589,
            protocol=NHANES,
            matches=False,
            why_not="symptom scores of a population there, diagnosed patients and controls here; other device, other site",
        ),
        Published(
            model="PAT Conv-L",
            metric="auroc",
            value=0.610,
            protocol=NHANES,
            matches=False,
            why_not="symptom scores of a population there, diagnosed patients and controls here; other device, other site",
        ),
    ),
)
