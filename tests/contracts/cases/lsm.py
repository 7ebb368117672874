"""What the contract suite needs to know of lsm."""

from tests.contracts.case import Case, Given
from wearfm.recipes.lsm import LSM

CASE = Case(
    recipe=LSM,
    shrink={
        "features": ("hr", "rmssd", "steps", "temp"),  # two of them in one patch
        "window_s": 3600.0,
        "width": 16,
        "depth": 1,
        "heads": 2,
        "mlp_width": 16,
        "decoder_width": 8,
        "decoder_heads": 2,
        "decoder_mlp_width": 8,
        "hidden_share": 0.5,
    },
    channels={"hr": 1, "rmssd": 1, "steps": 1, "temp": 1},
    alternatives={
        "features": ("hr", "steps"),
        "window_s": 1800.0,
        "constants": "published",
        "interpolated_min": 5,
        "patch": (5, 5),
        "width": 32,
        "heads": 4,
        "decoder_width": 16,
        "decoder_heads": 4,
        "positions": "learnt",
        "mask_random": Given(value=0.01, given={"mask_forecast": 1.0}),
        "mask_temporal": 100.0,
        "mask_forecast": 100.0,
        "mask_sensor": 100.0,
    },
    steps=30,
)
