"""What the contract suite needs to know of lta2v."""

from tests.contracts.case import Case
from wearfm.recipes.lta2v import LTA2V

CASE = Case(
    recipe=LTA2V,
    shrink={
        "rate_hz": 8.0,
        "window_s": 48.0,
        "epoch_s": 4.0,
        "width": 16,
        "depth": 2,
        "heads": 2,
        "mlp_width": 16,
        "reach": 2,
        "global_tokens": 2,
        "harmonics": 4,
        "block_shortest": 2,
        "block_longest": 4,
        "band_block": 1,
    },
    channels={"acc": 3},
    alternatives={
        "modalities": ("gyro",),
        "channels": (6,),
        "tokens": "samples",
        "rate_hz": 10.0,
        "window_s": 96.0,
        "epoch_s": 6.0,
        "epoch_valid": 0.9,
        "frame_s": 2.0,
        "scale": "log",
        "width": 32,
        "heads": 4,
        "attention": "full",
        "clock": "calendar",
        "clock_shift_s": 7200.0,
        "block_shortest": 3,
        "block_longest": 6,
        "share_lowest": 0.3,
        "share_highest": 0.7,
        "band_probability": 0.1,
        "band_share": 0.8,
        "band_block": 2,
    },
    steps=20,
    learning_rate=3e-3,
)
