"""Assessment: tables of vectors and outcomes of people in, a risk table out.

    align tables -> mean of each person's windows -> for every outcome: folds over people -> Cox probes -> C, AUROC, intervals

The p values are then adjusted over all outcomes that were answered.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration
from wearfm.evaluation import audit, baselines
from wearfm.evaluation import folds as dealing
from wearfm.evaluation.alignment import align
from wearfm.evaluation.intervals import Replicates, holm
from wearfm.evaluation.provenance import versions
from wearfm.evaluation.survival.chance import p_above_chance
from wearfm.evaluation.survival.concordance import Risks, auroc_at, average_over, c_index
from wearfm.evaluation.survival.cox import Ties
from wearfm.evaluation.survival.follow_up import FollowUp, survival
from wearfm.evaluation.survival.outcomes import Outcomes
from wearfm.evaluation.survival.probe import CoxFit, CoxProbe
from wearfm.evaluation.survival.table import YEAR_DAYS, RiskGap, RiskRow, RiskScore, RiskTable
from wearfm.evaluation.task import StoreTruth
from wearfm.windows.people import same_persons
from wearfm.windows.split import pseudonym

if TYPE_CHECKING:
    from wearfm.embeddings.table import EmbeddingTable
    from wearfm.store import Store

Progress = Callable[[int, int, str], None]  # done, total, what is done now
Vectors = NDArray[np.float32]

HORIZONS_DAYS = (YEAR_DAYS, 3 * YEAR_DAYS, 5 * YEAR_DAYS)
DEMOGRAPHICS = ("age_years", "sex", "bmi_kg_m2")


@dataclass(frozen=True)
class _Settings:
    probe: CoxProbe
    horizons_days: tuple[float, ...]
    _: KW_ONLY
    folds: int
    seed: int
    bootstrap: int
    min_events: int


@dataclass(frozen=True, kw_only=True, eq=False)
class _Cohort:
    """People with vectors. person: (P,) sorted names. features: model -> (P, D), means of windows. seen: (P,) in pretraining.

    persons: participant -> person. demographics: facts behind the baseline of that name.
    """

    person: NDArray[np.str_]
    features: Mapping[str, Vectors]
    seen: NDArray[np.bool_]
    persons: Mapping[str, str]
    demographics: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Question:
    """One outcome. place: (U,) of the people in the cohort. fold: (M, U) deals; k for those who only teach. judged: (U,)."""

    place: NDArray[np.int64]
    follow_up: FollowUp
    fold: NDArray[np.int64]
    judged: NDArray[np.bool_]


def assess(
    tables: Mapping[str, EmbeddingTable] | EmbeddingTable,
    outcomes: Outcomes,
    *,
    store: Store | None = None,
    demographics: Sequence[str] = DEMOGRAPHICS,
    horizons_days: Sequence[float] = HORIZONS_DAYS,
    ties: Ties = "breslow",
    folds: int = 5,
    seed: int = 0,
    bootstrap: int = 1000,
    min_events: int = 10,
    command: str = "",
    progress: Progress | None = None,
) -> RiskTable:
    """Return how well the first table's vectors tell who falls ill sooner, outcome by outcome, beside the other tables.

    tables: name -> table, one vector a window; all are cut to the windows they share and averaged over each person. store:
    where the tables' recordings are: joins ids of the same person, and knows the facts of the demographics baseline.
    horizons_days: of the AUROC. ties: of the Cox probe. folds: over people. bootstrap: resamples of people. min_events: with
    fewer events among the judged people an outcome is listed without figures. People whom pretraining has seen only teach.
    """
    started = time.perf_counter()
    days = tuple(float(each) for each in horizons_days)
    settings = _Settings(CoxProbe(ties=ties), days, folds=folds, seed=seed, bootstrap=bootstrap, min_events=min_events)
    _require_sense(settings)
    named = dict(tables) if isinstance(tables, Mapping) else {tables.header.recipe: tables}
    cohort = _gather(named, store, demographics)
    judged = next(iter(named))
    rows, joined = [], 0
    for done, (name, participant, follow_up) in enumerate(outcomes.each()):
        if progress is not None:
            progress(done, len(outcomes.names), name)
        question, twice = _ask(participant, follow_up, cohort, settings)
        joined = max(joined, twice)
        rows.append(_answer(name, question, cohort, settings))
    if progress is not None:
        progress(len(rows), len(rows), "table")
    people = np.array([cohort.persons.get(each, each) for each in np.unique(outcomes.participant).tolist()], dtype=np.str_)
    answered = _adjusted(rows)
    return RiskTable(
        model=judged,
        rows=tuple(answered),
        horizons_days=settings.horizons_days,
        people=len(cohort.person),
        unknown=len(np.setdiff1d(people, cohort.person)),
        without=len(np.setdiff1d(cohort.person, people)),
        joined=joined,
        demographics=cohort.demographics,
        checks=(*audit.look_for_collapse(cohort.features[judged], cohort.person, seed=seed), _optimum(answered)),
        settings={"folds": folds, "seed": seed, "bootstrap": bootstrap, "ties": ties, "min_events": min_events},
        headers={name: table.header.to_json() for name, table in named.items()},
        versions=versions(),
        wall_s=time.perf_counter() - started,
        command=command,
    )


def _require_sense(settings: _Settings) -> None:
    if settings.min_events < settings.folds:
        raise BadConfiguration(
            f"min_events={settings.min_events} is below folds={settings.folds}; every fold needs an event: raise it"
        )
    if not settings.horizons_days or min(settings.horizons_days) <= 0:
        raise BadConfiguration(f"horizons_days={settings.horizons_days}: give one or more, all above 0")


def _gather(tables: Mapping[str, EmbeddingTable], store: Store | None, names: Sequence[str]) -> _Cohort:
    """Return one vector a person and table, and what the store knows of everybody."""
    if not tables or baselines.DEMOGRAPHICS in tables:
        raise BadConfiguration(f"tables {list(tables)}: give at least one, none of them named {baselines.DEMOGRAPHICS!r}")
    aligned = align(tables)
    persons = same_persons(store) if store is not None else {}
    owner = np.array([persons.get(name, name) for name in aligned.rows.participant.tolist()], dtype=np.str_)
    person, first, code = np.unique(owner, return_index=True, return_inverse=True)
    features = {name: _means(vectors, code, len(person)) for name, vectors in aligned.features.items()}
    used: tuple[str, ...] = ()
    if store is not None:
        truth = StoreTruth(store)
        audit.require_known(aligned.rows, truth.known)
        facts, used = baselines.demographics(aligned.rows.select(first), truth, names)
        features |= {baselines.DEMOGRAPHICS: facts} if used else {}
    hidden = {name for table in tables.values() for name in table.header.seen}
    taught = {persons.get(name, name) for name in set(aligned.rows.participant.tolist()) if pseudonym(name) in hidden}
    return _Cohort(
        person=person,
        features=features,
        seen=np.isin(person, sorted(taught)),
        persons=persons,
        demographics=used,
    )


def _means(vectors: Vectors, code: NDArray[np.int64], number: int) -> Vectors:
    """Return the mean vector of every person, (P, D)."""
    order = np.argsort(code, kind="stable")
    starts = np.searchsorted(code[order], np.arange(number))
    total = np.add.reduceat(vectors[order].astype(np.float64), starts, axis=0)
    return np.asarray(total / np.bincount(code)[:, None], dtype=np.float32)


def _ask(participant: NDArray[np.str_], follow_up: FollowUp, cohort: _Cohort, settings: _Settings) -> tuple[_Question, int]:
    """Return the question of one outcome, and how many ids of a person were there twice."""
    person = np.array([cohort.persons.get(name, name) for name in participant.tolist()], dtype=np.str_)
    names, first = np.unique(person, return_index=True)
    known, rows, place = np.intersect1d(names, cohort.person, return_indices=True)
    people = follow_up.select(first[rows])
    judged = ~cohort.seen[place]
    question = _Question(place=place, follow_up=people, fold=np.zeros((0, len(known)), dtype=np.int64), judged=judged)
    if _obstacle(question, settings):
        return question, len(person) - len(names)
    stratum = people.event[judged].astype(np.str_)
    seeds = range(settings.seed, settings.seed + dealing.repeats(int(judged.sum())))
    fold = np.full((len(seeds), len(known)), settings.folds, dtype=np.int64)
    fold[:, judged] = [dealing.assign(known[judged], stratum, k=settings.folds, seed=seed) for seed in seeds]
    return replace(question, fold=fold), len(person) - len(names)


def _obstacle(question: _Question, settings: _Settings) -> str:
    """Return why an outcome cannot be answered; "" if it can."""
    people = question.follow_up.select(question.judged)
    aside = f", {int((~question.judged).sum())} whom pretraining has seen aside" if not question.judged.all() else ""
    if people.events < settings.min_events:
        return f"{people.events} events among {len(people)} people{aside}; at least {settings.min_events} are needed"
    if people.time_days[people.event].min() >= people.time_days.max():
        return f"nobody was followed beyond the first of {people.events} events; no two people can be compared"
    return ""


def _answer(name: str, question: _Question, cohort: _Cohort, settings: _Settings) -> RiskRow:
    """Return the row of one outcome, p values not yet adjusted."""
    judged = question.follow_up.select(question.judged)
    row = RiskRow(
        outcome=name,
        people=len(judged),
        events=judged.events,
        teachers=int((~question.judged).sum()),
        median_days=float(np.median(judged.time_days)) if len(judged) else float("nan"),
        unanswered=_obstacle(question, settings),
    )
    if row.unanswered:
        return row
    features = {model: vectors[question.place] for model, vectors in cohort.features.items()}
    _audit(features, question, cohort)
    replicates = Replicates.of(len(judged), replicates=settings.bootstrap, seed=settings.seed)
    scores, draws = [], {}
    for model, vectors in features.items():
        fits = [settings.probe.cross_fit(vectors, question.follow_up, fold) for fold in question.fold]
        risks = Risks(
            follow_up=judged,
            risk=np.stack([fit.risk[question.judged] for fit in fits]),
            fold=question.fold[:, question.judged],
        )
        draws[model] = c_index(risks, replicates.counts)
        scores.append(_score(model, vectors.shape[1], risks, fits, draws[model], replicates, settings))
    own = draws[scores[0].model]
    gaps = [RiskGap(against=score.model, difference=replicates.difference(own - draws[score.model])) for score in scores[1:]]
    return replace(row, folds=settings.folds, repeats=len(question.fold), scores=tuple(scores), gaps=tuple(gaps))


def _score(
    model: str,
    width: int,
    risks: Risks,
    fits: Sequence[CoxFit],
    concordance: NDArray[np.float64],
    replicates: Replicates,
    settings: _Settings,
) -> RiskScore:
    areas = auroc_at(risks, settings.horizons_days, replicates.counts)  # (1 + R + J, H)
    mean = average_over(settings.horizons_days, areas, survival(risks.follow_up, replicates.counts))
    return RiskScore(
        model=model,
        features=width,
        c_index=replicates.interval(concordance),
        auroc=tuple(replicates.interval(area) for area in areas.T),
        mean_auroc=replicates.interval(mean),
        p=p_above_chance(risks),
        strength=tuple(fits[0].strength[: settings.folds].tolist()),
        solved=float(np.mean([fit.solved for fit in fits])),
    )


def _audit(features: Mapping[str, Vectors], question: _Question, cohort: _Cohort) -> None:
    """Raise LeakyScheme if a feature is the time or the event itself, or people share their vectors across folds."""
    audit.require_no_twins(next(iter(features.values())), cohort.person[question.place], question.fold[0])
    for model, vectors in features.items():
        audit.require_no_label_copy(vectors, question.follow_up.time_days, model)
        audit.require_no_label_copy(vectors, question.follow_up.event.astype(np.int64), model)


def _adjusted(rows: Sequence[RiskRow]) -> list[RiskRow]:
    """Return the rows with p values adjusted over the answered outcomes, model by model."""
    answered = [row for row in rows if not row.unanswered]
    scores = [list(row.scores) for row in answered]
    for place in range(len(scores[0]) if scores else 0):
        plain = [each[place].p for each in scores]
        tested = sum(p == p for p in plain)
        for each, p, stepped in zip(scores, plain, holm(plain), strict=True):
            each[place] = replace(each[place], p_holm=stepped, p_bonferroni=min(1.0, p * tested) if p == p else p)
    done = iter(replace(row, scores=tuple(each)) for row, each in zip(answered, scores, strict=True))
    return [row if row.unanswered else next(done) for row in rows]


def _optimum(rows: Sequence[RiskRow]) -> audit.Check:
    solved = min((score.solved for row in rows for score in row.scores), default=1.0)
    text = f"{solved:.1%} of the probes reached their optimum"
    return audit.Check(name="probes at their optimum", passed=solved == 1.0, value=solved, text=text)
