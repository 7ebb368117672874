"""Sleep-accel: wake, NREM or REM sleep, from movement and heart rate at the wrist; label by polysomnography."""

from __future__ import annotations

from wearfm.evaluation.labels import event_label, of_dataset
from wearfm.evaluation.task import Published, Task

STAGES = {"W": "wake", "N1": "NREM", "N2": "NREM", "N3": "NREM", "REM": "REM"}

TASK = Task(
    name="sleep_accel_stage",
    question="Is the wearer awake, in NREM or in REM sleep?",
    dataset="sleep_accel",
    kind="multiclass",
    level="window",
    label=of_dataset("sleep_accel", event_label("sleep_stage", mapping=STAGES)),
    classes=("wake", "NREM", "REM"),
    metric="auroc_ovo",
    citation="Walch et al. 2019, Sleep 42(12):zsz180, doi:10.1093/sleep/zsz180",
    published=(
        Published(
            model="neural network on movement, heart rate and clock (Walch et al. 2019)",
            metric="accuracy",
            value=0.72,
            protocol="Sleep 42(12):zsz180: epochs of 30 s, repeated splits by person",
            matches=False,
            why_not="31 people there, 21 here; the body-clock feature is not read here",
        ),
    ),
)
