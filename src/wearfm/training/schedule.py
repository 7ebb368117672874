"""The learning rate as a pure function of the step: nothing to save, nothing to restore."""

from __future__ import annotations

import math

from wearfm.training.config import TrainingConfig


def learning_rate(step: int, *, config: TrainingConfig, total: int) -> float:
    """Return the learning rate of optimiser step `step`, counted from 0, of `total`.

    Linear warm-up reaches the top at step `warmup_steps`. Then "constant"; "step", a power of `step_factor`; or
    "cosine", half a period down to `final_share` (Loshchilov & Hutter 2017, arXiv:1608.03983, eq. 5 without restarts), or
    "linear", a straight line to the same end.
    """
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / (config.warmup_steps + 1)
    if config.schedule == "constant":
        return config.learning_rate
    if config.schedule == "step":
        assert config.step_every is not None
        return config.learning_rate * config.step_factor ** (step // config.step_every)
    progress = min((step - config.warmup_steps) / max(total - config.warmup_steps, 1), 1.0)
    left = 1 - progress if config.schedule == "linear" else 0.5 * (1 + math.cos(math.pi * progress))
    return config.learning_rate * (config.final_share + (1 - config.final_share) * left)
