"""What the contract suite needs to know of apple_contrastive."""

from tests.contracts.case import Case, Given
from wearfm.recipes.apple_contrastive import AppleContrastive

CASE = Case(
    recipe=AppleContrastive,
    shrink={"embedding_size": 72, "repeats": (1, 1, 2), "hidden_size": 16, "projection_size": 8, "cut_out": 0.9},
    channels={"ppg": 1},
    group_size=2,
    alternatives={
        "modality": "ecg",
        "apart_s": 20.0,  # windows touch: half the smallest distance would allow the same pairs
        "embedding_size": 108,
        "width": 108,
        "repeats": (1, 2, 2),
        "kernel": 5,
        "negatives": "apple_code",
        "koleo_teacher": True,
        "cut_out_longest": 0.8,
        "warp_magnitude": 0.9,
        "warp_magnitude_deviation": Given(value=0.5, given={"warp_magnitude": 1.0}),
        "warp_time": 0.9,
        "warp_time_deviation": Given(value=0.5, given={"warp_time": 1.0}),
        "share_time_warp": Given(value=False, given={"warp_time": 1.0, "channels": 2}),
        "knots": Given(value=7, given={"warp_magnitude": 1.0}),
        "noise": 1.0,
        "noise_lowest": Given(value=0.0, given={"noise": 1.0}),
        "noise_highest": Given(value=0.5, given={"noise": 1.0}),
        "permute_channels": Given(value=1.0, given={"channels": 3}),
    },
    original=("window_s", "repeats", "dropout", "width"),
    learning_rate=3e-3,
)
