"""wearfm prepare: raw recordings in, a store out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from wearfm.cli import terminal
from wearfm.datasets import DATASETS
from wearfm.engines import EngineName
from wearfm.errors import BadConfiguration, UnknownName
from wearfm.preparation import Fate, PreparationSummary, prepare, prepare_recordings

MOST_LINES = 60  # sources that are shown one by one
MOST_NAMES = 8  # of files that nobody knows
_OUTCOMES = {"prepared": "", "skipped": "there already"}


@dataclass(frozen=True, kw_only=True)
class Options:
    """Read recordings of any known format into a store. Running it again changes nothing; a killed run goes on."""

    sources: Annotated[tuple[str, ...], tyro.conf.Positional]
    """Files and folders of recordings, or URLs of them (s3://bucket/raw); with --dataset, the folder of the data set."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"])] = Path("store")
    """The store's folder; it is made, or added to."""
    dataset: str = ""
    """Read the sources as this open data set, with its labels; an unknown name lists what there is."""
    participant_from: Literal["file", "folder"] = "file"
    """file: the participant is what the reader found. folder: the first folder below the source."""
    workers: int | None = None
    """Processes that read; by default one a core. The result is the same for any number."""
    engine: EngineName = "processes"
    """processes: of this machine. ray: a cluster whose nodes see sources and store under the same names."""
    ray_address: str = ""
    """Of the Ray cluster; by default RAY_ADDRESS, or one that is started here for the time being."""
    zone: str = ""
    """Of wall-clock times whose zone the files do not name, such as Europe/Berlin; by default they stay local."""
    mappings: Path | None = None
    """A folder with mappings for tables, in the tree of the sources, where nothing may be written beside them."""
    verbose: bool = False
    """Show every source, however many there are."""
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
                engine=options.engine,
                ray_address=options.ray_address,
                participant_from=options.participant_from,
                zone=options.zone,
                mappings=options.mappings,
                progress=progress,
            )
    if options.json:
        terminal.emit({"store": str(options.output), **summary.to_json()})
    else:
        show(summary, options.output, verbose=options.verbose)
    return 1 if summary.refused else 0


def show(summary: PreparationSummary, store: Path, *, verbose: bool = False) -> None:
    """Print what came of a preparation: a line for every source, or for every format and reason if they are many."""
    tally = summary.tally
    terminal.say(
        f"{store}: {summary.prepared} prepared, {summary.skipped} there already, {len(summary.refused)} refused;"
        f" {tally.recordings} recordings, {tally.channels} channels, {terminal.duration(tally.signal_s)} of signal"
    )
    for finding, samples in sorted(tally.findings.items(), key=lambda item: -item[1]):
        terminal.say(f"  {finding}: {samples:,} samples")
    if verbose or len(summary.sources) <= MOST_LINES:
        _show_each(summary)
    else:
        _show_kinds(summary)


def _show_each(summary: PreparationSummary) -> None:
    taken = [fate for fate in summary.sources if fate.outcome != "refused"]
    if taken:
        rows = [(_with_companions(fate), fate.format, *_numbers([fate]), _OUTCOMES[fate.outcome]) for fate in taken]
        terminal.table("", ("source", "format", "recordings", "channels", "hours", ""), rows)
    for fate in summary.sources:
        if fate.outcome == "refused":
            terminal.say(f"  {_refusal(fate)}")


def _show_kinds(summary: PreparationSummary) -> None:
    kinds: dict[str, list[Fate]] = defaultdict(list)
    for fate in summary.sources:
        if fate.outcome != "refused":
            kinds[fate.format].append(fate)
    rows = [(kind, len(fates), *_numbers(fates)) for kind, fates in sorted(kinds.items())]
    terminal.table("", ("format", "sources", "recordings", "channels", "hours"), rows)
    refused = [fate for fate in summary.sources if fate.outcome == "refused"]
    unknown = [fate.source for fate in refused if not fate.format]
    if unknown:
        more = " ..." if len(unknown) > MOST_NAMES else ""
        terminal.say(f"  of no known format: {len(unknown)} files: {', '.join(unknown[:MOST_NAMES])}{more}")
    known = [fate for fate in refused if fate.format]
    for fate in known[:MOST_LINES]:
        terminal.say(f"  {_refusal(fate)}")
    if len(known) > MOST_LINES:
        terminal.say(f"  and {len(known) - MOST_LINES} more are refused")
    terminal.say("  --verbose shows every source, --json all there is to say of each")


def _refusal(fate: Fate) -> str:
    if not fate.format:
        return f"of no known format: {fate.source} ({fate.reason.partition(' is none of')[0]})"
    before = f" ({fate.tally.recordings} recordings before it are kept)" if fate.tally.recordings else ""
    return f"refused {fate.source} ({fate.format}): {fate.reason}{before}"


def _numbers(fates: Sequence[Fate]) -> tuple[int, int, float]:
    tallies = [fate.tally for fate in fates]
    signal_s = sum(tally.signal_s for tally in tallies)
    return sum(tally.recordings for tally in tallies), sum(tally.channels for tally in tallies), signal_s / 3600


def _with_companions(fate: Fate) -> str:
    count = len(fate.companions)
    return fate.source + (f" + {count} files" if count > 2 else "".join(f" + {name}" for name in fate.companions))


def _prepare_dataset(options: Options, progress: terminal.Report) -> PreparationSummary:
    if options.dataset not in DATASETS:
        raise UnknownName("data set", options.dataset, DATASETS)
    if len(options.sources) != 1:
        raise BadConfiguration(f"{len(options.sources)} sources for data set {options.dataset}; name its one folder")
    recordings = DATASETS[options.dataset].recordings(Path(options.sources[0]))
    return prepare_recordings(recordings, options.output, progress=progress)
