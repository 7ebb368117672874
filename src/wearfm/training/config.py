"""The settings of a training run, and which of them decide its numbers."""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass
from typing import Any, Literal, get_args

from wearfm.errors import BadConfiguration

Optimiser = Literal["adamw", "adam"]
Schedule = Literal["cosine", "linear", "constant", "step"]
Precision = Literal["fp32", "bf16"]
Strategy = Literal["none", "ddp", "fsdp2"]

# How a run is computed and watched, not what it computes: free to change when it is resumed.
HOW = frozenset({
    "strategy", "device", "workers", "compile", "deterministic", "checkpoint_every", "keep", "log_every", "tensorboard",
})  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """All that a run needs besides a recipe and a store.

    Exactly one of `steps` and `epochs` is given. The global batch of `batch_size` samples is cut into
    `accumulate` x processes equal parts, each computed at once.
    """

    seed: int  # the only seed of the run; windows, draws and the validation side all derive from it
    steps: int | None = None  # optimiser steps
    epochs: int | None = None  # passes over the plan; whole batches only
    batch_size: int = 256  # samples an optimiser step, over all processes; MAE-style and contrastive recipes use 256
    accumulate: int = 1  # parts of a process's share of the batch, one after the other, to save memory

    optimiser: Optimiser = "adamw"  # "adam" puts the decay into the gradient, as L2 (Kingma & Ba 2015)
    learning_rate: float = 1e-3  # at the top of the schedule; per step, not scaled by the batch
    weight_decay: float = 0.05  # of matrices and kernels only (Recipe.parameter_groups); MAE's value (arXiv:2111.06377)
    betas: tuple[float, float] = (0.9, 0.95)  # MAE's values; 0.999 reacts too late to loss spikes at large batches
    epsilon: float = 1e-8  # torch's default
    clip_norm: float | None = 1.0  # largest norm of the whole gradient; None never clips

    schedule: Schedule = "cosine"  # "step" multiplies by `step_factor` every `step_every` optimiser steps
    warmup_steps: int = 0  # optimiser steps of linear rise from 0
    final_share: float = 0.0  # of learning_rate at the end of the cosine or the line
    step_every: int | None = None  # optimiser steps; needed by schedule "step"
    step_factor: float = 0.5  # halving

    ema: float | None = None  # decay a step of the averaged weights that validation and the checkpoint use; None: no average
    precision: Precision = "fp32"  # "bf16" computes under autocast; weights, statistics and optimiser stay float32
    compile: bool = False  # torch.compile of every repeated block; pays back after some hundred steps
    deterministic: bool = False  # refuse kernels whose result varies from run to run (GPU; CPU kernels do not)
    strategy: Strategy = "none"  # "ddp" and "fsdp2" need torchrun
    device: str = "auto"  # "auto" is this process's GPU where there is one, else the CPU

    stride_s: float | None = None  # seconds from one window to the next; None: windows touch
    balance: str = ""  # a column of `wearfm store query` (device, placement, rate_hz ...): its values take turns; "" does not
    workers: int = 2  # threads that load ahead; 0 loads when asked
    validation_share: float = 0.1  # of the participants, whole people; 0 goes without validation
    validate_every: int = 500  # optimiser steps

    log_every: int = 10  # optimiser steps that one log line averages
    checkpoint_every: int = 500  # optimiser steps; a kill costs at most these
    keep: int = 3  # newest checkpoints kept
    tensorboard: bool = False  # write event files beside the log (extra "track")

    def __post_init__(self) -> None:
        for name, kind in (("optimiser", Optimiser), ("schedule", Schedule), ("precision", Precision), ("strategy", Strategy)):
            value, known = getattr(self, name), get_args(kind)
            _require(value in known, f"{name}={value!r} is not known; choose one of {', '.join(known)}")
        _require(
            (self.steps is None) != (self.epochs is None),
            f"steps={self.steps}, epochs={self.epochs}: exactly one of the two says how long to train; set it",
        )
        for name in ("steps", "epochs", "step_every"):
            value = getattr(self, name)
            _require(value is None or value >= 1, f"{name}={value} must be at least 1; raise it")
        for name in ("batch_size", "accumulate", "validate_every", "log_every", "checkpoint_every", "keep"):
            _require(getattr(self, name) >= 1, f"{name}={getattr(self, name)} must be at least 1; raise it")
        for name in ("weight_decay", "warmup_steps", "workers", "final_share"):
            _require(getattr(self, name) >= 0, f"{name}={getattr(self, name)} must not be negative; raise it")
        for name in ("learning_rate", "epsilon", "clip_norm", "stride_s", "step_factor"):
            value = getattr(self, name)
            _require(value is None or 0 < value < float("inf"), f"{name}={value} must be positive and finite; correct it")
        _require(
            all(0 <= beta < 1 for beta in self.betas) and len(self.betas) == 2,
            f"betas={self.betas} must be two numbers in [0, 1)",
        )
        _require(self.ema is None or 0 < self.ema < 1, f"ema={self.ema} must be between 0 and 1; None goes without")
        _require(
            0 <= self.validation_share <= 0.5, f"validation_share={self.validation_share} must be in [0, 0.5]; 0 goes without"
        )
        _require(self.schedule != "step" or self.step_every is not None, "schedule='step' needs step_every; set it")
        self.part_size(world=1)

    def part_size(self, *, world: int) -> int:
        """Return the samples that one process computes at once; BadConfiguration if the batch does not divide."""
        part, rest = divmod(self.batch_size, self.accumulate * world)
        _require(
            rest == 0,
            f"batch_size={self.batch_size} is not a multiple of accumulate={self.accumulate} x {world} processes;"
            f" use {max(part, 1) * self.accumulate * world}",
        )
        return part

    def total_steps(self, steps_per_epoch: int) -> int:
        """Return the optimiser steps of the whole run."""
        return self.steps if self.steps is not None else (self.epochs or 0) * steps_per_epoch

    def derived_seed(self, purpose: str) -> int:
        """Return a 31-bit seed for one purpose; different purposes never share their numbers."""
        return int.from_bytes(hashlib.sha256(f"{self.seed} {purpose}".encode()).digest()[:4], "little") >> 1

    def to_json(self) -> dict[str, Any]:
        """Return all settings as plain values."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in dataclasses.asdict(self).items()}

    def numbers(self) -> dict[str, Any]:
        """Return the settings that decide the numbers of the run, as plain values."""
        return {key: value for key, value in self.to_json().items() if key not in HOW}


def _require(claim: bool, message: str) -> None:
    if not claim:
        raise BadConfiguration(message)
