"""What the contract suite needs to know of sleepfm_2024."""

from dataclasses import replace

from tests.contracts.case import Case
from wearfm.recipes.sleepfm_2024 import SENSORS, SleepFM2024

CASE = Case(
    recipe=SleepFM2024,
    shrink={
        "window_s": 2.0,
        "stem": 4,
        "widths": (4, 6),
        "blocks": (1, 2),
        "smoothed": (2,),
        "last": 12,
        "width": 8,
        "log_scale": 2.0,
    },
    channels={"resp": 2, "spo2": 1, "eeg": 4, "eog": 1, "ecg": 1},
    alternatives={
        "sensors": (replace(SENSORS[0], slots=("resp", "resp", "spo2")), *SENSORS[1:]),
        "min_valid": 0.95,
        "group_valid": 0.9,
        "widths": (4, 8),
        "blocks": (2, 2),
        "smoothed": (),
        "merge": "mean",
        "contrast": "pairwise",
        "negatives": "other_people",
        "log_scale": 1.0,
    },
    original=(
        "rate_hz",
        "window_s",
        "stem",
        "widths",
        "blocks",
        "smoothed",
        "expansion",
        "last",
        "width",
        "dropout",
    ),
    steps=60,
    learning_rate=2e-2,
)
