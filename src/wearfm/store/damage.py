"""Finding damage: every committed byte is compared with the hash that was committed with it."""

from __future__ import annotations

import hashlib
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from wearfm.errors import DamagedStore, WearfmError
from wearfm.store import catalogue, schema
from wearfm.store.entries import RecordingEntry, hash_samples
from wearfm.store.shard import SHARDS, map_shard, view
from wearfm.store.tables import Damage

Triple = tuple[str, str, str]
_CHUNK = 2**22


def find_damage(folder: Path) -> list[Damage]:
    """Return all that is not as it was committed; an empty list says that every byte is."""
    path = str(folder / schema.CATALOGUE)
    try:
        with schema.reading(folder) as database:
            broken = [Damage(path=path, problem=text) for text in _structure(database)]
            return broken or [*_rows(database, path), *_shards(database, folder)]
    except DamagedStore as error:
        return [Damage(path=path, problem=str(error))]


def _structure(database: sqlite3.Connection) -> list[str]:
    found = [str(row[0]) for row in database.execute("PRAGMA integrity_check")]
    found = [] if found == ["ok"] else found
    return found + [f"row {row[1]} of {row[0]} refers to nothing" for row in database.execute("PRAGMA foreign_key_check")]


def _rows(database: sqlite3.Connection, path: str) -> Iterator[Damage]:
    """Compare recordings and provenance with their seals."""
    for participant, name, _ in catalogue.digests(database):
        problem = _broken_recording(database, participant, name)
        if problem:
            yield Damage(path=path, problem=problem, affected=((participant, name, "*"),))
    for source, seal in catalogue.sources(database):
        if source.seal != seal:
            yield Damage(path=path, problem=f"provenance of {source.source!r} is not what was committed")


def _broken_recording(database: sqlite3.Connection, participant: str, name: str) -> str:
    row = database.execute("SELECT id FROM recordings WHERE participant = ? AND name = ?", (participant, name)).fetchone()
    try:
        found = catalogue.entry(database, row[0]) if row else None
        if found is None:
            return f"recording {name!r} of {participant!r} cannot be found by its name"
        entry, _, seal = found
        whole = entry.hash_content() == entry.digest and entry.seal == seal
    except (ValueError, TypeError, KeyError, OSError, WearfmError) as error:
        return f"recording {name!r} of {participant!r} cannot be understood: {error}"
    return "" if whole else f"the description of recording {name!r} of {participant!r} is not what was committed"


def _shards(database: sqlite3.Connection, folder: Path) -> Iterator[Damage]:
    """Compare files with their hash, and channels with theirs."""
    owners: dict[int, list[tuple[RecordingEntry, int]]] = defaultdict(list)
    for (recording,) in database.execute("SELECT id FROM recordings ORDER BY participant, name").fetchall():
        found = catalogue.entry(database, recording)
        assert found is not None, f"recording {recording} vanished inside one snapshot"
        for position, shard in enumerate(found[1]):
            owners[shard].append((found[0], position))
    for identity, (name, size, sha256) in catalogue.shards(database).items():
        damage = _shard(folder / SHARDS / name, size, sha256, owners[identity])
        if damage:
            yield damage


def _shard(path: Path, size: int, sha256: str, owned: list[tuple[RecordingEntry, int]]) -> Damage | None:
    everything = tuple(_triple(entry, position) for entry, position in owned)
    try:
        mapped = map_shard(path, size=size)
        whole = _hash_file(path) == sha256
    except DamagedStore as error:
        return Damage(path=str(path), problem=str(error), affected=everything)
    except OSError as error:
        return Damage(path=str(path), problem=f"cannot be read: {error.strerror}", affected=everything)
    affected = tuple(_triple(entry, position) for entry, position in owned if not _channel_is_whole(mapped, entry, position))
    if whole and not affected:
        return None
    where = f"in {len(affected)} of {len(owned)} channels" if affected else "outside the samples"
    return Damage(path=str(path), problem=f"bytes are not those committed, {where}", affected=affected)


def _hash_file(path: Path) -> str:
    code = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            code.update(chunk)
    return code.hexdigest()


def _channel_is_whole(mapped: object, entry: RecordingEntry, position: int) -> bool:
    channel = entry.channels[position]
    samples = view(mapped, channel.dtype)
    first = channel.at // samples.itemsize
    return channel.at % samples.itemsize == 0 and hash_samples(samples[first : first + channel.length]) == channel.sha256


def _triple(entry: RecordingEntry, position: int) -> Triple:
    return (*entry.key, entry.channels[position].name)
