"""The folder of a run: one writer, one identity.

run/run.json        recipe, configs and data: what the run is
run/split.json      who is trained on and who is held out; names stay here, checkpoints carry counts and a hash
run/log.jsonl       what happened
run/checkpoints/    where it can go on
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from wearfm.errors import BadConfiguration, DamagedStore
from wearfm.recipes.base import Recipe, config_to_json
from wearfm.store.disk import failures_named, make_folder
from wearfm.training.checkpoint import CHECKPOINTS
from wearfm.training.config import TrainingConfig
from wearfm.training.durable import replace_file, sweep
from wearfm.windows.split import Split

Identity = dict[str, dict[str, Any]]


def identity_of(recipe: Recipe, config: TrainingConfig, data: Mapping[str, Any]) -> Identity:
    """Return all that decides the numbers of a run, as JSON would give it back."""
    plain: Identity = {
        "recipe": {"name": recipe.name, **config_to_json(recipe.config)},
        "training": config.numbers(),
        "data": dict(data),
    }
    restored: Identity = json.loads(json.dumps(plain))
    return restored


@contextmanager
def held(run: Path) -> Iterator[None]:
    """Hold the folder as its only writer, free of what a crash left unfinished; the system lets go if the process dies."""
    make_folder(run / CHECKPOINTS)
    path = run / "lock"
    with failures_named(path, size=0):
        lock = path.open("w")
    with lock:
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BadConfiguration(
                f"{run} is being written by another process; wait for it or choose another folder"
            ) from error
        sweep(run)
        sweep(run / CHECKPOINTS)
        yield


def claim(run: Path, identity: Identity, *, split: Split | None) -> None:
    """Write what the run is, or make sure that the run already there is the same; BadConfiguration names what differs."""
    path = run / "run.json"
    if not path.exists():
        if split is not None:
            replace_file(run / "split.json", _json(split.to_json()))
        replace_file(path, _json(identity))
        return
    try:
        known: Identity = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DamagedStore(f"{path}: not readable ({error}); restore it or choose another folder") from error
    different = [
        f"{part}.{key}: {known.get(part, {}).get(key)!r} there, {identity[part].get(key)!r} now"
        for part in identity
        for key in sorted(known.get(part, {}).keys() | identity[part].keys())
        if known.get(part, {}).get(key) != identity[part].get(key)
    ]
    if different:
        raise BadConfiguration(f"{run} holds another run ({'; '.join(different)}); choose another folder or the same settings")


def _json(plain: Mapping[str, Any]) -> bytes:
    return (json.dumps(plain, indent=2) + "\n").encode()
