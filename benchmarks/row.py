"""One line of the benchmark table, and the interleaved clock behind it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, kw_only=True)
class Row:
    """A figure beside its reference: ratio > 1 means ours is better. limit: what the machine allows, in words."""

    name: str
    reference: str
    ours: float
    reference_value: float
    unit: str
    ratio: float
    target: str
    limit: str = ""
    met: bool | None = None
    note: str = ""


def interleave(
    ours: Callable[[], object], reference: Callable[[], object], *, repeats: int = 5
) -> tuple[list[float], list[float]]:
    """Return CPU seconds of every call, run in turn A B A B ... after one warm-up of each."""
    ours()
    reference()
    first, second = [], []
    for _ in range(repeats):
        for function, times in ((ours, first), (reference, second)):
            start = time.process_time()
            function()
            times.append(time.process_time() - start)
    return first, second


def timed_row(name: str, reference: str, ours: list[float], theirs: list[float], *, target: float, note: str) -> Row:
    """Return the row of two lists of seconds, in milliseconds: medians and their ratio."""
    ratio = median(theirs) / median(ours)
    return Row(
        name=name,
        reference=reference,
        ours=1e3 * median(ours),
        reference_value=1e3 * median(theirs),
        unit="ms",
        ratio=ratio,
        target=f">= {target:g}x",
        met=ratio >= target,
        note=note,
    )
