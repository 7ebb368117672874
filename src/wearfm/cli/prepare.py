"""wearfm prepare: raw recordings in, a store out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from wearfm.cli import terminal
from wearfm.datasets import DATASETS
from wearfm.errors import BadConfiguration, UnknownName
from wearfm.preparation import PreparationSummary, prepare, prepare_recordings


@dataclass(frozen=True, kw_only=True)
class Options:
    """Read recordings of any known format into a store. Running it again changes nothing; a killed run goes on."""

    sources: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Files and folders of recordings; with --dataset, the folder of the data set."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"])] = Path("store")
    """The store's folder; it is made, or added to."""
    dataset: str = ""
    """Read the sources as this open data set, with its labels; an unknown name lists what there is."""
    participant_from: Literal["file", "folder"] = "file"
    """file: the participant is what the reader found. folder: the first folder below the source."""
    workers: int | None = None
    """Processes that read; by default one a core. The result is the same for any number."""
    json: bool = False
    """Print JSON."""


def run(words: Sequence[str]) -> int:
    """Run the verb; 1 if a source was refused."""
    options = terminal.parse(Options, "prepare", words)
    if not options.sources:
        raise BadConfiguration("no source was named; name files or folders with recordings")
    with terminal.progress("prepare", unit="recordings" if options.dataset else "sources") as progress:
        if options.dataset:
            summary = _prepare_dataset(options, progress)
        else:
            summary = prepare(
                options.sources,
                options.output,
                workers=options.workers,
                participant_from=options.participant_from,
                progress=progress,
            )
    if options.json:
        terminal.emit({"store": str(options.output), **summary.to_json()})
    else:
        show(summary, options.output)
    return 1 if summary.refused else 0


def show(summary: PreparationSummary, store: Path) -> None:
    """Print what came of a preparation."""
    tally = summary.tally
    terminal.say(
        f"{store}: {summary.prepared} prepared, {summary.skipped} there already, {len(summary.refused)} refused;"
        f" {tally.recordings} recordings, {tally.channels} channels, {terminal.duration(tally.signal_s)} of signal"
    )
    for finding, samples in sorted(tally.findings.items(), key=lambda item: -item[1]):
        terminal.say(f"  {finding}: {samples:,} samples")
    for refusal in summary.refused:
        terminal.say(f"  refused {refusal.source}: {refusal.reason}")


def _prepare_dataset(options: Options, progress: terminal.Report) -> PreparationSummary:
    if options.dataset not in DATASETS:
        raise UnknownName("data set", options.dataset, DATASETS)
    if len(options.sources) != 1:
        raise BadConfiguration(f"{len(options.sources)} sources for data set {options.dataset}; name its one folder")
    recordings = DATASETS[options.dataset].recordings(options.sources[0])
    return prepare_recordings(recordings, options.output, progress=progress)
