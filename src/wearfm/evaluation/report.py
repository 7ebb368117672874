"""The report: everything an evaluation found, as plain data, as one page, and as lines for the terminal."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wearfm.evaluation.audit import Check
from wearfm.evaluation.cohort import Cohort
from wearfm.evaluation.few_shot import Curve
from wearfm.evaluation.intervals import Interval
from wearfm.evaluation.learning import Learning
from wearfm.evaluation.metrics import METRICS, Calibration
from wearfm.evaluation.task import Published
from wearfm.evaluation.verdict import Comparison, number, span
from wearfm.evaluation.writing import write_report

SCHEMA = 1


@dataclass(frozen=True, kw_only=True)
class Score:
    """What one model reached on one task.

    features: width of its vectors. others: further metrics, without interval. strength: penalty chosen in every fold,
    as a share of the variance of the features. solved: share of optimisations that reached their optimum.
    """

    model: str
    features: int
    interval: Interval
    others: Mapping[str, float]
    strength: tuple[float, ...]
    solved: float
    calibration: Calibration | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Map:
    """The judged vectors in two dimensions. points: (N, 2). label: (N,) class or number. person: (N,) text."""

    points: NDArray[np.float64]
    label: NDArray[np.generic]
    person: NDArray[np.str_]
    share: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class TaskResult:
    """One answered task, or why it was not answered.

    participants, rows: judged. teachers: people whom pretraining has seen, who only teach the probes. split: pseudonym of
    a person -> the fold it was tested in, in every repeat; `folds` for those who only teach. scores: the judged model
    first. comparisons: of the judged model with each other one. counts: class -> judged units, or the mean, spread,
    least and largest of numbers. dropped: reason -> windows. unanswered: "" if it was answered.
    """

    task: str
    question: str
    dataset: str
    kind: str
    level: str
    unit: str
    metric: str
    citation: str
    unanswered: str = ""
    verdict: str = ""
    participants: int = 0
    teachers: int = 0
    rows: int = 0
    windows: int = 0
    folds: int = 0
    repeats: int = 0
    split: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    counts: Mapping[str, float] = field(default_factory=dict)
    dropped: Mapping[str, int] = field(default_factory=dict)
    demographics: tuple[str, ...] = ()
    scores: tuple[Score, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    published: tuple[Published, ...] = ()
    curves: tuple[Curve, ...] = ()
    checks: tuple[Check, ...] = ()
    map: Map | None = None

    @property
    def losses(self) -> tuple[Comparison, ...]:
        """The comparisons that the judged model does not win."""
        return tuple(each for each in self.comparisons if each.standing != "better")


@dataclass(frozen=True, kw_only=True)
class Source:
    """One table that went in. header: what the table says of itself. rows, width: of the table. dropped: rows others lack."""

    name: str
    header: Mapping[str, Any]
    rows: int
    width: int
    dropped: int


@dataclass(frozen=True, kw_only=True, eq=False)
class ExampleWindow:
    """A window to show. signal: (T,). unit: of the signal. quality: what a reader should know of it, in a sentence."""

    signal: NDArray[np.floating]
    rate_hz: float
    unit: str
    title: str
    quality: str


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything an evaluation found.

    settings: folds, bootstrap, probe, seed. checks: on the embedding as a whole. learning: how the models were pretrained,
    where that is known.
    """

    model: str
    results: tuple[TaskResult, ...]
    sources: tuple[Source, ...]
    cohort: Cohort
    checks: tuple[Check, ...]
    settings: Mapping[str, int | str]
    store_fingerprint: str
    versions: Mapping[str, str]
    wall_s: float
    command: str = ""
    examples: tuple[ExampleWindow, ...] = ()
    learning: tuple[Learning, ...] = ()

    def with_learning(self, learning: Sequence[Learning]) -> Report:
        """Return the report with the curves of the runs and what they say of collapse."""
        checks = tuple(check for each in learning if (check := each.check()) is not None)
        return replace(self, learning=tuple(learning), checks=(*self.checks, *checks))

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all findings: equal for equal tables, labels and settings, whenever and wherever they were made."""
        plain = {key: value for key, value in self._findings().items() if key not in ("versions", "wall_s", "command")}
        return hashlib.sha256(json.dumps(plain, sort_keys=True, allow_nan=False).encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Return plain dicts, lists, numbers and text; None for a figure that does not exist."""
        return {"schema": SCHEMA, "fingerprint": self.fingerprint, **self._findings()}

    def write(self, folder: str | Path) -> Path:
        """Write report.html and report.json into a folder, each complete or not at all; return the page's path."""
        from wearfm.evaluation.page import render  # jinja2 is imported only where a page is made

        return write_report(folder, figures=self.to_json(), page=render(self))

    def summary(self) -> str:
        """Return lines for the terminal: the verdict of every task, what it does not beat first."""
        lines = []
        for result in self.results:
            lines.append(f"{result.task}: {result.question}")
            if result.unanswered:
                lines.append(f"  not answered: {result.unanswered}")
                continue
            lines.append(f"  {result.verdict}")
            lines.append(f"  {_people(result)}")
            for score in result.scores:
                figures = f"{number(score.interval.value)} ({span(score.interval.low, score.interval.high)})"
                lines.append(f"    {score.model:<28} {figures}")
        failed = [check for check in (*self.checks, *(c for r in self.results for c in r.checks)) if not check.passed]
        lines += [f"look at: {check.name}: {check.text}" for check in failed]
        return "\n".join(lines)

    def _findings(self) -> dict[str, Any]:
        kept = [each.name for each in fields(self) if each.name != "examples"]
        return {name: plain(getattr(self, name)) for name in kept}


def plain(value: Any) -> Any:
    """Return dataclasses, mappings and sequences as dicts and lists, and NaN as None; arrays to draw are left out."""
    if is_dataclass(value) and not isinstance(value, type):
        named = {
            each.name: plain(getattr(value, each.name))
            for each in fields(value)
            if not isinstance(getattr(value, each.name), Map)
        }
        return {**named, "standing": value.standing} if isinstance(value, Comparison) else named
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, np.integer):
        return int(value)
    return value


def _people(result: TaskResult) -> str:
    metric = METRICS[result.metric]
    noun = {"window": "windows", "recording": "recordings", "participant": "participants"}[result.level]
    people = f"{result.participants} participants"
    sample = people if result.level == "participant" else f"{people}, {result.rows:,} {noun}"
    taught = f", {result.teachers} more only taught the probes" if result.teachers else ""
    return f"{metric.title} by participant, 95 % interval; {sample}{taught}"
