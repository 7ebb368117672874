"""The page of a risk table: one HTML file that needs nothing else, in the look of every report."""

from __future__ import annotations

from markupsafe import Markup

from wearfm.evaluation.figures import BLUE
from wearfm.evaluation.intervals import Interval
from wearfm.evaluation.look import template
from wearfm.evaluation.survival import figures
from wearfm.evaluation.survival.table import FOUND_P, STRONG_C, STRONG_P, RiskTable, horizon, ranked
from wearfm.evaluation.verdict import number, span

_MOST_DRAWN = 40  # outcomes in the picture; the table has all


def render(table: RiskTable) -> str:
    """Return the page of a risk table."""
    rows = ranked(table.answered)
    rivals = [score.model for score in rows[0].scores[1:]] if rows else []
    return template("risk.html.j2").render(
        table=table,
        rows=rows,
        blank=[row for row in table.rows if row.unanswered],
        found=sum(row.found for row in rows),
        strong=sum(row.strong for row in rows),
        beaten=sum(not row.losses for row in rows),
        rivals=rivals,
        picture=Markup(figures.forest(rows[:_MOST_DRAWN])) if rows else "",
        drawn=min(len(rows), _MOST_DRAWN),
        legend=[(BLUE, table.model), *((figures.rival_colour(place), name) for place, name in enumerate(rivals))],
        horizons=[horizon(days) for days in table.horizons_days],
        limits={"found": FOUND_P, "c": STRONG_C, "strong": STRONG_P},
        failed=[check for check in table.checks if not check.passed],
        number=number,
        span=span,
        interval=_interval,
        p=_p,
    )


def _interval(interval: Interval) -> Markup:
    """Return a figure with its interval below it."""
    if interval.value != interval.value:
        return Markup("–")
    if interval.low != interval.low:
        return Markup(number(interval.value))
    return Markup(f"{number(interval.value)}<small>{span(interval.low, interval.high)}</small>")


def _p(value: float) -> str:
    """Return a p value as a reader wants it; small ones as powers of ten."""
    if value != value:
        return "–"
    if value >= 0.001:
        return f"{value:.3f}" if value < 0.1 else f"{value:.2f}"
    mantissa, exponent = f"{max(value, 1e-300):.0e}".split("e")
    return f"{mantissa} × 10⁻{''.join('⁰¹²³⁴⁵⁶⁷⁸⁹'[int(digit)] for digit in str(-int(exponent)))}"
