"""What the contract suite needs to know of pat."""

from tests.contracts.case import Case
from wearfm.recipes.pat import PAT

CASE = Case(
    recipe=PAT,
    shrink={
        "window_s": 86_400.0,
        "patch": 60,
        "width": 16,
        "heads": 2,
        "head_width": 8,
        "mlp_width": 16,
        "mask_share": 0.5,
    },
    channels={"counts": 1},
    alternatives={
        "window_s": 172_800.0,
        "scale": "column",
        "patch": 90,
        "embedding": "conv",
        "width": 18,
        "mask_share": 0.75,
        "scored": "hidden",
    },
    original=("window_s", "min_valid", "scale", "dropout", "mask_share", "is_mask_shared", "is_misplaced", "scored", "reach"),
)
