"""Several processes, one run: who is who, how a recipe is wrapped, and how numbers and failures are shared.

torchrun starts the processes; torch's own DistributedDataParallel and FSDP2 do the work. Nothing here changes a result:
two processes compute what one would.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor
from torch.nn.parallel import DistributedDataParallel

from wearfm.errors import BadConfiguration, WearfmError
from wearfm.nn.draws import Draws
from wearfm.recipes.base import Recipe
from wearfm.training.batch_norm import synchronise
from wearfm.training.config import Precision, TrainingConfig
from wearfm.windows.batch import Batch


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where this process stands. rank: 0 <= rank < world. device: the one it computes on."""

    rank: int
    world: int
    device: torch.device

    @property
    def is_first(self) -> bool:
        """Whether this process writes what is written once."""
        return self.rank == 0


@contextmanager
def joined(config: TrainingConfig) -> Iterator[Place]:
    """Join the processes that torchrun started, and leave them at the end; alone without torchrun."""
    started = int(os.environ.get("WORLD_SIZE", "1"))
    if config.strategy == "none":
        if started > 1:
            raise BadConfiguration(f"{started} processes were started, but strategy='none' uses one; set 'ddp' or 'fsdp2'")
        yield Place(rank=0, world=1, device=_device(config, local_rank=0))
        return
    if "RANK" not in os.environ and not dist.is_initialized():
        raise BadConfiguration(
            f"strategy={config.strategy!r} needs processes; start with: torchrun --nproc-per-node N -m wearfm pretrain ..."
        )
    device = _device(config, local_rank=int(os.environ.get("LOCAL_RANK", "0")))
    is_guest = dist.is_initialized()
    if not is_guest:
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Place(rank=dist.get_rank(), world=dist.get_world_size(), device=device)
    finally:
        if not is_guest:
            dist.destroy_process_group()


def _device(config: TrainingConfig, *, local_rank: int) -> torch.device:
    if config.device != "auto":
        return torch.device(config.device)
    if not torch.cuda.is_available():
        return torch.device("cpu")
    torch.cuda.set_device(local_rank)
    return torch.device("cuda", local_rank)


class Door(nn.Module):
    """The recipe's loss as plain tensors, which is all that distributed wrappers understand, at the precision of the run."""

    def __init__(self, recipe: Recipe, *, precision: Precision, device: torch.device) -> None:
        super().__init__()
        self.recipe = recipe
        self._autocast = partial(torch.autocast, device.type, dtype=torch.bfloat16, enabled=precision == "bf16")

    def forward(self, batch: Batch, draws: Draws) -> dict[str, Tensor]:
        """Return "loss" with its gradient, and the parts, cut off."""
        with self._autocast():
            loss = self.recipe.loss(batch, draws)
        assert "loss" not in loss.parts, "the total is logged under that name"
        return {"loss": loss.total, **{name: part.detach() for name, part in loss.parts.items()}}


def wrap(door: Door, config: TrainingConfig, place: Place) -> nn.Module:
    """Return the module to call: the door itself, or under DDP or FSDP2. The recipe's own names do not change."""
    if place.world > 1:
        synchronise(door)
    if config.compile:
        for block in _blocks(door) or [door]:
            block.compile()
    if config.strategy == "fsdp2":
        _shard(door, place)
    if config.strategy != "ddp":
        return door
    device_ids = [place.device.index] if place.device.type == "cuda" else None
    # Buffers need no broadcast: statistics are synchronised, everything else follows from the weights.
    return DistributedDataParallel(door, device_ids=device_ids, broadcast_buffers=False, gradient_as_bucket_view=True)


def _shard(door: Door, place: Place) -> None:
    """Shard block by block, so that one block at a time is whole, and then the rest."""
    mesh = init_device_mesh(place.device.type, (place.world,))
    for block in _blocks(door):
        fully_shard(block, mesh=mesh)
    fully_shard(door, mesh=mesh)


def _blocks(door: Door) -> list[nn.Module]:
    """Return the members of every module list: the repeated blocks of a backbone, which are compiled and sharded each."""
    lists = [module for module in door.modules() if isinstance(module, nn.ModuleList)]
    containers = (nn.ModuleList, nn.ModuleDict)  # a list of lists has nothing to call
    return [block for holder in lists for block in holder if not isinstance(block, containers)]


def gathering(module: nn.Module, *, is_last: bool) -> AbstractContextManager[None]:
    """Return the context of one part of a batch: gradients are exchanged after the last part only."""
    if isinstance(module, FSDPModule):
        module.set_requires_gradient_sync(is_last)
    if isinstance(module, DistributedDataParallel) and not is_last:
        return module.no_sync()
    return nullcontext()


def settle(module: nn.Module) -> None:
    """Let FSDP2 hold shards again after a forward pass without a backward one; nothing elsewhere."""
    for child in module.modules():
        if isinstance(child, FSDPModule):
            child.reshard()


def whole(tensor: Tensor) -> Tensor:
    """Return a tensor that may be sharded as a whole one; every process must call it."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def mean_over_processes(values: Tensor) -> Tensor:
    """Return the mean over processes."""
    return sum_over_processes(values) / (dist.get_world_size() if dist.is_initialized() else 1)


def sum_over_processes(values: Tensor) -> Tensor:
    """Return the sum over processes."""
    if dist.is_initialized():
        dist.all_reduce(values)
    return values


def on_first(place: Place, action: Callable[[], None]) -> None:
    """Do something on the first process; if it fails, every process fails instead of waiting for ever."""
    failure: WearfmError | None = None
    if place.is_first:
        try:
            action()
        except WearfmError as error:
            failure = error
    failed = sum_over_processes(torch.tensor([float(failure is not None)], device=place.device))
    if failure is not None:
        raise failure
    if failed.item():
        raise WearfmError(f"process 0 of {place.world} failed; its message says why")


def refuse_different(place: Place, facts: Mapping[str, Any]) -> None:
    """Raise BadConfiguration if the processes were started with different facts."""
    if place.world == 1:
        return
    everyone: list[Any] = [None] * place.world
    dist.all_gather_object(everyone, dict(facts))
    different = [key for key in facts if any(other.get(key) != everyone[0][key] for other in everyone)]
    if different:
        raise BadConfiguration(f"the processes disagree in {', '.join(different)}; start all of them with the same settings")
