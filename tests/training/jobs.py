"""Training runs that other processes carry out, and the processes that carry them out."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import traceback
from collections.abc import Callable, Mapping
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import torch

from tests.toy import Toy, ToyConfig, ToyLoader, toy_batch
from wearfm.training import TrainingConfig, TrainingSummary, fit
from wearfm.training.data import Data
from wearfm.training.distributed import Place, joined
from wearfm.training.log import Progress

ALONE = Place(rank=0, world=1, device=torch.device("cpu"))
SHORT: dict[str, Any] = {
    "seed": 3,
    "steps": 12,
    "batch_size": 8,
    "learning_rate": 1e-2,
    "ema": 0.9,
    "log_every": 2,
    "checkpoint_every": 6,
    "validate_every": 6,
    "keep": 50,
}


def toy_data(place: Place, *, batch_size: int = 8, rows: int = 40, has_validation: bool = True) -> Data:
    """Return 40 windows, five batches an epoch, and 16 more to validate on."""
    pools = [toy_batch(n, seed=seed, channels={"ppg": 2}) for seed, n in ((1, rows), (2, 16))]
    train, validation = (ToyLoader(pool=p, batch_size=batch_size, rank=place.rank, world=place.world) for p in pools)
    return Data(train=train, validation=validation if has_validation else None, identity={"store": "toy"})


def train_toy(
    run: Path | str,
    *,
    place: Place = ALONE,
    toy: Mapping[str, Any] | None = None,
    dtype: torch.dtype = torch.float32,
    progress: Progress | None = None,
    **changes: Any,
) -> TrainingSummary:
    """Train the toy recipe in this process."""
    config = TrainingConfig(**{**SHORT, **changes})
    recipe = Toy(ToyConfig(**(toy or {})), seed=5).to(dtype)
    return fit(recipe, toy_data(place, batch_size=config.batch_size), config=config, run=run, place=place, progress=progress)


def stop_at(step: int) -> Progress:
    """Return a progress function that asks its own process to end politely after a step that has a log line."""

    def progress(line: Mapping[str, float]) -> None:
        if line["step"] == step and "loss" in line:
            signal.raise_signal(signal.SIGTERM)

    return progress


def train_as_rank(run: str, strategy: str, stop: int, toy: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
    """Train the toy recipe in float64 as one of several processes, up to a step."""
    config = TrainingConfig(**{**SHORT, "strategy": strategy, **changes})
    with joined(config) as place:
        train_toy(run, place=place, toy=toy, dtype=torch.float64, progress=stop_at(stop), **{"strategy": strategy, **changes})


def forkserver() -> ForkServerContext:
    """Return a context whose processes start with torch and the library already imported."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.training.jobs"])
    return context


def run_ranks(world: int, job: Callable[..., None], *arguments: Any) -> None:
    """Run a job in several processes that see each other, as torchrun would; AssertionError with their traces if one fails."""
    context = forkserver()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    errors = context.SimpleQueue()
    ranks: list[BaseProcess] = [
        context.Process(target=_as_rank, args=(rank, world, port, errors, job, arguments)) for rank in range(world)
    ]
    for process in ranks:
        process.start()
    for process in ranks:
        process.join(120)
        if process.is_alive():
            process.kill()
            process.join()
    reports = []
    while not errors.empty():
        reports.append(errors.get())
    assert all(process.exitcode == 0 for process in ranks), "\n".join(reports) or [p.exitcode for p in ranks]


def _as_rank(rank: int, world: int, port: int, errors: Any, job: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    torch.set_num_threads(1)
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": str(world), "LOCAL_RANK": str(rank)}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    try:
        job(*arguments)
    except BaseException:
        errors.put(f"rank {rank}:\n{traceback.format_exc()}")
        raise
