"""What the contract suite needs to know of harnet."""

from tests.contracts.case import Case, Given
from wearfm.recipes.harnet import Harnet

CASE = Case(
    recipe=Harnet,
    shrink={
        "window_s": 2.0,
        "widths": (8, 12, 16),
        "blocks": (1, 1, 0),
        "factors": (2, 3, 10),
        "orders": (2, 1, 0),
        "shortest": 5,
    },
    channels={"acc": 3},
    alternatives={
        "rate_hz": 60.0,
        "window_s": 2.4,
        "widths": (8, 12, 20),
        "blocks": (1, 2, 0),
        "factors": (2, 3, 9),
        "orders": (2, 3, 0),
        "kernel": 3,
        "tasks": ("reverse", "permute"),
        "segments": 3,
        "shortest": 12,
        "knots": 6,
        "scale_least": Given(value=0.3, given={"tasks": ("scale",)}),
        "scale_largest": Given(value=0.9, given={"tasks": ("scale",)}),
    },
    original=(
        "rate_hz", "window_s", "min_valid", "by_motion", "remove_mean", "factors", "orders", "segments", "shortest",
        "with_identity", "knots", "warp_deviation", "share_warp", "scale_least", "scale_largest", "switch_axes",
        "largest_angle",
    ),
    learning_rate=3e-3,
)  # fmt: skip
