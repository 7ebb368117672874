"""The embedding table: one row a window, one vector a row, in Parquet with a header that says which weights made it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration, CannotWrite, IncompatibleTable

_KEY = b"wearfm"
_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Header:
    """Where vectors come from.

    recipe: name of the method, or of a set of hand-made features. config: its settings. weight_hash: sha256 of the weights,
    "" for methods without any. contract: the input contract. store_fingerprint: sha256 of the store's content.
    skipped: reason -> seconds of signal that are in no row. seen: pseudonyms of those of the table's participants whose
    recordings the weights were trained on.
    """

    recipe: str
    config: Mapping[str, Any] = field(default_factory=dict)
    weight_hash: str = ""
    contract: Mapping[str, Any] = field(default_factory=dict)
    store_fingerprint: str = ""
    skipped: Mapping[str, float] = field(default_factory=dict)
    seen: Sequence[str] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the header as plain values."""
        return {
            "version": _VERSION,
            "recipe": self.recipe,
            "config": dict(self.config),
            "weight_hash": self.weight_hash,
            "contract": dict(self.contract),
            "store_fingerprint": self.store_fingerprint,
            "skipped": dict(self.skipped),
            "seen": list(self.seen),
        }

    def same_source(self, other: Header) -> bool:
        """Return whether both headers name the same recipe, config and weights."""
        return (self.recipe, self.weight_hash, dict(self.config)) == (other.recipe, other.weight_hash, dict(other.config))


@dataclass(frozen=True, kw_only=True, eq=False)
class EmbeddingTable:
    """Vectors of windows.

    participant, recording: (N,) text. start_ns: (N,) int64. duration_s: (N,) float64. vector: (N, D) float32, finite.
    """

    participant: NDArray[np.str_]
    recording: NDArray[np.str_]
    start_ns: NDArray[np.int64]
    duration_s: NDArray[np.float64]
    vector: NDArray[np.float32]
    header: Header

    def __post_init__(self) -> None:
        lengths = {len(c) for c in (self.participant, self.recording, self.start_ns, self.duration_s, self.vector)}
        if len(lengths) != 1 or self.vector.ndim != 2 or self.vector.dtype != np.float32:
            raise BadConfiguration(
                f"vectors are {self.vector.dtype}{self.vector.shape}; a table needs (N, D) float32 and columns of one length"
            )
        if not np.isfinite(self.vector).all():
            rows = np.flatnonzero(~np.isfinite(self.vector).all(axis=1))
            raise BadConfiguration(
                f"{len(rows)} vectors are not finite, the first in row {rows[0]}; a recipe must mask what is missing"
            )

    def __len__(self) -> int:
        return len(self.start_ns)

    def select(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> EmbeddingTable:
        """Return the chosen rows."""
        return replace(
            self,
            participant=self.participant[rows],
            recording=self.recording[rows],
            start_ns=self.start_ns[rows],
            duration_s=self.duration_s[rows],
            vector=self.vector[rows],
        )

    def write(self, path: str | Path) -> None:
        """Write the table to a Parquet file: complete or not at all."""
        path = Path(path)
        values = pa.array(np.ascontiguousarray(self.vector).reshape(-1))
        columns = {
            "participant": pa.array(self.participant.tolist(), pa.string()),
            "recording": pa.array(self.recording.tolist(), pa.string()),
            "start_ns": pa.array(self.start_ns, pa.int64()),
            "duration_s": pa.array(self.duration_s, pa.float64()),
            "vector": pa.FixedSizeListArray.from_arrays(values, self.vector.shape[1]),
        }
        table = pa.table(columns).replace_schema_metadata({_KEY: json.dumps(self.header.to_json(), sort_keys=True).encode()})
        temporary = path.with_name(path.name + ".part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(table, temporary)
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            temporary.replace(path)
        except OSError as error:
            raise CannotWrite(
                f"{path}: {table.nbytes} bytes could not be written ({error.strerror}); free space and run again"
            ) from error

    @classmethod
    def read(cls, path: str | Path) -> EmbeddingTable:
        """Read a table that `write` made; BadConfiguration for any other file."""
        try:
            table = pq.read_table(path)
        except (OSError, pa.ArrowInvalid) as error:
            raise BadConfiguration(f"{path} is not an embedding table ({error}); make one with: wearfm embed") from error
        described = (table.schema.metadata or {}).get(_KEY)
        if described is None:
            raise BadConfiguration(f"{path} has no wearfm header; make an embedding table with: wearfm embed")
        plain = json.loads(described)
        if plain.pop("version") != _VERSION:
            raise BadConfiguration(f"{path} was written by another version of wearfm; embed again")
        vector = table.column("vector").combine_chunks()
        size = vector.type.list_size
        return cls(
            participant=np.array(table.column("participant").to_pylist(), dtype=np.str_),
            recording=np.array(table.column("recording").to_pylist(), dtype=np.str_),
            start_ns=table.column("start_ns").to_numpy(),
            duration_s=table.column("duration_s").to_numpy(),
            vector=vector.flatten().to_numpy().reshape(-1, size),
            header=Header(**{**plain, "seen": tuple(plain["seen"])}),
        )


def concatenate(tables: Sequence[EmbeddingTable]) -> EmbeddingTable:
    """Return one table of several; IncompatibleTable if their weights, recipes, configs or widths differ."""
    if not tables:
        raise BadConfiguration("no embedding tables were given; at least one is needed")
    first = tables[0]
    for other in tables[1:]:
        if not first.header.same_source(other.header) or first.vector.shape[1] != other.vector.shape[1]:
            raise IncompatibleTable(f"{_origin(first)} and {_origin(other)} cannot be mixed; embed all with the same weights")
    seen = tuple(sorted({name for table in tables for name in table.header.seen}))
    skipped: dict[str, float] = {}
    for table in tables:
        for reason, seconds in table.header.skipped.items():
            skipped[reason] = skipped.get(reason, 0.0) + seconds
    return EmbeddingTable(
        participant=np.concatenate([t.participant for t in tables]),
        recording=np.concatenate([t.recording for t in tables]),
        start_ns=np.concatenate([t.start_ns for t in tables]),
        duration_s=np.concatenate([t.duration_s for t in tables]),
        vector=np.concatenate([t.vector for t in tables]),
        header=replace(first.header, skipped=skipped, seen=seen),
    )


def _origin(table: EmbeddingTable) -> str:
    return f"{table.header.recipe} {table.header.weight_hash[:12]} ({table.vector.shape[1]} wide)"
