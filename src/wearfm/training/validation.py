"""The loss on people who are not trained on: same windows, same draws, every time."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from wearfm.errors import BadConfiguration
from wearfm.nn.draws import Draws
from wearfm.training.config import TrainingConfig
from wearfm.training.data import Loader
from wearfm.training.distributed import Place, mean_over_processes, settle
from wearfm.training.state import State


@torch.no_grad()
def validate(module: nn.Module, loader: Loader, *, state: State, config: TrainingConfig, place: Place) -> dict[str, float]:
    """Return "val_loss" and "val_<part>", means over all batches of the loader's epoch 0, in evaluation mode.

    module: the wrapped recipe of the state. The averaged weights are judged where there are any.
    """
    totals: dict[str, Tensor] = {}
    seed = config.derived_seed("validation draws")
    module.eval()
    with state.averaged():
        for number, batch in enumerate(loader.epoch(0, 0)):
            rows = len(batch)
            draws = Draws(seed=seed, step=number, first=place.rank * rows, rows=rows, total=place.world * rows)
            for name, value in module(batch.to(place.device), draws).items():
                totals[name] = totals.get(name, 0.0) + value.double()
        settle(module)
    module.train()
    if not totals:
        raise BadConfiguration("the validation loader gave no batch; hold out more people or set validation_share=0")
    means = mean_over_processes(torch.stack(list(totals.values())) / len(loader))
    return {f"val_{name}": value for name, value in zip(totals, means.tolist(), strict=True)}
