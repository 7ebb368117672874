"""wearfm evaluate: embedding tables in, a report beside the baselines out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from wearfm.cli import terminal
from wearfm.errors import BadConfiguration


@dataclass(frozen=True, kw_only=True)
class Options:
    """Judge a table on tasks, by participant, beside hand-made statistics, random weights, demographics and the mean."""

    tables: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Embedding tables; the first is judged, the others are its peers."""
    store: Path = Path("store")
    """The store that the tables were made from; it has the labels."""
    tasks: tuple[str, ...] = ()
    """Names of tasks; by default every task of the data sets in the store."""
    runs: tuple[Path, ...] = ()
    """Folders of the pretraining runs; the report then shows how their losses and dimensions went."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"])] = Path("report")
    """The folder for report.html and report.json."""
    folds: int = 5
    """Folds of people."""
    seed: int = 0
    """Of folds, intervals and random weights."""
    json: bool = False
    """Print JSON."""


def run(words: Sequence[str]) -> int:
    """Run the verb."""
    options = terminal.parse(Options, "evaluate", words)
    if not options.tables:
        raise BadConfiguration("no embedding table was named; make one with: wearfm embed")
    from wearfm.embeddings.table import EmbeddingTable
    from wearfm.evaluation import TASKS
    from wearfm.store import Store
    from wearfm.workflow import evaluate

    tables = {path.stem: EmbeddingTable.read(path) for path in options.tables}
    datasets = {name.partition(":")[0] for name in next(iter(tables.values())).participant.tolist()}
    names = options.tasks or tuple(name for name, task in TASKS.items() if task.dataset in datasets)
    if not names:
        raise BadConfiguration(
            f"no task is known for data sets {sorted(datasets)}; name tasks with --tasks: {', '.join(TASKS)}"
        )
    with Store.open(options.store) as store, terminal.progress("evaluate", unit="steps") as progress:
        runs = {run.name: run for run in options.runs}
        report = evaluate(tables, names, store=store, folds=options.folds, seed=options.seed, runs=runs, progress=progress)
    report.write(options.output)
    if options.json:
        terminal.emit(report.to_json())
    else:
        terminal.say(report.summary())
        terminal.say(f"report: {options.output / 'report.html'}")
    return 0
