"""What a generative evaluation found, as plain data, as one page, and as lines for the terminal."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wearfm.evaluation.generative.background import Spread
from wearfm.evaluation.intervals import Interval
from wearfm.evaluation.report import plain
from wearfm.evaluation.verdict import Comparison, number, span
from wearfm.evaluation.writing import write_report

SCHEMA = 1
_NOT_FINDINGS = ("versions", "wall_s", "command")


@dataclass(frozen=True, kw_only=True)
class SeriesScore:
    """How far one method is from one series, in its unit. values: how many were scored."""

    series: str
    unit: str
    values: int
    mae: Interval
    rmse: Interval


@dataclass(frozen=True, kw_only=True)
class Score:
    """How far one method is from the truth. overall: root mean square error in standard deviations of the training side."""

    method: str
    overall: Interval
    series: tuple[SeriesScore, ...]

    def of(self, series: str) -> SeriesScore:
        """Return the score on one series."""
        return next(each for each in self.series if each.series == series)


@dataclass(frozen=True, kw_only=True, eq=False)
class Restored:
    """One series of one window, to look at. truth: (T,), NaN where it was not measured. hidden: (T,). guesses: by method."""

    series: str
    unit: str
    step_s: float
    truth: NDArray[np.float64]
    hidden: NDArray[np.bool_]
    guesses: Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One task, or why it could not be put. scores: the judged method first. comparisons: of it with each baseline.

    people, windows, values: in which something was hidden that had been measured. restored: windows to draw.
    """

    name: str
    kind: str
    ratio: float
    title: str
    unanswered: str = ""
    people: int = 0
    windows: int = 0
    values: int = 0
    scores: tuple[Score, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    restored: tuple[Restored, ...] = ()

    @property
    def best(self) -> Score:
        """The best of the baselines."""
        return min(self.scores[1:], key=lambda score: score.overall.value)

    @property
    def comparison(self) -> Comparison:
        """The judged method against the best of the baselines."""
        return next(each for each in self.comparisons if each.against == self.best.method)

    @property
    def headline(self) -> str:
        """Whether the best of the baselines is beaten, in a few words."""
        if self.unanswered:
            return "Not answered"
        words = {"better": "Better than", "no better": "No better than", "worse": "Worse than"}
        return f"{words[self.comparison.standing]} {self._named_best}"

    @property
    def verdict(self) -> str:
        """The error beside that of the best baseline, or why there is none, as a sentence."""
        if self.unanswered:
            return f"{self.unanswered[:1].upper()}{self.unanswered[1:]}."
        own, best, gap = self.scores[0].overall, self.best.overall, self.comparison.difference
        reached = f"Its error is {number(own.value)} standard deviations ({span(own.low, own.high)})"
        rival = f"that of {self._named_best} {number(best.value)}"
        return f"{reached}, {rival}: a gain of {number(gap.value, signed=True)} ({span(gap.low, gap.high, signed=True)})."

    @property
    def _named_best(self) -> str:
        articles = {"nearest neighbours": "nearest neighbours", "linear": "straight lines", "spline": "a spline"}
        return articles.get(self.best.method, f"the {self.best.method}")


@dataclass(frozen=True, kw_only=True)
class GenerativeReport:
    """Everything that filling in showed.

    people: judged, none of whom the weights have seen. teachers: people from whom the baselines know means and neighbours.
    left_out: people in the store who are neither. windows: judged, dealt evenly over people; available: how many there
    were. training_windows: that the baselines learned from. spreads: of every series on the training side. skipped: reason ->
    seconds of the judged people in no window.
    """

    model: str
    answers: tuple[Answer, ...]
    people: int
    teachers: int
    left_out: int
    windows: int
    available: int
    training_windows: int
    window_s: float
    spreads: Mapping[str, Spread]
    skipped: Mapping[str, float]
    settings: Mapping[str, int | float | None]
    weight_hash: str
    store_fingerprint: str
    versions: Mapping[str, str]
    wall_s: float
    command: str = ""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all findings: equal for equal weights, store and settings, whenever and wherever they were made."""
        kept = {key: value for key, value in self._findings().items() if key not in _NOT_FINDINGS}
        return hashlib.sha256(json.dumps(kept, sort_keys=True, allow_nan=False).encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Return plain dicts, lists, numbers and text, without the windows to draw; None for a figure that does not exist."""
        return {"schema": SCHEMA, "fingerprint": self.fingerprint, **self._findings()}

    def write(self, folder: str | Path) -> Path:
        """Write report.html and report.json into a folder, each complete or not at all; return the page's path."""
        from wearfm.evaluation.generative.page import render  # jinja2 is imported only where a page is made

        return write_report(folder, figures=self.to_json(), page=render(self))

    def summary(self) -> str:
        """Return lines for the terminal: the verdict of every task, then the error of every method."""
        lines = []
        for answer in self.answers:
            lines += [f"{answer.title}: {answer.headline[:1].lower()}{answer.headline[1:]}", f"  {answer.verdict}"]
            if answer.unanswered:
                continue
            lines.append(f"  error in standard deviations, 95 % interval; {answer.people} people, {answer.windows:,} windows")
            for score in answer.scores:
                figures = f"{number(score.overall.value)} ({span(score.overall.low, score.overall.high)})"
                lines.append(f"    {score.method:<28} {figures}")
        return "\n".join(lines)

    def _findings(self) -> dict[str, Any]:
        found = {each.name: plain(getattr(self, each.name)) for each in fields(self) if each.name != "answers"}
        return {**found, "answers": [_without_pictures(answer) for answer in self.answers]}


def _without_pictures(answer: Answer) -> dict[str, Any]:
    kept = {each.name: plain(getattr(answer, each.name)) for each in fields(answer) if each.name != "restored"}
    return {**kept, "headline": answer.headline, "verdict": answer.verdict}
