"""Ridge regression for all folds, penalties and targets at once.

The moments of every fold (sums, Gram matrix, products with the targets) are computed once. A training side is a sum of
moments, so that the probes of all outer and inner folds cost one pass over the data and one small factorisation each.
With more features than rows the same problem is solved in the space of rows.

The penalty is a share of the total variance of the standardised features, so that one ladder fits 3 features and 3 000.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

Floats = NDArray[np.float64]

STRENGTHS: tuple[float, ...] = (1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
_CONSTANT = 1e-8  # variance in a training side, relative to the whole, below which a feature is left out


@dataclass(frozen=True, kw_only=True)
class Moments:
    """Sums over rows. count; total (D,) and gram (D, D) of the features; target (M,) and cross (D, M) with the targets."""

    count: float
    total: Floats
    gram: Floats
    target: Floats
    cross: Floats

    @classmethod
    def of(cls, features: Floats, targets: Floats) -> Moments:
        """Return the moments of (N, D) features and (N, M) targets."""
        return cls(
            count=float(len(features)),
            total=features.sum(axis=0),
            gram=features.T @ features,
            target=targets.sum(axis=0),
            cross=features.T @ targets,
        )

    def __add__(self, other: Moments) -> Moments:
        return Moments(
            count=self.count + other.count,
            total=self.total + other.total,
            gram=self.gram + other.gram,
            target=self.target + other.target,
            cross=self.cross + other.cross,
        )

    def __sub__(self, other: Moments) -> Moments:
        return Moments(
            count=self.count - other.count,
            total=self.total - other.total,
            gram=self.gram - other.gram,
            target=self.target - other.target,
            cross=self.cross - other.cross,
        )


@dataclass(frozen=True, kw_only=True)
class RidgeFit:
    """Out-of-fold predictions, (N, M), and the strength chosen for every fold and target, (k, M)."""

    prediction: Floats
    strength: Floats


def conditioned(features: NDArray[np.floating]) -> Floats:
    """Return the features in float64 with mean 0 and spread 1 over all rows, without constant ones.

    One column of zeros is left if all are constant.

    For the arithmetic only: a linear probe that standardises on its training side gives the same predictions before and
    after any shift and scale of a feature, so that nothing passes from the test side.
    """
    z = features.astype(np.float64)
    size = np.abs(z).max(axis=0, initial=0.0)
    z -= z.mean(axis=0)
    spread = z.std(axis=0)
    varied = spread > 1e-7 * np.maximum(size, 1e-30)
    if not varied.any():
        return np.zeros((len(z), 1))
    if not varied.all():
        z, spread = z[:, varied], spread[varied]
    z /= spread
    return z


def scaling(mean: Floats, square: Floats) -> Floats:
    """Return 1 / standard deviation of conditioned features, 0 for those that are constant on a training side."""
    variance = square - mean**2
    varied = variance > _CONSTANT
    return np.where(varied, 1 / np.sqrt(np.where(varied, variance, 1.0)), 0.0)


def cross_fit(
    features: NDArray[np.floating],
    targets: Floats,
    fold: NDArray[np.int64],
    *,
    block: NDArray[np.int64] | None = None,
    strengths: Sequence[float] = STRENGTHS,
) -> RidgeFit:
    """Return out-of-fold predictions, each fold's penalty chosen on its training side alone.

    features: (N, D). targets: (N, M). fold: (N,) 0 to k - 1, k >= 3. The penalty of outer fold i is the one with the least
    squared error over inner folds j != i, each predicted without i and j; the probe without i and j serves both i and j.
    block: (M,) targets of the same number share their penalty (the columns of one multi-class problem).
    """
    z = conditioned(features)
    k = int(fold.max()) + 1
    solver: _Primal | _Dual = _Primal(z, targets, fold, k) if z.shape[1] <= len(z) else _Dual(z, targets, fold)
    error = np.zeros((k, len(strengths), targets.shape[1]))
    for first, second in combinations(range(k), 2):
        for tested, other in solver.predict((first, second), strengths):
            rows = fold == tested
            error[other_of(tested, first, second)] += ((other - targets[rows]) ** 2).sum(axis=1)
    best = _best(error, block, strengths)
    prediction = np.empty_like(targets, dtype=np.float64)
    for outer in range(k):
        for _, values in solver.predict((outer,), strengths, wanted=np.unique(best[outer])):
            prediction[fold == outer] = np.take_along_axis(values, best[outer][None, None, :], axis=0)[0]
    return RidgeFit(prediction=prediction, strength=np.asarray(strengths)[best])


def fit_predict(train: Floats, targets: Floats, test: Floats, *, strength: float) -> Floats:
    """Return predictions of the test rows, (N, M), from rows that stand on a common scale already; only centred here."""
    middle, level = train.mean(axis=0), targets.mean(axis=0)
    z, unseen, y = train - middle, test - middle, targets - level
    penalty = strength * z.shape[1] * len(z)
    if z.shape[1] <= len(z):
        return np.asarray(unseen @ linalg.solve(_ridged(z.T @ z, penalty), z.T @ y, assume_a="pos") + level)
    return np.asarray(unseen @ (z.T @ linalg.solve(_ridged(z @ z.T, penalty), y, assume_a="pos")) + level)


def _ridged(gram: Floats, penalty: float) -> Floats:
    gram[np.diag_indices_from(gram)] += penalty
    return gram


def other_of(tested: int, first: int, second: int) -> int:
    """Return the member of a pair that is not the tested one: the outer fold whose penalty the test informs."""
    return second if tested == first else first


class _Primal:
    """Solutions from shared moments: for fewer features than rows."""

    def __init__(self, z: Floats, targets: Floats, fold: NDArray[np.int64], k: int) -> None:
        self._sides = [z[fold == each] for each in range(k)]
        self._moments = [Moments.of(side, targets[fold == each]) for each, side in enumerate(self._sides)]
        self._all = self._moments[0]
        for each in self._moments[1:]:
            self._all = self._all + each

    def predict(
        self, left_out: tuple[int, ...], strengths: Sequence[float], *, wanted: NDArray[np.int64] | None = None
    ) -> Iterator[tuple[int, Floats]]:
        """Yield (fold, predictions (A, n, M)) of every fold left out; strengths that are not wanted give NaN."""
        train = self._all
        for each in left_out:
            train = train - self._moments[each]
        solved = list(_coefficients(train, strengths, wanted=wanted))
        weights = np.concatenate([w for w, _ in solved], axis=1)  # (D, A*M)
        offset = np.stack([b for _, b in solved])  # (A, M)
        for each in left_out:
            values = (self._sides[each] @ weights).reshape(-1, *offset.shape).swapaxes(0, 1)  # (n, A*M) -> (A, n, M)
            yield each, values + offset[:, None, :]


class _Dual:
    """Solutions in the space of rows: for more features than rows."""

    def __init__(self, z: Floats, targets: Floats, fold: NDArray[np.int64]) -> None:
        self._z, self._targets, self._fold = z, targets, fold

    def predict(
        self, left_out: tuple[int, ...], strengths: Sequence[float], *, wanted: NDArray[np.int64] | None = None
    ) -> Iterator[tuple[int, Floats]]:
        """Yield (fold, predictions (A, n, M)) of every fold left out."""
        del wanted  # one factorisation serves all strengths
        train = ~np.isin(self._fold, left_out)
        tests = [self._z[self._fold == each] for each in left_out]
        yield from zip(left_out, _in_row_space(self._z[train], self._targets[train], tests, strengths), strict=True)


def _coefficients(
    moments: Moments, strengths: Sequence[float], *, wanted: NDArray[np.int64] | None = None
) -> Iterator[tuple[Floats, Floats]]:
    """Yield weights (D, M) and offset (M,) in the given coordinates for every strength.

    Standardising by S and then penalising by p is the same as penalising the weight of each feature by p / S^2, which
    spares two passes over the Gram matrix.
    """
    mean, level = moments.total / moments.count, moments.target / moments.count
    scale = scaling(mean, np.diagonal(moments.gram) / moments.count)
    live = scale > 0
    gram = moments.gram - np.outer(moments.total, mean)
    gram[~live], gram[:, ~live] = 0.0, 0.0
    cross = np.where(live[:, None], moments.cross - np.outer(mean, moments.target), 0.0)
    diagonal = np.where(live, np.diagonal(gram), 1.0)
    penalty = moments.count * max(int(live.sum()), 1) / np.where(live, scale, 1.0) ** 2
    for place, strength in enumerate(strengths):
        if wanted is not None and place not in wanted:
            yield np.full_like(cross, np.nan), np.full_like(level, np.nan)
            continue
        ridged = gram.T.copy(order="F")  # symmetric; the transpose is already in the order that LAPACK wants
        np.fill_diagonal(ridged, diagonal + strength * penalty)
        _, weights, failed = linalg.lapack.dposv(ridged, cross, lower=1, overwrite_a=1)
        assert failed == 0, f"the penalised Gram matrix is not positive at {failed}"
        yield weights, level - mean @ weights


def standardised(train: Floats, tests: list[Floats]) -> tuple[Floats, list[Floats]]:
    """Return both sides shifted and scaled by the mean and spread of the training side."""
    mean = train.mean(axis=0)
    scale = scaling(mean, (train**2).mean(axis=0))
    return (train - mean) * scale, [(test - mean) * scale for test in tests]


def rotated(train: Floats, tests: list[Floats]) -> tuple[Floats, Floats, list[Floats]]:
    """Return coordinates of both sides in the span of the training rows, (N, r), and the variance of each, (r,).

    Inner products are kept, so that an L2-penalised linear probe has the same solution there: exact, not a reduction.
    """
    square, basis = linalg.eigh(train @ train.T, check_finite=False)
    kept = square > 1e-10 * max(float(square[-1]), 1e-30)
    size = np.sqrt(square[kept])
    basis = basis[:, kept]
    return basis * size, square[kept] / len(train), [(test @ train.T) @ (basis / size) for test in tests]


def _in_row_space(train: Floats, targets: Floats, tests: list[Floats], strengths: Sequence[float]) -> list[Floats]:
    """Return predictions (A, n, M) of every test side."""
    z, unseen = standardised(train, tests)
    size = max(int(np.any(z != 0, axis=0).sum()), 1)
    inner, variance, outer = rotated(z, unseen)
    level = targets.mean(axis=0)
    cross = inner.T @ (targets - level) / len(inner)  # (r, M)
    weights = [cross / (variance + strength * size)[:, None] for strength in strengths]
    return [np.stack([side @ w + level for w in weights]) for side in outer]


def _best(error: Floats, block: NDArray[np.int64] | None, strengths: Sequence[float]) -> NDArray[np.int64]:
    """Return the place of the strength with the least error, (k, M); the stronger one in a tie."""
    shared = np.arange(error.shape[2]) if block is None else np.unique(block, return_inverse=True)[1]
    pooled = np.zeros((*error.shape[:2], int(shared.max()) + 1))
    for column, group in enumerate(shared.tolist()):
        pooled[:, :, group] += error[:, :, column]
    backwards = pooled[:, ::-1].argmin(axis=1)
    return np.asarray((len(strengths) - 1 - backwards)[:, shared], dtype=np.int64)
