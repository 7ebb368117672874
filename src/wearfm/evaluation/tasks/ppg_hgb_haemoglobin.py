"""PPG-Hgb: the haemoglobin of the blood, from red and infrared pulse waves."""

from __future__ import annotations

from wearfm.evaluation.labels import fact, of_dataset
from wearfm.evaluation.task import Published, Task

PROTOCOL = "NormWear (arXiv:2412.09758), Table 2: linear probe, one split by subject 80/20"
WHY_NOT = "their pieces and their split are not ours"

TASK = Task(
    name="ppg_hgb_haemoglobin",
    question="How much haemoglobin is in this person's blood?",
    dataset="ppg_hgb",
    kind="regression",
    unit="g/dL",
    level="participant",
    label=of_dataset("ppg_hgb", fact("hemoglobin_g_dl")),
    metric="mae",
    demographics=("age_years", "sex"),
    citation="Abuzairi et al. 2024, Data in Brief 52:109823",
    published=(
        Published(
            model="NormWear",
            metric="relative_accuracy",
            value=0.94632,
            protocol=PROTOCOL,
            matches=False,
            why_not=WHY_NOT,
        ),
        Published(
            model="hand-made statistics (as published)",
            metric="relative_accuracy",
            value=0.94219,
            protocol=PROTOCOL,
            matches=False,
            why_not=WHY_NOT,
        ),
        Published(
            model="the mean of the training people (as published)",
            metric="relative_accuracy",
            value=0.94816,
            protocol=PROTOCOL,
            matches=False,
            why_not=WHY_NOT,
        ),
    ),
)
