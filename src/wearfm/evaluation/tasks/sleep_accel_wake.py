"""Sleep-accel: whether the wearer is awake, from movement and heart rate at the wrist; label by polysomnography."""

from __future__ import annotations

from wearfm.evaluation.labels import event_label, of_dataset
from wearfm.evaluation.task import Published, Task

STATES = {"W": "wake", "N1": "sleep", "N2": "sleep", "N3": "sleep", "REM": "sleep"}

TASK = Task(
    name="sleep_accel_wake",
    question="Is the wearer awake?",
    dataset="sleep_accel",
    kind="binary",
    level="window",
    label=of_dataset("sleep_accel", event_label("sleep_stage", mapping=STATES)),
    classes=("sleep", "wake"),
    positive="wake",
    metric="auroc",
    citation="Walch et al. 2019, Sleep 42(12):zsz180, doi:10.1093/sleep/zsz180",
    published=(
        Published(
            model="neural network on movement, heart rate and clock (Walch et al. 2019)",
            metric="accuracy",
            value=0.90,
            protocol="Sleep 42(12):zsz180: epochs of 30 s, repeated splits by person; 93 % of sleep, 60 % of wake correct",
            matches=False,
            why_not="31 people there, 21 here; the body-clock feature is not read here",
        ),
    ),
)
