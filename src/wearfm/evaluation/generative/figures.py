"""A restored series as SVG: what was true, what was hidden, and what came back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wearfm.evaluation.figures import COLOURS, DASHES, Frame, padded, svg, ticks
from wearfm.evaluation.generative.report import Restored

TRUE = "#3B434C"
_SHADE = "#EAEDF1"
_CLOCKS = ((120.0, "seconds", 1.0), (7200.0, "minutes", 60.0), (float("inf"), "hours", 3600.0))  # up to, word, seconds


def colour(place: int) -> str:
    """Return the colour of the n-th drawn method; the judged one is 0."""
    return COLOURS[place % len(COLOURS)]


def restored(window: Restored, methods: Sequence[str]) -> str:
    """Return the picture of a window: truth in grey, hidden parts shaded and in them the methods, the first one bold."""
    length = len(window.truth)
    word, unit_s = next((word, unit_s) for most, word, unit_s in _CLOCKS if length * window.step_s <= most)
    time = np.arange(length, dtype=np.float64) * (window.step_s / unit_s)
    step = time[1] if length > 1 else 1.0
    drawn = [window.truth, *(np.where(window.hidden, window.guesses[name], np.nan) for name in methods)]
    low, high = padded(np.concatenate(drawn).tolist())
    frame = Frame(x=(0.0, float(length * step)), y=(low, high))
    marks = "".join(_shade(frame, run, step) for run in _runs(window.hidden))
    marks += frame.grid(x_ticks=ticks(*frame.x, most=4), y_ticks=ticks(low, high, most=3), x_title=word, y_title=window.unit)
    marks += _line(frame, time, window.truth, f'stroke="{TRUE}" stroke-width="1"')
    for place, line in reversed(list(enumerate(drawn[1:]))):
        width, dash = (1.9, "none") if place == 0 else (1.0, DASHES[place % len(DASHES)])
        marks += _line(frame, time, line, f'stroke="{colour(place)}" stroke-width="{width}" stroke-dasharray="{dash}"')
    return svg(marks, label=f"{window.series}: true and restored, hidden parts shaded")


def _runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return first and last + 1 of every stretch of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def _shade(frame: Frame, run: tuple[int, int], step: float) -> str:
    left, right = (frame.across(min(max(place - 0.5, 0) * step, frame.x[1])) for place in run)
    top, bottom = frame.down(frame.y[1]), frame.down(frame.y[0])
    return f'<rect x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" height="{bottom - top:.1f}" fill="{_SHADE}"/>'


def _line(frame: Frame, time: NDArray[np.floating], values: NDArray[np.floating], style: str) -> str:
    """Return a line through the values that exist; a lone one becomes a short dash."""
    marks = ""
    for first, last in _runs(np.isfinite(values)):
        x, y = time[first:last].tolist(), values[first:last].tolist()
        if len(x) == 1:
            half = 0.4 * (time[1] if len(time) > 1 else 1.0)
            x, y = [x[0] - half, x[0] + half], [y[0], y[0]]
        marks += f'<path d="{frame.path(x, y)}" fill="none" {style} stroke-linejoin="round"/>'
    return marks
