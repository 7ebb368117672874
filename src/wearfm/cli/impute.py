"""wearfm impute: a masked recipe and a store in, a report on what it fills in out."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from wearfm.cli import terminal

if TYPE_CHECKING:
    from wearfm.evaluation.generative import Hiding


@dataclass(frozen=True, kw_only=True)
class Options:
    """Hide parts of windows of people whom the weights have not seen, fill them in, and compare with six simple methods."""

    model: Annotated[str, tyro.conf.Positional]
    """A run folder, a checkpoint folder, or the name of a recipe (random weights: a control, not a model)."""
    store: Annotated[Path, tyro.conf.Positional]
    """The store's folder."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"])] = Path("imputation")
    """The folder for report.html and report.json."""
    tasks: tuple[str, ...] = ()
    """Of random, interpolation, forecasting, sensors; by default all four."""
    ratios: tuple[float, ...] = ()
    """Shares to hide, between 0 and 1; by default two of each task, one of sensors."""
    participants: Path | None = None
    """A text file with one participant a line: judge these; all others teach the baselines."""
    windows: int = 2000
    """Windows judged at most, dealt evenly over people."""
    stride_s: float | None = None
    """Seconds from window to window; by default windows touch."""
    seed: int = 0
    """Of what is hidden, who is judged and the intervals."""
    batch_size: int = 64
    """Windows computed together: speed and memory, not results."""
    device: str = "cpu"
    """cpu, cuda ..."""
    json: bool = False
    """Print JSON."""


def run(words: Sequence[str]) -> int:
    """Run the verb."""
    options = terminal.parse(Options, "impute", words)
    from wearfm.imputation import Settings, impute
    from wearfm.store import Store
    from wearfm.workflow import load

    settings = Settings(
        tasks=tasks_of(options.tasks, options.ratios),
        seed=options.seed,
        windows=options.windows,
        batch_size=options.batch_size,
        stride_s=options.stride_s,
    )
    with Store.open(options.store) as store, terminal.progress("impute", unit="windows") as progress:
        report = impute(
            load(options.model),
            store,
            test=terminal.names_in(options.participants),
            settings=settings,
            device=options.device,
            progress=progress,
            command=shlex.join(["wearfm", "impute", *words]),
        )
    page = report.write(options.output)
    if options.json:
        terminal.emit(report.to_json())
    else:
        terminal.say(report.summary())
        terminal.say(f"report: {page}")
    return 0


def tasks_of(names: Sequence[str], ratios: Sequence[float]) -> tuple[Hiding, ...]:
    """Return the tasks that are asked for: the usual ratios of the named ones, or each of them at each ratio."""
    from wearfm.evaluation.generative import DEFAULTS, Hiding

    kinds = tuple(dict.fromkeys(names)) or tuple(dict.fromkeys(each.kind for each in DEFAULTS))
    if ratios:
        return tuple(Hiding(kind=kind, ratio=ratio) for kind in kinds for ratio in ratios)
    asked = [Hiding(kind=kind, ratio=0.5).kind for kind in kinds]  # a name that is not known says so here
    return tuple(each for each in DEFAULTS if each.kind in asked)
