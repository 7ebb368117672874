"""The risk table: what an embedding says of many later diseases, as plain data, as a Parquet file, and as one page."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from wearfm.errors import CannotWrite
from wearfm.evaluation.audit import Check
from wearfm.evaluation.intervals import Difference, Interval
from wearfm.evaluation.report import plain
from wearfm.evaluation.verdict import Standing, number, span
from wearfm.evaluation.writing import write_report

SCHEMA = 1
YEAR_DAYS = 365.25
FOUND_P = 0.05  # Holm-adjusted, below which a risk is above chance
STRONG_C, STRONG_P = 0.75, 0.01  # C-index, and Bonferroni-adjusted p: what SleepFM (Nature Medicine) counts as predicted
_NOT_FINDINGS = ("versions", "wall_s", "command")


@dataclass(frozen=True, kw_only=True)
class RiskScore:
    """How well the risks of one model order people.

    features: width of its vectors. auroc: at every horizon. mean_auroc: over horizons, weighted by events. p: one-sided, of
    the C-index against 0.5; p_holm, p_bonferroni: adjusted over all answered outcomes. strength: penalty of every fold.
    """

    model: str
    features: int
    c_index: Interval
    auroc: tuple[Interval, ...]
    mean_auroc: Interval
    p: float
    strength: tuple[float, ...]
    solved: float
    p_holm: float = float("nan")
    p_bonferroni: float = float("nan")


@dataclass(frozen=True, kw_only=True)
class RiskGap:
    """How much higher the C-index of the judged model is than that of another, on the same people. Not adjusted."""

    against: str
    difference: Difference

    @property
    def standing(self) -> Standing:
        """Whether the interval of the difference excludes 0, and on which side."""
        if self.difference.low > 0:
            return "better"
        return "worse" if self.difference.high < 0 else "no better"


@dataclass(frozen=True, kw_only=True)
class RiskRow:
    """One outcome, or why it was not answered.

    people, events: judged. teachers: people whom pretraining has seen, who only teach. median_days: of the follow-up.
    scores: the judged model first. gaps: of it to each other model.
    """

    outcome: str
    people: int
    events: int
    teachers: int = 0
    median_days: float = float("nan")
    folds: int = 0
    repeats: int = 0
    unanswered: str = ""
    scores: tuple[RiskScore, ...] = ()
    gaps: tuple[RiskGap, ...] = ()

    @property
    def found(self) -> bool:
        """Whether the judged model is above chance after Holm's adjustment."""
        return not self.unanswered and self.scores[0].p_holm < FOUND_P

    @property
    def strong(self) -> bool:
        """Whether it reaches the published bar: C of 0.75 or more, Bonferroni p below 0.01."""
        return not self.unanswered and self.scores[0].c_index.value >= STRONG_C and self.scores[0].p_bonferroni < STRONG_P

    @property
    def losses(self) -> tuple[RiskGap, ...]:
        """The models that the judged one does not beat."""
        return tuple(gap for gap in self.gaps if gap.standing != "better")


@dataclass(frozen=True, kw_only=True)
class RiskTable:
    """All outcomes, in sorted order.

    people: with vectors. unknown: people of the outcomes without vectors. without: people with vectors but no outcome. joined:
    further ids of people who are there under another. demographics: facts that this baseline knows. checks: on the whole.
    """

    model: str
    rows: tuple[RiskRow, ...]
    horizons_days: tuple[float, ...]
    people: int
    unknown: int
    without: int
    joined: int
    demographics: tuple[str, ...]
    checks: tuple[Check, ...]
    settings: Mapping[str, int | str]
    headers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    wall_s: float = 0.0
    command: str = ""

    @property
    def answered(self) -> tuple[RiskRow, ...]:
        """The rows that have figures."""
        return tuple(row for row in self.rows if not row.unanswered)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all findings: equal for equal vectors, outcomes and settings, whenever and wherever they were made."""
        kept = {key: value for key, value in self._findings().items() if key not in _NOT_FINDINGS}
        return hashlib.sha256(json.dumps(kept, sort_keys=True, allow_nan=False).encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Return plain dicts, lists, numbers and text; None for a figure that does not exist."""
        return {"schema": SCHEMA, "fingerprint": self.fingerprint, **self._findings()}

    def to_arrow(self) -> pa.Table:
        """Return one row an outcome and model, unanswered outcomes with their reason and no figures."""
        lines = [line for row in self.rows for line in self._lines(row)]
        names = list(dict.fromkeys(name for line in lines for name in line))
        return pa.table({name: [line.get(name) for line in lines] for name in names})

    def write(self, folder: str | Path) -> Path:
        """Write risk.html, risk.json and risk.parquet into a folder, each complete or not at all; return the page's path."""
        from wearfm.evaluation.survival.page import render  # jinja2 is imported only where a page is made

        page = write_report(folder, figures=self.to_json(), page=render(self), name="risk")
        path = Path(folder) / "risk.parquet"
        temporary = path.with_name(path.name + ".part")
        try:
            pq.write_table(self.to_arrow(), temporary)
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            temporary.replace(path)
        except OSError as error:
            raise CannotWrite(f"{path} could not be written ({error.strerror}); free space and run again") from error
        return page

    def summary(self) -> str:
        """Return lines for the terminal: what was found, then every outcome, the highest C-index first."""
        found, strong = sum(row.found for row in self.rows), sum(row.strong for row in self.rows)
        lines = [
            f"{self.model}: {len(self.answered)} of {len(self.rows)} outcomes answered,"
            f" {found} above chance (Holm p < {FOUND_P:g}),"
            f" {strong} with C of {STRONG_C:g} or more (Bonferroni p < {STRONG_P:g})"
        ]
        for row in ranked(self.answered):
            c, mark = row.scores[0].c_index, "*" if row.found else " "
            figures = f"C {number(c.value)} ({span(c.low, c.high)})"
            lines.append(f"{mark} {row.outcome:<32} {figures}, {row.events} of {row.people} people")
            lines += [f"    {_against(gap)}" for gap in row.gaps]
        lines += [f"  {row.outcome:<32} not answered: {row.unanswered}" for row in self.rows if row.unanswered]
        if self.unknown:
            lines.append(f"{self.unknown} people of the outcomes have no vectors and were left out")
        lines += [f"look at: {check.name}: {check.text}" for check in self.checks if not check.passed]
        return "\n".join(lines)

    def _findings(self) -> dict[str, Any]:
        return {each.name: plain(getattr(self, each.name)) for each in fields(self)}

    def _lines(self, row: RiskRow) -> list[dict[str, Any]]:
        """Return the lines of one outcome in the Parquet file."""
        known = {"outcome": row.outcome, "people": row.people, "events": row.events, "teachers": row.teachers}
        if row.unanswered:
            return [{**known, "model": self.model, "unanswered": row.unanswered}]
        gaps = {gap.against: gap.difference for gap in row.gaps}
        lines = []
        for score in row.scores:
            areas = {f"auroc_{days:g}d": area for days, area in zip(self.horizons_days, score.auroc, strict=True)}
            figures = {"c_index": score.c_index, **areas, "auroc_mean": score.mean_auroc}
            line = {**known, "model": score.model, "unanswered": ""}
            for name, interval in figures.items():
                line |= {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}
            line |= {"p": score.p, "p_holm": score.p_holm, "p_bonferroni": score.p_bonferroni}
            gap = gaps.get(score.model)
            line |= {"gain": None, "gain_low": None, "gain_high": None} if gap is None else _gain(gap)
            lines.append(line)
        return lines


def ranked(rows: Sequence[RiskRow]) -> list[RiskRow]:
    """Return answered rows, the highest C-index of the judged model first."""
    return sorted(rows, key=lambda row: (-row.scores[0].c_index.value, row.outcome))


def horizon(days: float) -> str:
    """Return a horizon as a person says it: "5 years", "90 days"."""
    years = days / YEAR_DAYS
    if abs(years - round(years)) < 1e-9 and years >= 1:
        return f"{years:.0f} year{'' if round(years) == 1 else 's'}"
    return f"{days:g} days"


def _gain(gap: Difference) -> dict[str, float]:
    """Return how much higher the judged model's C is than that of the model of this line."""
    return {"gain": gap.value, "gain_low": gap.low, "gain_high": gap.high}


def _against(gap: RiskGap) -> str:
    change = gap.difference
    return (
        f"{gap.standing} than {gap.against} ({number(change.value, signed=True)}, {span(change.low, change.high, signed=True)})"
    )
