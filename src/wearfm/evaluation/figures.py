"""Pictures as SVG text: lines with bands, points, signals. Small on purpose, so that they read well on a phone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from wearfm.evaluation.few_shot import Curve
from wearfm.evaluation.metrics import Calibration
from wearfm.evaluation.report import ExampleWindow, Map

Floats = NDArray[np.float64]

# Okabe & Ito's colours: told apart in every common colour vision; blue is always the judged model.
BLUE = "#0072B2"
COLOURS = (
    BLUE,
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#D55E00",
    "#7A7A7A",
    "#B8A500",
    "#882255",
    "#44AA99",
    "#332288",
    "#AA4499",
)
DASHES = ("", "6 3", "2 3", "8 3 2 3", "1 2", "10 4")
_GREY = "#B4B8BE"
_RAMP = ("#00224E", "#414D6B", "#7C7B78", "#BCAF6F", "#FEE838")  # cividis, five stops

_WIDTH, _HEIGHT = 360, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 16, 10, 40


@dataclass(frozen=True, kw_only=True)
class Frame:
    """Axes: from data to points of the picture. x, y: (low, high) of the data."""

    x: tuple[float, float]
    y: tuple[float, float]

    def across(self, value: float) -> float:
        """Return the horizontal place of a value."""
        low, high = self.x
        return _LEFT + (value - low) / ((high - low) or 1.0) * (_WIDTH - _LEFT - _RIGHT)

    def down(self, value: float) -> float:
        """Return the vertical place of a value."""
        low, high = self.y
        return _HEIGHT - _BOTTOM - (value - low) / ((high - low) or 1.0) * (_HEIGHT - _TOP - _BOTTOM)

    def path(self, xs: Sequence[float], ys: Sequence[float]) -> str:
        """Return the d of a path through points."""
        return "M" + " L".join(f"{self.across(x):.1f} {self.down(y):.1f}" for x, y in zip(xs, ys, strict=True))

    def grid(
        self, *, x_ticks: Sequence[tuple[float, str]], y_ticks: Sequence[tuple[float, str]], x_title: str, y_title: str
    ) -> str:
        """Return grid lines, tick labels and axis titles."""
        left, right, bottom = _LEFT, _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
        parts = []
        for value, text in y_ticks:
            at = self.down(value)
            parts.append(f'<line class="grid" x1="{left}" x2="{right}" y1="{at:.1f}" y2="{at:.1f}"/>')
            parts.append(f'<text class="tick" x="{left - 6}" y="{at + 4:.1f}" text-anchor="end">{escape(text)}</text>')
        for value, text in x_ticks:
            parts.append(
                f'<text class="tick" x="{self.across(value):.1f}" y="{bottom + 16}" text-anchor="middle">{escape(text)}</text>'
            )
        parts.append(f'<line class="axis" x1="{left}" x2="{right}" y1="{bottom}" y2="{bottom}"/>')
        middle = (left + right) / 2
        parts.append(f'<text class="title" x="{middle}" y="{_HEIGHT - 6}" text-anchor="middle">{escape(x_title)}</text>')
        up = (_TOP + bottom) / 2
        parts.append(
            f'<text class="title" transform="translate(11 {up}) rotate(-90)" text-anchor="middle">{escape(y_title)}</text>'
        )
        return "".join(parts)


def ticks(low: float, high: float, *, most: int = 5) -> list[tuple[float, str]]:
    """Return at most `most` + 1 round values inside [low, high] with their texts."""
    if not (np.isfinite(low) and np.isfinite(high)) or high <= low:
        return []
    raw = (high - low) / most
    size = 10.0 ** np.floor(np.log10(raw))
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= raw * 0.999)
    digits = max(0, int(np.ceil(-np.log10(step) - 1e-9)) + (1 if abs(step / size - 2.5) < 1e-6 else 0))
    values = np.arange(np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9) + 1) * step
    return [(float(value), f"{value:.{digits}f}".replace("-", "−")) for value in values + 0.0]


def few_shot(curves: Sequence[Curve], *, title: str, chance: float | None) -> str:
    """Return few-shot curves over the number of labelled people, on a logarithmic scale, with the band of the first."""
    drawn = [curve for curve in curves if curve.people]
    if not drawn:
        return ""
    people = sorted({k for curve in drawn for k in curve.people})
    values = [v for curve in drawn for v in (*curve.value, *drawn[0].low, *drawn[0].high)] + (
        [] if chance is None else [chance]
    )
    low, high = padded(values)
    frame = Frame(x=(float(np.log2(people[0])) - 0.15, float(np.log2(people[-1])) + 0.15), y=(low, high))
    shown = people[:-2] + people[-1:] if len(people) > 2 and people[-1] < 1.3 * people[-2] else people
    marks = frame.grid(
        x_ticks=[(float(np.log2(k)), str(k)) for k in shown],
        y_ticks=ticks(low, high),
        x_title="labelled participants",
        y_title=title,
    )
    if chance is not None:
        marks += _level(frame, chance)
    for place, curve in reversed(list(enumerate(drawn))):
        marks += _curve(frame, curve, place)
    return svg(marks, label=f"{title} over the number of labelled participants")


def learning(curves: Sequence[tuple[str, Sequence[tuple[int, float]]]], *, title: str) -> str:
    """Return a quantity over the steps of pretraining, a line a model: (model, ((step, value), ...))."""
    values = [value for _, points in curves for _, value in points]
    low, high = padded(values)
    last = max(step for _, points in curves for step, _ in points)
    frame = Frame(x=(0.0, float(last)), y=(low, high))
    marks = frame.grid(x_ticks=ticks(0.0, float(last), most=4), y_ticks=ticks(low, high), x_title="step", y_title=title)
    for place, (_, points) in reversed(list(enumerate(curves))):
        finite = [(step, value) for step, value in points if np.isfinite(value)]
        line = frame.path([float(step) for step, _ in finite], [value for _, value in finite]) if finite else ""
        style = f'stroke="{COLOURS[place % len(COLOURS)]}" stroke-dasharray="{DASHES[place % len(DASHES)]}"'
        marks += f'<path d="{line}" fill="none" stroke-width="1.8" {style}/>'
    return svg(marks, label=f"{title} over the steps of pretraining")


def calibration(shown: Sequence[tuple[str, Calibration]]) -> str:
    """Return reliability curves: share of positives over predicted probability, beside the diagonal."""
    frame = Frame(x=(0.0, 1.0), y=(0.0, 1.0))
    quarters = [(v, f"{v:g}") for v in (0.0, 0.25, 0.5, 0.75, 1.0)]
    marks = frame.grid(x_ticks=quarters, y_ticks=quarters, x_title="predicted probability", y_title="observed share")
    marks += f'<path class="reference" d="{frame.path((0, 1), (0, 1))}"/>'
    for place, (_, each) in reversed(list(enumerate(shown))):
        colour, total = COLOURS[place % len(COLOURS)], max(each.count, default=1)
        marks += f'<path d="{frame.path(each.predicted, each.observed)}" fill="none" stroke="{colour}" stroke-width="1.6"/>'
        for p, o, n in zip(each.predicted, each.observed, each.count, strict=True):
            marks += _dot(frame, p, o, colour, radius=2 + 3 * (n / total) ** 0.5)
    return svg(marks, label="calibration: observed share over predicted probability")


def scatter(picture: Map, colours: Sequence[str]) -> str:
    """Return the map of vectors, one dot a unit. colours: one a dot."""
    (x_low, x_high), (y_low, y_high) = (padded(picture.points[:, axis].tolist()) for axis in (0, 1))
    frame = Frame(x=(x_low, x_high), y=(y_low, y_high))
    names = [f"component {axis + 1} ({share:.0%})" for axis, share in enumerate(picture.share)]
    marks = frame.grid(x_ticks=[], y_ticks=[], x_title=names[0], y_title=names[1])
    for (x, y), colour in zip(picture.points.tolist(), colours, strict=True):
        marks += _dot(frame, x, y, colour, radius=2.6, opacity=0.75)
    return svg(marks, label="map of the vectors in two dimensions")


def label_colours(label: NDArray[np.generic]) -> tuple[list[str], list[tuple[str, str]]]:
    """Return a colour for every label, and the legend: a colour a class, or the ends and middle of a ramp."""
    if label.dtype.kind == "f":
        low, high = float(label.min()), float(label.max())
        share = (label.astype(np.float64) - low) / ((high - low) or 1.0)
        legend = [(_ramp(place), f"{low + place * (high - low):.3g}") for place in (0.0, 0.5, 1.0)]
        return [_ramp(each) for each in share.tolist()], legend
    return _most_frequent(label.astype(np.str_), rest="other classes")


def person_colours(person: NDArray[np.str_]) -> tuple[list[str], list[tuple[str, str]]]:
    """Return a colour for each of the eight participants with most dots and grey for the others; without their names."""
    colours, legend = _most_frequent(person, rest="all others", most=8)
    shown = [(colour, f"participant {place + 1}") for place, (colour, _) in enumerate(legend) if colour != _GREY]
    return colours, [*shown, *((colour, name) for colour, name in legend if colour == _GREY)]


def window(example: ExampleWindow) -> str:
    """Return a signal over its seconds."""
    signal = np.asarray(example.signal, dtype=np.float64)
    step = max(1, len(signal) // 700)
    seconds = np.arange(len(signal))[::step] / example.rate_hz
    low, high = padded(signal[np.isfinite(signal)].tolist())
    frame = Frame(x=(0.0, float(len(signal) / example.rate_hz)), y=(low, high))
    marks = frame.grid(
        x_ticks=ticks(*frame.x, most=4), y_ticks=ticks(low, high, most=3), x_title="seconds", y_title=example.unit
    )
    runs = np.split(np.arange(len(seconds)), np.flatnonzero(np.diff(np.isfinite(signal[::step]).astype(np.int8))) + 1)
    for run in runs:
        if len(run) and np.isfinite(signal[::step][run[0]]):
            path = frame.path(seconds[run].tolist(), signal[::step][run].tolist())
            marks += f'<path d="{path}" fill="none" stroke="{BLUE}" stroke-width="1.1" stroke-linejoin="round"/>'
    return svg(marks, label=example.title)


def _curve(frame: Frame, curve: Curve, place: int) -> str:
    colour, dash = COLOURS[place % len(COLOURS)], DASHES[place % len(DASHES)]
    x = [float(np.log2(k)) for k in curve.people]
    marks = ""
    if place == 0:
        band = frame.path([*x, *x[::-1]], [*curve.high, *curve.low[::-1]])
        marks += f'<path d="{band} Z" fill="{colour}" opacity="0.14"/>'
    width = 2.4 if place == 0 else 1.5
    line = f'd="{frame.path(x, curve.value)}" fill="none" stroke="{colour}"'
    marks += f'<path {line} stroke-width="{width}" stroke-dasharray="{dash}"/>'
    return marks + "".join(_dot(frame, a, b, colour, radius=2.6) for a, b in zip(x, curve.value, strict=True))


def _level(frame: Frame, value: float) -> str:
    return f'<path class="reference" d="{frame.path(frame.x, (value, value))}"/>'


def _dot(frame: Frame, x: float, y: float, colour: str, *, radius: float, opacity: float = 1.0) -> str:
    faint = "" if opacity == 1.0 else f' opacity="{opacity:g}"'
    return f'<circle cx="{frame.across(x):.1f}" cy="{frame.down(y):.1f}" r="{radius:.1f}" fill="{colour}"{faint}/>'


def svg(marks: str, *, label: str) -> str:
    """Return the picture of some marks, with what a screen reader says of it."""
    return f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(label, quote=True)}">{marks}</svg>'


def padded(values: Sequence[float]) -> tuple[float, float]:
    """Return the range of the finite values with a margin; 0 to 1 with one if there is none."""
    finite = [value for value in values if np.isfinite(value)] or [0.0, 1.0]
    low, high = min(finite), max(finite)
    margin = 0.06 * (high - low) or 0.5
    return low - margin, high + margin


def _ramp(share: float) -> str:
    place = min(max(share, 0.0), 1.0) * (len(_RAMP) - 1)
    first = min(int(place), len(_RAMP) - 2)
    mixed = []
    for at in (1, 3, 5):
        one, two = int(_RAMP[first][at : at + 2], 16), int(_RAMP[first + 1][at : at + 2], 16)
        mixed.append(round(one + (two - one) * (place - first)))
    return "#" + "".join(f"{each:02X}" for each in mixed)


def _most_frequent(names: NDArray[np.str_], *, rest: str, most: int = len(COLOURS)) -> tuple[list[str], list[tuple[str, str]]]:
    known, count = np.unique(names, return_counts=True)
    order = known[np.argsort(-count, kind="stable")][:most].tolist()
    colour = {name: COLOURS[place] for place, name in enumerate(order)}
    legend = [(colour[name], name) for name in order] + ([(_GREY, rest)] if len(known) > most else [])
    return [colour.get(name, _GREY) for name in names.tolist()], legend
