"""What the contract suite needs to know of sleepfm."""

from tests.contracts.case import Case, Given
from wearfm.recipes.sleepfm import GROUPS, SleepFM

CASE = Case(
    recipe=SleepFM,
    shrink={
        "window_s": 4.0,
        "token_s": 1.0,
        "widths": (4, 8),
        "width": 16,
        "depth": 2,
        "heads": 2,
        "mlp_width": 16,
    },
    channels={"eeg": 3, "eog": 1, "resp": 1, "spo2": 1, "ecg": 2, "emg": 2},
    alternatives={
        "groups": GROUPS[:3],
        "rate_hz": 64.0,
        "window_s": 5.0,
        "min_valid": 0.9,
        "token_s": 2.0,
        "widths": (4, 8, 8),
        "width": 32,
        "heads": 4,
        "merge": "concatenate",
        "contrast": "pairwise",
        "negatives": "other_people",
        "log_scale": 1.0,
        "dropout": Given(value=0.5, given={"dropout": 0.0}),
    },
    original=("rate_hz", "window_s", "token_s", "heads", "dropout", "is_lone_channel_kept"),
)
