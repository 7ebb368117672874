"""A method by its name and its settings, as part of another recipe's config."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wearfm.errors import UnknownName
from wearfm.recipes.base import Recipe, config_from_json
from wearfm.recipes.methods import METHODS


@dataclass(frozen=True, kw_only=True)
class Method:
    """What is underneath. name: a key of `METHODS`. config: its config, or what JSON made of it."""

    name: str
    config: Any

    def __post_init__(self) -> None:
        if self.name not in METHODS:
            raise UnknownName("method", self.name, METHODS)
        if isinstance(self.config, Mapping):
            object.__setattr__(self, "config", config_from_json(METHODS[self.name], self.config))

    def build(self, *, seed: int) -> Recipe:
        """Return the method with new weights."""
        return METHODS[self.name](self.config, seed=seed)
