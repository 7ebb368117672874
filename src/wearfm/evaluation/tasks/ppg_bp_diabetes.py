"""PPG-BP: type 2 diabetes from two seconds of finger pulse wave."""

from __future__ import annotations

from wearfm.evaluation.labels import fact_in, of_dataset
from wearfm.evaluation.task import Published, Task

PROTOCOL = "NormWear (arXiv:2412.09758), Table 2: linear probe, one split by subject 80/20"

TASK = Task(
    name="ppg_bp_diabetes",
    question="Does this person have type 2 diabetes?",
    dataset="ppg_bp",
    kind="binary",
    level="participant",
    label=of_dataset("ppg_bp", fact_in("diabetes", {0.0: "no", 1.0: "yes"})),
    classes=("no", "yes"),
    positive="yes",
    metric="auroc",
    demographics=("age_years", "sex", "bmi_kg_m2"),
    citation="Liang et al. 2018, Scientific Data 5:180020",
    published=(
        Published(
            model="NormWear",
            metric="auroc",
            value=0.55893,
            protocol=PROTOCOL,
            matches=False,
            why_not="219 people there, 146 here; their split, window and model weights are not ours",
        ),
        Published(
            model="hand-made statistics (as published)",
            metric="auroc",
            value=0.47823,
            protocol=PROTOCOL,
            matches=False,
            why_not="219 people there, 146 here; their split, window and model weights are not ours",
        ),
        Published(
            model="TF-C",
            metric="auroc",
            value=0.57883,
            protocol=PROTOCOL,
            matches=False,
            why_not="219 people there, 146 here; their split, window and model weights are not ours",
        ),
    ),
)
