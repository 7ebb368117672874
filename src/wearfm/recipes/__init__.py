"""Published methods, one file each: `create` makes one, `import_original` takes published weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from wearfm.errors import UnknownName
from wearfm.recipes import base
from wearfm.recipes.base import Embedded, Loss, Recipe
from wearfm.recipes.distillation import Distillation
from wearfm.recipes.methods import METHODS
from wearfm.recipes.sleep_risk import SleepRisk
from wearfm.recipes.sleep_staging import SleepStaging
from wearfm.recipes.supervised import Supervised

_HEADS: tuple[type[Recipe], ...] = (SleepRisk, SleepStaging, Supervised)  # that learn from labels on a trained method
RECIPES: dict[str, type[Recipe]] = {**METHODS, Distillation.name: Distillation, **{head.name: head for head in _HEADS}}


def find(name: str) -> type[Recipe]:
    """Return a recipe's class; UnknownName offers the nearest."""
    if name not in RECIPES:
        raise UnknownName("recipe", name, RECIPES)
    return RECIPES[name]


def build(recipe: type[Recipe], config: Any, *, seed: int) -> Recipe:
    """Return a recipe with new weights, a pure function of config and seed."""
    return recipe(config, seed=seed)


def create(name: str, *, preset: str = "small", seed: int = 0, **changes: Any) -> Recipe:
    """Return a recipe with new weights. preset: "paper", "small" ...; changes: fields of its config."""
    recipe = find(name)
    return build(recipe, base.preset(recipe, preset, **changes), seed=seed)


def import_original(name: str, state: Mapping[str, Tensor], **settings: Any) -> Recipe:
    """Return a recipe holding published weights. settings: what the weights do not tell, see its `from_original`."""
    return find(name).from_original(state, **settings)


__all__ = ["RECIPES", "Embedded", "Loss", "Recipe", "build", "create", "find", "import_original"]
