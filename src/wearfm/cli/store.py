"""wearfm store: describe, query, verify or repair a store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import tyro

from wearfm.cli import terminal
from wearfm.errors import BadConfiguration
from wearfm.store import Store
from wearfm.store.query import Description, choose, describe

_MOST_LINES = 60
_SHOWN = ("participant", "recording", "device", "channel", "modality", "placement", "unit", "source_unit", "rate_hz", "valid_s")


@dataclass(frozen=True, kw_only=True)
class Options:
    """Describe a store, verify every byte of it, or take out what is damaged. `wearfm store query` asks for channels."""

    action: Annotated[Literal["info", "recordings", "verify", "repair"], tyro.conf.Positional]
    """info: what is in it. recordings: one line each. verify: recompute every hash. repair: take out what is damaged, so
    that `wearfm prepare` restores it from the sources."""
    path: Annotated[Path, tyro.conf.Positional]
    """The store's folder."""
    json: bool = False
    """Print JSON."""


@dataclass(frozen=True, kw_only=True)
class Query:
    """List the channels of which a condition is true, in the words of SQL: "modality = 'ppg' and rate_hz >= 50"."""

    where: Annotated[str, tyro.conf.Positional]
    """A condition on columns and on facts of participants (device, placement, rate_hz, unit, source_unit, age_years ...);
    "1" for all. An unknown column lists what there is."""
    path: Annotated[Path, tyro.conf.Positional] = Path("store")
    """The store's folder."""
    by: tuple[str, ...] = ()
    """Count instead of listing: participants, recordings, channels and valid hours for each value of these columns."""
    json: bool = False
    """Print JSON."""


def run(words: Sequence[str]) -> int:
    """Run the verb; 1 if damage was found."""
    if words and words[0] == "query":
        return _query(terminal.parse(Query, "store query", words[1:]))
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


def _query(options: Query) -> int:
    with Store.open(options.path) as store:
        described = describe(store.recordings(), store.channels(), store.spans())
    if len(described) == 0:
        raise BadConfiguration(f"{options.path} holds no channel; prepare recordings into it")
    chosen = np.flatnonzero(choose(described, options.where)).tolist()
    rows = count(described, chosen, options.by) if options.by else described.rows(chosen)
    if options.json:
        terminal.emit({"where": options.where, "summary": count(described, chosen, ())[0], "rows": rows})
        return 0
    _show_rows(rows, (*options.by, "participants", "recordings", "channels", "valid_hours") if options.by else _SHOWN)
    total = count(described, chosen, ())[0]
    terminal.say(
        f"{total['channels']} of {len(described)} channels, {total['recordings']} recordings, {total['participants']}"
        f" participants, {total['valid_hours']:.1f} h valid"
    )
    return 0


def count(described: Description, chosen: Sequence[int], by: Sequence[str]) -> list[dict[str, Any]]:
    """Return participants, recordings, channels and valid hours for each value of some columns; of all for no column."""
    columns = [described.column(name) for name in by]
    groups: dict[tuple[Any, ...], list[int]] = {} if by else {(): []}
    for row in chosen:
        groups.setdefault(tuple(column[row] for column in columns), []).append(row)
    who, what, valid_s = (described.column(name) for name in ("participant", "recording", "valid_s"))
    return [
        {
            **dict(zip(by, values, strict=True)),
            "participants": len({who[row] for row in rows}),
            "recordings": len({(who[row], what[row]) for row in rows}),
            "channels": len(rows),
            "valid_hours": sum(valid_s[row] for row in rows) / 3600,
        }
        for values, rows in sorted(groups.items(), key=lambda item: str(item[0]))
    ]


def _show_rows(rows: list[dict[str, Any]], columns: Sequence[str]) -> None:
    terminal.table("", columns, [tuple("" if row[c] is None else row[c] for c in columns) for row in rows[:_MOST_LINES]])
    if len(rows) > _MOST_LINES:
        terminal.say(f"... and {len(rows) - _MOST_LINES} more; --json lists all, --by counts them")
