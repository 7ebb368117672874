"""What came out, in words that a clinician can read aloud."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from wearfm.evaluation.intervals import Difference, Interval
from wearfm.evaluation.metrics import Metric

Standing = Literal["better", "no better", "worse"]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The judged model against another on the same people. difference: positive is better. p_holm: p for all of them."""

    against: str
    difference: Difference
    p_holm: float

    @property
    def standing(self) -> Standing:
        """Whether the interval of the difference excludes 0, and on which side."""
        if self.difference.low > 0:
            return "better"
        return "worse" if self.difference.high < 0 else "no better"


def number(value: float, *, signed: bool = False) -> str:
    """Return a figure with as many digits as a reader needs; "–" if there is none."""
    if not np.isfinite(value):
        return "–"
    size = abs(value)
    digits = 0 if size >= 100 else 1 if size >= 10 else 2
    text = f"{value:+.{digits}f}" if signed else f"{value:.{digits}f}"
    return text.replace("-", "−")


def span(low: float, high: float, *, signed: bool = False) -> str:
    """Return an interval as "0.70 to 0.81"."""
    return f"{number(low, signed=signed)} to {number(high, signed=signed)}"


def sentence(metric: Metric, unit: str, score: Interval, comparisons: Sequence[Comparison]) -> str:
    """Return the verdict on the judged model in two sentences; what it does not beat comes first."""
    size = f"{number(score.value)} {unit}".strip() if not metric.larger_is_better else number(score.value)
    reached = f"It reaches {metric.title} {size} ({span(score.low, score.high)})"
    lost = [each for each in comparisons if each.standing != "better"]
    won = [each for each in comparisons if each.standing == "better"]
    clauses = [_clause(each) for each in sorted(lost, key=lambda each: each.difference.value)]
    if won:
        clauses.append("beats " + "; ".join(_by(each) for each in won))
    return f"{_listed(clauses)}. {reached}." if clauses else f"{reached}."


def _clause(comparison: Comparison) -> str:
    verb = "is worse than" if comparison.standing == "worse" else "does not beat"
    gap = comparison.difference
    return f"{verb} {comparison.against} ({number(gap.value, signed=True)}, {span(gap.low, gap.high, signed=True)})"


def _by(comparison: Comparison) -> str:
    gap = comparison.difference
    return f"{comparison.against} by {number(gap.value)} ({span(gap.low, gap.high)})"


def _listed(clauses: list[str]) -> str:
    text = "; ".join(clauses)
    return text[:1].upper() + text[1:]
