"""Probes: small models on frozen vectors, cross-fitted over persons; hyper-parameters are chosen on training persons alone.

linear     logistic regression for classes, ridge for numbers, penalty chosen by inner folds (the default)
ridge      ridge for both, on 0/1 targets: the fast path for very large tables
knn        mean label of the 15 nearest training rows, by cosine on standardised vectors
normwear   the probe that NormWear's figures were published with: no scaling, fixed penalties, log targets
mean       the training mean or the training shares of the classes: what knowing nothing gives
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge

from wearfm.errors import BadConfiguration, UnknownName
from wearfm.evaluation import logistic, ridge
from wearfm.evaluation.metrics import Labels

Floats = NDArray[np.float64]

_NEIGHBOURS = 15
_SHRUNK = 30.0  # log-odds beyond which a probability is 0 or 1 in any case


@dataclass(frozen=True, kw_only=True, eq=False)
class Target:
    """Labels to learn. values: (N,) float64 numbers, or int64 class numbers. num_classes: 0 for numbers."""

    values: Labels
    num_classes: int = 0

    @property
    def columns(self) -> Floats:
        """The labels as (N, M): one column of numbers or of 0 and 1, or one column a class."""
        if self.num_classes > 2:
            return np.eye(self.num_classes)[self.values.astype(np.int64)]
        return self.values.astype(np.float64)[:, None]


@dataclass(frozen=True, kw_only=True, eq=False)
class Prediction:
    """Out-of-fold predictions.

    values: (N,) numbers or probabilities of class 1; (N, K) probabilities of more classes. strength: penalties chosen,
    one a fold, empty for probes without. solved: share of the optimisations that reached their optimum.
    """

    values: Floats
    strength: tuple[float, ...] = ()
    solved: float = 1.0


Probe = Callable[[NDArray[np.floating], Target, NDArray[np.int64]], Prediction]


def predict(name: str, features: NDArray[np.floating], target: Target, fold: NDArray[np.int64]) -> Prediction:
    """Return out-of-fold predictions of the probe of that name. features: (N, D). fold: (N,) 0 to k - 1, by person."""
    if name not in PROBES:
        raise UnknownName("probe", name, PROBES)
    return PROBES[name](features, target, fold)


def linear_probe(features: NDArray[np.floating], target: Target, fold: NDArray[np.int64]) -> Prediction:
    """Return predictions of logistic regression for classes, of ridge regression for numbers."""
    if target.num_classes == 0:
        return ridge_probe(features, target, fold)
    fit = logistic.cross_fit(features, target.values.astype(np.int64), fold)
    logit = np.clip(fit.logit, -_SHRUNK, _SHRUNK)
    if logit.ndim == 1:
        values = 1 / (1 + np.exp(-logit))
    else:
        odds = np.exp(logit - logit.max(axis=1, keepdims=True))
        values = _padded(odds / odds.sum(axis=1, keepdims=True), target.num_classes)
    return Prediction(values=values, strength=tuple(fit.strength.tolist()), solved=fit.solved)


def ridge_probe(features: NDArray[np.floating], target: Target, fold: NDArray[np.int64]) -> Prediction:
    """Return predictions of ridge regression; for classes on 0/1 targets."""
    columns = target.columns
    fit = ridge.cross_fit(features, columns, fold, block=np.zeros(columns.shape[1], dtype=np.int64))
    return Prediction(values=as_prediction(fit.prediction, target), strength=tuple(fit.strength[:, 0].tolist()))


def knn_probe(features: NDArray[np.floating], target: Target, fold: NDArray[np.int64]) -> Prediction:
    """Return the mean label of the 15 nearest training rows by cosine, on vectors standardised on the training side."""
    z, columns = ridge.conditioned(features), target.columns
    values = np.empty_like(columns)
    for each in np.unique(fold):
        test = fold == each
        train, (unseen,) = ridge.standardised(z[~test], [z[test]])
        near = _nearest(unseen, train, min(_NEIGHBOURS, len(train)))
        values[test] = columns[~test][near].mean(axis=1)
    return Prediction(values=as_prediction(values, target))


def mean_probe(features: NDArray[np.floating], target: Target, fold: NDArray[np.int64]) -> Prediction:
    """Return the mean label of the training side, whatever the features."""
    del features
    columns = target.columns
    values = np.empty_like(columns)
    for each in np.unique(fold):
        values[fold == each] = columns[fold != each].mean(axis=0)
    return Prediction(values=as_prediction(values, target))


def given(features: NDArray[np.floating], target: Target) -> Prediction:
    """Return the vectors of a model that has learnt labels itself: (N, K) probabilities in order, or (N, 1) numbers."""
    if features.shape[1] != max(target.num_classes, 1):
        raise BadConfiguration(
            f"predictions of width {features.shape[1]} for {target.num_classes or 1} labels; name tables of predictions only"
        )
    values = features.astype(np.float64)
    return Prediction(values=values if target.num_classes > 2 else values[:, -1])


def normwear_probe(features: NDArray[np.floating], target: Target, fold: NDArray[np.int64]) -> Prediction:
    """Return predictions of NormWear's published linear probe, within our folds.

    Classes: L2 logistic regression, newton-cg, C = 1, at most 500 steps, features as they are. Numbers: ridge with
    alpha 1 on log(1 + label), clipped to the training range. NormWear (arXiv:2412.09758), downstream code.
    """
    z = np.nan_to_num(features.astype(np.float64))
    fit = _normwear_numbers if target.num_classes == 0 else _normwear_classes
    values = np.zeros((len(z), max(target.num_classes, 1)))
    for each in np.unique(fold):
        test = fold == each
        values[test] = fit(z[~test], target.values[~test], z[test], target.num_classes)
    if target.num_classes == 2:
        return Prediction(values=values[:, 1])
    return Prediction(values=values if target.num_classes else values[:, 0])


def _normwear_numbers(train: Floats, labels: NDArray[np.generic], test: Floats, _: int) -> Floats:
    y = np.log1p(labels.astype(np.float64))
    fitted = Ridge(alpha=1.0, solver="cholesky").fit(train, y)
    return np.asarray(np.expm1(np.clip(fitted.predict(test), y.min(), y.max()))[:, None])


def _normwear_classes(train: Floats, labels: NDArray[np.generic], test: Floats, num_classes: int) -> Floats:
    values = np.zeros((len(test), num_classes))
    present = np.unique(labels)
    if len(present) == 1:
        values[:, int(present[0])] = 1.0
        return values
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # stopping after 500 steps is what was published
        fitted = LogisticRegression(solver="newton-cg", C=1.0, max_iter=500).fit(train, labels)
    values[:, present.astype(np.int64)] = fitted.predict_proba(test)
    return values


def as_prediction(columns: Floats, target: Target) -> Floats:
    """Return (N, M) fitted columns in the shape of a prediction.

    Fitted 0/1 targets are read as probabilities; values outside [0, 1] stay, since clipping would tie ranks.
    """
    return columns if target.num_classes > 2 else columns[:, 0]


def _padded(probability: Floats, num_classes: int) -> Floats:
    """Return (N, K) with zero columns for classes above the largest that occurs."""
    return np.pad(probability, ((0, 0), (0, num_classes - probability.shape[1])))


def _nearest(rows: Floats, train: Floats, number: int) -> NDArray[np.int64]:
    """Return the numbers of the nearest training rows of every row, (N, number), by cosine, in chunks."""
    unit = train / np.maximum(np.linalg.norm(train, axis=1, keepdims=True), 1e-12)
    size = max(1, 4_000_000 // max(len(train), 1))
    found = []
    for start in range(0, len(rows), size):
        likeness = rows[start : start + size] @ unit.T
        found.append(np.argpartition(-likeness, number - 1, axis=1)[:, :number])
    return np.concatenate(found)


PROBES: dict[str, Probe] = {
    "linear": linear_probe,
    "ridge": ridge_probe,
    "knn": knn_probe,
    "normwear": normwear_probe,
    "mean": mean_probe,
}
