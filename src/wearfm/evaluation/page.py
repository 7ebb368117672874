"""The page: a report as one HTML file that needs nothing else, for a reader who is no programmer."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from wearfm.evaluation import figures
from wearfm.evaluation.baselines import MEAN
from wearfm.evaluation.learning import QUANTITIES
from wearfm.evaluation.look import Bar, Forest, Picture, Scale, bar, template
from wearfm.evaluation.metrics import METRICS, Metric
from wearfm.evaluation.report import Report, Score, TaskResult
from wearfm.evaluation.verdict import number, span

_READING = {
    "loss": "What pretraining minimised; losses of different methods cannot be compared.",
    "effective_rank": "Dimensions along which the vectors of a batch vary; 1 is total collapse, a batch bounds it from above.",
    "dispersion_between": "1: all windows of a person look alike; 0: people look alike. Small batches push it up.",
}
_MOST_PEOPLE = 60  # lines of the table of participants


def render(report: Report) -> str:
    """Return the page of a report."""
    return template("report.html.j2").render(
        report=report,
        tasks=[_task(result) for result in report.results],
        won=sum(1 for result in report.results if not result.unanswered and not result.losses),
        lost=sum(1 for result in report.results if result.losses),
        checks=report.checks,
        failed=_failed(report),
        people=report.cohort.people[:_MOST_PEOPLE],
        learning=_learning(report),
        examples=[(example, Markup(figures.window(example))) for example in report.examples],
        number=number,
        span=span,
    )


def _task(result: TaskResult) -> dict[str, object]:
    """Return what the template shows of one task."""
    metric = METRICS[result.metric]
    return {
        "result": result,
        "metric": metric,
        "tone": "grey" if result.unanswered else "lost" if result.losses else "won",
        "headline": _headline(result),
        "scores": _scores(result, metric) if result.scores else None,
        "gaps": _gaps(result, metric) if result.comparisons else None,
        "pictures": _pictures(result, metric),
        "others": sorted({name for score in result.scores for name in score.others}),
        "titles": {name: METRICS[name].title for name in METRICS},
        "class_unit": {"window": "windows", "recording": "recordings", "participant": "participants"}[result.level],
    }


def _headline(result: TaskResult) -> str:
    if result.unanswered:
        return "Not answered"
    if not result.losses:
        return "Beats every baseline"
    worse = [each.against for each in result.losses if each.standing == "worse"]
    return f"Worse than {_listed(worse)}" if worse else f"Does not beat {_listed([each.against for each in result.losses])}"


def _scores(result: TaskResult, metric: Metric) -> Forest:
    """Return the scores of all models, and published figures, on one scale."""
    ends = [v for s in result.scores for v in (s.interval.low, s.interval.high, s.interval.value)]
    comparable = [each for each in result.published if each.metric == result.metric]
    ends += [each.value for each in comparable] + ([] if metric.chance is None else [metric.chance])
    scale = Scale(ends)
    bars = [
        bar(scale, s.model, s.interval.value, s.interval.low, s.interval.high, "own" if place == 0 else "rival", _width(s))
        for place, s in enumerate(result.scores)
    ]
    for each in comparable:
        note = "published, same protocol" if each.matches else f"published, not comparable: {each.why_not}"
        at = scale.percent(each.value)
        bars.append(Bar(name=each.model, left=at, width=0.0, at=at, text=number(each.value), tone="published", note=note))
    better = "further right is better" if metric.larger_is_better else "further left is better"
    unit = f" ({result.unit})" if result.unit and not metric.larger_is_better else ""
    reference = None if metric.chance is None else scale.percent(metric.chance)
    dashed = "; the dashed line is chance" if reference is not None else ""
    caption = f"{metric.title}{unit} with 95 % interval over participants; {better}{dashed}."
    return Forest(bars=tuple(bars), marks=scale.marks, reference=reference, caption=caption)


def _gaps(result: TaskResult, metric: Metric) -> Forest:
    """Return how much better the judged model is than each other one, around zero."""
    scale = Scale([0.0, *(v for c in result.comparisons for v in (c.difference.low, c.difference.high, c.difference.value))])
    tones = {"better": "better", "no better": "same", "worse": "worse"}
    bars = []
    for each in result.comparisons:
        gap = each.difference
        note = f"{each.standing}; p {_p(gap.p)}, adjusted {_p(each.p_holm)}"
        bars.append(
            bar(scale, f"against {each.against}", gap.value, gap.low, gap.high, tones[each.standing], note, signed=True)
        )
    turned = "" if metric.larger_is_better else ", turned so that less error counts as more"
    caption = f"Difference in {metric.title}{turned}, on the same participants; right of the dashed line the model is better."
    return Forest(bars=tuple(bars), marks=scale.marks, reference=scale.percent(0.0), caption=caption)


def _width(score: Score) -> str:
    if score.model == MEAN:
        return "knows nothing of the person"
    return f"{score.features} feature{'' if score.features == 1 else 's'}"


def _pictures(result: TaskResult, metric: Metric) -> list[Picture]:
    pictures = []
    if any(curve.people for curve in result.curves):
        chance = metric.chance
        caption = "How far a few labelled people go: mean of random draws, band of 95 % of the draws for the judged model."
        legend = tuple(
            (figures.COLOURS[i % len(figures.COLOURS)], c.model) for i, c in enumerate(c for c in result.curves if c.people)
        )
        svg = Markup(figures.few_shot(result.curves, title=metric.title, chance=chance))
        pictures.append(Picture(title="With few labels", svg=svg, legend=legend, caption=caption))
    shown = [(s.model, s.calibration) for s in result.scores if s.calibration is not None and s.model != MEAN]
    if shown:
        legend = tuple(
            (figures.COLOURS[i % len(figures.COLOURS)], f"{name}, error {c.error:.2f}") for i, (name, c) in enumerate(shown)
        )
        caption = "Whether a probability means what it says: dots on the dashed line do; larger dots stand for more rows."
        pictures.append(Picture(title="Calibration", svg=Markup(figures.calibration(shown)), legend=legend, caption=caption))
    return [*pictures, *_maps(result)]


def _maps(result: TaskResult) -> list[Picture]:
    if result.map is None:
        return []
    made = []
    by_label = figures.label_colours(result.map.label)
    by_person = figures.person_colours(result.map.person)
    noun = {"window": "window", "recording": "recording", "participant": "participant"}[result.level]
    caption = f"The two main directions of the vectors; one dot a {noun}. A picture, not a proof."
    for title, (colours, legend) in (("Map, by label", by_label), ("Map, by participant", by_person)):
        if title == "Map, by participant" and result.level == "participant":
            continue
        svg = Markup(figures.scatter(result.map, colours))
        made.append(Picture(title=title, svg=svg, legend=tuple(legend), caption=caption))
    return made


def _learning(report: Report) -> list[Picture]:
    """Return a picture of each quantity that a run has logged, with a line a model."""
    made = []
    for name, title in QUANTITIES.items():
        curves = [(place, each) for place, each in enumerate(report.learning) if name in each.values]
        if not curves:
            continue
        # one model may have no such curve: the others keep their colours
        shown = [(each.model, each.values.get(name, ())) for each in report.learning]
        legend = tuple((figures.COLOURS[place % len(figures.COLOURS)], each.model) for place, each in curves)
        svg = Markup(figures.learning(shown, title=title))
        made.append(Picture(title=title.capitalize(), svg=svg, legend=legend, caption=_READING[name]))
    return made


def _failed(report: Report) -> list[dict[str, str]]:
    """Return everything that the audit found not as it should be."""
    found = [{"where": "embedding", "text": check.text} for check in report.checks if not check.passed]
    for result in report.results:
        found += [{"where": result.task, "text": check.text} for check in result.checks if not check.passed]
    return found


def _p(value: float) -> str:
    return "–" if value != value else "< 0.01" if value < 0.01 else f"{value:.2f}"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]
