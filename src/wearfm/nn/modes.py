"""The mode of a network, for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Let a network run inside as it does when nobody trains it: batch norms by their running statistics, no dropout.

    Rows then do not depend on each other. Every part returns to the mode it was in, also if something fails.
    """
    training = [part for part in module.modules() if part.training]
    module.eval()
    try:
        yield
    finally:
        for part in training:
            part.training = True
