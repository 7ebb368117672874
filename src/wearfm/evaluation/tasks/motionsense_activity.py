"""MotionSense: what the carrier of a phone in the trouser pocket is doing."""

from __future__ import annotations

from wearfm.evaluation.labels import event_label, of_dataset
from wearfm.evaluation.task import Published, Task

PROTOCOL = "RelCon (arXiv:2411.18822), Table 4: linear probe, five folds by person, windows of 2 s"
ACTIVITIES = ("walking downstairs", "walking upstairs", "walking", "jogging", "standing", "sitting")

TASK = Task(
    name="motionsense_activity",
    question="What is the carrier doing: going down or up stairs, walking, jogging, standing or sitting?",
    dataset="motionsense",
    kind="multiclass",
    level="window",
    label=of_dataset("motionsense", event_label("activity", min_share=1.0)),
    classes=ACTIVITIES,
    metric="f1_macro",
    citation="Malekzadeh et al. 2019, IoTDI, doi:10.1145/3302505.3310068",
    published=(
        Published(
            model="RelCon",
            metric="f1_macro",
            value=0.8035,
            protocol=PROTOCOL,
            matches=False,
            why_not="24 people there, 7 here; windows of 2 s without the gyroscope",
        ),
        Published(
            model="SimCLR (as compared there)",
            metric="f1_macro",
            value=0.8393,
            protocol=PROTOCOL,
            matches=False,
            why_not="24 people there, 7 here; windows of 2 s without the gyroscope",
        ),
        Published(
            model="supervised convolutions (as compared there)",
            metric="f1_macro",
            value=0.8925,
            protocol=PROTOCOL,
            matches=False,
            why_not="24 people there, 7 here; windows of 2 s without the gyroscope",
        ),
    ),
)
