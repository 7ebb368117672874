"""wearfm finetune: put a head on a pretrained recipe, teach it labels, and judge it on other people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, make_dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from wearfm.cli import terminal


@dataclass(frozen=True, kw_only=True)
class Call:
    """What every call names."""

    model: Annotated[str, tyro.conf.Positional]
    """A run or checkpoint folder; the name of a recipe trains it from scratch."""
    store: Annotated[Path, tyro.conf.Positional]
    """The store's folder."""
    task: str
    """Name of the task; docs/tasks lists them."""
    run: Annotated[Path, tyro.conf.arg(aliases=["-o"])] = Path("runs/finetune")
    """The run's folder; the report goes to `report` inside it."""
    test: Path | None = None
    """A text file with one participant a line: judge these. Without it all whom pretraining has not seen."""
    json: bool = False
    """Print the report as JSON."""


def run(words: Sequence[str]) -> int:
    """Run the verb."""
    options = _options(words)
    from wearfm.finetuning import finetune
    from wearfm.store import Store
    from wearfm.workflow import load, tasks_named

    (task,) = tasks_named([options.task])
    with Store.open(options.store) as store, terminal.stages() as watch:
        report = finetune(
            load(options.model),
            store,
            task,
            run=options.run,
            training=options.training,
            head=options.head,
            test=terminal.names_in(options.test),
            watch=watch,
        )
    page = report.write(options.run / "report")
    terminal.emit(report.to_json()) if options.json else terminal.say(f"{report.summary()}\n\nreport: {page}")
    return 0


def _options(words: Sequence[str]) -> Any:
    """Return the options: the call, the head's and the training's."""
    from wearfm.finetuning import Head
    from wearfm.training import TrainingConfig

    usual = TrainingConfig(seed=0, steps=300, batch_size=32, validation_share=0.0)
    fields = [
        ("head", Head, field(default_factory=Head)),
        ("training", TrainingConfig, field(default_factory=lambda: usual)),
    ]
    options = make_dataclass("Options", fields, bases=(Call,), frozen=True, kw_only=True)
    options.__doc__ = "Fine-tune a pretrained recipe on a task, and judge it on people that neither stage has seen."
    return terminal.parse(options, "finetune", words)
