"""The mode of a network, for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def evaluating(module: nn.Module, *, unless: bool = False) -> Iterator[None]:
    """Let a network run inside as it does when nobody trains it: batch norms by their running statistics, no dropout.

    Rows then do not depend on each other. Every part returns to the mode it was in, also if something fails. unless: leaves
    all as it is.
    """
    training = [part for part in module.modules() if part.training and not unless]
    for part in training:
        part.training = False
    try:
        yield
    finally:
        for part in training:
            part.training = True
