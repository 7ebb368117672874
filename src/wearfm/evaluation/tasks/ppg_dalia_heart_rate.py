"""PPG-DaLiA: the heart rate through a day's activities, from the wrist; windows of 8 s are meant, as in the reference."""

from __future__ import annotations

from wearfm.evaluation.labels import event_match, of_dataset
from wearfm.evaluation.task import Published, Task

PROTOCOL = "PaPaGei (arXiv:2410.20542), linear probe, test people 12, 13 and 15"
WHY_NOT = "the authors' checked heart rates and one fixed split there, our R peaks here"

TASK = Task(
    name="ppg_dalia_heart_rate",
    question="What is the heart rate?",
    dataset="ppg_dalia",
    kind="regression",
    unit="1/min",
    level="window",
    label=of_dataset("ppg_dalia", event_match("hr")),
    metric="mae",
    citation="Reiss et al. 2019, Sensors 19(14):3079, doi:10.3390/s19143079",
    published=(
        Published(
            model="PaPaGei-S",
            metric="mae",
            value=11.53,
            protocol=PROTOCOL,
            matches=False,
            why_not=WHY_NOT,
        ),
        Published(
            model="PaPaGei-P",
            metric="mae",
            value=10.9,
            protocol=PROTOCOL,
            matches=False,
            why_not=WHY_NOT,
        ),
        Published(
            model="Chronos",
            metric="mae",
            value=9.65,
            protocol=PROTOCOL,
            matches=False,
            why_not=WHY_NOT,
        ),
        Published(
            model="hand-made statistics (as published)",
            metric="mae",
            value=13.1,
            protocol=PROTOCOL,
            matches=False,
            why_not=WHY_NOT,
        ),
    ),
)
