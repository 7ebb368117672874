"""Long tables: a row for each sample, with a column that says of which channel, and perhaps one that says of whom."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from wearfm.errors import BadRecording
from wearfm.readers.assembly import Assembly
from wearfm.readers.columns import codes
from wearfm.readers.labels import guess_modality
from wearfm.readers.mapping import Mapping
from wearfm.readers.rows import Rows, TimeAxis, add_rows, shared
from wearfm.signals.units import modality

_CHANNEL_NAMES = ("channel", "signal", "variable", "sensor", "modality")
_VALUE_NAMES = ("value", "values", "sample")
_PARTICIPANT_NAMES = ("participant", "subject", "id", "user")
_SHOWN = 12  # names in a message


@dataclass(frozen=True, kw_only=True, eq=False)
class Share:
    """The rows of one participant: channel -> their places in the table, (N,), in its order."""

    participant: str
    channels: dict[str, NDArray[np.int64]]


def split(path: Path, rows: Rows, mapping: Mapping) -> Iterator[tuple[Share, tuple[str, ...]]]:
    """Yield the share of every participant, in order of appearance, and notes on rows that belong to nobody or nothing."""
    what, channels, values = codes(rows.columns[mapping.channel_column])
    names = [label or _written(value) for label, value in zip(channels, values, strict=True)]
    who, people = np.zeros(rows.num_rows, dtype=np.int64), [mapping.participant]
    if mapping.participant_column:
        who, labels, numbers = codes(rows.columns[mapping.participant_column])
        people = [label or _written(number) for label, number in zip(labels, numbers, strict=True)]
    _check_names(path, names, mapping)
    notes = _left_out(rows, what, who, names, mapping)
    order = np.lexsort((what, who))
    for person in range(len(people)):
        own = order[slice(*np.searchsorted(who[order], (person, person + 1)))]
        places = {}
        for channel, name in enumerate(names):
            first, last = np.searchsorted(what[own], (channel, channel + 1))
            if last > first and (name in mapping.channels or name in mapping.events):
                places[name] = own[first:last]
        if places:
            yield Share(participant=people[person], channels=places), notes


def add_share(found: Assembly, share: Share, rows: Rows, mapping: Mapping) -> TimeAxis:
    """Add the channels and events of one participant."""
    absent = [name for name in (*mapping.channels, *mapping.events) if name not in share.channels]
    if absent:
        found.note(f"no rows of {', '.join(absent)}")
    axes = []
    for name, places in share.channels.items():
        alone = _alone(mapping, name)
        sources = ({alone.time.column: alone.time.column} if alone.time else {}) | {name: mapping.value_column}
        cells = {key: rows.columns[source].take(pa.array(places)) for key, source in sources.items()}
        axes.append(add_rows(found, Rows(columns=cells, num_rows=len(places), malformed=0), alone))
    return shared(found.path, axes)


def suggest_long(columns: Sequence[str], examples: Sequence[str]) -> str:
    """Return a mapping that would work for a long table with these columns and channels, as JSON on one line."""
    channel, value = long_columns(columns)
    time = next((name for name in columns if "time" in name.lower()), None)
    person = next((name for name in columns if name.lower() in _PARTICIPANT_NAMES), None)
    guesses = {name: guess_modality(name) or "other" for name in examples[:3]}
    plain: dict[str, Any] = {"layout": "long", "channel_column": channel, "value_column": value}
    plain |= {"participant_column": person} if person else {"participant": "S01"}
    plain |= {"time": {"column": time, "unit": "s"}} if time else {"rate_hz": 64}
    plain["channels"] = {name: {"modality": guess, "unit": modality(guess).unit} for name, guess in guesses.items()}
    return json.dumps(plain, ensure_ascii=False)


def long_columns(columns: Sequence[str]) -> tuple[str, str]:
    """Return the columns that name the channel and hold the value, by what long tables usually call them; "" for none."""
    channel = next((name for name in columns if name.lower() in _CHANNEL_NAMES), "")
    return channel, next((name for name in columns if name.lower() in _VALUE_NAMES), "")


def _written(number: float) -> str:
    """Return a code that is a number as people write it."""
    return str(int(number)) if number.is_integer() else str(number)


def _alone(mapping: Mapping, name: str) -> Mapping:
    """Return the mapping of one channel or event as of a wide table."""
    column = mapping.channels.get(name)
    if column is None:
        return replace(mapping, layout="wide", channels={}, events={name: mapping.events[name]})
    return replace(mapping, layout="wide", channels={name: column}, events={}, rate_hz=column.rate_hz or mapping.rate_hz)


def _check_names(path: Path, names: list[str], mapping: Mapping) -> None:
    missing = [name for name in (*mapping.channels, *mapping.events) if name not in names]
    if len(missing) == len(mapping.channels) + len(mapping.events):
        seen = ", ".join(map(repr, names[:_SHOWN]))
        raise BadRecording(
            path, 0, f"no {missing[0]!r} in column {mapping.channel_column!r}, which the mapping names; there: {seen}"
        )
    if mapping.time and (mapping.time.column in mapping.channels or mapping.time.column in mapping.events):
        raise BadRecording(path, 0, f"a channel has the name of the time column, {mapping.time.column!r}; rename the column")


def _left_out(
    rows: Rows, what: NDArray[np.int64], who: NDArray[np.int64], names: list[str], mapping: Mapping
) -> tuple[str, ...]:
    counts = np.bincount(what[what >= 0], minlength=len(names))
    others = [f"{name} ({count})" for name, count in zip(names, counts.tolist(), strict=True)
              if name not in mapping.channels and name not in mapping.events]  # fmt: skip
    lost = (f"{rows.malformed} rows with too few or too many cells are left out",) if rows.malformed else ()
    nobody = int(np.count_nonzero((what < 0) | (who < 0)))
    notes = (f"{nobody} rows without a channel or a participant are left out",) if nobody else ()
    return (
        lost + notes + ((f"rows of channels that the mapping does not name: {', '.join(others[:_SHOWN])}",) if others else ())
    )
