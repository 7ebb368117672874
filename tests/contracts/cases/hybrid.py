"""What the contract suite needs to know of hybrid; all of its parts are on."""

from tests.contracts.case import Case, Given
from wearfm.recipes.hybrid import Hybrid

CASE = Case(
    recipe=Hybrid,
    shrink={
        "rate_hz": 32.0, "window_s": 4.0, "width": 16, "depth": 2, "heads": 2, "mlp_width": 24, "decoder_width": 8,
        "decoder_mlp_width": 12, "hidden_size": 12, "projection_size": 8, "corruption_weight": 0.1, "beat_weight": 0.5,
        "koleo_weight": 0.1,
    },
    channels={"ppg": 1},
    group_size=2,
    targets={"next_beat_s": (0.2, 0.5, float("nan"), 0.9, 0.1)},
    alternatives={
        "modality": Given(value="ecg", given={"rate_hz": 64.0}),  # R peaks need 40 Hz
        "apart_s": 16.0,
        "patch": 32,
        "width": 32,
        "heads": 4,
        "decoder_width": 16,
        "decoder_heads": 1,
        "pooled": "visible",
        "is_patch_normalised": True,
        "scale_deviation": Given(value=0.5, given={"scale": 1.0}),
        "warp_magnitude_deviation": Given(value=0.5, given={"warp_magnitude": 1.0}),
        "knots": Given(value=7, given={"warp_magnitude": 1.0}),
        "noise_lowest": Given(value=0.0, given={"noise": 1.0}),
        "noise_highest": Given(value=0.5, given={"noise": 1.0}),
    },
    learning_rate=3e-3,
)  # fmt: skip
