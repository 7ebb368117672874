"""What happened since the last log line: means of loss and parts, rates, and whether all of it was finite."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from wearfm.errors import Diverged
from wearfm.training.config import TrainingConfig
from wearfm.training.distributed import Place, mean_over_processes, sum_over_processes
from wearfm.windows.batch import Batch

NO_RESULT = frozenset({  # where the run stands and how fast it goes, not how good it is
    "epoch", "mean_of_steps", "learning_rate", "signal_hours", "windows_per_s", "flop_per_s", "loader_stall_share",
})  # fmt: skip


@dataclass(kw_only=True, eq=False)
class Meter:
    """Collects steps on the device and looks at them once a line, so that no step waits for the one before.

    flops: floating-point operations of an optimiser step.
    """

    flops: int
    config: TrainingConfig
    place: Place
    _steps: list[dict[str, Tensor]] = field(default_factory=list)
    _windows: int = 0
    _signal_s: float = 0.0
    _waited_s: float = 0.0
    _start_s: float = field(default_factory=time.perf_counter)

    def waiting(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """Yield the batches and add up the time that each one kept the loop waiting."""
        while True:
            start = time.perf_counter()
            batch = next(batches, None)
            if batch is None:
                return
            self._waited_s += time.perf_counter() - start
            yield batch

    def add(self, values: dict[str, Tensor], *, windows: int, signal_s: float) -> None:
        """Note a step. values: "loss", parts and "gradient_norm", each (); windows, signal_s: of this process's part."""
        self._steps.append(values)
        self._windows += windows
        self._signal_s += signal_s

    def line(self, step: int) -> tuple[dict[str, float], float]:
        """Return the means and rates of the steps noted, and their signal seconds; start anew. step: the last one, from 1.

        Raises Diverged naming step and parts if a number is not finite.
        """
        names = list(self._steps[0])
        table = torch.stack([torch.stack([values[name].double() for name in names]) for values in self._steps])  # (S, parts)
        rows = mean_over_processes(table).cpu()
        for number, row in enumerate(rows.tolist(), start=step - len(rows) + 1):
            if not all(map(math.isfinite, row)):
                raise _diverged(number, dict(zip(names, row, strict=True)), self.config)
        totals = sum_over_processes(torch.tensor([self._windows, self._signal_s], dtype=torch.float64, device=table.device))
        windows, signal_s = totals.tolist()
        elapsed_s = max(time.perf_counter() - self._start_s, 1e-9)
        line = dict(zip(names, rows.mean(dim=0).tolist(), strict=True)) | {
            "mean_of_steps": len(rows),
            "windows_per_s": windows / elapsed_s,
            "flop_per_s": self.flops * len(rows) / elapsed_s,
            "loader_stall_share": min(self._waited_s / elapsed_s, 1.0),
        }
        self.restart()
        return line, signal_s

    def restart(self) -> None:
        """Forget the steps and let the clock start now; what was noted must be in a line already."""
        self._steps, self._windows, self._signal_s, self._waited_s = [], 0, 0.0, 0.0
        self._start_s = time.perf_counter()


def _diverged(step: int, values: dict[str, float], config: TrainingConfig) -> Diverged:
    parts = ", ".join(f"{name} {value:g}" for name, value in values.items())
    return Diverged(
        f"step {step} is not finite ({parts}); lower learning_rate={config.learning_rate:g} or clip_norm={config.clip_norm},"
        " or raise warmup_steps; the last checkpoint is intact"
    )
