"""Metrics: what a prediction is worth, for the sample and for thousands of resamples of its persons at once.

    Outcome ── labels, prediction, person, fold of every row
    Metric  ── resampled(outcome, counts (R, P)) -> (R,);  metric(outcome) is the case "everybody once"

Most metrics are functions of sums over rows, so that a resample is one product: counts (R, P) @ sums (P, m).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import UnknownName
from wearfm.evaluation import ranking

Floats = NDArray[np.float64]
Labels = NDArray[np.float64] | NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """What was true and what was predicted, out of fold.

    labels: (N,) numbers, or class numbers 0 to K - 1 (1 is positive in a binary task). prediction: (N,) numbers or
    probabilities of the positive class; (N, K) probabilities if there are more classes. person: (N,) codes 0 to
    persons - 1. fold: (N,) which probe made the prediction. A row may appear once per repeat of the folds.
    """

    labels: Labels
    prediction: Floats
    person: NDArray[np.int64]
    fold: NDArray[np.int64]
    persons: int

    def select(self, rows: NDArray[np.bool_]) -> Outcome:
        """Return the chosen rows alone; persons are numbered anew, in the same order."""
        names, person = np.unique(self.person[rows], return_inverse=True)
        return Outcome(
            labels=self.labels[rows],
            prediction=self.prediction[rows],
            person=person.astype(np.int64),
            fold=self.fold[rows],
            persons=len(names),
        )

    @property
    def num_classes(self) -> int:
        """The number of classes that the prediction distinguishes."""
        return 2 if self.prediction.ndim == 1 else self.prediction.shape[1]

    @property
    def decision(self) -> NDArray[np.int64]:
        """The most probable class of every row, (N,)."""
        if self.prediction.ndim == 1:
            return (self.prediction >= 0.5).astype(np.int64)
        return np.asarray(self.prediction.argmax(axis=1), dtype=np.int64)


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One figure of merit. kinds: tasks that it can judge. chance: its value without information, None if it depends."""

    name: str
    title: str
    kinds: tuple[str, ...]
    resampled: Callable[[Outcome, Floats], Floats]
    larger_is_better: bool = True
    chance: float | None = None

    def __call__(self, outcome: Outcome) -> float:
        """Return the metric with everybody once."""
        return float(self.resampled(outcome, np.ones((1, outcome.persons)))[0])


def score(name: str, labels: NDArray[np.generic], prediction: Floats) -> float:
    """Return a metric of plain arrays: every row its own person, all in one fold."""
    if name not in METRICS:
        raise UnknownName("metric", name, METRICS)
    rows = np.arange(len(labels))
    numbers = np.asarray(labels, dtype=np.float64)
    outcome = Outcome(
        labels=numbers, prediction=np.asarray(prediction, dtype=np.float64), person=rows, fold=rows * 0, persons=len(rows)
    )
    return METRICS[name](outcome)


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Whether a probability means what it says.

    predicted, observed: mean probability and share of positives in every bin that is not empty. count: its rows.
    error: expected calibration error, the mean distance of the two, weighted by rows (Naeini et al. 2015).
    """

    predicted: tuple[float, ...]
    observed: tuple[float, ...]
    count: tuple[int, ...]
    error: float


def calibrate(labels: NDArray[np.generic], probability: Floats, *, bins: int = 10) -> Calibration:
    """Return the reliability of probabilities in equally wide bins; labels: (N,) of 0 and 1."""
    probability = np.clip(probability, 0.0, 1.0)
    place = np.minimum((probability * bins).astype(np.int64), bins - 1)
    count = np.bincount(place, minlength=bins)
    filled = count > 0
    predicted = np.bincount(place, weights=probability, minlength=bins)[filled] / count[filled]
    observed = np.bincount(place, weights=np.asarray(labels, dtype=np.float64), minlength=bins)[filled] / count[filled]
    error = float((np.abs(predicted - observed) * count[filled]).sum() / max(count.sum(), 1))
    return Calibration(
        predicted=tuple(predicted.tolist()), observed=tuple(observed.tolist()), count=tuple(count[filled].tolist()), error=error
    )


def _auroc(outcome: Outcome, counts: Floats) -> Floats:
    positive = outcome.labels == 1
    return ranking.auroc(positive, outcome.prediction, person=outcome.person, fold=outcome.fold, counts=counts)


def _auroc_one_vs_one(outcome: Outcome, counts: Floats) -> Floats:
    labels, probability = outcome.labels.astype(np.int64), outcome.prediction
    if probability.ndim == 1:
        probability = np.stack((1 - probability, probability), axis=1)  # (N,) -> (N, 2)
    return ranking.auroc_one_vs_one(labels, probability, person=outcome.person, fold=outcome.fold, counts=counts)


def _average_precision(outcome: Outcome, counts: Floats) -> Floats:
    positive = outcome.labels == 1
    return ranking.average_precision(positive, outcome.prediction, person=outcome.person, fold=outcome.fold, counts=counts)


def _sums(columns: list[Floats], outcome: Outcome, counts: Floats) -> list[Floats]:
    """Return the sum of every column over the rows of every resample, each (R,)."""
    table = [np.bincount(outcome.person, weights=column, minlength=outcome.persons) for column in columns]
    return list((counts @ np.stack(table, axis=1)).T)


def _confusion(outcome: Outcome, counts: Floats) -> Floats:
    """Return the confusion matrix of every resample, (R, K, K): true by decided."""
    K = outcome.num_classes
    cell = outcome.labels.astype(np.int64) * K + outcome.decision
    table = np.bincount(outcome.person * K * K + cell, minlength=outcome.persons * K * K).reshape(outcome.persons, K * K)
    return (counts @ table).reshape(len(counts), K, K)


def _accuracy(outcome: Outcome, counts: Floats) -> Floats:
    matrix = _confusion(outcome, counts)
    return np.asarray(np.trace(matrix, axis1=1, axis2=2) / matrix.sum(axis=(1, 2)))


def _balanced_accuracy(outcome: Outcome, counts: Floats) -> Floats:
    """Return the mean recall over the classes that a resample contains."""
    matrix = _confusion(outcome, counts)
    hits, present = np.diagonal(matrix, axis1=1, axis2=2), matrix.sum(axis=2)
    recall = np.where(present > 0, hits / np.maximum(present, 1), 0.0)
    return np.asarray(recall.sum(axis=1) / (present > 0).sum(axis=1))


def _f1_macro(outcome: Outcome, counts: Floats) -> Floats:
    """Return the mean F1 over the classes that a resample contains or decides for."""
    matrix = _confusion(outcome, counts)
    hits, both = np.diagonal(matrix, axis1=1, axis2=2), matrix.sum(axis=2) + matrix.sum(axis=1)
    f1 = np.where(both > 0, 2 * hits / np.maximum(both, 1), 0.0)
    return np.asarray(f1.sum(axis=1) / (both > 0).sum(axis=1))


def _mae(outcome: Outcome, counts: Floats) -> Floats:
    number, error = _sums([np.ones(len(outcome.labels)), np.abs(outcome.labels - outcome.prediction)], outcome, counts)
    return np.asarray(error / number)


def _rmse(outcome: Outcome, counts: Floats) -> Floats:
    number, error = _sums([np.ones(len(outcome.labels)), (outcome.labels - outcome.prediction) ** 2], outcome, counts)
    return np.asarray(np.sqrt(error / number))


def _r2(outcome: Outcome, counts: Floats) -> Floats:
    """Return 1 - residual / total sum of squares; NaN where the labels of a resample are constant."""
    centred = outcome.labels - outcome.labels.mean()
    columns = [np.ones(len(centred)), centred, centred**2, (outcome.labels - outcome.prediction) ** 2]
    number, total, square, error = _sums(columns, outcome, counts)
    spread = square - total**2 / number
    varied = spread > 1e-12 * np.maximum(square, 1e-300)
    return np.where(varied, 1 - error / np.where(varied, spread, 1.0), np.nan)


def _pearson(outcome: Outcome, counts: Floats) -> Floats:
    """Return the correlation within folds, (R,): covariances are summed over folds. 0 for a constant prediction."""
    covariance, label_spread, spread = (np.zeros(len(counts)) for _ in range(3))
    for each in np.unique(outcome.fold):
        rows = outcome.fold == each
        y, p = (np.asarray(v[rows] - v[rows].mean(), dtype=np.float64) for v in (outcome.labels, outcome.prediction))
        part = replace(outcome, labels=y, prediction=p, person=outcome.person[rows], fold=outcome.fold[rows])
        number, sy, sp, syy, spp, syp = _sums([np.ones(len(y)), y, p, y * y, p * p, y * p], part, counts)
        number = np.maximum(number, 1.0)
        covariance += syp - sy * sp / number
        label_spread += syy - sy * sy / number
        spread += spp - sp * sp / number
    product = np.sqrt(np.maximum(label_spread, 0) * np.maximum(spread, 0))
    varied = product > 1e-12
    return np.where(varied, covariance / np.where(varied, product, 1.0), 0.0)


def _spearman(outcome: Outcome, counts: Floats) -> Floats:
    labels = outcome.labels.astype(np.float64)
    return ranking.spearman(labels, outcome.prediction, person=outcome.person, fold=outcome.fold, counts=counts)


def _relative_accuracy(outcome: Outcome, counts: Floats) -> Floats:
    """Return 1 - mean(|y - p| / y) on logarithms log(1 + value), as NormWear's downstream evaluation scores regression.

    Labels must be positive. The training mean reaches 0.93 to 0.99 on it (NormWear, table 14): never read it alone.
    """
    y, p = np.log1p(outcome.labels), np.log1p(np.maximum(outcome.prediction, 0.0))
    positive = y > 0
    error = np.where(positive, np.abs(y - p) / np.where(positive, y, 1.0), 0.0)
    number, total = _sums([positive.astype(np.float64), error], outcome, counts)
    return np.where(number > 0, 1 - total / np.maximum(number, 1.0), np.nan)


_CLASSES = ("binary", "multiclass")
_NUMBERS = ("regression",)

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(name="auroc", title="AUROC", kinds=("binary",), resampled=_auroc, chance=0.5),
        Metric(name="auroc_ovo", title="AUROC, one vs one", kinds=("multiclass",), resampled=_auroc_one_vs_one, chance=0.5),
        Metric(name="average_precision", title="average precision", kinds=("binary",), resampled=_average_precision),
        Metric(name="accuracy", title="accuracy", kinds=_CLASSES, resampled=_accuracy),
        Metric(name="balanced_accuracy", title="balanced accuracy", kinds=_CLASSES, resampled=_balanced_accuracy),
        Metric(name="f1_macro", title="macro F1", kinds=_CLASSES, resampled=_f1_macro),
        Metric(name="mae", title="mean absolute error", kinds=_NUMBERS, resampled=_mae, larger_is_better=False),
        Metric(name="rmse", title="root mean square error", kinds=_NUMBERS, resampled=_rmse, larger_is_better=False),
        Metric(name="r2", title="R²", kinds=_NUMBERS, resampled=_r2, chance=0.0),
        Metric(name="pearson", title="Pearson correlation", kinds=_NUMBERS, resampled=_pearson, chance=0.0),
        Metric(name="spearman", title="Spearman correlation", kinds=_NUMBERS, resampled=_spearman, chance=0.0),
        Metric(name="relative_accuracy", title="relative accuracy", kinds=_NUMBERS, resampled=_relative_accuracy),
    )
}
