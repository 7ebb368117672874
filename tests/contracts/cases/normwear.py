"""What the contract suite needs to know of normwear."""

from tests.contracts.case import Case
from wearfm.recipes.normwear import NormWear

CASE = Case(
    recipe=NormWear,
    shrink={
        "width": 32,
        "depth": 2,
        "heads": 2,
        "mlp_width": 32,
        "decoder_width": 16,
        "decoder_heads": 2,
        "decoder_mlp_width": 16,
        "decoder_hidden": 16,
    },
    channels={"acc": 2, "ppg": 1},
    alternatives={
        "rate_hz": 130.0,
        "window_s": 12.0,
        "length": 380,
        "preprocess": "none",
        "scalogram": "scipy",
        "num_scales": 24,  # whole patches
        "plane_rows": 360,  # whole patches
        "patch": (9, 8),
        "width": 64,
        "heads": 4,
        "decoder_width": 32,
        "decoder_heads": 4,
        "decoder_channels": 2,
        "fusion_every": 1,
        "pooling": "cls",
        "channel_pooling": "concatenate",
    },
    original=("preprocess", "scalogram", "scale_step", "num_scales", "plane_rows", "heads", "decoder_heads"),
    steps=30,
    learning_rate=3e-3,
)
