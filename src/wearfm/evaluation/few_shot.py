"""Few-shot curves: what a probe reaches with the labels of k people, and how much that depends on whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wearfm.evaluation import ridge
from wearfm.evaluation.metrics import Metric, Outcome
from wearfm.evaluation.probes import Target, as_prediction

STRENGTH = 0.1  # of the penalty; fixed, since a handful of people cannot choose one
_TEACHES = -1  # the fold of people who teach probes and are never tested
ROWS_A_PERSON = 50  # windows of each person, drawn once for all curves


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Scores over the number of labelled people. value: mean over draws. low, high: 2.5 % and 97.5 % of the draws."""

    model: str
    people: tuple[int, ...]
    value: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


def curves(
    features: Mapping[str, NDArray[np.float32]],
    target: Target,
    person: NDArray[np.int64],
    fold: NDArray[np.int64],
    *,
    judged: NDArray[np.bool_],
    metric: Metric,
    draws: int,
    seed: int,
) -> list[Curve]:
    """Return a curve for every model: ridge probes trained on k random people of each training side, tested on its fold.

    features: model -> (N, D). person: (N,) codes. fold: (N,) by person. All models see the same people. For classes, a
    draw holds at least two classes; numbers of people for which that is impossible are left out. Vectors are
    standardised on everybody of the training side: few people have labels there, but all have vectors.
    """
    generator = np.random.default_rng(seed)
    rows = _few_rows(person, generator)
    target = Target(values=target.values[rows], num_classes=target.num_classes)
    person, fold = person[rows], np.where(judged, fold, _TEACHES)[rows]
    plan = [(k, [_draw(target, person, fold, k, generator) for _ in range(draws)]) for k in _budgets(person, fold)]
    plan = [(k, chosen) for k, chosen in plan if all(each is not None for each in chosen)]
    return [_curve(name, vectors[rows], target, person, fold, plan, metric) for name, vectors in features.items()]


def _few_rows(person: NDArray[np.int64], generator: np.random.Generator) -> NDArray[np.int64]:
    """Return at most `ROWS_A_PERSON` row numbers of every person, sorted."""
    order = generator.permutation(len(person))
    order = order[np.argsort(person[order], kind="stable")]
    start = np.searchsorted(person[order], person[order], side="left")
    return np.sort(order[np.arange(len(order)) - start < ROWS_A_PERSON])


def _budgets(person: NDArray[np.int64], fold: NDArray[np.int64]) -> list[int]:
    """Return 2, 4, 8 ... and all people of the smallest training side."""
    sizes = [len(np.unique(person[fold != each])) for each in _tested(fold)]
    most = min(sizes)
    doubled = [2**power for power in range(1, 20) if 2**power < most]
    return [*doubled, most]


def _draw(
    target: Target, person: NDArray[np.int64], fold: NDArray[np.int64], k: int, generator: np.random.Generator
) -> list[NDArray[np.int64]] | None:
    """Return k people of every training side; None if no draw with two classes was found."""
    chosen = []
    for each in _tested(fold):
        side = fold != each
        people = np.unique(person[side])
        for _ in range(50):
            few = np.sort(generator.choice(people, k, replace=False))
            if target.num_classes == 0 or len(np.unique(target.values[side & np.isin(person, few)])) > 1:
                chosen.append(few)
                break
        else:
            return None
    return chosen


def _curve(
    name: str,
    vectors: NDArray[np.float32],
    target: Target,
    person: NDArray[np.int64],
    fold: NDArray[np.int64],
    plan: list[tuple[int, list[list[NDArray[np.int64]] | None]]],
    metric: Metric,
) -> Curve:
    sides = _sides(vectors, fold)
    points = []
    for k, draws in plan:
        scores = np.array([_score(sides, target, person, fold, chosen, metric) for chosen in draws if chosen is not None])
        scores = scores[np.isfinite(scores)]
        if len(scores):
            points.append((k, float(scores.mean()), *np.quantile(scores, (0.025, 0.975)).tolist()))
    people, value, low, high = zip(*points, strict=True) if points else ((), (), (), ())
    return Curve(model=name, people=people, value=value, low=low, high=high)


def _sides(vectors: NDArray[np.float32], fold: NDArray[np.int64]) -> list[NDArray[np.float64]]:
    """Return all rows, (N, D), on the scale of the training side of each fold."""
    z = ridge.conditioned(vectors)
    return [ridge.standardised(z[fold != each], [z])[1][0] for each in _tested(fold)]


def _score(
    sides: list[NDArray[np.float64]],
    target: Target,
    person: NDArray[np.int64],
    fold: NDArray[np.int64],
    chosen: list[NDArray[np.int64]],
    metric: Metric,
) -> float:
    columns = target.columns
    fitted = np.zeros_like(columns)
    for each, few, z in zip(_tested(fold), chosen, sides, strict=True):
        test = fold == each
        train = ~test & np.isin(person, few)
        fitted[test] = ridge.fit_predict(z[train], columns[train], z[test], strength=STRENGTH)
    prediction = as_prediction(fitted, target)
    outcome = Outcome(labels=target.values, prediction=prediction, person=person, fold=fold, persons=int(person.max()) + 1)
    return metric(outcome.select(fold != _TEACHES))


def _tested(fold: NDArray[np.int64]) -> list[int]:
    """Return the folds that are tested."""
    return np.unique(fold[fold != _TEACHES]).tolist()  # type: ignore[no-any-return]
