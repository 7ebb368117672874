"""wearfm recipes: the methods, their presets and settings."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import tyro

from wearfm.cli import terminal


@dataclass(frozen=True, kw_only=True)
class Options:
    """List the methods, or show the settings of one."""

    name: Annotated[str, tyro.conf.Positional] = ""
    """A recipe; leave out to list all."""
    json: bool = False
    """Print JSON."""


def run(words: Sequence[str]) -> int:
    """Run the verb."""
    options = terminal.parse(Options, "recipes", words)
    return _one(options.name, json=options.json) if options.name else _all(json=options.json)


def _all(*, json: bool) -> int:
    from wearfm.recipes import RECIPES

    rows = [(name, ", ".join(recipe.presets()), _about(recipe)) for name, recipe in sorted(RECIPES.items())]
    if json:
        terminal.emit([{"name": name, "presets": presets.split(", "), "about": about} for name, presets, about in rows])
    else:
        terminal.table("", ("recipe", "presets", "about"), rows)
    return 0


def _one(name: str, *, json: bool) -> int:
    from wearfm.errors import UnknownName
    from wearfm.recipes import RECIPES
    from wearfm.recipes.base import config_to_json

    if name not in RECIPES:
        raise UnknownName("recipe", name, RECIPES)
    configs: dict[str, dict[str, Any]] = {key: config_to_json(make()) for key, make in RECIPES[name].presets().items()}
    if json:
        terminal.emit(configs)
        return 0
    fields = list(next(iter(configs.values())))
    rows = [(field, *(str(config[field]) for config in configs.values())) for field in fields]
    terminal.table(f"{name}: {_about(RECIPES[name])}", ("setting", *configs), rows)
    return 0


def _about(recipe: type[Any]) -> str:
    """Return the first sentence of the file that describes the method."""
    return (sys.modules[recipe.__module__].__doc__ or "").strip().splitlines()[0].rstrip(".")
