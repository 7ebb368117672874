"""Checkpoints: folders that are complete or absent, with a hash for every file.

checkpoints/step-00000100/
    model.safetensors   weights for use: the averages where the run keeps any
    config.json         recipe name and config
    card.md             for people
    provenance.json     data, seed, code version, metrics
    state/              all tensors needed to go on, as safetensors, and the position
    hashes              sha256 of every file above; `sha256sum -c hashes` agrees
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from wearfm.errors import BadConfiguration, DamagedStore, UnknownName
from wearfm.recipes import RECIPES
from wearfm.recipes.base import Recipe, config_from_json, config_to_json, load_strictly
from wearfm.recipes.weights import weight_hash
from wearfm.store.disk import failures_named
from wearfm.training.card import card
from wearfm.training.distributed import Place, on_first
from wearfm.training.durable import begin_folder, commit_folder, remove_folder, unfinished_folder, verify_folder
from wearfm.training.state import POSITION, State
from wearfm.training.weights import read_weights, write_weights

CHECKPOINTS = "checkpoints"
_NAME = re.compile(r"step-(\d{8})")


def save(
    run: Path, state: State, *, place: Place, position: Mapping[str, Any], provenance: Mapping[str, Any], keep: int
) -> Path:
    """Write a checkpoint of a run, remove those older than the newest `keep`, and return its folder.

    Every process must call it; the first one writes what is written once.
    """
    target = run / CHECKPOINTS / f"step-{state.step:08d}"
    if target.is_dir():
        return target
    unfinished = unfinished_folder(target)
    on_first(place, lambda: begin_folder(target))
    state.write(unfinished / "state")
    weights = state.weights()

    def finish() -> None:
        _write_json(unfinished / "state" / POSITION, position)
        _write_model(unfinished, state.recipe, weights, {**provenance, "step": state.step})
        commit_folder(target)
        for old in checkpoints(run)[:-keep]:
            remove_folder(old)

    on_first(place, finish)
    return target


def save_alone(target: Path, recipe: Recipe, *, provenance: Mapping[str, Any]) -> Path:
    """Write a recipe without what a run needs to go on, in place of what is there, and return its folder; `load` takes it.

    provenance: "training", "data", "signal_hours", "seen", "metrics" and "step" as a checkpoint has them, and "notes":
    sentences for its card.
    """
    if target.is_dir():
        remove_folder(target)
    begin_folder(target)
    _write_model(unfinished_folder(target), recipe, recipe.state_dict(), provenance)
    commit_folder(target)
    return target


def checkpoints(run: Path) -> list[Path]:
    """Return the complete checkpoints of a run, oldest first."""
    folder = run / CHECKPOINTS
    return sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name)) if folder.is_dir() else []


def load(path: str | Path, *, recipes: Mapping[str, type[Recipe]] = RECIPES) -> Recipe:
    """Return the recipe in a checkpoint folder, or in the newest checkpoint of a run folder, in evaluation mode.

    recipes: which recipes may be loaded, by name. Every byte is checked against its hash first: DamagedStore.
    """
    folder = find(Path(path))
    verify_folder(folder)
    stored = _read_json(folder / "config.json")
    if stored["recipe"] not in recipes:
        raise UnknownName("recipe", stored["recipe"], recipes)
    kind = recipes[stored["recipe"]]
    recipe = kind(config_from_json(kind, stored["config"]), seed=0)
    load_strictly(recipe, read_weights(folder / "model.safetensors"), what=f"recipe {kind.name!r} (from {folder})")
    recipe.seen = frozenset(_read_json(folder / "provenance.json").get("seen", ()))
    return recipe.eval()


def find(path: Path) -> Path:
    """Return the checkpoint folder that a path means; BadConfiguration if there is none."""
    if (path / "config.json").is_file():
        return path
    found = checkpoints(path)
    if not found:
        raise BadConfiguration(f"{path} is neither a checkpoint nor a run with a complete one; give the folder of a run")
    return found[-1]


def read_provenance(path: str | Path) -> dict[str, Any]:
    """Return where a checkpoint comes from: data, seed, code version, metrics, input contract."""
    return _read_json(find(Path(path)) / "provenance.json")


def version() -> str:
    """Return the version of the installed package; "source" where it runs from a source tree."""
    try:
        return importlib.metadata.version("wearfm")
    except importlib.metadata.PackageNotFoundError:
        return "source"


@cache
def code_hash() -> str:
    """Return the sha256 over all source files of the package: which code a number comes from, committed or not."""
    digest = hashlib.sha256()
    root = Path(__file__).parents[1]
    for source in sorted(root.rglob("*.py")):
        digest.update(source.relative_to(root).as_posix().encode() + b"\n" + source.read_bytes())
    return digest.hexdigest()


def _write_model(folder: Path, recipe: Recipe, weights: Mapping[str, Tensor], provenance: Mapping[str, Any]) -> None:
    write_weights(folder / "model.safetensors", weights)
    facts = {
        "recipe": recipe.name,
        **provenance,
        "weight_hash": weight_hash(weights),
        "input": recipe.input.to_json(),
        "version": version(),
        "torch": torch.__version__,
        "code": code_hash(),
    }
    _write_json(folder / "config.json", {"recipe": recipe.name, "config": config_to_json(recipe.config)})
    _write_json(folder / "provenance.json", facts)
    _write_text(folder / "card.md", card(facts, recipe.input))


def _write_json(path: Path, plain: Mapping[str, Any]) -> None:
    _write_text(path, json.dumps(plain, indent=2) + "\n")


def _write_text(path: Path, text: str) -> None:
    content = text.encode()
    with failures_named(path, size=len(content)):
        path.write_bytes(content)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DamagedStore(f"{path}: not readable ({error}); take another checkpoint") from error
    if not isinstance(plain, dict):
        raise DamagedStore(f"{path}: holds no JSON object; take another checkpoint")
    return plain
