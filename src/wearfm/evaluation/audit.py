"""The audit: leaks stop the evaluation, and a collapsed embedding is called one.

`require_...` raise LeakyScheme: a person on two sides, the same raw data or the same vectors on two sides, rows of
nobody known, a feature that is the label. `look_...` return checks that stand in the report, passed or not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import LeakyScheme
from wearfm.evaluation import geometry, probes, ridge
from wearfm.evaluation.metrics import Labels, Metric, Outcome
from wearfm.evaluation.probes import Target
from wearfm.evaluation.task import Rows

if TYPE_CHECKING:
    pass

Vectors = NDArray[np.floating]

_COPIES = 0.01  # share of rows with an exact twin on another side that is still put down to empty windows
_SHUFFLES = 20


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that was looked at: what, whether it is as it should be, the figure, and what it means in a sentence."""

    name: str
    passed: bool
    value: float
    text: str


def require_known(rows: Rows, known: set[tuple[str, str]]) -> None:
    """Raise LeakyScheme unless every row belongs to a recording of the store."""
    strange = [
        (participant, recording) for participant, recording, _ in rows.recordings() if (participant, recording) not in known
    ]
    if strange:
        raise LeakyScheme(
            f"{len(strange)} recordings of the table are not in the store, the first is {strange[0]};"
            " nobody can tell who they are: embed this store again"
        )


def require_one_side(person: NDArray[np.str_], fold: NDArray[np.int64]) -> None:
    """Raise LeakyScheme if a person is in two folds."""
    pairs = set(zip(person.tolist(), fold.tolist(), strict=True))
    names = [name for name, _ in pairs]
    twice = sorted({name for name in names if names.count(name) > 1}) if len(names) != len(set(names)) else []
    if twice:
        raise LeakyScheme(f"person {twice[0]!r} stands in two folds ({len(twice)} do); give all rows of a person one fold")


def require_distinct_data(participant: NDArray[np.str_], fold: NDArray[np.int64], persons: Mapping[str, str]) -> None:
    """Raise LeakyScheme if two ids with the same raw data are in different folds."""
    side: dict[str, tuple[str, int]] = {}
    for name, each in sorted(set(zip(participant.tolist(), fold.tolist(), strict=True))):
        other, where = side.setdefault(persons.get(name, name), (name, each))
        if where != each:
            raise LeakyScheme(
                f"participants {other!r} and {name!r} hold the same raw data but stand in folds {where} and {each}; join them"
            )


def require_no_twins(vectors: Vectors, person: NDArray[np.str_], fold: NDArray[np.int64]) -> Check:
    """Raise LeakyScheme if more than 1 % of the vectors have an exact copy of another person on another side.

    A collapsed embedding has such copies without any leak; it is left to `look_for_collapse`.
    """
    packed = np.ascontiguousarray(vectors).view(np.dtype((np.void, vectors.dtype.itemsize * vectors.shape[1]))).ravel()
    _, group, size = np.unique(packed, return_inverse=True, return_counts=True)
    low, high = np.full(len(size), np.iinfo(np.int64).max), np.full(len(size), -1)
    np.minimum.at(low, group, fold)
    np.maximum.at(high, group, fold)
    share = float((low != high)[group].mean()) if len(group) else 0.0
    collapsed = size.max(initial=0) > 0.5 * len(group)
    if share > _COPIES and not collapsed:
        first = np.flatnonzero((low != high)[group])[0]
        raise LeakyScheme(
            f"{share:.1%} of the vectors, the first of {str(person[first])!r}, have an exact copy on another side of the split;"
            " the same data stand under two ids: remove one"
        )
    text = f"{share:.2%} of the vectors have an exact copy in another fold (empty windows have; up to 1 % is accepted)"
    return Check(name="copies across folds", passed=not share > _COPIES, value=share, text=text)


def require_no_label_copy(features: Vectors, labels: NDArray[np.generic], name: str) -> None:
    """Raise LeakyScheme if one feature is the label itself: one value a class, or a straight line of the number."""
    if len(labels) < 8:
        return
    column = _line_of(features, labels.astype(np.float64)) if labels.dtype.kind == "f" else _code_of(features, labels)
    if column is not None:
        raise LeakyScheme(f"feature {column} of {name!r} is the label itself; remove it from the features")


def look_for_collapse(vectors: Vectors, person: NDArray[np.str_], *, seed: int) -> list[Check]:
    """Return what is known of the shape of an embedding: effective rank, near copies, spread within and between persons."""
    used = geometry.centred_rank(vectors)
    smooth = geometry.effective_rank(vectors)
    copies = geometry.near_duplicates(vectors, seed=seed)
    code = np.unique(person, return_inverse=True)[1]
    ratio = geometry.dispersion_ratio(vectors, code) if len(vectors) else float("nan")
    flat = used < 2 and vectors.shape[1] > 2
    return [
        Check(
            name="dimensions in use",
            passed=not flat,
            value=used,
            text=f"the vectors vary along {used:.1f} of {vectors.shape[1]} dimensions (effective rank after centring;"
            f" {smooth:.1f} before)" + (": the embedding has collapsed" if flat else ""),
        ),
        Check(
            name="near copies",
            passed=copies < 0.5,
            value=copies,
            text=f"{copies:.0%} of the vectors have a near copy (cosine above 0.9999 after centring)"
            + (": different windows get the same answer" if copies >= 0.5 else ""),
        ),
        Check(
            name="tells people apart",
            passed=True,
            value=ratio,
            text=f"the spread within people is {ratio:.2f} of the spread between them"
            if np.isfinite(ratio)
            else "the spread between people is zero, or there is one person only",
        ),
    ]


def look_at_pretraining(person: NDArray[np.str_], judged: NDArray[np.bool_], seen: frozenset[str]) -> Check:
    """Return whether anybody is judged whose recordings, without labels, the weights were trained on."""
    tested = set(person[judged].tolist())
    known = tested & seen
    teachers = len(set(person[~judged].tolist()))
    text = f"pretraining has seen none of the {len(tested)} judged people"
    if known:
        text = (
            f"{len(known)} of {len(tested)} judged people were in pretraining (without labels): too few others have this label"
        )
    elif teachers:
        text += f"; {teachers} whom it has seen only teach the probes"
    return Check(name="people new to the weights", passed=not known, value=float(len(known)), text=text)


def look_at_shuffled_labels(
    vectors: Vectors,
    target: Target,
    person: NDArray[np.int64],
    fold: NDArray[np.int64],
    *,
    judged: NDArray[np.bool_],
    metric: Metric,
    seed: int,
) -> Check:
    """Return what the same evaluation says when labels are dealt to other people: it must be chance.

    Twenty shuffles at once, as columns of one ridge problem. Every person gets the label sequence of another, turned
    by a random number of windows, so that neither people nor a common protocol connect vectors and labels.
    """
    generator = np.random.default_rng(seed)
    dealt = [_deal(target.values, person, generator) for _ in range(_SHUFFLES)]
    shuffled = [Target(values=values, num_classes=target.num_classes) for values in dealt]
    columns = np.concatenate([each.columns for each in shuffled], axis=1)
    width = columns.shape[1] // _SHUFFLES
    fit = ridge.cross_fit(vectors, columns, fold, block=np.repeat(np.arange(_SHUFFLES), width))
    persons = int(person.max()) + 1
    scores = []  # (shuffles, 2): fitted, and the training mean
    for number, each in enumerate(shuffled):
        fitted = probes.as_prediction(fit.prediction[:, number * width : (number + 1) * width], each)
        constant = probes.mean_probe(vectors, each, fold).values
        both = (
            Outcome(labels=each.values, prediction=p, person=person, fold=fold, persons=persons) for p in (fitted, constant)
        )
        scores.append([metric(outcome.select(judged)) for outcome in both])
    return _judge_shuffles(*np.array(scores).T, metric=metric)


def _judge_shuffles(scores: NDArray[np.float64], nothing: NDArray[np.float64], *, metric: Metric) -> Check:
    """Return whether the shuffled scores are no better than chance: by three standard errors and a hundredth."""
    scores = scores[np.isfinite(scores)]
    chance = (
        metric.chance
        if metric.chance is not None
        else float(np.nanmean(nothing))
        if np.isfinite(nothing).any()
        else float("nan")
    )
    if len(scores) < 2 or not np.isfinite(chance):
        return Check(
            name="shuffled labels", passed=True, value=float("nan"), text="too few people to shuffle labels among them"
        )
    mean, error = float(scores.mean()), float(scores.std(ddof=1) / np.sqrt(len(scores)))
    gain = (mean - chance) * (1 if metric.larger_is_better else -1)
    passed = gain <= 3 * error + 0.01 * max(1.0, abs(chance))
    text = f"with labels dealt to other people, {metric.title} is {mean:.3f}; chance is {chance:.3f}"
    return Check(name="shuffled labels", passed=passed, value=mean, text=text if passed else f"{text}: something leaks")


def _deal(values: Labels, person: NDArray[np.int64], generator: np.random.Generator) -> Labels:
    """Return labels in which every person has the turned, stretched sequence of another one."""
    groups = _groups(person, int(person.max()) + 1)
    result = np.empty_like(values)
    for rows, donor in zip(groups, generator.permutation(len(groups)).tolist(), strict=True):
        given = values[groups[donor]]
        place = (np.arange(len(rows)) * len(given)) // len(rows) + int(generator.integers(len(given)))
        result[rows] = given[place % len(given)]
    return result


def _groups(code: NDArray[np.int64], number: int) -> list[NDArray[np.int64]]:
    """Return the row numbers of every code 0 to number - 1."""
    order = np.argsort(code, kind="stable")
    return np.split(order, np.searchsorted(code[order], np.arange(1, number)))


def _line_of(features: Vectors, labels: NDArray[np.float64]) -> int | None:
    """Return the first feature whose correlation with the label is 1 but for rounding to float32."""
    z, y = features.astype(np.float64), labels - labels.mean()
    z -= z.mean(axis=0)
    length = np.linalg.norm(z, axis=0) * np.linalg.norm(y)
    likeness = np.abs(y @ z) / np.where(length > 0, length, np.inf)
    found = np.flatnonzero(likeness > 1 - 1e-9)
    return int(found[0]) if len(found) else None


def _code_of(features: Vectors, labels: NDArray[np.generic]) -> int | None:
    """Return the first feature that has one value for each class, a different one."""
    classes = np.unique(labels)
    sides = [features[labels == each] for each in classes]
    still = np.all([np.ptp(side, axis=0) == 0 for side in sides], axis=0)
    for column in np.flatnonzero(still).tolist():
        if len({float(side[0, column]) for side in sides}) == len(classes):
            return int(column)
    return None


def failures(checks: Sequence[Check]) -> list[Check]:
    """Return the checks that did not pass."""
    return [check for check in checks if not check.passed]
