"""What the contract suite needs to know of wbm."""

from tests.contracts.case import Case, Given
from wearfm.recipes.wbm import WBM

HOURS_S = 6 * 3600.0

CASE = Case(
    recipe=WBM,
    shrink={
        "variables": ("temp", "steps"),  # a level and a total
        "window_s": HOURS_S,
        "align_s": HOURS_S,
        "apart_s": HOURS_S,
        "tokenizer_hidden": 8,
        "backbone": "mamba2_post_norm",  # the only one with published names
        "width": 16,
        "states": 4,
        "head_width": 8,
        "mlp_width": 16,
        "head": "three_layers",
        "hidden_size": 16,
        "projection_size": 8,
        "dropped_least": 0.2,
    },
    channels={"temp": 1, "steps": 1},
    group_size=2,
    alternatives={
        "variables": ("temp", "counts"),
        "unscaled": ("temp",),
        "rate_hz": 1 / 3600,
        "window_s": 2 * HOURS_S,
        "align_s": HOURS_S / 2,
        "apart_s": 4 * HOURS_S,
        "hour_share": 1.0,
        "skips_empty": Given(value=False, given={"variables": ("temp",), "hour_share": 1.0}),
        "tokenizer_hidden": 12,
        "backbone": "mamba2",
        "width": 32,
        "head_width": 16,
        "heads": Given(value=2, given={"backbone": "transformer"}),
        "head": "two_layers",
        "momentum": 0.5,
    },
    original=(
        "variables", "unscaled", "rate_hz", "window_s", "align_s", "min_valid", "skips_empty", "apart_s",
        "has_positions",
    ),
    learning_rate=3e-3,
)  # fmt: skip
