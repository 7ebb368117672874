"""What the contract suite needs to know of selfpab."""

from tests.contracts.case import Case, Given
from wearfm.recipes.selfpab import SelfPAB

CASE = Case(
    recipe=SelfPAB,
    shrink={"sensors": 2, "rate_hz": 10.0, "window_s": 8.0, "width": 16, "depth": 2, "heads": 2, "mlp_width": 16},
    channels={"acc": 6},
    alternatives={
        "modality": "gyro",
        "sensors": 1,
        "rate_hz": 12.0,
        "window_s": 10.0,
        "frame_s": 2.0,
        "hop_s": 1.0,
        "width": 32,
        "heads": 4,
        "target": "other",
        "merge": Given(value="max", given={"target": "other"}),
        "time_share": 0.5,
        "time_block": 2,
        "zero_probability": 0.2,
        "swap_probability": Given(value=0.9, given={"zero_probability": 0.1}),
        "band_probability": 0.1,
        "band_share": 1.0,
        "band_block": 2,
    },
    original=("sensors", "rate_hz", "window_s", "heads", "target"),
    steps=20,
    learning_rate=3e-3,
)
