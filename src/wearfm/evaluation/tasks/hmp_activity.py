"""HMP: what the right hand of a person is doing, among the activities that at least seven of the people here performed."""

from __future__ import annotations

from wearfm.evaluation.labels import event_label, of_dataset
from wearfm.evaluation.task import Published, Task

PROTOCOL = "harnet (arXiv:2206.02909), table of downstream sets, ADL: windows resampled to 300 samples, F1 averaged over people"
WHY_NOT = "five of these activities and seven people there, seven activities and eleven people here"
ACTIVITIES = (  # the others are by three people or fewer, eating by one
    "climbing stairs",
    "drinking from a glass",
    "getting up from bed",
    "pouring water",
    "sitting down",
    "standing up",
    "walking",
)

TASK = Task(
    name="hmp_activity",
    question="What is this person doing: climbing stairs, drinking, getting up, pouring, sitting down, standing up or walking?",
    dataset="hmp",
    kind="multiclass",
    level="window",
    label=of_dataset("hmp", event_label("activity", min_share=1.0, mapping={activity: activity for activity in ACTIVITIES})),
    classes=ACTIVITIES,
    metric="auroc_ovo",
    demographics=("sex",),
    citation="Bruno et al. 2013, ICRA, 1602-1607",
    published=(
        Published(model="harnet, frozen", metric="f1_macro", value=0.645, protocol=PROTOCOL, matches=False, why_not=WHY_NOT),
        Published(
            model="harnet, fine-tuned", metric="f1_macro", value=0.829, protocol=PROTOCOL, matches=False, why_not=WHY_NOT
        ),
    ),
)
