"""Augmentations one after the other, each on a random part of the rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from wearfm.errors import BadConfiguration
from wearfm.nn.draws import Draws

Augmentation = Callable[[Tensor, Tensor, Draws], tuple[Tensor, Tensor]]
"""(signal, valid, draws) -> (signal, valid), all (B, C, T): shape and rate stay, and so does every row's place."""


@dataclass(frozen=True)
class Step:
    """An augmentation and the probability with which a row undergoes it."""

    probability: float
    change: Augmentation

    def __post_init__(self) -> None:
        if not 0 <= self.probability <= 1:
            raise BadConfiguration(f"an augmentation's probability of {self.probability} must lie in [0, 1]")


def cascade(signal: Tensor, valid: Tensor, draws: Draws, *, steps: Sequence[Step]) -> tuple[Tensor, Tensor]:
    """Return the signal after all steps, in order; each row takes or skips each step by its own throw of a coin.

    signal, valid: (B, C, T). Numbers are drawn for all rows, taken or not, so that a row's fate never depends on the
    others'. A step of probability 0 draws nothing.
    """
    for step in steps:
        if step.probability == 0:
            continue
        is_taken = (draws.uniform(len(signal), device=signal.device) < step.probability)[:, None, None]
        changed, changed_valid = step.change(signal, valid, draws)
        signal, valid = torch.where(is_taken, changed, signal), torch.where(is_taken, changed_valid, valid)
    return signal, valid
