"""wearfm minutes: a store of raw recordings in, a store of minutes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from wearfm.cli import terminal
from wearfm.preparation.minutes import FeatureTally, MinuteSummary, derive
from wearfm.store import Store


@dataclass(frozen=True, kw_only=True)
class Options:
    """Bring every recording of a store to minutes: heart, movement, skin. Running it again goes on where it was."""

    store: Annotated[Path, tyro.conf.Positional]
    """The store of raw recordings, from `wearfm prepare` or `wearfm synth`."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"])] = Path("minutes")
    """The folder of the store of minutes; it is made, or added to."""
    workers: int | None = None
    """Threads; by default one a core. The result is the same for any number."""
    json: bool = False
    """Print JSON."""


def run(words: Sequence[str]) -> int:
    """Run the verb; 1 if a recording was refused."""
    options = terminal.parse(Options, "minutes", words)
    with Store.open(options.store) as store, terminal.progress("minutes", unit="recordings") as progress:
        summary = derive(store, options.output, workers=options.workers, progress=progress)
    if options.json:
        terminal.emit({"store": str(options.output), **summary.to_json()})
    else:
        _show(summary, options.output)
    return 1 if summary.refused else 0


def _show(summary: MinuteSummary, store: Path) -> None:
    terminal.say(
        f"{store}: {summary.derived} recordings derived, {summary.skipped} there already, {len(summary.refused)} refused"
    )
    if summary.derived:
        columns = ("feature", "recordings", "minutes", "valid", "most frequent reason of the rest")
        terminal.table("", columns, [_row(name, tally) for name, tally in summary.features.items()])
    for refusal in summary.refused:
        terminal.say(f"  refused {refusal.source}: {refusal.reason}")


def _row(name: str, tally: FeatureTally) -> tuple[str, int, int, str, str]:
    share = f"{tally.valid / tally.minutes:.0%}" if tally.minutes else ""
    reasons = tally.masked.most_common(1) or tally.absent.most_common(1)
    return name, tally.recordings, tally.minutes, share, reasons[0][0] if reasons else ""
