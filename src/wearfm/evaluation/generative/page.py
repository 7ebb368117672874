"""The page of a generative evaluation: one HTML file that needs nothing else, in the look of every report."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from wearfm.evaluation.generative import figures
from wearfm.evaluation.generative.report import Answer, GenerativeReport
from wearfm.evaluation.look import Forest, Picture, Scale, bar, template
from wearfm.evaluation.verdict import number, span

_TONES = {"better": "better", "no better": "same", "worse": "worse"}


def render(report: GenerativeReport) -> str:
    """Return the page of a report."""
    answers = [_answer(answer) for answer in report.answers]
    tones = [answer["tone"] for answer in answers]
    standings = [answer.comparison.standing for answer in report.answers if not answer.unanswered]
    return template("generative.html.j2").render(
        report=report,
        answers=answers,
        won=tones.count("won"),
        level=standings.count("no better"),
        lost=standings.count("worse"),
        grey=tones.count("grey"),
        number=number,
        span=span,
        digits=_digits,
    )


def _answer(answer: Answer) -> dict[str, object]:
    """Return what the template shows of one task."""
    if answer.unanswered:
        return {"answer": answer, "tone": "grey"}
    return {
        "answer": answer,
        "tone": "won" if answer.comparison.standing == "better" else "lost",
        "scores": _scores(answer),
        "gaps": _gaps(answer),
        "pictures": _pictures(answer),
        "names": [score.series for score in answer.scores[0].series],
        "lowest": {each.series: min(s.of(each.series).mae.value for s in answer.scores) for each in answer.scores[0].series},
    }


def _scores(answer: Answer) -> Forest:
    """Return the errors of all methods on one scale."""
    scale = Scale([v for s in answer.scores for v in (s.overall.low, s.overall.high, s.overall.value)] + [0.0])
    bars = tuple(
        bar(scale, s.method, s.overall.value, s.overall.low, s.overall.high, "rival" if place else "own", "")
        for place, s in enumerate(answer.scores)
    )
    caption = (
        "Root mean square error over all hidden values, each series in standard deviations of the training side, with 95 %"
        " interval over people; further left is better."
    )
    return Forest(bars=bars, marks=scale.marks, reference=None, caption=caption)


def _gaps(answer: Answer) -> Forest:
    """Return how much smaller the error of the judged method is than that of each baseline, around zero."""
    gaps = [each.difference for each in answer.comparisons]
    scale = Scale([0.0, *(v for gap in gaps for v in (gap.low, gap.high, gap.value))])
    bars = []
    for each, gap in zip(answer.comparisons, gaps, strict=True):
        note = f"{each.standing}; p {_p(gap.p)}, adjusted {_p(each.p_holm)}"
        tone = _TONES[each.standing]
        bars.append(bar(scale, f"against {each.against}", gap.value, gap.low, gap.high, tone, note, signed=True))
    caption = "How much smaller the error is, on the same hidden values of the same people; right of the dashed line is better."
    return Forest(bars=tuple(bars), marks=scale.marks, reference=scale.percent(0.0), caption=caption)


def _pictures(answer: Answer) -> list[Picture]:
    """Return the restored windows, with the judged method, the best baseline and one more."""
    methods = _drawn(answer)
    legend = ((figures.TRUE, "measured"), *((figures.colour(place), name) for place, name in enumerate(methods)))
    return [
        Picture(
            title=window.series,
            svg=Markup(figures.restored(window, methods)),
            legend=legend,
            caption=f"{window.series}, in {window.unit}",
        )
        for window in answer.restored
    ]


def _drawn(answer: Answer) -> Sequence[str]:
    other = "nearest neighbours" if answer.best.method == "linear" else "linear"
    return answer.scores[0].method, answer.best.method, other


def _p(value: float) -> str:
    return "–" if value != value else "< 0.01" if value < 0.01 else f"{value:.2f}"


def _digits(value: float) -> str:
    """Return a figure in the unit of its series: three digits, whatever its size."""
    return f"{value:#.3g}".rstrip(".").replace("-", "−") if abs(value) < 1000 else f"{value:,.0f}".replace("-", "−")
