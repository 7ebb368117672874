"""Weights in the layout of Keras 2: inputs first, outputs last, the heads of attention on an axis of their own.

    ours    (out, in)   (out, in, kernel)   query (heads * width, in)   project (out, heads * width)
    Keras   (in, out)   (kernel, in, out)   query (in, heads, width)    project (heads, width, out)

In each case the axes run the other way round, and the one with the heads is folded: one rule serves all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from wearfm.errors import IncompatibleWeights


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One tensor of a Keras file. name: path of its data set. shape: its shape there."""

    name: str
    shape: tuple[int, ...]


def to_keras(own: Mapping[str, Tensor], entries: Mapping[str, Entry]) -> dict[str, Tensor]:
    """Return our tensors under the names and in the layout of Keras. entries: our name -> theirs."""
    return {entries[key].name: _turned(value.detach()).reshape(entries[key].shape).clone() for key, value in own.items()}


@torch.no_grad()
def take_from_keras(own: Mapping[str, Tensor], state: Mapping[str, Tensor], *, entries: Mapping[str, Entry], what: str) -> None:
    """Copy a Keras file into our tensors: every one used, every shape checked, or one error that lists all differences."""
    expected = {entries[key].name: entries[key].shape for key in own}
    given = {name: tuple(value.shape) for name, value in state.items()}
    shapes = {name: (given[name], shape) for name, shape in expected.items() if given.get(name, shape) != shape}
    missing, unexpected = expected.keys() - given.keys(), given.keys() - expected.keys()
    if missing or unexpected or shapes:
        raise IncompatibleWeights(what, missing=missing, unexpected=unexpected, shapes=shapes)
    for key, value in own.items():
        folded = state[entries[key].name].reshape(tuple(reversed(value.shape)))
        value.copy_(_turned(folded))


def _turned(value: Tensor) -> Tensor:
    """Return the axes the other way round."""
    return value.permute(*reversed(range(value.ndim)))
