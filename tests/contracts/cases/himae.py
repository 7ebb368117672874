"""What the contract suite needs to know of himae."""

from tests.contracts.case import Case
from wearfm.recipes.himae import HiMAE

CASE = Case(
    recipe=HiMAE,
    shrink={"widths": (8, 12, 16), "level": 2, "window_s": 4.0},
    channels={"ppg": 1},
    alternatives={
        "modalities": ("ecg",),
        "widths": (8, 12, 20),
        "kernel": 7,
        "patch": 10,
        "level": -1,
    },
    original=("modalities", "rate_hz", "window_s", "min_valid", "patch", "mask_share", "level"),
    learning_rate=3e-3,
)
