"""The moving parts of a run: weights, optimiser, average and position; on disk as tensors with names.

Written by torch.distributed.checkpoint as safetensors, each process its own share, readable by any number of processes.
No pickle is written and none is read.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.checkpoint import state_dict_loader, state_dict_saver
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageReader, HuggingFaceStorageWriter
from torch.distributed.checkpoint.metadata import TensorStorageMetadata
from torch.optim import Optimizer

from wearfm.errors import CannotWrite, DamagedStore, IncompatibleWeights
from wearfm.recipes.base import Recipe
from wearfm.training.distributed import whole
from wearfm.training.ema import Average
from wearfm.training.optim import prepare_state, state_tensors

POSITION = "position.json"


@dataclass(eq=False)
class State:
    """All that changes while a run goes on.

    step: optimiser steps done. signal_s: signal seconds seen, every channel counted. The windows and the random numbers
    of step k are pure functions of the seed and k, so that nothing else has to be remembered.
    """

    recipe: Recipe
    optimiser: Optimizer
    average: Average | None
    step: int = 0
    signal_s: float = 0.0

    def tensors(self) -> dict[str, Tensor]:
        """Return every tensor of the state by name, sharing memory with the run."""
        found = {f"weights/{name}": tensor.detach() for name, tensor in self.recipe.state_dict().items()}
        found |= {f"optimiser/{name}": tensor for name, tensor in state_tensors(self.optimiser, self.recipe).items()}
        if self.average is not None:
            found |= {f"average/{name}": tensor for name, tensor in self.average.weights.items()}
        return found

    def weights(self) -> dict[str, Tensor]:
        """Return the whole weights for evaluation, the averages where there are any; every process must call it."""
        state: dict[str, Tensor] = dict(self.recipe.state_dict())
        if self.average is not None:
            state |= self.average.weights
        return {name: whole(tensor).detach() for name, tensor in state.items()}

    def averaged(self) -> AbstractContextManager[None]:
        """Return a context in which the recipe holds the averaged weights, where there are any."""
        return nullcontext() if self.average is None else self.average.swapped_in(self.recipe)

    def write(self, folder: Path) -> None:
        """Write this process's share of the tensors; every process must call it."""
        tensors = self.tensors()
        writer = HuggingFaceStorageWriter(str(folder), save_distributed=True)
        try:
            with _alone_is_fine():
                state_dict_saver.save(tensors, storage_writer=writer, no_dist=not dist.is_initialized())
        except (CheckpointException, OSError) as error:
            reason = str(error).strip().splitlines()[-1]
            size = sum(tensor.nbytes for tensor in tensors.values())
            raise CannotWrite(f"{folder}: {size} bytes not written: {reason}; make room, then rerun") from error

    def position(self, *, steps_per_epoch: int, seed: int) -> dict[str, Any]:
        """Return where the run stands, as plain values."""
        epoch, batch = divmod(self.step, steps_per_epoch)
        return {"step": self.step, "epoch": epoch, "batch": batch, "seed": seed, "signal_s": self.signal_s}

    def read(self, folder: Path) -> None:
        """Take over a state written by any number of processes; every process must call it. Verify the hashes first."""
        reader = HuggingFaceStorageReader(str(folder))
        entries = reader.read_metadata().state_dict_metadata
        stored = {name: tuple(entry.size) for name, entry in entries.items() if isinstance(entry, TensorStorageMetadata)}
        moments = [name.removeprefix("optimiser/") for name in stored if name.startswith("optimiser/")]
        prepare_state(self.optimiser, self.recipe, moments)
        own = self.tensors()
        _compare(own, stored, what=str(folder))
        try:
            with torch.no_grad(), _alone_is_fine():
                state_dict_loader.load(own, storage_reader=reader, no_dist=not dist.is_initialized())
        except (CheckpointException, OSError) as error:
            raise DamagedStore(f"{folder}: the state cannot be read ({error}); take another checkpoint") from error
        position = read_position(folder)
        self.step, self.signal_s = position["step"], position["signal_s"]


def read_position(folder: Path) -> dict[str, Any]:
    """Return the position that a state was written at."""
    try:
        position: dict[str, Any] = json.loads((folder / POSITION).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DamagedStore(f"{folder / POSITION}: not readable ({error}); take another checkpoint") from error
    return position


def _compare(own: Mapping[str, Tensor], stored: Mapping[str, tuple[int, ...]], *, what: str) -> None:
    """Raise IncompatibleWeights unless names and shapes are the same."""
    shapes = {
        name: (stored[name], tuple(own[name].shape))
        for name in own.keys() & stored.keys()
        if stored[name] != tuple(own[name].shape)
    }
    if own.keys() != stored.keys() or shapes:
        missing, unexpected = own.keys() - stored.keys(), stored.keys() - own.keys()
        raise IncompatibleWeights(f"the run (read from {what})", missing=missing, unexpected=unexpected, shapes=shapes)


@contextmanager
def _alone_is_fine() -> Iterator[None]:
    """Keep torch from warning that one process saves alone, which is what was asked for."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="torch.distributed is disabled")
        yield
