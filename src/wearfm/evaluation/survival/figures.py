"""The forest of a risk table as SVG: a line an outcome, the C-index of the judged model with its interval, rivals as marks."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from wearfm.evaluation.figures import BLUE, COLOURS, ticks
from wearfm.evaluation.survival.table import RiskRow, RiskScore

_WIDTH, _LEFT, _RIGHT = 980, 300, 150  # points: the picture, room for names, room for figures
_LINE, _TOP, _BOTTOM = 26, 30, 34
_LONGEST = 34  # letters of a name


def rival_colour(place: int) -> str:
    """Return the colour of the n-th rival; blue is the judged model's."""
    return COLOURS[1 + place % (len(COLOURS) - 1)]


def forest(rows: Sequence[RiskRow]) -> str:
    """Return the picture of answered rows in the given order; hollow dots are not above chance."""
    low, high = _range(rows)
    bottom = _TOP + _LINE * len(rows)
    parts = []
    for value, text in ticks(low, high, most=6):
        at = _across(value, low, high)
        parts.append(f'<line class="grid" x1="{at:.1f}" x2="{at:.1f}" y1="{_TOP}" y2="{bottom}"/>')
        parts.append(f'<text class="tick" x="{at:.1f}" y="{bottom + 16}" text-anchor="middle">{text}</text>')
    chance = _across(0.5, low, high)
    parts.append(f'<line class="reference" x1="{chance:.1f}" x2="{chance:.1f}" y1="{_TOP - 6}" y2="{bottom}"/>')
    parts.append(f'<text class="tick" x="{chance:.1f}" y="{_TOP - 12}" text-anchor="middle">chance</text>')
    parts.append(
        f'<text class="title" x="{(_LEFT + _WIDTH - _RIGHT) / 2}" y="{bottom + 31}" text-anchor="middle">C-index</text>'
    )
    parts += [_row(row, _TOP + _LINE * (place + 0.5), low, high) for place, row in enumerate(rows)]
    label = f"C-index of {len(rows)} outcomes with 95 % intervals"
    return f'<svg viewBox="0 0 {_WIDTH} {bottom + _BOTTOM + 4}" role="img" aria-label="{label}">{"".join(parts)}</svg>'


def _row(row: RiskRow, y: float, low: float, high: float) -> str:
    own = row.scores[0].c_index
    name = row.outcome if len(row.outcome) <= _LONGEST else row.outcome[: _LONGEST - 1] + "…"
    style = f'text-anchor="end" font-size="13.5" fill="#1c2127" font-weight="{650 if row.found else 400}"'
    parts = [f'<text x="{_LEFT - 16}" y="{y + 4.5:.1f}" {style}>{escape(name)}</text>']
    for place, score in enumerate(row.scores[1:]):
        parts.append(_rival(score, place, y, low, high))
    if np.isfinite(own.low) and np.isfinite(own.high):
        ends = (_across(own.low, low, high), _across(own.high, low, high))
        parts.append(f'<line x1="{ends[0]:.1f}" x2="{ends[1]:.1f}" y1="{y}" y2="{y}" stroke="{BLUE}" stroke-width="2.6"/>')
    fill = BLUE if row.found else "#FFFFFF"
    at = _across(own.value, low, high)
    parts.append(f'<circle cx="{at:.1f}" cy="{y}" r="5.2" fill="{fill}" stroke="{BLUE}" stroke-width="2"/>')
    text = f"{own.value:.2f} ({own.low:.2f} to {own.high:.2f})"
    parts.append(f'<text x="{_WIDTH - 4}" y="{y + 4.5:.1f}" text-anchor="end" font-size="13" fill="#5a636e">{text}</text>')
    return "".join(parts)


def _rival(score: RiskScore, place: int, y: float, low: float, high: float) -> str:
    """Return a diamond for the C-index of another model."""
    if not np.isfinite(score.c_index.value):
        return ""
    at, size = _across(score.c_index.value, low, high), 5.0
    corners = f"M{at:.1f} {y - size} l{size} {size} l-{size} {size} l-{size} -{size} z"
    return f'<path d="{corners}" fill="{rival_colour(place)}" fill-opacity="0.85"/>'


def _range(rows: Sequence[RiskRow]) -> tuple[float, float]:
    """Return the ends of the scale: all intervals and rivals, and chance, with a margin; never beyond 0 and 1."""
    values = [0.5, *(score.c_index.value for row in rows for score in row.scores)]
    values += [end for row in rows for end in (row.scores[0].c_index.low, row.scores[0].c_index.high)]
    finite = [value for value in values if np.isfinite(value)]
    return max(min(finite) - 0.02, 0.0), min(max(finite) + 0.02, 1.0)


def _across(value: float, low: float, high: float) -> float:
    return _LEFT + (value - low) / (high - low) * (_WIDTH - _LEFT - _RIGHT - 16)
