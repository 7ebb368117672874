"""How to make a recipe small, what to feed it, and another value for each of its settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import torch

from tests.toy import toy_batch
from wearfm.recipes.base import Recipe
from wearfm.recipes.base import preset as preset_of
from wearfm.signals.recording import SECOND
from wearfm.windows.batch import Batch
from wearfm.windows.contract import ANY

NOON_NS = 1_700_222_400 * SECOND  # a Friday, 2023-11-17 12:00, on the wearer's wall clock


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
    settings that `from_original` cannot see in the weights. steps, learning_rate: in which the loss falls. targets: labels
    of a batch's rows, repeated as often as needed.
    """

    recipe: type[Recipe]
    shrink: Mapping[str, Any] = field(default_factory=dict)
    channels: Mapping[str, int]
    group_size: int = 1
    alternatives: Mapping[str, Any] = field(default_factory=dict)
    original: tuple[str, ...] = ()
    steps: int = 20
    learning_rate: float = 1e-2
    targets: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

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

    def batch(self, recipe: Recipe, *, rows: int = 8, seed: int = 0, has_gaps: bool = True) -> Batch:
        """Return windows that fit the recipe's input contract; the same three people come again and again."""
        contract = recipe.input
        rate_hz = contract.streams[0].rate_hz or 64.0
        wanted = {s.modality: s.channels for s in contract.streams if s.modality != ANY} or dict(self.channels)
        batch = toy_batch(
            rows,
            seed=seed,
            channels={name: count or self.channels.get(name, 2) for name, count in wanted.items()},
            length=round(contract.window_s * rate_hz),
            rate_hz=rate_hz,
            group_size=self.group_size,
            has_gaps=has_gaps,
        )
        number = torch.arange(rows)
        return replace(
            batch,
            participant=number // self.group_size % 3,
            local_ns=NOON_NS + number * 5 * 3600 * SECOND,
            targets={name: torch.tensor(labels).repeat(rows)[:rows] for name, labels in self.targets.items()},
        )

    def settings(self) -> list[str]:
        return [setting.name for setting in fields(self.recipe.Config)]


def _another(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    assert isinstance(value, float), f"{value!r} is no number; write another value into the table"
    return value / 2 if value else 0.5
