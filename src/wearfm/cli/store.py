"""wearfm store: describe, verify or repair a store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import tyro

from wearfm.cli import terminal
from wearfm.store import Store


@dataclass(frozen=True, kw_only=True)
class Options:
    """Describe a store, verify every byte of it, or take out what is damaged."""

    action: Annotated[Literal["info", "recordings", "verify", "repair"], tyro.conf.Positional]
    """info: what is in it. recordings: one line each. verify: recompute every hash. repair: take out what is damaged, so
    that `wearfm prepare` restores it from the sources."""
    path: Annotated[Path, tyro.conf.Positional]
    """The store's folder."""
    json: bool = False
    """Print JSON."""


def run(words: Sequence[str]) -> int:
    """Run the verb; 1 if damage was found."""
    options = terminal.parse(Options, "store", words)
    with Store.open(options.path) as store:
        if options.action == "info":
            return _info(store, options)
        if options.action == "recordings":
            return _recordings(store, options)
        return _verify(store, options) if options.action == "verify" else _repair(store, options)


def summarise(store: Store) -> dict[str, Any]:
    """Return what is in a store as plain values."""
    rows, table = store.recordings(), store.channels()
    hours = table.length / table.rate_hz / 3600
    return {
        "path": str(store.path),
        "participants": len({row.participant for row in rows}),
        "recordings": len(rows),
        "channels": len(table.id),
        "channel_hours": float(hours.sum()),
        "modalities": {
            str(kind): {
                "channels": int((table.modality == kind).sum()),
                "hours": float(hours[table.modality == kind].sum()),
                "rates_hz": sorted({float(rate) for rate in table.rate_hz[table.modality == kind]}),
            }
            for kind in np.unique(table.modality)
        },
        "fingerprint": store.fingerprint(),
    }


def _info(store: Store, options: Options) -> int:
    summary = summarise(store)
    if options.json:
        terminal.emit(summary)
        return 0
    terminal.say(f"{summary['path']}: {summary['participants']} participants, {summary['recordings']} recordings")
    terminal.table(
        "",
        ("modality", "channels", "hours", "rates Hz"),
        [
            (kind, facts["channels"], facts["hours"], ", ".join(f"{rate:g}" for rate in facts["rates_hz"]))
            for kind, facts in summary["modalities"].items()
        ],
    )
    return 0


def _recordings(store: Store, options: Options) -> int:
    table = store.channels()
    rows = [
        (row.participant, row.name, row.source, int((table.recording == row.id).sum()), row.clock) for row in store.recordings()
    ]
    columns = ("participant", "recording", "source", "channels", "clock")
    if options.json:
        terminal.emit([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        terminal.table("", columns, rows)
    return 0


def _verify(store: Store, options: Options) -> int:
    damages = store.verify()
    if options.json:
        terminal.emit([asdict(damage) for damage in damages])
    elif damages:
        for damage in damages:
            terminal.say(f"{damage.path}: {damage.problem} ({len(damage.affected)} channels)")
    else:
        terminal.say("every byte is as it was committed")
    return 1 if damages else 0


def _repair(store: Store, options: Options) -> int:
    damages = store.repair()
    if options.json:
        terminal.emit([asdict(damage) for damage in damages])
    elif damages:
        taken = sorted({f"{who} / {name}" for damage in damages for who, name, _ in damage.affected})
        terminal.say(f"{len(taken)} recordings were damaged and are out of the store; prepare their sources again")
        for name in taken:
            terminal.say(f"  {name}")
    else:
        terminal.say("nothing is damaged")
    return 1 if damages else 0
