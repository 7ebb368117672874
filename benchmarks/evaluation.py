"""Evaluation: probes and intervals against what one writes with scikit-learn, on 20 000 windows of 200 people, 768 wide.

Made-up vectors whose spectrum falls like that of trained encoders (singular value k ~ k^-0.75), half of the variance
between people; an outcome that depends on all directions. CPU seconds, one interleaved run a row.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from statistics import median

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

from benchmarks.row import Row, interleave
from wearfm.evaluation import logistic, ridge
from wearfm.evaluation.intervals import interval, resample
from wearfm.evaluation.metrics import METRICS, Outcome, score

PEOPLE, WINDOWS, WIDTH, FOLDS, RESAMPLES = 200, 100, 768, 5, 1000
STRENGTH = 1 / (PEOPLE * WINDOWS * (FOLDS - 1) / FOLDS * WIDTH)  # our penalty that is C = 1 in scikit-learn
TIGHT = 1e-6  # scikit-learn's tolerance at which its optimum is as near as ours


def cohort(seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
    """Return vectors (N, D), a binary label and the person of every window."""
    generator = np.random.default_rng(seed)
    person = np.repeat(np.arange(PEOPLE), WINDOWS)
    latent = 0.8 * generator.normal(size=(len(person), WIDTH)) + 0.6 * generator.normal(size=(PEOPLE, WIDTH))[person]
    mixing = np.linalg.qr(generator.normal(size=(WIDTH, WIDTH)))[0]
    vectors = (latent * np.arange(1, WIDTH + 1) ** -0.75) @ mixing
    odds = 1.2 * latent @ generator.normal(size=WIDTH) / np.sqrt(WIDTH) + generator.logistic(size=len(person))
    return vectors.astype(np.float32), (odds > 0).astype(np.int64), person


def by_scikit_learn(
    vectors: NDArray[np.float32],
    labels: NDArray[np.int64],
    fold: NDArray[np.int64],
    *,
    solver: str = "lbfgs",
    tol: float = 1e-4,
) -> NDArray[np.float64]:
    """Return out-of-fold log-odds of StandardScaler and LogisticRegression with C = 1."""
    logit = np.empty(len(labels))
    for each in range(FOLDS):
        train, test = fold != each, fold == each
        scaler = StandardScaler().fit(vectors[train])
        fitted = LogisticRegression(solver=solver, tol=tol, max_iter=5000).fit(scaler.transform(vectors[train]), labels[train])
        logit[test] = fitted.decision_function(scaler.transform(vectors[test]))
    return logit


def interval_by_loop(labels: NDArray[np.int64], scores: NDArray[np.float64], person: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the 95 % interval from a loop over resampled people and roc_auc_score."""
    generator = np.random.default_rng(0)
    rows = [np.flatnonzero(person == each) for each in range(PEOPLE)]
    draws = []
    for _ in range(RESAMPLES):
        chosen = np.concatenate([rows[each] for each in generator.integers(PEOPLE, size=PEOPLE)])
        draws.append(roc_auc_score(labels[chosen], scores[chosen]))
    return np.quantile(draws, (0.025, 0.975))


def ridge_rows() -> list[Row]:
    """Return the ridge probe against StandardScaler + LogisticRegression: one penalty as there, and chosen among eight."""
    vectors, labels, person = cohort()
    fold, target = person % FOLDS, labels.astype(np.float64)[:, None]
    reference = partial(by_scikit_learn, vectors, labels, fold)
    area = score("auroc", labels, reference())
    rows = []
    for name, strengths in (
        ("ridge probe, 5 folds, one penalty", (STRENGTH,)),
        ("ridge probe, 5 folds, nested choice of 8", ridge.STRENGTHS),
    ):
        ours = partial(ridge.cross_fit, vectors, target, fold, strengths=strengths)
        note = f"AUROC {score('auroc', labels, ours().prediction[:, 0]):.4f} against {area:.4f}"
        rows.append(_row(name, "StandardScaler + LogisticRegression, C = 1", ours, reference, wanted=10, note=note))
    return rows


def logistic_rows() -> list[Row]:
    """Return logistic regression of five folds to one optimum, against scikit-learn to the same."""
    vectors, labels, person = cohort()
    fold = person % FOLDS
    sides = [fold != each for each in range(FOLDS)]

    def ours() -> NDArray[np.float64]:
        fitted, _ = logistic.fit_sides(
            ridge.conditioned(vectors), labels.astype(np.float64)[:, None], sides, [(STRENGTH,)] * FOLDS
        )
        return np.select([fold == each for each in range(FOLDS)], [fitted[each][:, 0, 0] for each in range(FOLDS)])

    exact = by_scikit_learn(vectors, labels, fold, solver="newton-cholesky", tol=TIGHT)
    found = []
    for solver in ("lbfgs", "newton-cholesky"):
        reference = partial(by_scikit_learn, vectors, labels, fold, solver=solver, tol=TIGHT)
        apart = [float(np.abs(each() - exact).max()) for each in (ours, reference)]
        note = f"log-odds at most {apart[0]:.0e} from Newton's method, the reference {apart[1]:.0e}"
        name = f"StandardScaler + LogisticRegression({solver}) to the same optimum"
        found.append(_row("logistic probe, 5 folds, one penalty", name, ours, reference, wanted=3, note=note))
    return found


def interval_rows() -> list[Row]:
    """Return the AUROC interval over people against a loop."""
    vectors, labels, person = cohort()
    scores = vectors @ np.linalg.lstsq(vectors, labels - labels.mean(), rcond=None)[0].astype(np.float32)
    outcome = Outcome(labels=labels, prediction=scores.astype(np.float64), person=person, fold=person * 0, persons=PEOPLE)

    def ours() -> object:
        return interval(METRICS["auroc"], outcome, counts=resample(PEOPLE, replicates=RESAMPLES, seed=0))

    reference = partial(interval_by_loop, labels, scores, person)
    found, low_high = interval(METRICS["auroc"], outcome, counts=resample(PEOPLE, replicates=RESAMPLES, seed=0)), reference()
    note = f"{found.low:.4f} to {found.high:.4f} against {low_high[0]:.4f} to {low_high[1]:.4f}; 1000 resamples of 200 people"
    return [
        _row("AUROC interval, 20 000 rows", "loop over roc_auc_score, people resampled", ours, reference, wanted=20, note=note)
    ]


def _row(
    name: str, reference_name: str, ours: Callable[[], object], reference: Callable[[], object], *, wanted: float, note: str
) -> Row:
    mine, theirs = interleave(ours, reference, repeats=3)
    ratio = median(theirs) / median(mine)
    return Row(
        name=name,
        reference=reference_name,
        ours=median(mine),
        reference_value=median(theirs),
        unit="CPU s",
        ratio=ratio,
        target=f">= {wanted:g}x",
        met=ratio >= wanted,
        note=note,
    )


BENCHMARKS = (ridge_rows, logistic_rows, interval_rows)
