"""What the contract suite needs to know of lsm2."""

from tests.contracts.case import Case
from wearfm.recipes.lsm2 import LSM2

CASE = Case(
    recipe=LSM2,
    shrink={
        "features": ("temp", "temp_slope", "eda_slope"),  # of any sign, as the toy's waves are
        "window_s": 7200.0,
        "width": 16,
        "depth": 2,
        "heads": 2,
        "mlp_width": 32,
        "decoder_width": 16,
        "decoder_mlp_width": 16,
    },
    channels={"temp": 1, "temp_slope": 1, "eda_slope": 1},
    alternatives={
        "features": ("temp", "temp_slope", "altitude_std"),
        "min_valid": 1.0,
        "patch": 12,  # whole tokens
        "gaps": "filled",
        "signal_share": 0.9,  # three signals in eight windows: half of the chance may hide the same ones
        "strategies": ("tokens", "times"),
        "width": 32,
        "heads": 4,
        "decoder_width": 32,
        "decoder_heads": 4,
    },
    steps=40,
    learning_rate=3e-3,
)
