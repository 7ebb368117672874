"""wearfm risk: an embedding table and outcomes of its people in, a table of risks out."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from wearfm.cli import terminal
from wearfm.errors import BadConfiguration


@dataclass(frozen=True, kw_only=True)
class Options:
    """Judge how well vectors tell who falls ill sooner, by participant, beside demographics and hand-made statistics."""

    tables: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Embedding tables; the first is judged, the others are its peers."""
    outcomes: Path = Path("outcomes.csv")
    """CSV or Parquet with columns participant, outcome, time_days, event (1 it came, 0 censored)."""
    store: Path | None = None
    """The store that the tables were made from: for the baselines, and to join ids of one person."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"])] = Path("risk")
    """The folder for risk.html, risk.json and risk.parquet."""
    horizons_years: tuple[float, ...] = (1.0, 3.0, 5.0)
    """Years after the recording at which the AUROC is taken."""
    min_events: int = 10
    """Outcomes with fewer events are listed without figures."""
    ties: Literal["breslow", "efron"] = "breslow"
    """How events on the same day are counted."""
    folds: int = 5
    """Folds of people."""
    bootstrap: int = 1000
    """Resamples of people behind every interval."""
    seed: int = 0
    """Of folds and intervals."""
    json: bool = False
    """Print JSON."""


def run(words: Sequence[str]) -> int:
    """Run the verb."""
    options = terminal.parse(Options, "risk", words)
    if not options.tables:
        raise BadConfiguration("no embedding table was named; make one with: wearfm embed")
    from wearfm.embeddings.table import EmbeddingTable
    from wearfm.evaluation.survival.table import YEAR_DAYS
    from wearfm.store import Store
    from wearfm.workflow import assess_risk

    tables = {path.stem: EmbeddingTable.read(path) for path in options.tables}
    opened = nullcontext() if options.store is None else Store.open(options.store)
    with opened as store, terminal.progress("risk", unit="outcomes") as progress:
        risks = assess_risk(
            tables,
            options.outcomes,
            store=store,
            horizons_days=[years * YEAR_DAYS for years in options.horizons_years],
            min_events=options.min_events,
            ties=options.ties,
            folds=options.folds,
            bootstrap=options.bootstrap,
            seed=options.seed,
            command=shlex.join(["wearfm", "risk", *words]),
            progress=progress,
        )
    page = risks.write(options.output)
    if options.json:
        terminal.emit(risks.to_json())
    else:
        terminal.say(risks.summary())
        terminal.say(f"risk table: {page}")
    return 0
