"""Mean and standard deviation of features over many batches, in one pass and without the gaps."""

from __future__ import annotations

import torch
from torch import Tensor


class Moments:
    """Running moments of D features; what is not valid does not count.

    Chan, Golub & LeVeque 1979 (Updating formulae and a pairwise algorithm for computing sample variances), in float64.
    """

    def __init__(self, size: int) -> None:
        self.count = torch.zeros(size, dtype=torch.float64)
        self.mean = torch.zeros(size, dtype=torch.float64)
        self._squares = torch.zeros(size, dtype=torch.float64)

    def add(self, values: Tensor, valid: Tensor) -> None:
        """Take in N observations of each feature, (N, D) and bool (N, D)."""
        known, rows = valid.cpu(), values.detach().cpu().double()
        count = known.sum(dim=0).double()
        mean = torch.where(known, rows, 0.0).sum(dim=0) / count.clamp(min=1)
        squares = torch.where(known, rows - mean, 0.0).square().sum(dim=0)
        total = self.count + count
        apart = mean - self.mean
        self._squares += squares + apart.square() * self.count * count / total.clamp(min=1)
        self.mean += apart * count / total.clamp(min=1)
        self.count = total

    def std(self, *, floor: float = 1e-6) -> Tensor:
        """Return the standard deviation of the population, (D,) float64; 1 where it is below `floor` or nothing was seen."""
        std = (self._squares / self.count.clamp(min=1)).sqrt()
        return torch.where((std > floor) & (self.count > 1), std, 1.0)
