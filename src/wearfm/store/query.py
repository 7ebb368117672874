"""Questions to a store in the words of SQL: which channels are of this device, placement, rate or unit?

    chosen = select("modality = 'ppg' and rate_hz >= 50", store.recordings(), store.channels(), store.spans())

An expression may use every column of `COLUMNS` and every fact of the participants ("age_years", "sex" ...). It is evaluated
on a copy in memory that can only be read, so that no expression can change a store.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration, UnknownName
from wearfm.signals.spans import Spans
from wearfm.store.tables import ChannelTable, RecordingRow

COLUMNS = (
    "participant", "recording", "source", "device", "clock", "utc_offset_s", "channel", "modality", "placement", "axis",
    "unit", "source_unit", "rate_hz", "start", "duration_s", "valid_s", "valid_share", "dtype",
)  # fmt: skip
_READING = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION)
_STEPS = 10_000  # of SQLite's machine between two looks at whether an expression has run too long
_MOST_LOOKS = 200_000  # some minutes


@dataclass(frozen=True, kw_only=True, eq=False)
class Description:
    """All channels with everything that tells them apart: column -> (N,) values, in the order of `Store.channels`."""

    columns: Mapping[str, Sequence[Any]]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def rows(self, chosen: Iterable[int]) -> list[dict[str, Any]]:
        """Return some rows, column -> value."""
        return [{name: values[row] for name, values in self.columns.items()} for row in chosen]

    def column(self, name: str) -> Sequence[Any]:
        """Return a column; UnknownName offers the nearest."""
        if name not in self.columns:
            raise UnknownName("column of a store", name, self.columns)
        return self.columns[name]


def describe(recordings: Sequence[RecordingRow], table: ChannelTable, spans: Mapping[int, Spans]) -> Description:
    """Return what is known of every channel. valid_s: seconds that are valid; start: ISO time on the recording's clock."""
    of = {row.id: row for row in recordings}
    own = [of[identity] for identity in table.recording.tolist()]
    valid = np.array([spans[identity].total for identity in table.id.tolist()], dtype=np.float64)
    units = {row.id: {entry.name: entry.unit for entry in row.quality.channels} for row in recordings}
    names = table.name.tolist()
    columns: dict[str, Sequence[Any]] = {
        "participant": [row.participant for row in own],
        "recording": [row.name for row in own],
        **{name: [getattr(row, name) for row in own] for name in ("source", "device", "clock", "utc_offset_s")},
        "channel": names,
        **{name: getattr(table, name).tolist() for name in ("modality", "placement", "axis", "unit")},
        "source_unit": [units[row.id].get(name, "") for row, name in zip(own, names, strict=True)],
        "rate_hz": table.rate_hz.tolist(),
        "start": [_moment(start) for start in table.start_ns.tolist()],
        "duration_s": (table.length / table.rate_hz).tolist(),
        "valid_s": (valid / table.rate_hz).tolist(),
        "valid_share": (valid / np.maximum(table.length, 1)).tolist(),
        "dtype": table.dtype.tolist(),
    }
    facts = sorted({name for row in recordings for name in row.facts} - set(columns))
    return Description(columns=columns | {name: [row.facts.get(name) for row in own] for name in facts})


def select(
    where: str, recordings: Sequence[RecordingRow], table: ChannelTable, spans: Mapping[int, Spans]
) -> NDArray[np.bool_]:
    """Return which channels an expression is true of, (N,)."""
    return choose(describe(recordings, table, spans), where)


def choose(description: Description, where: str) -> NDArray[np.bool_]:
    """Return which rows an expression is true of, (N,); BadConfiguration says what is wrong with it."""
    names = list(description.columns)
    quoted = ", ".join('"' + name.replace('"', '""') + '"' for name in names)
    marks = ", ".join("?" * len(names))
    chosen = np.zeros(len(description), dtype=bool)
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute(f"CREATE TABLE channels ({quoted})")
        database.executemany(f"INSERT INTO channels VALUES ({marks})", zip(*description.columns.values(), strict=True))
        database.set_authorizer(_may_only_read)
        database.set_progress_handler(_Patience(), _STEPS)
        try:
            found = database.execute(f"SELECT rowid - 1 FROM channels WHERE ({where}\n)").fetchall()
        except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
            raise _mistake(where, str(error), names) from error
    chosen[[row for (row,) in found]] = True
    return chosen


class _Patience:
    """Ends an expression that runs for minutes."""

    def __init__(self) -> None:
        self._looks = 0

    def __call__(self) -> int:
        self._looks += 1
        return int(self._looks > _MOST_LOOKS)


def _may_only_read(action: int, *_: str | None) -> int:
    return sqlite3.SQLITE_OK if action in _READING else sqlite3.SQLITE_DENY


def _mistake(where: str, problem: str, names: Sequence[str]) -> BadConfiguration:
    missing = problem.removeprefix("no such column: ")
    if missing != problem:
        return UnknownName("column of a store", missing, names)
    return BadConfiguration(
        f"{where!r} is no condition on channels ({problem}); write one such as \"modality = 'ppg' and rate_hz >= 50\""
    )


def _moment(start_ns: int) -> str:
    try:
        return datetime.fromtimestamp(start_ns / 1e9, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S")
    except (OverflowError, ValueError, OSError):
        return ""
