"""What the contract suite needs to know of papagei."""

from tests.contracts.case import Case, Given
from wearfm.recipes.papagei import PaPaGei

PERSON = {"learns": "person"}
CASE = Case(
    recipe=PaPaGei,
    shrink={
        "rate_hz": 32.0, "window_s": 4.0, "min_valid": 0.7, "width": 4, "depth": 3, "widened_every": 2, "embedding_size": 8,
        "expert_size": 4, "dropout": 0.05, "crop": 0.5,
    },
    channels={"ppg": 1},
    group_size=2,
    alternatives={
        "modality": "ecg",
        "rate_hz": 64.0,
        "polarity": "upright",
        "kernel": 5,
        "widened_every": 1,
        "learns": "person",
        "contrast_weight": 0.3,
        "indices": "window",
        "edges": "batch",
        "is_largest_apart": Given(value=True, given={"edges": "batch", "classes": 2}),
        "mining": "quality",
        "mining_classes": Given(value=2, given={"mining": "quality"}),
        "mining_margin": Given(value=0.0, given={"mining": "quality", "edges": "batch"}),
        "pairs": Given(value="segment", given=PERSON),
        "apart_s": Given(value=16.0, given=PERSON),
        "projected": Given(value="hidden", given=PERSON),
        "projection_hidden": Given(value=12, given=PERSON),
        "projection_size": Given(value=12, given=PERSON),
        "noise": 1.0,
        "noise_deviation": Given(value=0.5, given={"noise": 1.0}),
        "negate": 1.0,
        "warp": 1.0,
        "warp_knots": Given(value=6, given={"warp": 1.0}),
        "warp_deviation": Given(value=0.5, given={"warp": 1.0}),
        "reverse": 1.0,
        "scale": 1.0,
        "scale_deviation": Given(value=0.5, given={"scale": 1.0}),
        "crop_concentration": 2.0,
    },
    original=("rate_hz", "window_s", "widened_every"),
)  # fmt: skip
