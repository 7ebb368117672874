"""Random numbers for the rows of a batch, the same on whichever rank and in whichever part the row is computed."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass
class Draws:
    """A generator whose n-th draw is a pure function of (seed, step, n) and of the row's place in the global batch.

    seed: of the run. step: number of the optimiser step. first, rows: which rows of the global batch are computed here;
    total: how many rows it has. Every draw makes the numbers of all `total` rows on the CPU and returns those of the
    local ones, so that one rank, two ranks and gradient accumulation see the same numbers.
    """

    seed: int
    step: int = 0
    first: int = 0
    rows: int | None = None
    total: int | None = None
    _generator: torch.Generator = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._generator = torch.Generator()
        self._generator.manual_seed(((self.seed * 0x9E3779B97F4A7C15) ^ (self.step * 0xD1B54A32D192ED03)) & (2**63 - 1))

    def uniform(self, rows: int, *shape: int, device: torch.device | None = None) -> Tensor:
        """Return (rows, *shape) float32 uniform on [0, 1)."""
        return self._local(torch.rand((self._total(rows), *shape), generator=self._generator), rows, device)

    def normal(self, rows: int, *shape: int, device: torch.device | None = None) -> Tensor:
        """Return (rows, *shape) float32 standard normal."""
        return self._local(torch.randn((self._total(rows), *shape), generator=self._generator), rows, device)

    def permutation(self, rows: int, length: int, *, device: torch.device | None = None) -> Tensor:
        """Return (rows, length) int64, an independent random order of range(length) in each row."""
        return self.uniform(rows, length, device=device).argsort(dim=1)

    def _total(self, rows: int) -> int:
        """Return the global number of rows, scaled when a recipe draws for several views or channels of each row."""
        if self.rows is None or self.total is None:
            return rows
        views, rest = divmod(rows, self.rows)
        assert rest == 0, f"{rows} rows drawn, but the batch has {self.rows} here"
        return self.total * views

    def _local(self, numbers: Tensor, rows: int, device: torch.device | None) -> Tensor:
        if self.rows is not None and self.total is not None:
            first = self.first * (rows // self.rows)
            numbers = numbers[first : first + rows]
        return numbers if device is None else numbers.to(device)
