"""A study: pretrain on some people, judge on others, in one call and one report.

    store ── split people ──▶ pretrain each learner on the training side
          └─ for each question: cut windows ─▶ embed ─▶ controls ─▶ evaluate on people no learner has seen ─▶ one report

Everything is kept in the study's folder and taken up again if it is there: runs, tables, the split.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wearfm.embeddings.controls import controls
from wearfm.embeddings.extract import Cut, embed_to
from wearfm.embeddings.table import EmbeddingTable
from wearfm.errors import BadConfiguration
from wearfm.evaluation.evaluate import evaluate
from wearfm.evaluation.learning import learned
from wearfm.evaluation.report import ExampleWindow, Report
from wearfm.evaluation.tasks import TASKS
from wearfm.recipes import RECIPES, build
from wearfm.recipes.base import at_window
from wearfm.signals.quality import LIMITS, quality
from wearfm.signals.units import modality as modality_facts
from wearfm.store import Store
from wearfm.training import TrainingConfig, load, train
from wearfm.training.log import LOG, read_log
from wearfm.windows.contract import ANY, InputContract, Stream
from wearfm.windows.index import WindowIndex
from wearfm.windows.load import load as load_batch
from wearfm.windows.people import same_persons
from wearfm.windows.split import Split, folds
from wearfm.windows.view import View

Watch = Callable[[str, int, int, str], None]  # stage, done, total, what
_FOLDS = 5
_TEST_FOLDS = (0, 1)  # 40 % of the people of each data set are seen by no learner


@dataclass(frozen=True, kw_only=True)
class Learner:
    """A recipe to pretrain. modalities: what it is trained on and embeds. datasets: whose people it may see; none for all."""

    recipe: str
    config: Any
    training: TrainingConfig
    modalities: tuple[str, ...]
    datasets: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Question:
    """Tasks of one data set. window_s, stride_s: how its recordings are cut. modalities: what may be looked at."""

    dataset: str
    tasks: tuple[str, ...]
    window_s: float
    stride_s: float
    modalities: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Study:
    """Learners and questions. The first learner that can answer a question is judged, the others are its peers."""

    learners: tuple[Learner, ...]
    questions: tuple[Question, ...]
    seed: int = 0


def run_study(study: Study, store: Store, folder: Path, *, watch: Watch, command: str = "") -> Report:
    """Pretrain, embed and judge; return the report of all questions and keep it in `folder/report`."""
    split = split_people(store, seed=study.seed)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "split.json").write_text(json.dumps(split.to_json(), indent=1))
    for learner in study.learners:
        _pretrain(learner, store, split, folder, watch)
    reports = {question.dataset: _answer(question, study, store, folder, watch) for question in study.questions}
    report = replace(_join(reports), command=command, examples=tuple(_examples(study, store)))
    runs = {learner.recipe: folder / "runs" / learner.recipe for learner in study.learners}
    report = report.with_learning([learned(name, read_log(run / LOG)) for name, run in runs.items()])
    report.write(folder / "report")
    return report


def split_people(store: Store, *, seed: int) -> Split:
    """Return a split by person: of every data set, three fifths to train on and two fifths that no learner sees."""
    people = sorted({row.participant for row in store.recordings()})
    persons = same_persons(store)
    if len(set(persons.values())) < _FOLDS:
        raise BadConfiguration(f"{len(people)} participants; a study needs at least {_FOLDS}: add recordings")
    fold = folds(people, k=_FOLDS, seed=seed, stratify=[name.partition(":")[0] for name in people], persons=persons)
    test = frozenset(name for name, number in zip(people, fold, strict=True) if number in _TEST_FOLDS)
    return Split(train=frozenset(people) - test, validation=frozenset(), test=test)


def _pretrain(learner: Learner, store: Store, split: Split, folder: Path, watch: Watch) -> None:
    taught = [name for name in split.train if not learner.datasets or name.partition(":")[0] in learner.datasets]
    part = View(store, participants=taught, modalities=learner.modalities)
    recipe = build(RECIPES[learner.recipe], learner.config, seed=learner.training.seed)

    def follow(line: Any) -> None:
        watch(f"pretrain {learner.recipe}", int(line["step"]), int(line["total"]), f"loss {line.get('loss', 0):.3g}")

    train(recipe, part, config=learner.training, run=folder / "runs" / learner.recipe, progress=follow)


def _answer(question: Question, study: Study, store: Store, folder: Path, watch: Watch) -> Report:
    """Return the report on one data set."""
    people = frozenset(row.participant for row in store.recordings() if row.participant.startswith(f"{question.dataset}:"))
    tables: dict[str, EmbeddingTable] = {}
    for learner in study.learners:
        modalities = tuple(name for name in question.modalities if name in learner.modalities)
        if not modalities:
            continue
        recipe = at_window(load(folder / "runs" / learner.recipe), question.window_s)
        tables[learner.recipe] = embed_to(
            folder / "tables" / f"{question.dataset}-{learner.recipe}.parquet",
            recipe,
            store,
            cut=Cut(stride_s=question.stride_s, participants=people, modalities=modalities),
            progress=partial(watch, f"embed {question.dataset} with {learner.recipe}"),
        )
    if not tables:
        raise BadConfiguration(f"no learner takes {' or '.join(question.modalities)}, which {question.dataset} has; add one")
    first = next(iter(tables.values()))
    watch_controls = partial(watch, f"embed {question.dataset} with random weights")
    tables |= controls(first, store, seed=study.seed + 1, progress=watch_controls)
    return evaluate(
        tables,
        [TASKS[name] for name in question.tasks],
        store=store,
        seed=study.seed,
        progress=partial(watch, f"judge {question.dataset}"),
    )


def _join(reports: Mapping[str, Report]) -> Report:
    """Return one report of the reports on several data sets of one store, whose tables and checks carry the set's name."""
    first = next(iter(reports.values()))
    if len(reports) == 1:
        return first
    return replace(
        first,
        results=tuple(result for report in reports.values() for result in report.results),
        sources=tuple(
            replace(source, name=f"{source.name} on {name}") for name, report in reports.items() for source in report.sources
        ),
        checks=tuple(
            replace(check, text=f"{name}: {check.text}") for name, report in reports.items() for check in report.checks
        ),
        wall_s=sum(report.wall_s for report in reports.values()),
    )


def _examples(study: Study, store: Store) -> Sequence[ExampleWindow]:
    """Return one window of each modality of each question, with what its quality indices say."""
    found = []
    for question in study.questions:
        for kind in question.modalities:
            people = [row.participant for row in store.recordings() if row.participant.startswith(f"{question.dataset}:")]
            found += _example(View(store, participants=people, modalities=[kind]), question, kind)
    return found


def _example(view: View, question: Question, kind: str) -> list[ExampleWindow]:
    contract = InputContract(streams=(Stream(modality=ANY, rate_hz=None),), window_s=question.window_s)
    index = WindowIndex.build(view, contract)
    if len(index) == 0:
        return []
    window = len(index) // 2
    stream = load_batch(view, index, np.array([window])).streams[kind]
    signal = stream.signal[0, :1].numpy()
    return [
        ExampleWindow(
            signal=signal[0],
            rate_hz=stream.rate_hz,
            unit=modality_facts(kind).unit,
            title=f"{question.dataset}: {kind}, {question.window_s:g} s",
            quality=_judged(signal, stream.rate_hz, kind),
        )
    ]


def _judged(signal: NDArray[np.float32], rate_hz: float, kind: str) -> str:
    """Return in words what the quality indices say of a window."""
    if kind not in LIMITS:
        return "no quality limits are known for this modality"
    assessment = quality(signal, rate_hz=rate_hz, modality=kind)
    return "good" if assessment.good[0] else f"doubtful: {', '.join(assessment.reasons[0])}"
