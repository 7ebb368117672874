"""Bringing tables onto the same rows, and rows up to the level at which a task is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from wearfm.errors import BadConfiguration, IncompatibleTable
from wearfm.evaluation.metrics import Labels
from wearfm.evaluation.task import Rows, Task, Truth

if TYPE_CHECKING:
    from wearfm.embeddings.table import EmbeddingTable

Vectors = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Aligned:
    """The windows that every table has. features: name -> (N, D). dropped: table -> rows that some other table lacks."""

    rows: Rows
    features: Mapping[str, Vectors]
    dropped: Mapping[str, int]


@dataclass(frozen=True, kw_only=True, eq=False)
class Units:
    """What a task judges: one row a window, recording or participant, as the task asks.

    rows: of the first window of each unit. person: (U,) the human being, also where one has several ids. labels: (U,)
    numbers or class numbers. classes: names of the class numbers. windows: how many are behind the units. dropped:
    reason -> windows.
    """

    rows: Rows
    person: NDArray[np.str_]
    labels: Labels
    classes: tuple[str, ...]
    features: Mapping[str, Vectors]
    windows: int
    dropped: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.rows)


def align(tables: Mapping[str, EmbeddingTable]) -> Aligned:
    """Return the inner join of tables over (participant, recording, start), in sorted order."""
    keys = {name: _keys(name, table) for name, table in tables.items()}
    shared = set.intersection(*(set(index) for index in keys.values()))
    if not shared:
        raise IncompatibleTable(
            f"tables {', '.join(tables)} share no window; embed them from the same store with the same windows"
        )
    ordered = sorted(shared)
    places = {name: np.array([keys[name][key] for key in ordered], dtype=np.int64) for name in tables}
    first_name, first = next(iter(tables.items()))
    chosen = places[first_name]
    rows = Rows(
        participant=first.participant[chosen],
        recording=first.recording[chosen],
        start_ns=first.start_ns[chosen],
        duration_s=first.duration_s[chosen],
    )
    features = {name: table.vector[places[name]] for name, table in tables.items()}
    dropped = {name: len(table) - len(ordered) for name, table in tables.items()}
    return Aligned(rows=rows, features=features, dropped=dropped)


def raise_to_level(task: Task, aligned: Aligned, truth: Truth, persons: Mapping[str, str]) -> Units:
    """Return the labelled units of a task: windows without a label dropped and counted, the rest averaged to the level."""
    labels = task.label(aligned.rows, truth)
    if len(labels) != len(aligned.rows):
        raise BadConfiguration(
            f"task {task.name!r} gave {len(labels)} labels for {len(aligned.rows)} windows; it must give one each"
        )
    values, classes, dropped = _encode(task, labels)
    known = np.isfinite(values)
    rows, values = aligned.rows.select(known), values[known]
    person = np.array([persons.get(name, name) for name in rows.participant.tolist()], dtype=np.str_)
    unit, first = _units(rows, task)
    average = _averaging(unit)
    merged = _merge_labels(values, unit, len(classes))
    return Units(
        rows=rows.select(first),
        person=person[first],
        labels=merged.astype(np.int64) if task.kind != "regression" else merged,
        classes=classes,
        features={name: _averaged(average, vectors, known) for name, vectors in aligned.features.items()},
        windows=len(rows),
        dropped=dropped,
    )


def _keys(name: str, table: EmbeddingTable) -> dict[tuple[str, str, int], int]:
    columns = zip(table.participant.tolist(), table.recording.tolist(), table.start_ns.tolist(), strict=True)
    index = {key: row for row, key in enumerate(columns)}
    if len(index) != len(table):
        raise IncompatibleTable(f"table {name!r} has {len(table) - len(index)} windows twice; embed again, or drop the copies")
    return index


def _encode(task: Task, labels: NDArray[Any]) -> tuple[NDArray[np.float64], tuple[str, ...], dict[str, int]]:
    """Return labels as numbers (class numbers for classes; NaN where missing), the classes, and what is dropped."""
    if task.kind == "regression":
        values = _numbers(task, labels)
        return values, (), _counted({"no label": int(np.isnan(values).sum())})
    text = labels.astype(np.str_) if labels.dtype.kind != "f" else np.array(["" if np.isnan(v) else f"{v:g}" for v in labels])
    classes = _ordered(task) or tuple(sorted(set(text.tolist()) - {""}))
    place = {name: float(number) for number, name in enumerate(classes)}
    values = np.array([place.get(name, np.nan) for name in text.tolist()], dtype=np.float64)
    missing = int((text == "").sum())
    return values, classes, _counted({"no label": missing, "label not asked for": int(np.isnan(values).sum()) - missing})


def _numbers(task: Task, labels: NDArray[Any]) -> NDArray[np.float64]:
    if labels.dtype.kind in "US" and (labels != "").any():
        raise BadConfiguration(
            f"task {task.name!r} asks for numbers, but a label is {str(labels[labels != ''][0])!r}; use a numeric label"
        )
    values = np.full(len(labels), np.nan) if labels.dtype.kind in "US" else labels.astype(np.float64)
    return np.where(np.isfinite(values), values, np.nan)


def _ordered(task: Task) -> tuple[str, ...]:
    """Return the classes with the positive one last, so that its number is 1 in a binary task."""
    if task.kind != "binary":
        return task.classes
    return (*(name for name in task.classes if name != task.positive), task.positive)


def _units(rows: Rows, task: Task) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the unit number of every window, and the first window of every unit."""
    if task.level == "window":
        return np.arange(len(rows)), np.arange(len(rows))
    person = np.unique(rows.participant, return_inverse=True)[1]
    session = (
        np.unique(rows.recording, return_inverse=True)[1] if task.level == "recording" else np.zeros(len(rows), dtype=np.int64)
    )
    code = person * (int(session.max(initial=0)) + 1) + session
    _, first, unit = np.unique(code, return_index=True, return_inverse=True)
    return unit.astype(np.int64), first.astype(np.int64)


def _averaging(unit: NDArray[np.int64]) -> sparse.csr_array | None:
    """Return the matrix (units, windows) that averages windows to units; None if every window is a unit."""
    count = np.bincount(unit)
    if len(count) == len(unit):
        return None
    weight = (1 / count[unit]).astype(np.float64)
    return sparse.csr_array((weight, (unit, np.arange(len(unit)))), shape=(len(count), len(unit)))


def _averaged(average: sparse.csr_array | None, vectors: Vectors, known: NDArray[np.bool_]) -> Vectors:
    chosen = vectors[known]
    return chosen if average is None else np.asarray(average @ chosen, dtype=np.float32)


def _merge_labels(values: NDArray[np.float64], unit: NDArray[np.int64], num_classes: int) -> NDArray[np.float64]:
    """Return one label a unit: the mean of numbers, the most frequent of classes."""
    if num_classes == 0:
        return np.asarray(np.bincount(unit, weights=values) / np.bincount(unit))
    table = np.bincount(unit * num_classes + values.astype(np.int64), minlength=(int(unit.max(initial=-1)) + 1) * num_classes)
    return np.asarray(table.reshape(-1, num_classes).argmax(axis=1), dtype=np.float64)


def _counted(reasons: dict[str, int]) -> dict[str, int]:
    return {reason: number for reason, number in reasons.items() if number}
