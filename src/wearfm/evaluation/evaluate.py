"""Evaluation: tables and tasks in, a report out.

    align tables -> labels -> units -> folds over persons -> audit -> probes -> intervals and comparisons -> report

Nothing here knows a model: vectors, persons and labels are all there is, so that hand-made features are judged alike.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration, UnknownName
from wearfm.evaluation import audit, baselines, cohort, few_shot, geometry
from wearfm.evaluation import folds as dealing
from wearfm.evaluation.alignment import Units, align, raise_to_level
from wearfm.evaluation.intervals import compare, holm, interval, resample
from wearfm.evaluation.metrics import METRICS, Calibration, Labels, Outcome, calibrate
from wearfm.evaluation.probes import PROBES, Target, given, predict
from wearfm.evaluation.provenance import versions
from wearfm.evaluation.report import ExampleWindow, Map, Report, Score, Source, TaskResult
from wearfm.evaluation.task import StoreTruth, Task
from wearfm.evaluation.verdict import Comparison, sentence
from wearfm.windows.people import same_persons
from wearfm.windows.split import pseudonym

if TYPE_CHECKING:
    from wearfm.embeddings.table import EmbeddingTable
    from wearfm.store import Store

Progress = Callable[[int, int, str], None]  # done, total, what is done now

_FURTHER = {
    "binary": ("auroc", "average_precision", "balanced_accuracy", "f1_macro"),
    "multiclass": ("auroc_ovo", "balanced_accuracy", "f1_macro", "accuracy"),
    "regression": ("mae", "rmse", "r2", "pearson", "spearman"),
}
_ON_THE_MAP = 600  # points that a page can show


@dataclass(frozen=True, kw_only=True)
class _Settings:
    folds: int
    seed: int
    bootstrap: int
    probe: str
    few_shot: int
    predictions: Collection[str]
    test: Collection[str] | None


@dataclass(frozen=True, kw_only=True, eq=False)
class _Deal:
    """Folds of the units, dealt several times.

    fold: (repeats, U), 0 to k - 1; k for people whom pretraining has seen: they teach every probe and are never judged.
    person: (U,) codes. judged: (U,).
    """

    fold: NDArray[np.int64]
    person: NDArray[np.int64]
    judged: NDArray[np.bool_]
    k: int

    @property
    def people(self) -> int:
        """How many people are judged."""
        return len(np.unique(self.person[self.judged]))

    def stack(self, labels: Labels, predictions: Sequence[NDArray[np.float64]]) -> Outcome:
        """Return all repeats as one outcome, in which every probe is a fold of its own."""
        repeats = len(self.fold)
        own = self.fold + self.k * np.arange(repeats)[:, None]  # (repeats, U)
        everybody = Outcome(
            labels=np.concatenate([labels] * repeats),
            prediction=np.concatenate(predictions),
            person=np.tile(self.person, repeats),
            fold=own.ravel(),
            persons=int(self.person.max()) + 1,
        )
        return everybody.select(np.tile(self.judged, repeats))


def evaluate(
    tables: Mapping[str, EmbeddingTable] | EmbeddingTable,
    tasks: Sequence[Task],
    *,
    store: Store,
    folds: int = 5,
    seed: int = 0,
    bootstrap: int = 1000,
    probe: str = "linear",
    few_shot: int = 20,
    predictions: Collection[str] = (),
    test: Collection[str] | None = None,
    examples: Sequence[ExampleWindow] = (),
    command: str = "",
    progress: Progress | None = None,
) -> Report:
    """Judge the first table on tasks, beside the others, the training mean and demographics, by participant.

    tables: name -> table; the first is judged, the others are its baselines and peers. All are cut to the windows they
    share. store: where labels and raw data are. folds: 3 to 20, fewer where fewer people have a label. bootstrap:
    resamples of persons behind every interval. probe: a name of `probes.PROBES`. few_shot: draws of people for each
    point of the few-shot curves, 0 for none. predictions: names of tables that hold predictions (of a fine-tuned model)
    instead of features; they need no probe. test: participants to judge, all others teach; None for folds over all whom
    pretraining has not seen. examples: windows to show. command: what to print on the page.
    LeakyScheme if one person could stand on both sides.
    """
    started = time.perf_counter()
    if probe not in PROBES:
        raise UnknownName("probe", probe, PROBES)
    settings = _Settings(
        folds=folds, seed=seed, bootstrap=bootstrap, probe=probe, few_shot=few_shot, predictions=predictions, test=test
    )
    named = _named(tables, tasks)
    aligned = align(named)
    truth, persons = StoreTruth(store), same_persons(store)
    audit.require_known(aligned.rows, truth.known)
    judged = next(iter(named))
    everybody = np.array([persons.get(name, name) for name in aligned.rows.participant.tolist()], dtype=np.str_)
    embedded = next((name for name in named if name not in predictions), judged)  # predictions are narrow by nature
    shape = audit.look_for_collapse(aligned.features[embedded], everybody, seed=seed)
    seen = _seen(named, aligned.rows.participant, persons)
    results = []
    for task in _followed(tasks, progress):
        units = raise_to_level(task, aligned, truth, persons)
        results.append(_answer(task, units, truth, persons, seen, settings))
    return Report(
        model=judged,
        results=tuple(results),
        sources=tuple(_source(name, table, aligned.dropped[name]) for name, table in named.items()),
        cohort=cohort.describe(store, persons),
        checks=(*shape, *_age_of_tables(named, store.fingerprint())),
        settings={"folds": folds, "seed": seed, "bootstrap": bootstrap, "probe": probe, "few_shot": few_shot},
        store_fingerprint=store.fingerprint(),
        versions=versions(),
        wall_s=time.perf_counter() - started,
        command=command,
        examples=tuple(examples),
    )


def _followed(tasks: Sequence[Task], progress: Progress | None) -> Iterator[Task]:
    """Yield the tasks, and tell how many are answered."""
    for done, task in enumerate(tasks):
        if progress is not None:
            progress(done, len(tasks), task.name)
        yield task
    if progress is not None:
        progress(len(tasks), len(tasks), "report")


def _named(tables: Mapping[str, EmbeddingTable] | EmbeddingTable, tasks: Sequence[Task]) -> dict[str, EmbeddingTable]:
    named = dict(tables) if isinstance(tables, Mapping) else {tables.header.recipe: tables}
    taken = {baselines.MEAN, baselines.DEMOGRAPHICS} & set(named)
    if taken or not named:
        raise BadConfiguration(f"tables {list(named)}: give at least one, and no name of our own baselines: {sorted(taken)}")
    twice = sorted({task.name for task in tasks if sum(other.name == task.name for other in tasks) > 1})
    if twice or not tasks:
        raise BadConfiguration(f"tasks {[task.name for task in tasks]}: give at least one, each name once")
    return named


def _seen(tables: Mapping[str, EmbeddingTable], participants: NDArray[np.str_], persons: Mapping[str, str]) -> frozenset[str]:
    """Return the persons whose recordings the weights behind any table were trained on."""
    hidden = {name for table in tables.values() for name in table.header.seen}
    return frozenset(persons.get(name, name) for name in set(participants.tolist()) if pseudonym(name) in hidden)


def _answer(
    task: Task,
    units: Units,
    truth: StoreTruth,
    persons: Mapping[str, str],
    seen: frozenset[str],
    settings: _Settings,
) -> TaskResult:
    """Return the result of one task, or why it has none."""
    blank = TaskResult(
        task=task.name,
        question=task.question,
        dataset=task.dataset,
        kind=task.kind,
        level=task.level,
        unit=task.unit,
        metric=task.metric,
        citation=task.citation,
        published=task.published,
        dropped=units.dropped,
    )
    units = _without_rare(units)
    obstacle = _obstacle(task, units)
    if obstacle:
        return replace(blank, unanswered=obstacle)
    facts, used = baselines.demographics(units.rows, truth, task.demographics)
    features = {**units.features, **({baselines.DEMOGRAPHICS: facts} if used else {})}
    deal = _deal(units, seen, settings)
    probed = {name: vectors for name, vectors in features.items() if name not in settings.predictions}
    checks = [*_audit(units, probed, deal, persons), audit.look_at_pretraining(units.person, deal.judged, seen)]
    target = Target(values=units.labels, num_classes=len(units.classes))
    result = replace(
        blank,
        participants=deal.people,
        teachers=len(np.unique(deal.person)) - deal.people,
        rows=int(deal.judged.sum()),
        windows=units.windows,
        folds=deal.k,
        repeats=len(deal.fold),
        split=_split(units, deal),
        counts=_counts(units, deal.judged),
        dropped=units.dropped,
        demographics=used,
        map=_map(units, settings.seed),
    )
    result = _score(task, result, features, target, deal, settings)
    return _control(task, result, features, target, deal, settings, checks)


def _score(
    task: Task,
    result: TaskResult,
    features: Mapping[str, NDArray[np.float32]],
    target: Target,
    deal: _Deal,
    settings: _Settings,
) -> TaskResult:
    """Return the result with scores, comparisons and verdict."""
    metric = METRICS[task.metric]
    counts = resample(deal.people, replicates=settings.bootstrap, seed=settings.seed)
    judged = next(iter(features))
    outcomes, scores = {}, []
    for name in (*features, baselines.MEAN):
        probe = "mean" if name == baselines.MEAN else settings.probe
        vectors = features.get(name, np.zeros((len(deal.person), 1), dtype=np.float32))
        if name in settings.predictions:
            made = [given(vectors, target)] * len(deal.fold)
        else:
            made = [predict(probe, vectors, target, fold) for fold in deal.fold]
        outcomes[name] = deal.stack(target.values, [each.values for each in made])
        scores.append(
            Score(
                model=name,
                features=vectors.shape[1] if name != baselines.MEAN else 0,
                interval=interval(metric, outcomes[name], counts=counts),
                others={other: METRICS[other](outcomes[name]) for other in _FURTHER[task.kind] if other != task.metric},
                strength=made[0].strength[: deal.k],
                solved=float(np.mean([each.solved for each in made])),
                calibration=_calibration(task, outcomes[name]),
            )
        )
    rivals = [name for name in outcomes if name != judged]
    gaps = [compare(metric, outcomes[judged], outcomes[name], counts=counts) for name in rivals]
    adjusted = holm([gap.p for gap in gaps])
    against = [Comparison(against=n, difference=g, p_holm=p) for n, g, p in zip(rivals, gaps, adjusted, strict=True)]
    verdict = sentence(metric, task.unit, scores[0].interval, against)
    return replace(result, scores=tuple(scores), comparisons=tuple(against), verdict=verdict)


def _control(
    task: Task,
    result: TaskResult,
    features: Mapping[str, NDArray[np.float32]],
    target: Target,
    deal: _Deal,
    settings: _Settings,
    checks: list[audit.Check],
) -> TaskResult:
    """Return the result with few-shot curves and the checks that need probes."""
    metric, judged, fold = METRICS[task.metric], next(iter(features)), deal.fold[0]
    shuffled = audit.look_at_shuffled_labels(
        features[judged], target, deal.person, fold, judged=deal.judged, metric=metric, seed=settings.seed
    )
    solved = min(score.solved for score in result.scores)
    text = f"{solved:.1%} of the probes reached their optimum"
    optimum = audit.Check(name="probes at their optimum", passed=solved == 1.0, value=solved, text=text)
    drawn = []
    if settings.few_shot:
        drawn = few_shot.curves(
            features,
            target,
            deal.person,
            fold,
            judged=deal.judged,
            metric=metric,
            draws=settings.few_shot,
            seed=settings.seed,
        )
    return replace(result, curves=tuple(drawn), checks=(*checks, shuffled, optimum))


def _deal(units: Units, seen: frozenset[str], settings: _Settings) -> _Deal:
    """Return the folds; people whom pretraining has seen only teach, unless too few would be left to judge."""
    _, person = np.unique(units.person, return_inverse=True)
    if settings.test is not None:
        return _deal_to_test(units, person.astype(np.int64), settings)
    judged = ~np.isin(units.person, sorted(seen))
    if not _can_be_judged(units, judged):
        judged = np.ones(len(units), dtype=bool)
    k = min(settings.folds, len(np.unique(person[judged])))
    stratum = dealing.strata(units.labels, units.person)[judged]
    seeds = range(settings.seed, settings.seed + dealing.repeats(int(judged.sum())))
    fold = np.full((len(seeds), len(units)), k, dtype=np.int64)
    fold[:, judged] = [dealing.assign(units.person[judged], stratum, k=k, seed=seed) for seed in seeds]
    return _Deal(fold=fold, person=person.astype(np.int64), judged=judged, k=k)


def _deal_to_test(units: Units, person: NDArray[np.int64], settings: _Settings) -> _Deal:
    """Return one fold of the people to judge; all others teach, in folds of their own on which penalties are chosen."""
    judged = np.isin(units.rows.participant, sorted(settings.test or ()))
    teachers = len(np.unique(person[~judged]))
    if teachers < 3 or not judged.any():
        raise BadConfiguration(
            f"{teachers} people would teach and {len(np.unique(person[judged]))} be judged; name others in test"
        )
    fold = np.zeros((1, len(units)), dtype=np.int64)
    stratum = dealing.strata(units.labels, units.person)[~judged]
    inner = dealing.assign(units.person[~judged], stratum, k=min(settings.folds, teachers), seed=settings.seed)
    fold[0, ~judged] = 1 + inner
    return _Deal(fold=fold, person=person, judged=judged, k=1)


def _can_be_judged(units: Units, judged: NDArray[np.bool_]) -> bool:
    """Return whether the judged people alone fill three folds, with every class in two of them."""
    if len(np.unique(units.person[judged])) < 3:
        return False
    if not units.classes:
        return True
    return all(len(np.unique(units.person[judged & (units.labels == each)])) >= 2 for each in np.unique(units.labels))


def _audit(
    units: Units, features: Mapping[str, NDArray[np.float32]], deal: _Deal, persons: Mapping[str, str]
) -> list[audit.Check]:
    """Return the checks on the scheme; LeakyScheme stops everything."""
    for fold in deal.fold:
        audit.require_one_side(units.person, fold)
        audit.require_distinct_data(units.rows.participant, fold, persons)
    for name, vectors in features.items():
        audit.require_no_label_copy(vectors, units.labels, name)
    twins = audit.require_no_twins(next(iter(features.values())), units.person, deal.fold[0])
    people = audit.Check(
        name="people on one side",
        passed=True,
        value=0.0,
        text=f"no person stands on two sides of a split (people dealt into {deal.k} folds, {len(deal.fold)} times over)",
    )
    return [people, twins]


def _without_rare(units: Units) -> Units:
    """Return the units without classes that fewer than two persons have; the windows of those are counted as dropped."""
    if len(units.classes) < 3:
        return units
    owners = [len(set(units.person[units.labels == number].tolist())) for number in range(len(units.classes))]
    kept = [number for number, people in enumerate(owners) if people >= 2]
    chosen = np.isin(units.labels, kept)
    place = np.full(len(units.classes), -1, dtype=np.int64)
    place[kept] = np.arange(len(kept))
    lost = int((~chosen).sum())
    return replace(
        units,
        rows=units.rows.select(chosen),
        person=units.person[chosen],
        labels=place[units.labels[chosen].astype(np.int64)],
        classes=tuple(units.classes[number] for number in kept),
        features={name: vectors[chosen] for name, vectors in units.features.items()} if lost else units.features,
        dropped={**units.dropped, "class of a single person": lost} if lost else units.dropped,
    )


def _obstacle(task: Task, units: Units) -> str:
    """Return why the task cannot be answered; "" if it can."""
    people = len(set(units.person.tolist()))
    if people < task.min_participants:
        return f"{people} participants have a label; at least {task.min_participants} are needed"
    if task.kind == "regression":
        return "the label is the same for everybody" if np.ptp(units.labels) == 0 else ""
    if len(units.classes) < 2:
        return "fewer than two classes occur in two or more participants"
    for number, name in enumerate(units.classes):
        owners = len(set(units.person[units.labels == number].tolist()))
        if owners < 2:
            return f"class {name!r} occurs in {owners} participants; at least 2 are needed"
    return ""


def _calibration(task: Task, outcome: Outcome) -> Calibration | None:
    return calibrate(outcome.labels, outcome.prediction) if task.kind == "binary" else None


def _split(units: Units, deal: _Deal) -> dict[str, tuple[int, ...]]:
    """Return pseudonym -> fold in every repeat, so that anybody who knows the people can check who was tested by what."""
    names, first = np.unique(units.person, return_index=True)
    return {pseudonym(str(name)): tuple(deal.fold[:, row].tolist()) for name, row in zip(names, first, strict=True)}


def _counts(units: Units, judged: NDArray[np.bool_]) -> dict[str, float]:
    """Return what the labels of the judged units are like."""
    y = units.labels[judged]
    if units.classes:
        return {name: int((y == number).sum()) for number, name in enumerate(units.classes)}
    return {"mean": float(y.mean()), "standard deviation": float(y.std()), "least": float(y.min()), "largest": float(y.max())}


def _map(units: Units, seed: int) -> Map:
    chosen = np.arange(len(units))
    if len(chosen) > _ON_THE_MAP:
        chosen = np.sort(np.random.default_rng(seed).choice(chosen, _ON_THE_MAP, replace=False))
    points, share = geometry.project(next(iter(units.features.values()))[chosen])
    labels = np.array(units.classes)[units.labels[chosen].astype(np.int64)] if units.classes else units.labels[chosen]
    return Map(points=points, label=labels, person=units.person[chosen], share=share)


def _source(name: str, table: EmbeddingTable, dropped: int) -> Source:
    return Source(name=name, header=table.header.to_json(), rows=len(table), width=table.vector.shape[1], dropped=dropped)


def _age_of_tables(tables: Mapping[str, EmbeddingTable], fingerprint: str) -> list[audit.Check]:
    old = [name for name, table in tables.items() if table.header.store_fingerprint not in ("", fingerprint)]
    text = (
        f"{', '.join(old)}: made from a store with other content than now; embed again"
        if old
        else "all tables were made from this store"
    )
    return [audit.Check(name="tables and store agree", passed=not old, value=float(len(old)), text=text)]
