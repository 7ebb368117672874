"""The optimiser of a recipe, and its state as tensors with names."""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import Tensor, nn
from torch.optim import Adam, AdamW, Optimizer

from wearfm.errors import BadConfiguration
from wearfm.recipes.base import Recipe
from wearfm.training.config import TrainingConfig


def optimiser(recipe: Recipe, config: TrainingConfig) -> Optimizer:
    """Return the optimiser over the recipe's own parameter groups.

    "adamw" decays weights apart from the gradient (Loshchilov & Hutter 2019, arXiv:1711.05101, algorithm 2); "adam" adds
    the decay to the gradient.
    """
    groups = [group for group in recipe.parameter_groups(weight_decay=config.weight_decay) if group["params"]]
    if not groups:
        raise BadConfiguration(f"recipe {recipe.name!r} has no trainable parameter; nothing can be trained")
    kind = AdamW if config.optimiser == "adamw" else Adam
    return kind(groups, lr=config.learning_rate, betas=config.betas, eps=config.epsilon)


def set_rate(optimiser: Optimizer, rate: float) -> None:
    """Give every group the same learning rate, times the group's own "lr_scale" if the recipe set one."""
    for group in optimiser.param_groups:
        group["lr"] = rate * group.get("lr_scale", 1.0)


def state_tensors(optimiser: Optimizer, module: nn.Module) -> dict[str, Tensor]:
    """Return the optimiser's moments by name: "<parameter>/<moment>"."""
    return {
        f"{name}/{moment}": value
        for name, parameter in module.named_parameters()
        for moment, value in optimiser.state.get(parameter, {}).items()
        if isinstance(value, Tensor)
    }


def prepare_state(optimiser: Optimizer, module: nn.Module, names: Collection[str]) -> None:
    """Create zeroed moments for the stored names, as torch's optimisers would at their first step."""
    for name, parameter in module.named_parameters():
        moments = sorted(key.rpartition("/")[2] for key in names if key.rpartition("/")[0] == name)
        if moments:
            optimiser.state[parameter] = {moment: _zeros(moment, parameter) for moment in moments}


def _zeros(moment: str, parameter: Tensor) -> Tensor:
    if moment == "step":
        return torch.zeros((), dtype=torch.float32)
    return torch.zeros_like(parameter, memory_format=torch.preserve_format)
