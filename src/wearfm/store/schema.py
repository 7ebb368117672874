"""The catalogue's tables, and the one way to open it.

    shards 1 ── n channels n ── 1 recordings 1 ── 1 events
                   └── 1 spans          sources (provenance: what was read, with which settings, what came of it)

Spans and events are kept as columns in one blob per channel and recording: a night of beats is one row, not 40 000.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from wearfm.errors import BadConfiguration, CannotWrite, DamagedStore

CATALOGUE = "catalogue.sqlite"
APPLICATION = 0x77656172  # "wear"
VERSION = 1

_TABLES = """
CREATE TABLE shards (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,          -- file in shards/, made of its own SHA-256
    size INTEGER NOT NULL,              -- bytes
    sha256 TEXT NOT NULL
) STRICT;
CREATE TABLE recordings (
    id INTEGER PRIMARY KEY,
    participant TEXT NOT NULL,
    name TEXT NOT NULL,
    source TEXT NOT NULL,
    device TEXT NOT NULL,
    clock TEXT NOT NULL,
    utc_offset_s INTEGER,
    facts TEXT NOT NULL,                -- JSON object
    quality TEXT NOT NULL,              -- JSON, Quality.to_json
    digest TEXT NOT NULL,               -- SHA-256 of the logical content
    seal TEXT NOT NULL,                 -- SHA-256 of digest and source: nothing in this row may change
    UNIQUE (participant, name)
) STRICT;
CREATE TABLE channels (
    id INTEGER PRIMARY KEY,
    recording INTEGER NOT NULL REFERENCES recordings,
    position INTEGER NOT NULL,          -- order inside the recording
    name TEXT NOT NULL,
    modality TEXT NOT NULL,
    placement TEXT NOT NULL,
    axis TEXT NOT NULL,
    unit TEXT NOT NULL,
    rate_hz REAL NOT NULL,
    start_ns INTEGER NOT NULL,
    length INTEGER NOT NULL,            -- samples
    dtype TEXT NOT NULL,                -- int16, int32 or float32, little-endian
    scale REAL NOT NULL,                -- physical value = scale * sample + offset
    offset REAL NOT NULL,
    sha256 TEXT NOT NULL,               -- of the sample bytes
    shard INTEGER NOT NULL REFERENCES shards,
    at INTEGER NOT NULL,                -- byte of sample 0 in the shard file
    UNIQUE (recording, position)
) STRICT;
CREATE TABLE spans (
    channel INTEGER PRIMARY KEY REFERENCES channels,
    bounds BLOB NOT NULL                -- valid [start, stop) pairs, little-endian int64
) STRICT;
CREATE TABLE events (
    recording INTEGER PRIMARY KEY REFERENCES recordings,
    number INTEGER NOT NULL,
    columns BLOB NOT NULL               -- Arrow IPC stream: kind, onset_ns, duration_ns, label, value
) STRICT;
CREATE TABLE sources (
    source TEXT NOT NULL,               -- where it was found, relative to what was asked for
    sha256 TEXT NOT NULL,               -- of its content
    settings TEXT NOT NULL,             -- reader, its settings and version
    summary TEXT NOT NULL,              -- JSON: what came of it
    seal TEXT NOT NULL,                 -- SHA-256 of the columns above
    PRIMARY KEY (source, sha256, settings)
) STRICT, WITHOUT ROWID;
CREATE INDEX channels_by_shard ON channels (shard);
"""


def is_catalogue(folder: Path) -> bool:
    """Say whether the folder holds a catalogue."""
    return (folder / CATALOGUE).is_file()


def is_laid_out(folder: Path) -> bool:
    """Say whether the folder holds a catalogue that has its tables; one that was killed at birth has none."""
    if not is_catalogue(folder):
        return False
    with reading(folder) as database:
        return _pragma(database, "user_version") != 0 or _pragma(database, "application_id") not in (0, APPLICATION)


def lay_out(folder: Path) -> None:
    """Make the tables in a new catalogue; do nothing to one that has them."""
    with writing(folder) as database:
        if _pragma(database, "user_version") == 0:
            for statement in _TABLES.split(";"):
                database.execute(statement)
            database.execute(f"PRAGMA application_id = {APPLICATION}")
            database.execute(f"PRAGMA user_version = {VERSION}")


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[sqlite3.Connection]:
    """One transaction: all of it is committed and on the disk at the end, or nothing of it."""
    path = folder / CATALOGUE
    try:
        with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=60)) as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = FULL")
            database.execute("PRAGMA foreign_keys = ON")
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
                database.execute("COMMIT")
            finally:
                if database.in_transaction:
                    database.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        size = path.stat().st_size if path.exists() else 0
        raise CannotWrite(f"{path}: {size} bytes not updated: {error}; make room or correct its rights, then rerun") from error
    except sqlite3.DatabaseError as error:
        raise DamagedStore(f"{path}: {error}; restore the catalogue from a copy, or prepare the store again") from error


@contextlib.contextmanager
def reading(folder: Path) -> Iterator[sqlite3.Connection]:
    """A connection that cannot write; one snapshot from its first statement to its end."""
    path = folder / CATALOGUE
    sealed = not os.access(folder, os.W_OK) and not path.with_name(CATALOGUE + "-wal").exists()
    address = f"{path.absolute().as_uri()}?mode=ro{'&immutable=1' if sealed else ''}"
    try:
        with contextlib.closing(sqlite3.connect(address, uri=True, isolation_level=None, timeout=60)) as database:
            database.execute("BEGIN")
            yield database
    except sqlite3.DatabaseError as error:
        raise DamagedStore(f"{path}: {error}; restore the catalogue from a copy, or prepare the store again") from error


def check_version(folder: Path) -> None:
    """Raise unless the catalogue is one of ours, of a version that this code reads."""
    with reading(folder) as database:
        application, version = _pragma(database, "application_id"), _pragma(database, "user_version")
    if application != APPLICATION or version != VERSION:
        raise BadConfiguration(
            f"{folder / CATALOGUE} has application {application:#x} version {version}; this wearfm reads version {VERSION}"
            " of its own: use the wearfm that wrote it, or another folder"
        )


def _pragma(database: sqlite3.Connection, name: str) -> int:
    return int(database.execute(f"PRAGMA {name}").fetchone()[0])
