"""What a run reads: batches to train on, batches to validate on, and the facts that identify them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from wearfm.errors import BadConfiguration
from wearfm.recipes.base import Recipe
from wearfm.training.config import TrainingConfig
from wearfm.training.distributed import Place
from wearfm.windows import load
from wearfm.windows.balance import grouped, in_turn
from wearfm.windows.batch import Batch
from wearfm.windows.index import WindowIndex
from wearfm.windows.people import same_persons
from wearfm.windows.plan import Plan
from wearfm.windows.source import Source
from wearfm.windows.split import Split, folds


class Loader(Protocol):
    """The batches of one process, as a pure function of epoch and number: `windows.load.Loader` is one."""

    def __len__(self) -> int:
        """Batches per epoch."""

    def epoch(self, epoch: int, first: int = 0) -> Iterator[Batch]:
        """Yield this process's part of every global batch of an epoch, from number `first` on."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Data:
    """Batches and where they come from.

    identity: what a resumed run must find unchanged (store fingerprint, participants on each side ...), plain values.
    split: who is on which side. skipped: reason -> seconds of signal that no window covers. calibration: gives a number of
    windows, spread evenly over the training side, the same ones on every process.
    """

    train: Loader
    validation: Loader | None = None
    identity: Mapping[str, Any] = field(default_factory=dict)
    split: Split | None = None
    skipped: Mapping[str, float] = field(default_factory=dict)
    calibration: Callable[[int], Iterator[Batch]] | None = None


def from_store(
    recipe: Recipe, store: Source, *, config: TrainingConfig, place: Place, index: WindowIndex | None = None
) -> Data:
    """Return the batches of a store, with whole people held out for validation; BadConfiguration if there are too few.

    index: the windows to use, with targets where the recipe learns from labels; None for all that fit the recipe.
    """
    index = WindowIndex.build(store, recipe.input, stride_s=config.stride_s) if index is None else index
    if len(index) == 0:
        reasons = "; ".join(f"{reason}: {seconds:.0f} s" for reason, seconds in index.skipped.items()) or "the store is empty"
        raise BadConfiguration(f"no window of the store fits recipe {recipe.name!r} ({reasons}); add recordings that fit")
    index = recipe.survey(store, index)
    held_out = _held_out(store, index, config)
    split = Split(train=frozenset(_people(index)) - held_out, validation=frozenset(held_out), test=frozenset())
    taught = index.of_participants(split.train)
    identity = {
        "store": store.fingerprint(),
        "windows": len(taught),
        "participants": len(split.train),
        "validation_participants": len(split.validation),
        "split": hashlib.sha256(json.dumps(split.to_json()).encode()).hexdigest(),
        "stride_s": config.stride_s,
        **{f"target {name}": hashlib.sha256(target.tobytes()).hexdigest() for name, target in taught.targets.items()},
    }
    return Data(
        train=_loader(recipe, store, taught, purpose="windows", batch_size=config.batch_size, config=config, place=place),
        validation=_validation(recipe, store, index.of_participants(held_out), config, place) if held_out else None,
        identity=identity,
        split=split,
        skipped=index.skipped,
        calibration=lambda count: load.spread(store, taught, count=count, batch_size=config.batch_size),
    )


def _people(index: WindowIndex) -> list[str]:
    """Return the participants who have a window."""
    return [index.participants[code] for code in np.unique(index.participant)]


def _held_out(store: Source, index: WindowIndex, config: TrainingConfig) -> set[str]:
    """Return the participants for validation: one fold of people, where a person under two ids counts once."""
    if config.validation_share == 0:
        return set()
    people = _people(index)
    persons = same_persons(store)
    if len({persons[name] for name in people}) < 2:
        raise BadConfiguration(
            f"{len(people)} participant has fitting windows; validation needs another one: add people or set validation_share=0"
        )
    fold = folds(people, k=round(1 / config.validation_share), seed=config.derived_seed("validation people"), persons=persons)
    return {name for name, number in zip(people, fold, strict=True) if number == 0}


def _loader(
    recipe: Recipe, store: Source, index: WindowIndex, *, purpose: str, batch_size: int, config: TrainingConfig, place: Place
) -> load.Loader:
    plan = _plan(recipe, store, index, purpose=purpose, config=config)
    return load.Loader(
        store=store,
        index=index,
        plan=plan,
        batch_size=batch_size,
        workers=config.workers,
        rank=place.rank,
        world=place.world,
    )


def _plan(recipe: Recipe, store: Source, index: WindowIndex, *, purpose: str, config: TrainingConfig) -> Plan:
    """Return the recipe's plan; with `balance`, one for each group of windows, which take turns."""
    seed = config.derived_seed(purpose)
    if not config.balance:
        return recipe.plan(index, seed=seed)
    groups = grouped(store, index, config.balance)
    return in_turn(index, groups, lambda part: recipe.plan(part, seed=seed), seed=seed)


def _validation(recipe: Recipe, store: Source, index: WindowIndex, config: TrainingConfig, place: Place) -> load.Loader:
    """Return batches of the held-out people, no larger than they can fill."""
    try:
        samples = len(_plan(recipe, store, index, purpose="validation windows", config=config))
        size = min(config.batch_size // config.accumulate, samples) // place.world * place.world
        return _loader(recipe, store, index, purpose="validation windows", batch_size=size, config=config, place=place)
    except BadConfiguration as error:
        people = len(_people(index))
        raise BadConfiguration(
            f"validation on {people} held-out participants: {error}; or change validation_share={config.validation_share:g}"
        ) from error
