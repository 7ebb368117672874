"""The public faces: from raw recordings to a report in a handful of calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from wearfm.embeddings.controls import controls, handmade
from wearfm.embeddings.table import EmbeddingTable
from wearfm.errors import UnknownName
from wearfm.evaluation.evaluate import evaluate as evaluate_tables
from wearfm.evaluation.learning import learned
from wearfm.evaluation.report import Report
from wearfm.evaluation.survival import Outcomes, RiskTable, assess
from wearfm.evaluation.task import Task
from wearfm.evaluation.tasks import TASKS
from wearfm.recipes import RECIPES, create
from wearfm.recipes.base import Recipe
from wearfm.store import Store
from wearfm.training.checkpoint import load as load_checkpoint
from wearfm.training.log import LOG, read_log


def load(model: str | Path) -> Recipe:
    """Return the recipe of a run folder or a checkpoint folder; the name of a recipe gives it with random weights."""
    return create(str(model)) if str(model) in RECIPES and not Path(model).exists() else load_checkpoint(Path(model))


def tasks_named(names: Sequence[str | Task]) -> list[Task]:
    """Return tasks by their names; UnknownName offers the nearest."""
    found = []
    for name in names:
        if isinstance(name, str) and name not in TASKS:
            raise UnknownName("task", name, TASKS)
        found.append(TASKS[name] if isinstance(name, str) else name)
    return found


def evaluate(
    table: EmbeddingTable | Mapping[str, EmbeddingTable],
    tasks: Sequence[str | Task],
    *,
    store: Store,
    seed: int = 0,
    runs: Mapping[str, str | Path] = MappingProxyType({}),
    **settings: Any,
) -> Report:
    """Judge an embedding table on tasks, beside hand-made statistics, random weights, demographics and the mean.

    table: one table, or name -> table with the model judged first and its peers behind it. tasks: names of
    `wearfm.evaluation.tasks.TASKS`, or tasks of your own. store: where the labels are. runs: name -> folder of a
    pretraining run, whose curves the report shows. settings: of `evaluation.evaluate`.
    """
    tables = {table.header.recipe: table} if isinstance(table, EmbeddingTable) else dict(table)
    first = next(iter(tables.values()))
    tables |= controls(first, store, seed=seed)
    report = evaluate_tables(tables, tasks_named(tasks), store=store, seed=seed, **settings)
    return report.with_learning([learned(name, read_log(Path(run) / LOG)) for name, run in runs.items()])


def assess_risk(
    table: EmbeddingTable | Mapping[str, EmbeddingTable],
    outcomes: Outcomes | str | Path,
    *,
    store: Store | None = None,
    **settings: Any,
) -> RiskTable:
    """Say who falls ill sooner, outcome by outcome, beside hand-made statistics and demographics.

    table: one table, or name -> table with the model judged first and its peers behind it. outcomes: a CSV or Parquet file
    with the columns participant, outcome, time_days, event, or `evaluation.survival.Outcomes`. store: what the table was made
    from; without it there are no baselines but the peers. settings: of `evaluation.survival.assess`.
    """
    tables = {table.header.recipe: table} if isinstance(table, EmbeddingTable) else dict(table)
    found = outcomes if isinstance(outcomes, Outcomes) else Outcomes.read(outcomes)
    if store is not None:
        tables |= handmade(next(iter(tables.values())), store)
    return assess(tables, found, store=store, **settings)
