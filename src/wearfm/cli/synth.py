"""wearfm synth: a simulated cohort, with its truth, into a store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from wearfm.cli import terminal
from wearfm.cli.prepare import show
from wearfm.preparation import prepare_recordings
from wearfm.synthetic import Cohort, CohortConfig


@dataclass(frozen=True, kw_only=True)
class Options:
    """Simulate people, their days and what their devices record. The same seed gives the same samples."""

    output: Annotated[Path, tyro.conf.arg(aliases=["-o"])] = Path("store")
    """The store's folder."""
    seed: int = 0
    """Of everything that is random."""
    cohort: Annotated[CohortConfig, tyro.conf.arg(name="")] = field(default_factory=CohortConfig)
    """The cohort."""
    json: bool = False
    """Print JSON."""


def run(words: Sequence[str]) -> int:
    """Run the verb."""
    options = terminal.parse(Options, "synth", words)
    cohort = Cohort(options.cohort, options.seed)
    total = options.cohort.num_participants * options.cohort.num_sessions
    with terminal.progress("simulate", unit="recordings") as progress:
        summary = prepare_recordings(cohort.recordings(), options.output, total=total, progress=progress)
    if options.json:
        terminal.emit({"store": str(options.output), **summary.to_json()})
    else:
        show(summary, options.output)
    return 0
