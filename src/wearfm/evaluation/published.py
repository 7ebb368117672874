"""Published figures that many tasks quote: a source and its protocol stand here once, the numbers with their tasks."""

from __future__ import annotations

from collections.abc import Mapping

from wearfm.evaluation.task import Published

STATISTICS = "hand-made statistics (as published)"
MEAN = "the mean of the training people (as published)"
_NORMWEAR = "NormWear (arXiv:2412.09758), Table 2: linear probe, one split by subject 80/20"


def of_normwear(metric: str, figures: Mapping[str, float], *, why_not: str) -> tuple[Published, ...]:
    """Return figures of NormWear's Table 2, model -> value in a metric; none of them was made by our protocol."""
    return tuple(
        Published(model=model, metric=metric, value=value, protocol=_NORMWEAR, matches=False, why_not=why_not)
        for model, value in figures.items()
    )
