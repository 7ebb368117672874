"""What the contract suite needs to know of relcon."""

from tests.contracts.case import Case, Given
from wearfm.recipes.relcon import RelCon


def _first(value: object) -> Given:
    """Another value for a setting of the distance that is learned first."""
    return Given(value=value, given={"stage": "distance"})


CASE = Case(
    recipe=RelCon,
    shrink={"candidates": 3, "widths": (8, 12), "repeats": (1, 1), "kernels": (3, 4), "motif_width": 8, "motif_bottleneck": 4},
    channels={"acc": 3},
    group_size=4,
    alternatives={
        "stage": "distance",
        "modality": "gyro",
        "channels": 6,
        "within_s": Given(value=6.0, given={"candidates": 1}),
        "distance": "raw",
        "motif_width": _first(12),
        "motif_kernel": _first(17),
        "motif_depth": _first(3),
        "motif_stride": _first(2),
        "motif_bottleneck": _first(5),
        "attention": _first("sparsemax_in_training"),
        "attention_dropout": _first(0.5),
        "widths": (8, 16),
        "repeats": (1, 2),
        "kernels": (3, 5),
        "alterations": _first(1),
        "noise_g": _first(0.5),
        "gain_deviation": _first(0.5),
        "segments": _first(3),
        "shortest_segment": _first(20),
        "warp_deviation": _first(0.4),
        "warp_knots": _first(5),
    },
    original=(
        "modality", "rate_hz", "window_s", "min_valid", "candidates", "within_s", "distance", "temperature",
        "motif_width", "motif_bottleneck", "attention", "warp_knots",
    ),
    learning_rate=3e-3,
)  # fmt: skip
