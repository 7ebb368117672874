"""The catalogue's sentences: every SELECT and INSERT of the store."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wearfm.signals.quality_record import Quality
from wearfm.store.entries import ChannelEntry, RecordingEntry, hash_text, to_text
from wearfm.store.shard import StagedShard
from wearfm.store.tables import ChannelTable, RecordingRow

_RECORDING = ("participant", "name", "source", "device", "clock", "utc_offset_s", "facts", "quality")
_CHANNEL = (
    "name", "modality", "placement", "axis", "unit", "rate_hz", "start_ns", "length", "dtype", "scale", "offset", "sha256",
    "at",
)  # fmt: skip
_TYPES: dict[str, Any] = {
    "id": np.int64, "recording": np.int64, "position": np.int64, "rate_hz": np.float64, "start_ns": np.int64,
    "length": np.int64, "scale": np.float64, "offset": np.float64, "shard": np.int64, "at": np.int64,
}  # fmt: skip
_IN_TABLE = ("id", "recording", "position", *_CHANNEL[:-1])


@dataclass(frozen=True, kw_only=True)
class Source:
    """Provenance: a file that was read, the hash of its content, the reader's settings, and what came of it (JSON)."""

    source: str
    sha256: str
    settings: str
    summary: str

    @property
    def seal(self) -> str:
        """SHA-256 of the row."""
        return hash_text(to_text([self.source, self.sha256, self.settings, self.summary]))


@dataclass(frozen=True, kw_only=True, eq=False)
class Layout:
    """Where samples lie, row by row as in the channel table.

    bounds: all valid spans, (S, 2); row r owns bounds[firsts[r] : firsts[r + 1]].
    """

    shard: NDArray[np.int64]
    at: NDArray[np.int64]
    bounds: NDArray[np.int64]
    firsts: NDArray[np.int64]


def _insert(database: sqlite3.Connection, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    marks = ", ".join("?" * len(columns))
    database.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)


def _next_id(database: sqlite3.Connection, table: str) -> int:
    return int(database.execute(f"SELECT coalesce(max(id), 0) + 1 FROM {table}").fetchone()[0])


def add_shard(database: sqlite3.Connection, shard: StagedShard, entries: Sequence[RecordingEntry]) -> None:
    """Enter a shard with those of its recordings that are new; equal bytes (of recordings without channels) are one shard."""
    known = database.execute("SELECT id FROM shards WHERE name = ?", (shard.name,)).fetchone()
    identity = known[0] if known else _next_id(database, "shards")
    if not known:
        _insert(database, "shards", ("id", "name", "size", "sha256"), [(identity, shard.name, shard.size, shard.sha256)])
    for entry in entries:
        _add_recording(database, entry, shard=identity)


def _add_recording(database: sqlite3.Connection, entry: RecordingEntry, *, shard: int) -> None:
    recording, channel = _next_id(database, "recordings"), _next_id(database, "channels")
    own = [getattr(entry, column) for column in _RECORDING]
    _insert(database, "recordings", ("id", *_RECORDING, "digest", "seal"), [(recording, *own, entry.digest, entry.seal)])
    if entry.num_events:
        _insert(database, "events", ("recording", "number", "columns"), [(recording, entry.num_events, entry.events)])
    rows = [
        (channel + position, recording, position, shard, *(getattr(each, column) for column in _CHANNEL))
        for position, each in enumerate(entry.channels)
    ]
    _insert(database, "channels", ("id", "recording", "position", "shard", *_CHANNEL), rows)
    spans = [(channel + position, each.bounds) for position, each in enumerate(entry.channels)]
    _insert(database, "spans", ("channel", "bounds"), spans)


def add_sources(database: sqlite3.Connection, sources: Iterable[Source]) -> None:
    """Enter provenance, over any earlier word on the same source, content and settings."""
    rows = [(each.source, each.sha256, each.settings, each.summary, each.seal) for each in sources]
    database.executemany("INSERT OR REPLACE INTO sources VALUES (?, ?, ?, ?, ?)", rows)


def remove_recordings(database: sqlite3.Connection, keys: Iterable[tuple[str, str]]) -> None:
    """Take recordings out, and the shards that then hold nothing; forget all provenance, so that they can come again."""
    for key in keys:
        (recording,) = database.execute("SELECT id FROM recordings WHERE participant = ? AND name = ?", key).fetchone()
        database.execute("DELETE FROM spans WHERE channel IN (SELECT id FROM channels WHERE recording = ?)", (recording,))
        for table in ("channels", "events"):
            database.execute(f"DELETE FROM {table} WHERE recording = ?", (recording,))
        database.execute("DELETE FROM recordings WHERE id = ?", (recording,))
    database.execute("DELETE FROM shards WHERE id NOT IN (SELECT shard FROM channels)")
    database.execute("DELETE FROM sources")


def sources(database: sqlite3.Connection) -> list[tuple[Source, str]]:
    """Return all provenance with its seals, sorted."""
    rows = database.execute("SELECT source, sha256, settings, summary, seal FROM sources ORDER BY 1, 2, 3").fetchall()
    return [(Source(source=a, sha256=b, settings=c, summary=d), seal) for a, b, c, d, seal in rows]


def digest_of(database: sqlite3.Connection, key: tuple[str, str]) -> str | None:
    """Return the digest of the recording of that participant and name; None if there is none."""
    row = database.execute("SELECT digest FROM recordings WHERE participant = ? AND name = ?", key).fetchone()
    return None if row is None else str(row[0])


def digests(database: sqlite3.Connection) -> list[tuple[str, str, str]]:
    """Return (participant, name, digest) of all recordings, sorted."""
    return sorted(database.execute("SELECT participant, name, digest FROM recordings").fetchall())


def shards(database: sqlite3.Connection) -> dict[int, tuple[str, int, str]]:
    """Return id -> (file name, bytes, SHA-256)."""
    return {row[0]: row[1:] for row in database.execute("SELECT id, name, size, sha256 FROM shards ORDER BY id")}


def recordings(database: sqlite3.Connection) -> list[RecordingRow]:
    """Return all recordings, sorted by participant and name."""
    rows = database.execute(f"SELECT id, {', '.join(_RECORDING)} FROM recordings").fetchall()
    rows.sort(key=lambda row: (row[1], row[2]))
    return [_recording_row(*row) for row in rows]


def _recording_row(identity: int, *columns: Any) -> RecordingRow:
    named = dict(zip(_RECORDING, columns, strict=True))
    facts, quality = json.loads(named.pop("facts")), Quality.from_json(json.loads(named.pop("quality")))
    return RecordingRow(id=identity, facts=facts, quality=quality, **named)


def layout(database: sqlite3.Connection) -> tuple[ChannelTable, Layout]:
    """Return all channels and where they lie, sorted by participant, recording name and position."""
    columns = ("id", "recording", "position", *_CHANNEL, "shard")
    names = ", ".join(f"channels.{column}" for column in columns)
    rows = database.execute(
        f"SELECT participant, recordings.name, {names}, bounds FROM channels"
        " JOIN recordings ON recordings.id = recording JOIN spans ON spans.channel = channels.id"
    ).fetchall()
    rows.sort(key=lambda row: (row[0], row[1], row[4]))
    cells = list(zip(*rows, strict=True)) if rows else [()] * (len(columns) + 3)
    named = {
        column: np.array(cell, dtype=_TYPES.get(column, np.str_)) for column, cell in zip(columns, cells[2:-1], strict=True)
    }
    bounds = [np.frombuffer(blob, dtype="<i8").reshape(-1, 2) for blob in cells[-1]]
    firsts = np.cumsum([0, *map(len, bounds)], dtype=np.int64)
    flat = np.concatenate([np.empty((0, 2), dtype=np.int64), *bounds])
    table = ChannelTable(**{column: named[column] for column in _IN_TABLE})
    return table, Layout(shard=named["shard"], at=named["at"], bounds=flat, firsts=firsts)


def entry(database: sqlite3.Connection, recording: int) -> tuple[RecordingEntry, list[int], str] | None:
    """Return a recording's entry, the shard of each of its channels, and its seal; None if there is none of that id."""
    row = database.execute(
        f"SELECT {', '.join(_RECORDING)}, digest, seal FROM recordings WHERE id = ?", (recording,)
    ).fetchone()
    if row is None:
        return None
    found = database.execute(
        f"SELECT shard, bounds, {', '.join(_CHANNEL)} FROM channels JOIN spans ON spans.channel = id"
        " WHERE recording = ? ORDER BY position",
        (recording,),
    ).fetchall()
    channels = tuple(ChannelEntry(bounds=each[1], **dict(zip(_CHANNEL, each[2:], strict=True))) for each in found)
    number, packed = events(database, recording)
    named = dict(zip((*_RECORDING, "digest"), row, strict=False))
    return RecordingEntry(num_events=number, events=packed, channels=channels, **named), [each[0] for each in found], row[-1]


def events(database: sqlite3.Connection, recording: int) -> tuple[int, bytes]:
    """Return the number of events of a recording, and the events, packed."""
    row = database.execute("SELECT number, columns FROM events WHERE recording = ?", (recording,)).fetchone()
    return (0, b"") if row is None else (row[0], row[1])
