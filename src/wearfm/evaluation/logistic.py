"""Logistic regression to its optimum, for all folds and penalties at once.

Every (training side, penalty) is a problem; all problems share the features and differ in the weights of the rows. One
matrix product therefore serves them all, and the descent is L-BFGS in a metric that is already close to the curvature:
the Gram matrix times the bound of Böhning 1992 (doi:10.1007/BF00048682), 1/4 for two classes and 1/2 for more.

Minimised for every problem: mean loss over its rows + penalty / 2 * |weights|^2, on features standardised on its rows;
the offset is free. scikit-learn's C is 1 / (penalty * rows).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from wearfm.evaluation.ridge import STRENGTHS, conditioned, other_of, rotated, scaling, standardised

Floats = NDArray[np.float64]

TOLERANCE = 1e-6  # largest derivative of the mean loss at which a problem counts as solved
CHOICE_TOLERANCE = 1e-3  # the same while penalties are only compared; the probe that is judged is solved to TOLERANCE
_MOST_STEPS = 500
_MEMORY = 10  # pairs of steps and changes of slope kept by L-BFGS
_AT_ONCE = 8_000_000  # rows * problems * classes held by one batch: 64 MB


@dataclass(frozen=True, kw_only=True)
class LogisticFit:
    """Out-of-fold log-odds, the strength chosen for every fold, and the share of problems that reached the optimum.

    logit: (N,) for two classes, (N, K) for more; -inf for a class that a training side does not contain.
    """

    logit: Floats
    strength: Floats
    solved: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Problems:
    """P problems on shared features.

    features: (N, D). target: (N, K), one column of 0 and 1 for two classes. row_weight: (N, P), columns sum to 1.
    mean, scale: (D, P) of the features on each training side; scale is 1 / spread. penalty: (P,).
    """

    features: Floats
    target: Floats
    row_weight: Floats
    mean: Floats
    scale: Floats
    penalty: Floats

    def select(self, chosen: NDArray[np.bool_]) -> Problems:
        """Return some of the problems."""
        return Problems(
            features=self.features,
            target=self.target,
            row_weight=self.row_weight[:, chosen],
            mean=self.mean[:, chosen],
            scale=self.scale[:, chosen],
            penalty=self.penalty[chosen],
        )

    def score(self, theta: Floats, features: Floats | None = None) -> Floats:
        """Return log-odds (N, P, K) for coefficients theta (D + 1, P, K), the last row being the offset."""
        rows = self.features if features is None else features
        raw = theta[:-1] * self.scale[:, :, None]
        offset = theta[-1] - np.einsum("dp,dpk->pk", self.mean, raw)
        product = rows @ raw.reshape(len(raw), -1)
        return np.asarray(product.reshape(len(rows), *offset.shape) + offset)  # (N, P*K) -> (N, P, K)

    def slope(self, theta: Floats, z: Floats) -> Floats:
        """Return the derivative of the penalised mean loss, like theta, at log-odds z."""
        residual = (_probability(z) - self.target[:, None, :]) * self.row_weight[:, :, None]
        pull = (self.features.T @ residual.reshape(len(z), -1)).reshape(theta[:-1].shape)
        total = residual.sum(axis=0)
        slope = np.empty_like(theta)
        slope[:-1] = (pull - self.mean[:, :, None] * total) * self.scale[:, :, None] + self.penalty[:, None] * theta[:-1]
        slope[-1] = total
        return slope

    def loss(self, theta: Floats, z: Floats) -> Floats:
        """Return the penalised mean loss of every problem, (P,)."""
        size = np.einsum("dpk,dpk->p", theta[:-1], theta[:-1])
        return np.asarray(np.einsum("np,np->p", _row_loss(self.target, z), self.row_weight) + self.penalty * size / 2)


def cross_fit(
    features: NDArray[np.floating],
    labels: NDArray[np.int64],
    fold: NDArray[np.int64],
    *,
    strengths: Sequence[float] = STRENGTHS,
) -> LogisticFit:
    """Return out-of-fold log-odds, each fold's penalty chosen by log-loss on inner folds of its training side alone.

    features: (N, D). labels: (N,) 0 to K - 1. fold: (N,) 0 to k - 1. As in `ridge.cross_fit`, the probe without folds i
    and j informs the penalty of i by its loss on j, and that of j by its loss on i.
    """
    z = conditioned(features)
    k, target = int(fold.max()) + 1, _targets(labels)
    pairs = list(combinations(range(k), 2))
    sides = [~np.isin(fold, pair) for pair in pairs]
    logits, solved = fit_sides(z, target, sides, [strengths] * len(pairs), tolerance=CHOICE_TOLERANCE)
    error = np.zeros((k, len(strengths)))
    for pair, values in zip(pairs, logits, strict=True):
        for tested in pair:
            rows = fold == tested
            error[other_of(tested, *pair)] += _clipped_loss(target[rows], values[rows]).sum(axis=0)
    best = len(strengths) - 1 - error[:, ::-1].argmin(axis=1)
    chosen = np.asarray(strengths)[best]
    last, ended = fit_sides(z, target, [fold != each for each in range(k)], [(strength,) for strength in chosen.tolist()])
    logit = np.empty_like(target)
    for each, values in enumerate(last):
        logit[fold == each] = values[fold == each, 0]
    share = float(np.mean(np.concatenate((solved, ended))))
    return LogisticFit(logit=logit[:, 0] if target.shape[1] == 1 else logit, strength=chosen, solved=share)


def solve(problems: Problems, *, tolerance: float = TOLERANCE) -> tuple[Floats, NDArray[np.bool_]]:
    """Return coefficients (D + 1, P, K) of every problem, and which of them reached the tolerance."""
    shape = (problems.features.shape[1] + 1, len(problems.penalty), problems.target.shape[1])
    theta, done = np.zeros(shape), np.zeros(shape[1], dtype=bool)
    metric = _Metric(problems)
    state = _State(problems, metric, theta.copy(), np.arange(shape[1]))
    for _ in range(_MOST_STEPS):
        ended = state.flat(tolerance)
        if ended.any():
            theta[:, state.number[ended]], done[state.number[ended]] = state.theta[:, ended], True
            state = state.keep(~ended)
        if len(state.number) == 0:
            return theta, done
        state.step()
    theta[:, state.number] = state.theta
    return theta, done


class _Metric:
    """The inverse of bound * Gram + penalty, one factor for every distinct penalty: what L-BFGS starts from."""

    def __init__(self, problems: Problems) -> None:
        rows = problems.features
        self.bound = 0.25 if problems.target.shape[1] == 1 else 0.5
        gram = rows.T @ rows * (self.bound / max(len(rows), 1))
        self._factor = {}
        for penalty in np.unique(problems.penalty).tolist():
            self._factor[penalty] = linalg.cho_factor(gram + penalty * np.eye(len(gram)), lower=True, check_finite=False)

    def apply(self, slope: Floats, penalty: Floats) -> Floats:
        """Return the step against a slope (D + 1, P, K)."""
        step = np.empty_like(slope)
        step[-1] = slope[-1] / self.bound
        for value, factor in self._factor.items():
            chosen = penalty == value
            if chosen.any():
                part = slope[:-1, chosen]
                step[:-1, chosen] = linalg.cho_solve(factor, part.reshape(len(part), -1), check_finite=False).reshape(
                    part.shape
                )
        return step


class _State:
    """Where the descent of the unsolved problems stands. number: (P,) which problems they are."""

    def __init__(self, problems: Problems, metric: _Metric, theta: Floats, number: NDArray[np.int64]) -> None:
        self.problems, self.metric, self.theta, self.number = problems, metric, theta, number
        self.z = problems.score(theta)
        self.slope = problems.slope(theta, self.z)
        self.history: list[tuple[Floats, Floats]] = []

    def flat(self, tolerance: float) -> NDArray[np.bool_]:
        """Return which problems have a slope below the tolerance, (P,)."""
        return np.asarray(np.abs(self.slope).max(axis=(0, 2)) <= tolerance)

    def keep(self, chosen: NDArray[np.bool_]) -> _State:
        """Return the state of some problems."""
        kept = object.__new__(_State)
        kept.problems, kept.metric, kept.number = self.problems.select(chosen), self.metric, self.number[chosen]
        kept.theta, kept.z, kept.slope = self.theta[:, chosen], self.z[:, chosen], self.slope[:, chosen]
        kept.history = [(moved[:, chosen], bent[:, chosen]) for moved, bent in self.history]
        return kept

    def step(self) -> None:
        """Move every problem downhill once."""
        direction = self._direction()
        change = self.problems.score(direction)
        length = self._search(direction, change)
        moved = direction * length[:, None]
        self.theta, self.z = self.theta + moved, self.z + change * length[:, None]
        slope = self.problems.slope(self.theta, self.z)
        self.history = [*self.history[1 - _MEMORY :], (moved, slope - self.slope)]
        self.slope = slope

    def _direction(self) -> Floats:
        """Return minus the L-BFGS estimate of the Newton step (Nocedal & Wright 2006, algorithm 7.4), per problem."""
        q, weights = self.slope.copy(), []
        for moved, bent in reversed(self.history):
            inverse = _reciprocal(_dot(moved, bent))
            weight = inverse * _dot(moved, q)
            q -= weight[:, None] * bent
            weights.append((weight, inverse))
        q = self._start(q)
        for (moved, bent), (weight, inverse) in zip(self.history, reversed(weights), strict=True):
            q += (weight - inverse * _dot(bent, q))[:, None] * moved
        return -q

    def _start(self, q: Floats) -> Floats:
        step = self.metric.apply(q, self.problems.penalty)
        if not self.history:
            return step
        moved, bent = self.history[-1]
        size = _dot(bent, self.metric.apply(bent, self.problems.penalty))
        gamma = np.where(size > 0, _dot(moved, bent) * _reciprocal(size), 1.0)
        return step * np.where(gamma > 0, gamma, 1.0)[:, None]

    def _search(self, direction: Floats, change: Floats) -> Floats:
        """Return step lengths (P,) that lower each loss enough (Armijo); halved until they do."""
        before, downhill = self.problems.loss(self.theta, self.z), _dot(self.slope, direction)
        length, waiting = np.ones(len(before)), np.ones(len(before), dtype=bool)
        noise = 1e-14 * np.abs(before)  # near the optimum the loss itself is only rounding
        for _ in range(40):
            part = self.problems if waiting.all() else self.problems.select(waiting)
            each = length[waiting][:, None]
            after = part.loss(
                self.theta[:, waiting] + each * direction[:, waiting], self.z[:, waiting] + each * change[:, waiting]
            )
            enough = after <= before[waiting] + 1e-4 * length[waiting] * downhill[waiting] + noise[waiting]
            waiting[np.flatnonzero(waiting)[enough]] = False
            if not waiting.any():
                break
            length[waiting] /= 2
        return length


def fit_sides(
    z: Floats,
    target: Floats,
    sides: list[NDArray[np.bool_]],
    strengths: Sequence[Sequence[float]],
    *,
    tolerance: float = TOLERANCE,
) -> tuple[list[Floats], NDArray[np.bool_]]:
    """Return log-odds (N, A, K) of all rows for every training side and its strengths, and which problems were solved."""
    if z.shape[1] <= len(z):
        return _fit_shared(z, target, sides, strengths, tolerance=tolerance)
    results = [_fit_alone(z, target, side, each, tolerance=tolerance) for side, each in zip(sides, strengths, strict=True)]
    return [logit for logit, _ in results], np.concatenate([ended for _, ended in results])


def _fit_shared(
    z: Floats,
    target: Floats,
    sides: list[NDArray[np.bool_]],
    strengths: Sequence[Sequence[float]],
    *,
    tolerance: float = TOLERANCE,
) -> tuple[list[Floats], NDArray[np.bool_]]:
    """Return the same with all problems in as few batches as memory allows."""
    per_side = max(len(each) for each in strengths) * z.shape[0] * target.shape[1]
    size = max(1, _AT_ONCE // max(per_side, 1))
    logits: list[Floats] = []
    ended = []
    for start in range(0, len(sides), size):
        batch, ladder = sides[start : start + size], strengths[start : start + size]
        row_weight = np.stack([side / side.sum() for side in batch], axis=1)  # (N, S)
        mean = z.T @ row_weight
        scale = scaling(mean, (z**2).T @ row_weight)
        owner = np.repeat(np.arange(len(batch)), [len(each) for each in ladder])
        live = np.maximum((scale > 0).sum(axis=0), 1)[owner]
        problems = Problems(
            features=z,
            target=target,
            row_weight=row_weight[:, owner],
            mean=mean[:, owner],
            scale=scale[:, owner],
            penalty=np.concatenate([np.asarray(each, dtype=np.float64) for each in ladder]) * live,
        )
        theta, done = solve(problems, tolerance=tolerance)
        values = problems.score(theta)
        logits += [_seen(values[:, owner == each], target, batch[each]) for each in range(len(batch))]
        ended.append(done)
    return logits, np.concatenate(ended)


def _fit_alone(
    z: Floats, target: Floats, side: NDArray[np.bool_], strengths: Sequence[float], *, tolerance: float
) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the same for one training side with more features than rows, solved in the space of its rows."""
    train, (everybody,) = standardised(z[side], [z])
    size = max(int(np.any(train != 0, axis=0).sum()), 1)
    inner, _, (outer,) = rotated(train, [everybody])
    P, D = len(strengths), inner.shape[1]
    problems = Problems(
        features=inner,
        target=target[side],
        row_weight=np.full((len(inner), P), 1 / len(inner)),
        mean=np.zeros((D, P)),
        scale=np.ones((D, P)),
        penalty=np.asarray(strengths, dtype=np.float64) * size,
    )
    theta, done = solve(problems, tolerance=tolerance)
    return _seen(problems.score(theta, outer), target, side), done


def _seen(logit: Floats, target: Floats, side: NDArray[np.bool_]) -> Floats:
    """Return log-odds (N, A, K) in which a class that the training side lacks is impossible."""
    share = target[side].mean(axis=0)
    if target.shape[1] > 1:
        return np.where(share > 0, logit, -np.inf)
    if 0 < share[0] < 1:
        return logit
    return np.full_like(logit, np.inf if share[0] == 1 else -np.inf)


def _targets(labels: NDArray[np.int64]) -> Floats:
    K = int(labels.max()) + 1
    if K <= 2:
        return np.asarray(labels == 1, dtype=np.float64)[:, None]
    return np.asarray(np.eye(K)[labels])


def _probability(z: Floats) -> Floats:
    if z.shape[-1] == 1:
        return np.asarray(0.5 * (1 + np.tanh(z / 2)))
    shifted = np.exp(z - z.max(axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True))


def _row_loss(target: Floats, z: Floats) -> Floats:
    """Return the log-loss of every row and problem, (N, P), from log-odds (N, P, K)."""
    if z.shape[-1] == 1:
        odds = z[..., 0]
        return np.asarray(np.maximum(odds, 0) - odds * target + np.log1p(np.exp(-np.abs(odds))))
    top = z.max(axis=-1)
    total = np.log(np.exp(z - top[..., None]).sum(axis=-1)) + top
    return np.asarray(total - np.einsum("npk,nk->np", z, target))


def _clipped_loss(target: Floats, z: Floats) -> Floats:
    """Return the log-loss with impossible classes counted as odds of e^-30, so that one surprise stays finite."""
    return _row_loss(target, np.clip(z, -30.0, 30.0))


def _dot(first: Floats, second: Floats) -> Floats:
    return np.asarray(np.einsum("dpk,dpk->p", first, second))


def _reciprocal(values: Floats) -> Floats:
    return np.where(values > 1e-300, 1 / np.where(values > 1e-300, values, 1.0), 0.0)
