"""Fine-tuning: a pretrained method, a head, labels of some people, and a report on others.

    task ── labels of windows ── people whom pretraining has seen teach ──▶ supervised recipe ──▶ predictions ─┐
                              ╰─ people whom it has not seen are judged ◀── report ◀─ frozen encoder, controls ┘

One split by person for everything: the fine-tuned model, probes on the frozen encoder and the hand-made features learn
from the same people and are judged on the same others.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wearfm.embeddings.controls import controls
from wearfm.embeddings.extract import Cut, embed
from wearfm.errors import BadConfiguration
from wearfm.evaluation.evaluate import evaluate
from wearfm.evaluation.report import Report
from wearfm.evaluation.task import Rows, StoreTruth, Task
from wearfm.recipes.base import Recipe
from wearfm.recipes.supervised import LABEL, Supervised
from wearfm.store import Store
from wearfm.training import TrainingConfig, train
from wearfm.windows.index import WindowIndex
from wearfm.windows.people import same_persons
from wearfm.windows.split import folds, pseudonym

Watch = Callable[[str, int, int, str], None]  # stage, done, total, what
TUNED = "fine-tuned"
_FOLDS = 5
_TEST_FOLDS = (0, 1)  # 40 % of the people, where pretraining has seen nobody of the task


@dataclass(frozen=True, kw_only=True)
class Head:
    """How the head and the encoder learn; the fields mean what they mean in `SupervisedConfig`.

    is_balanced: classes weigh as if they were equally frequent among the teachers' windows.
    """

    hidden: int = 128
    dropout: float = 0.1
    encoder_rate: float = 0.1
    frozen_steps: int = 0
    is_balanced: bool = True


@dataclass(frozen=True, kw_only=True, eq=False)
class Lesson:
    """Labelled windows. index: those of the teachers, with their labels as targets. teachers, judged: participants."""

    index: WindowIndex
    teachers: frozenset[str]
    judged: frozenset[str]
    classes: tuple[str, ...]
    labels: NDArray[Any]


def finetune(
    method: Recipe,
    store: Store,
    task: Task,
    *,
    run: str | Path,
    training: TrainingConfig,
    head: Head | None = None,
    test: Collection[str] | None = None,
    bootstrap: int = 1000,
    watch: Watch | None = None,
) -> Report:
    """Fine-tune a method on a task; return the report on people who were seen neither in pretraining nor in fine-tuning.

    test: participants to judge; None for all with a label whom pretraining has not seen, or two fifths of the people if it
    has seen nobody. The report puts the fine-tuned model beside a probe on the frozen encoder, hand-made statistics,
    random weights, demographics and the mean. The run's folder keeps checkpoints of a `supervised` recipe.
    """
    lesson = lessons(method, store, task, stride_s=training.stride_s, seed=training.seed, test=test)
    recipe = Supervised.on_top_of(method, seed=training.seed, **_settings(lesson, head or Head()))

    def follow(line: Mapping[str, Any]) -> None:
        if watch is not None:
            watch("fine-tune", int(line["step"]), int(line["total"]), f"loss {line.get('loss', 0):.3g}")

    train(recipe, store, config=training, run=run, index=lesson.index, progress=follow)
    return _judge(recipe.eval(), method, store, task, lesson, training=training, bootstrap=bootstrap)


def lessons(
    method: Recipe,
    store: Store,
    task: Task,
    *,
    seed: int,
    stride_s: float | None = None,
    test: Collection[str] | None = None,
) -> Lesson:
    """Return the labelled windows of a task that fit a method, and who teaches and who is judged."""
    index = WindowIndex.build(store, method.input, stride_s=stride_s)
    rows = _rows(index)
    labels = task.label(rows, StoreTruth(store))
    classes = _classes(task, labels)
    values = _encoded(labels, classes)
    known = np.isfinite(values)
    if not known.any():
        raise BadConfiguration(
            f"task {task.name!r} has no label for any window of {method.name} in this store; prepare {task.dataset}"
        )
    index, values = index.select(known), values[known]
    people = [index.participants[code] for code in index.participant.tolist()]
    judged = _judged(people, values if classes else values * 0, method, store, seed=seed, test=test)
    taught = np.array([name not in judged for name in people])
    if not taught.any() or taught.all():
        raise BadConfiguration(
            f"{len(judged)} of {len(set(people))} participants would be judged; both sides need people: name others in test"
        )
    target = values[taught].astype(np.int64) if classes else values[taught]
    return Lesson(
        index=index.select(taught).with_targets(**{LABEL: target}),
        teachers=frozenset(people) - judged,
        judged=judged,
        classes=classes,
        labels=target,
    )


def _rows(index: WindowIndex) -> Rows:
    return Rows(
        participant=np.array(index.participants, dtype=np.str_)[index.participant],
        recording=np.array(index.recordings, dtype=np.str_)[index.recording],
        start_ns=index.start_ns,
        duration_s=np.full(len(index), index.contract.window_s),
    )


def _classes(task: Task, labels: NDArray[Any]) -> tuple[str, ...]:
    """Return the class names in the order in which the evaluation numbers them; none for numbers."""
    if task.kind == "regression":
        return ()
    if task.kind == "binary":
        return (*(name for name in task.classes if name != task.positive), task.positive)
    return task.classes or tuple(sorted(set(labels.astype(np.str_).tolist()) - {""}))


def _encoded(labels: NDArray[Any], classes: tuple[str, ...]) -> NDArray[np.float64]:
    """Return numbers, or class numbers as float64; NaN where there is no label."""
    if not classes:
        return labels.astype(np.float64)
    place = {name: float(number) for number, name in enumerate(classes)}
    return np.array([place.get(str(name), np.nan) for name in labels.tolist()], dtype=np.float64)


def _judged(
    people: list[str],
    values: NDArray[np.float64],
    method: Recipe,
    store: Store,
    *,
    seed: int,
    test: Collection[str] | None,
) -> frozenset[str]:
    """Return who is judged: those asked for, else those whom pretraining has not seen, else two fifths of the people."""
    names = sorted(set(people))
    persons = same_persons(store)
    seen_persons = {persons.get(name, name) for name in names if pseudonym(name) in method.seen}
    if test is not None:
        taught = [name for name in test if persons.get(name, name) in seen_persons]
        if taught:
            raise BadConfiguration(f"participant {taught[0]!r} was seen in pretraining; judge people whom it has not seen")
        return frozenset(test) & frozenset(names)
    if seen_persons:
        return frozenset(name for name in names if persons.get(name, name) not in seen_persons)
    if len({persons.get(name, name) for name in names}) < _FOLDS:
        raise BadConfiguration(f"{len(names)} participants have a label; at least {_FOLDS} are needed, or name them in test")
    usual = {name: float(np.median(values[np.array(people) == name])) for name in names}
    stratum = [f"{usual[name]:.0f}" for name in names]
    fold = folds(names, k=_FOLDS, seed=seed, stratify=stratum, persons=persons)
    return frozenset(name for name, number in zip(names, fold.tolist(), strict=True) if number in _TEST_FOLDS)


def _settings(lesson: Lesson, head: Head) -> dict[str, Any]:
    """Return the settings of the supervised recipe that the labels of the teachers decide."""
    chosen = {name: value for name, value in asdict(head).items() if name != "is_balanced"}
    if not lesson.classes:
        return {**chosen, "classes": (), "label_mean": float(lesson.labels.mean()), "label_std": float(lesson.labels.std())}
    count = np.bincount(lesson.labels, minlength=len(lesson.classes))
    if (count == 0).any():
        missing = lesson.classes[int(count.argmin())]
        raise BadConfiguration(f"class {missing!r} has no window among the {len(lesson.teachers)} teachers; judge other people")
    weight = tuple((count.sum() / len(count) / count).tolist()) if head.is_balanced else ()
    return {**chosen, "classes": lesson.classes, "class_weight": weight}


def _judge(
    recipe: Supervised,
    method: Recipe,
    store: Store,
    task: Task,
    lesson: Lesson,
    *,
    training: TrainingConfig,
    bootstrap: int,
) -> Report:
    cut = Cut(stride_s=training.stride_s, participants=lesson.teachers | lesson.judged)
    frozen = embed(method, store, cut=cut)
    tables = {
        TUNED: embed(recipe, store, cut=cut),
        f"{method.name}, frozen": frozen,
        **controls(frozen, store, seed=training.seed + 1),
    }
    return evaluate(
        tables,
        [task],
        store=store,
        seed=training.seed,
        bootstrap=bootstrap,
        few_shot=0,
        predictions={TUNED},
        test=lesson.judged,
    )
