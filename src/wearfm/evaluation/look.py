"""What all pages share: templates, forest plots, pictures with their legends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import jinja2
from markupsafe import Markup

from wearfm.evaluation.figures import ticks
from wearfm.evaluation.verdict import number, span


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One line of a forest plot. left, width, at: percent of the track. text: the figure beside it."""

    name: str
    left: float
    width: float
    at: float
    text: str
    tone: str
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Forest:
    """A forest plot: bars on one scale. reference: percent of the track where chance or zero lies, None if outside."""

    bars: tuple[Bar, ...]
    marks: tuple[tuple[float, str], ...]
    reference: float | None
    caption: str


@dataclass(frozen=True, kw_only=True)
class Picture:
    """An SVG with its title, legend (colour, name) and a sentence on how to read it."""

    title: str
    svg: Markup
    legend: tuple[tuple[str, str], ...]
    caption: str


@cache
def template(name: str) -> jinja2.Template:
    """Return a template of this room; a name that it does not know is an error, not an empty place."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("wearfm.evaluation"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)


class Scale:
    """From values to percent of a track."""

    def __init__(self, values: Sequence[float]) -> None:
        finite = [value for value in values if value == value] or [0.0, 1.0]
        margin = 0.04 * (max(finite) - min(finite)) or 0.05
        self._low, self._high = min(finite) - margin, max(finite) + margin
        self.marks = tuple((self.percent(value), text) for value, text in ticks(self._low, self._high, most=4))

    def percent(self, value: float) -> float:
        """Return where a value lies, 0 to 100."""
        return round(100 * (value - self._low) / (self._high - self._low), 2)


def bar(scale: Scale, name: str, value: float, low: float, high: float, tone: str, note: str, *, signed: bool = False) -> Bar:
    """Return one line of a forest plot; a dot alone where there is no interval."""
    drawn = low == low and high == high
    left, right = (scale.percent(low), scale.percent(high)) if drawn else (scale.percent(value), scale.percent(value))
    text = f"{number(value, signed=signed)} ({span(low, high, signed=signed)})"
    return Bar(name=name, left=left, width=round(right - left, 2), at=scale.percent(value), text=text, tone=tone, note=note)
