"""For each recipe: how to make it small, what to feed it, and another value for each of its settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from tests.toy import Toy
from wearfm.recipes import RECIPES
from wearfm.recipes.base import Recipe
from wearfm.recipes.base import preset as preset_of


@dataclass(frozen=True, kw_only=True)
class Given:
    """Another value for a setting that acts only if other settings are given as well."""

    value: Any
    given: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Case:
    """shrink: changes to preset "small" that make tests quick. channels: modality -> how many a window has.

    group_size: rows of a batch that belong together. alternatives: setting -> another value, for settings that are
    neither switches nor numbers, or whose next number is impossible or acts alone on nothing. original: names of
    settings that `from_original` cannot see in the weights. steps, learning_rate: in which the loss falls.
    """

    recipe: type[Recipe]
    shrink: Mapping[str, Any] = field(default_factory=dict)
    channels: Mapping[str, int]
    group_size: int = 1
    alternatives: Mapping[str, Any] = field(default_factory=dict)
    original: tuple[str, ...] = ()
    steps: int = 20
    learning_rate: float = 1e-2

    def config(self, **changes: Any) -> Any:
        return preset_of(self.recipe, "small", **{**self.shrink, **changes})

    def make(self, *, seed: int = 0, **changes: Any) -> Recipe:
        return self.recipe(self.config(**changes), seed=seed)

    def pair(self, name: str) -> tuple[Any, Any]:
        """Return two configs that differ in one setting."""
        other = self.alternatives.get(name)
        given = dict(other.given) if isinstance(other, Given) else {}
        base = self.config(**given)
        value = other.value if isinstance(other, Given) else other
        return base, replace(base, **{name: _another(getattr(base, name)) if name not in self.alternatives else value})

    def settings(self) -> list[str]:
        return [setting.name for setting in fields(self.recipe.Config)]


def _another(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    assert isinstance(value, float), f"{value!r} is no number; write another value into the table"
    return value / 2 if value else 0.5


CASES: dict[str, Case] = {
    "toy": Case(recipe=Toy, channels={"ppg": 2}, alternatives={"modalities": ("acc",)}),
    "apple_contrastive": Case(
        recipe=RECIPES["apple_contrastive"],
        shrink={"embedding_size": 72, "repeats": (1, 1, 2), "hidden_size": 16, "projection_size": 8, "cut_out": 0.9},
        channels={"ppg": 1},
        group_size=2,
        alternatives={
            "modality": "ecg",
            "apart_s": 20.0,  # windows touch: half the smallest distance would allow the same pairs
            "embedding_size": 108,
            "repeats": (1, 2, 2),
            "kernel": 5,
            "negatives": "apple_code",
            "koleo_teacher": True,
            "cut_out_longest": 0.8,
            "warp_magnitude": 0.9,
            "warp_magnitude_deviation": Given(value=0.5, given={"warp_magnitude": 1.0}),
            "warp_time": 0.9,
            "warp_time_deviation": Given(value=0.5, given={"warp_time": 1.0}),
            "share_time_warp": Given(value=False, given={"warp_time": 1.0, "channels": 2}),
            "knots": Given(value=7, given={"warp_magnitude": 1.0}),
            "noise": 1.0,
            "noise_lowest": Given(value=0.0, given={"noise": 1.0}),
            "noise_highest": Given(value=0.5, given={"noise": 1.0}),
            "permute_channels": Given(value=1.0, given={"channels": 3}),
        },
        original=("window_s", "repeats", "dropout"),
        learning_rate=3e-3,
    ),
    "normwear": Case(
        recipe=RECIPES["normwear"],
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
    ),
}
