"""What the contract suite needs to know of pulse_ppg."""

from tests.contracts.case import Case, Given
from wearfm.recipes.pulse_ppg import PulsePPG


def _first(value: object) -> Given:
    """Another value for a setting of the distance that is learned first."""
    return Given(value=value, given={"stage": "distance"})


CASE = Case(
    recipe=PulsePPG,
    shrink={
        "candidates": 3, "window_s": 4.0, "width": 8, "kernel": 5, "blocks": 3, "motif_width": 8, "motif_bottleneck": 4,
        "hidden_block_s": 1.0,
    },
    channels={"ppg": 1},
    group_size=4,
    alternatives={
        "stage": "distance",
        "modality": "ecg",
        "within_s": Given(value=9.0, given={"candidates": 1}),
        "distance": "raw",
        "motif_width": _first(12),
        "motif_kernel": _first(17),
        "motif_depth": _first(4),
        "motif_stride": _first(4),
        "motif_bottleneck": _first(5),
        "attention": _first("sparsemax_in_training"),
        "attention_dropout": _first(0.5),
        "hidden_block_s": _first(2.0),
        "scoring_share": _first(0.25),
        "scoring_masks": _first(1),
    },
    original=(
        "modality", "rate_hz", "window_s", "min_valid", "candidates", "variance_floor", "within_s", "distance", "temperature",
        "attention",
        "motif_width", "motif_depth", "motif_stride", "motif_bottleneck", "hidden_block_s", "scoring_masks", "dropout",
        "drops_channels",
    ),
    steps=80,
    learning_rate=1e-2,
)  # fmt: skip
