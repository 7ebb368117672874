"""wearfm pretrain: train a recipe on a store, without labels."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, make_dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import tyro

from wearfm.cli import terminal
from wearfm.errors import BadConfiguration, UnknownName


@dataclass(frozen=True, kw_only=True)
class Call:
    """What every call names, whatever the recipe."""

    store: Annotated[Path, tyro.conf.Positional]
    """The store's folder."""
    run: Annotated[Path, tyro.conf.arg(aliases=["-o"])] = Path("runs/pretrain")
    """The run's folder; a second call with the same settings goes on where it stopped."""
    preset: str = "small"
    """Which of the recipe's presets the settings start from."""
    modalities: tuple[str, ...] = ()
    """Train on these modalities only."""
    where: str = ""
    """Train on channels only of which this is true, as in `wearfm store query`: "placement = 'wrist' and rate_hz >= 50"."""
    after: Path | None = None
    """A run of the stage before, for methods that train in two: its weights are taken over."""
    participants: Path | None = None
    """A text file with one participant a line: train on these only."""
    json: bool = False
    """Print JSON."""


def run(words: Sequence[str]) -> int:
    """Run the verb."""
    from wearfm.recipes import RECIPES, build

    if not words or words[0] in {"-h", "--help"}:
        alone = sorted(name for name, r in RECIPES.items() if not (r.learns_from_labels or r.learns_from_teacher))
        terminal.say(f"usage: wearfm pretrain RECIPE STORE [options]\n\nrecipes: {', '.join(alone)}\n")
        terminal.say("wearfm pretrain RECIPE --help shows every setting of the recipe and of training")
        return 0
    if words[0] not in RECIPES:
        raise UnknownName("recipe", words[0], RECIPES)
    if RECIPES[words[0]].learns_from_labels:
        raise BadConfiguration(f"{words[0]} learns from labels, which pretraining has none of; use wearfm finetune")
    if RECIPES[words[0]].learns_from_teacher:
        raise BadConfiguration(f"{words[0]} learns from a pretrained teacher; use wearfm distil TEACHER STORE")
    options = _options(words[0], words[1:])
    from wearfm.store import Store
    from wearfm.training import load, train
    from wearfm.windows.view import View

    recipe = build(RECIPES[words[0]], options.config, seed=options.training.seed)
    recipe = recipe if options.after is None else recipe.after(load(options.after))
    with Store.open(options.store) as store, terminal.progress("pretrain", unit="steps") as progress:
        people = terminal.names_in(options.participants)
        part = View(store, participants=people, modalities=options.modalities or None, where=options.where)
        summary = train(recipe, part, config=options.training, run=options.run, progress=partial(_follow, progress))
    if os.environ.get("RANK", "0") == "0":  # under torchrun one process speaks for all
        terminal.emit(dataclasses.asdict(summary)) if options.json else _show(summary)
    return 130 if summary.interrupted else 0


def _follow(progress: terminal.Report, line: Mapping[str, float]) -> None:
    """Move the progress bar to a log line, and show its loss."""
    progress(int(line["step"]), int(line["total"]), f"loss {line['loss']:.4g}" if "loss" in line else "")


def _options(recipe: str, words: Sequence[str]) -> Any:
    """Return the options of one recipe: the call, its config and the training's, with the preset as default."""
    from wearfm.recipes import RECIPES
    from wearfm.recipes.base import preset
    from wearfm.training import TrainingConfig

    config = preset(RECIPES[recipe], _preset(words))
    fields = [
        ("config", type(config), field(default_factory=lambda: config)),
        ("training", TrainingConfig, field(default_factory=lambda: TrainingConfig(seed=0, steps=1000))),
    ]
    options = make_dataclass("Options", fields, bases=(Call,), frozen=True, kw_only=True)
    options.__doc__ = f"Train {recipe} on the windows of a store, without labels."
    return terminal.parse(options, f"pretrain {recipe}", words)


def _preset(words: Sequence[str]) -> str:
    for place, word in enumerate(words):
        if word == "--preset" and place + 1 < len(words):
            return words[place + 1]
        if word.startswith("--preset="):
            return word.partition("=")[2]
    return "small"


def _show(summary: Any) -> None:
    terminal.say(f"{summary.run}: step {summary.step} of {summary.total}, {summary.signal_hours:.1f} h of signal seen")
    for name, value in sorted(summary.metrics.items()):
        terminal.say(f"  {name}: {value:.4g}")
    for reason, seconds in summary.skipped.items():
        terminal.say(f"  in no window, {reason}: {terminal.duration(seconds)}")
    terminal.say(f"weights: {summary.checkpoint} ({summary.weight_hash[:12]})")
    if summary.interrupted:
        terminal.say(f"interrupted by {summary.interrupted}; the same command goes on from here")
