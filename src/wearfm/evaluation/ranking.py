"""Rank metrics over many resamples at once: pairs won between persons, and areas under weighted curves.

A resample is a row of `counts`: how often every person was drawn. Nothing is sorted twice: the AUROC of all resamples
follows from one matrix, the pairs that the positives of person p win against the negatives of person q.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Floats = NDArray[np.float64]

_CELLS = 4_000_000  # numbers held at once by a chunked step: 32 MB
_WIDEST = 3_000  # persons; beyond it the matrix of pairs costs more than weighing every row


def auroc(
    positive: NDArray[np.bool_], score: Floats, *, person: NDArray[np.int64], fold: NDArray[np.int64], counts: Floats
) -> Floats:
    """Return the area under the ROC curve of every resample, (R, P) counts -> (R,).

    Only pairs within the same fold are compared, since only they were scored by the same probe; ties count half. Without
    that, even a constant prediction falls below 0.5: the training mean is low exactly where the test fold is high.
    NaN where no fold has both classes. Hanley & McNeil 1982 (doi:10.1148/radiology.143.1.7063747); pairs across folds:
    Airola et al. 2011 (doi:10.1016/j.csda.2010.11.018).
    """
    won, pairs = np.zeros(len(counts)), np.zeros(len(counts))
    for each in np.unique(fold):
        rows = np.flatnonzero(fold == each)
        drawn, local = np.unique(person[rows], return_inverse=True)
        compare = _by_person if len(drawn) <= _WIDEST else _by_row
        more, of = compare(positive[rows], score[rows], local, counts[:, drawn])
        won += more
        pairs += of
    return ratio(won, pairs)


def auroc_one_vs_one(
    labels: NDArray[np.int64], probability: Floats, *, person: NDArray[np.int64], fold: NDArray[np.int64], counts: Floats
) -> Floats:
    """Return the mean over ordered pairs of classes (a, b) of the AUROC of probability a among rows of a and b.

    labels: (N,) class numbers. probability: (N, K). Pairs that a resample does not contain are left out of its mean.
    Hand & Till 2001 (doi:10.1023/A:1010920819831), the macro average over classes.
    """
    areas = []
    for first in range(probability.shape[1]):
        for second in range(probability.shape[1]):
            rows = np.flatnonzero((labels == first) | (labels == second))
            if first == second or len(rows) == 0:
                continue
            inside = auroc(labels[rows] == first, probability[rows, first], person=person[rows], fold=fold[rows], counts=counts)
            areas.append(inside)
    table = np.array(areas)  # (pairs, R)
    defined = np.isfinite(table)
    return ratio(np.where(defined, table, 0.0).sum(axis=0), defined.sum(axis=0).astype(np.float64))


def average_precision(
    positive: NDArray[np.bool_], score: Floats, *, person: NDArray[np.int64], fold: NDArray[np.int64], counts: Floats
) -> Floats:
    """Return the step-wise area under the precision-recall curve, (R,): the mean over folds, weighted by positives."""
    total, weight = np.zeros(len(counts)), np.zeros(len(counts))
    for each in np.unique(fold):
        rows = np.flatnonzero(fold == each)
        for start, stop in chunks(len(counts), len(rows)):
            area, positives = _precision_area(positive[rows], score[rows], counts[start:stop, person[rows]])
            total[start:stop] += area * positives
            weight[start:stop] += positives
    return ratio(total, weight)


def spearman(
    labels: Floats, prediction: Floats, *, person: NDArray[np.int64], fold: NDArray[np.int64], counts: Floats
) -> Floats:
    """Return the correlation of ranks within folds, (R,), ranked anew in every resample; 0 for a constant prediction."""
    moments = np.zeros((3, len(counts)))
    for each in np.unique(fold):
        rows = np.flatnonzero(fold == each)
        for start, stop in chunks(len(counts), len(rows)):
            weight = counts[start:stop, person[rows]]
            y, p = (_centred_ranks(values[rows], weight) for values in (labels, prediction))
            moments[:, start:stop] += [(weight * y * p).sum(axis=1), (weight * y * y).sum(axis=1), (weight * p * p).sum(axis=1)]
    return ratio(moments[0], np.sqrt(moments[1] * moments[2]), empty=0.0)


def concordance(positive: NDArray[np.bool_], score: Floats, person: NDArray[np.int64], persons: int) -> Floats:
    """Return the (P, P) pairs won: positives of the row's person above negatives of the column's person, ties half."""
    winners, losers = np.flatnonzero(positive), np.flatnonzero(~positive)
    losers = losers[np.argsort(score[losers], kind="stable")]
    below = np.searchsorted(score[losers], score[winners], side="left")
    upto = np.searchsorted(score[losers], score[winners], side="right")
    owner = sparse.csr_array((np.ones(len(winners)), (person[winners], np.arange(len(winners)))), shape=(persons, len(winners)))
    won = np.empty((persons, persons))
    for start, stop in chunks(persons, len(losers) + len(winners)):
        beaten = np.zeros((len(losers) + 1, stop - start), dtype=np.int32)  # negatives of each person among the lowest i
        np.cumsum(person[losers, None] == np.arange(start, stop), axis=0, out=beaten[1:])
        won[:, start:stop] = owner @ ((beaten[below] + beaten[upto]) / 2)
    return won


def _by_person(positive: NDArray[np.bool_], score: Floats, person: NDArray[np.int64], counts: Floats) -> tuple[Floats, Floats]:
    """Return (pairs won, pairs) of every resample from the matrix of pairs between persons."""
    persons = counts.shape[1]
    won = ((counts @ concordance(positive, score, person, persons)) * counts).sum(axis=1)
    positives = counts @ np.bincount(person[positive], minlength=persons)
    negatives = counts @ np.bincount(person[~positive], minlength=persons)
    return won, positives * negatives


def _by_row(positive: NDArray[np.bool_], score: Floats, person: NDArray[np.int64], counts: Floats) -> tuple[Floats, Floats]:
    """Return the same from running sums of row weights: for very many persons."""
    order = np.argsort(score, kind="stable")
    ranked, wins = score[order], positive[order]
    below, upto = np.searchsorted(ranked, ranked, side="left"), np.searchsorted(ranked, ranked, side="right")
    won, pairs = np.zeros(len(counts)), np.zeros(len(counts))
    for start, stop in chunks(len(counts), len(score)):
        weight = counts[start:stop, person[order]]
        beaten = np.zeros((stop - start, len(score) + 1))
        np.cumsum(np.where(wins, 0.0, weight), axis=1, out=beaten[:, 1:])
        ahead = np.where(wins, weight, 0.0)
        won[start:stop] = (ahead * (beaten[:, below] + beaten[:, upto])).sum(axis=1) / 2
        pairs[start:stop] = ahead.sum(axis=1) * beaten[:, -1]
    return won, pairs


def _precision_area(positive: NDArray[np.bool_], score: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Return (average precision, weight of positives) for (R, N) row weights."""
    order = np.argsort(-score, kind="stable")
    last = np.flatnonzero(np.diff(score[order], append=np.nan) != 0)  # the end of each run of equal scores
    found = np.cumsum(np.where(positive[order], weight[:, order], 0.0), axis=1)[:, last]
    shown = np.cumsum(weight[:, order], axis=1)[:, last]
    gained = np.diff(found, axis=1, prepend=0.0)
    positives = found[:, -1]
    return ratio((gained * found / np.maximum(shown, 1e-300)).sum(axis=1), positives, empty=0.0), positives


def _centred_ranks(values: Floats, weight: Floats) -> Floats:
    """Return the midranks of (N,) values of which row n stands weight[r, n] times, less their mean, (R, N)."""
    order = np.sort(values)
    below, upto = np.searchsorted(order, values, side="left"), np.searchsorted(order, values, side="right")
    before = np.zeros((len(weight), len(values) + 1))
    np.cumsum(weight[:, np.argsort(values, kind="stable")], axis=1, out=before[:, 1:])
    return np.asarray((before[:, below] + before[:, upto] - before[:, -1:]) / 2)


def ratio(above: Floats, below: Floats, *, empty: float = np.nan) -> Floats:
    """Return above / below, `empty` where there is nothing below."""
    return np.where(below > 0, above / np.where(below > 0, below, 1.0), empty)


def chunks(number: int, width: int) -> list[tuple[int, int]]:
    """Return [start, stop) pairs over `number` items of `width` numbers each."""
    size = max(1, _CELLS // max(width, 1))
    return [(start, min(start + size, number)) for start in range(0, number, size)]
