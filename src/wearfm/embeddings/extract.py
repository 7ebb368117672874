"""From a source of windows to an embedding table: every second is in a row, or counted with the reason why not.

Windows are computed in the order of the index, in runs of recordings with the same channels, so that no batch is
padded with channels that nobody has. `embed_to` keeps finished parts beside the target: a killed run goes on where it
stopped and gives the same table. Parts can be computed by several workers, of this machine or of a cluster; one writer
joins them in their order.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from wearfm.embeddings.arrays import ArraySource
from wearfm.embeddings.table import EmbeddingTable, Header, concatenate
from wearfm.engines import EngineName, choose
from wearfm.errors import BadConfiguration
from wearfm.recipes.base import Recipe, config_to_json
from wearfm.recipes.weights import weight_hash
from wearfm.windows.contract import InputContract
from wearfm.windows.index import WindowIndex
from wearfm.windows.load import load
from wearfm.windows.source import Source
from wearfm.windows.split import pseudonym
from wearfm.windows.view import View

Progress = Callable[[int, int, str], None]  # done, total, what
PART = 1024  # windows a part: a file beside the target, and what one worker computes at a time


@dataclass(frozen=True, kw_only=True)
class Cut:
    """Which part of a source becomes windows, and how.

    stride_s: seconds from window to window; None for windows that touch. participants, modalities: only these; None for
    all. where: a condition on channels (`store.query`), "" for none. The end of a recording that is shorter than a window
    gets a window of its own, which overlaps the one before.
    """

    stride_s: float | None = None
    participants: Collection[str] | None = None
    modalities: Collection[str] | None = None
    where: str = ""

    def index(self, source: Source, contract: InputContract, *, reader: str) -> tuple[View, WindowIndex]:
        """Return the chosen part of a source and its windows; BadConfiguration if nothing fits the reader's contract."""
        view = View(source, participants=self.participants, modalities=self.modalities, where=self.where)
        index = WindowIndex.build(view, contract, stride_s=self.stride_s, tail="overlap")
        if len(index) == 0:
            wanted = " + ".join(stream.modality for stream in contract.streams)
            why = "; ".join(f"{reason} ({seconds:.1f} s)" for reason, seconds in index.skipped.items()) or "nothing is there"
            raise BadConfiguration(f"no window of {contract.window_s:g} s with {wanted} for {reader}: {why}")
        return view, index

    def to_json(self) -> dict[str, Any]:
        """Return the cut as plain values."""
        return {
            "stride_s": self.stride_s,
            "participants": None if self.participants is None else sorted(self.participants),
            "modalities": None if self.modalities is None else sorted(self.modalities),
            **({"where": self.where} if self.where else {}),
        }


def embed(
    recipe: Recipe,
    source: Source | NDArray[np.generic],
    *,
    rate_hz: float | None = None,
    modality: str | None = None,
    cut: Cut | None = None,
    batch_size: int = 64,
    device: str = "cpu",
    progress: Progress | None = None,
) -> EmbeddingTable:
    """Return the embedding table of a store, or of plain arrays.

    source: a store, or an array (T,), (C, T) or (N, C, T) in the modality's unit with its rate_hz and modality; NaN is
    missing. batch_size: windows computed together; changes speed and memory, not the result. Raises BadConfiguration if
    nothing in the source fits the recipe's input contract.
    """
    extraction = _Extraction(recipe, _as_source(source, rate_hz, modality), cut or Cut(), batch_size, device, progress)
    return concatenate([extraction.table(rows) for rows in extraction.parts()])


def embed_to(
    path: str | Path,
    recipe: Recipe,
    source: Source,
    *,
    cut: Cut | None = None,
    batch_size: int = 64,
    device: str = "cpu",
    workers: int | None = None,
    engine: EngineName = "processes",
    ray_address: str = "",
    progress: Progress | None = None,
) -> EmbeddingTable:
    """Write the embedding table of a store to a file and return it.

    Interrupted at any moment, a second call with the same arguments keeps the finished parts. workers: None computes in
    this process with torch's own threads; a number, in so many workers with one thread each: the table has the same bytes
    for any number and engine. engine, ray_address: as in `preparation.prepare`; nobody may write to the store meanwhile.
    """
    path = Path(path)
    extraction = _Extraction(recipe, source, cut or Cut(), batch_size, device, progress)
    folder = path.with_name(path.name + ".parts")
    rows = list(extraction.parts())
    found = [_finished(_part(folder, number), extraction, some) for number, some in enumerate(rows)]
    missing = [number for number, table in enumerate(found) if table is None]
    for table in found:
        extraction.count(0 if table is None else len(table))
    with closing(_vectors(extraction, [rows[number] for number in missing], workers, engine, ray_address)) as computed:
        for number, vectors in zip(missing, computed, strict=True):
            table = describe_rows(extraction.index, rows[number], vectors, extraction.header)
            table.write(_part(folder, number))
            found[number] = table
    parts = [table for table in found if table is not None]
    whole = concatenate(parts)
    whole.write(path)
    for part in folder.glob("*"):
        part.unlink()
    folder.rmdir()
    return whole


class _Extraction:
    """One recipe on one source: the index, the header and the rows of each part."""

    def __init__(
        self, recipe: Recipe, source: Source, cut: Cut, batch_size: int, device: str, progress: Progress | None
    ) -> None:
        if batch_size < 1:
            raise BadConfiguration(f"batch_size {batch_size} must be at least 1")
        self.recipe, self.batch_size, self.device = recipe, batch_size, torch.device(device)
        self.source, self.index = cut.index(source, recipe.input, reader=recipe.name)
        self.header = Header(
            recipe=recipe.name,
            config=config_to_json(recipe.config),
            weight_hash=weight_hash(recipe),
            contract=recipe.input.to_json() | {"cut": cut.to_json()},
            store_fingerprint=source.fingerprint(),
            skipped=self.index.skipped,
            seen=tuple(sorted(recipe.seen & {pseudonym(name) for name in self.index.participants})),
        )
        self._progress = progress
        self._done = 0
        self.count(0)

    def count(self, windows: int) -> None:
        """Report that so many more windows have their vector."""
        self._done += windows
        if self._progress is not None:
            self._progress(self._done, len(self.index), "windows")

    def quiet(self) -> _Extraction:
        """Return a twin that reports no progress, for another process."""
        twin = copy(self)
        twin._progress = None
        return twin

    def parts(self) -> Iterator[NDArray[np.int64]]:
        """Yield the window numbers of each part, in the order of the index."""
        for first in range(0, len(self.index), PART):
            yield np.arange(first, min(first + PART, len(self.index)), dtype=np.int64)

    def table(self, rows: NDArray[np.int64]) -> EmbeddingTable:
        """Return the embeddings of some windows as a table."""
        return describe_rows(self.index, rows, self.vectors(rows), self.header)

    def vectors(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the embeddings of some windows."""
        was_training = self.recipe.training
        self.recipe.to(self.device).eval()
        try:
            with torch.inference_mode():
                vectors = [self._embed(batch) for batch in self._batches(rows)]
        finally:
            self.recipe.train(was_training)
        widths = sorted({v.shape[1] for v in vectors})
        if len(widths) > 1:
            raise BadConfiguration(
                f"{self.recipe.name} gives vectors of widths {widths} for recordings with different channels;"
                " choose a pooling over channels, or embed one kind of recording at a time"
            )
        return np.concatenate(vectors)

    def _embed(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        batch = load(self.source, self.index, rows).to(self.device)
        vectors: NDArray[np.float32] = self.recipe.embed(batch).vector.float().cpu().numpy()
        self.count(len(rows))
        return vectors

    def _batches(self, rows: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
        """Yield runs of windows, at most batch_size long, whose recordings have the same channels."""
        shape = layout_code(self.index)[self.index.recording[rows]]
        edges = np.flatnonzero(np.diff(shape)) + 1
        for run in np.split(rows, edges):
            for first in range(0, len(run), self.batch_size):
                yield run[first : first + self.batch_size]


@dataclass(frozen=True)
class _Remote:
    """An extraction as workers get it, once each: computes with one thread, so that their number changes no bit."""

    extraction: _Extraction

    def __call__(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        with _one_thread():
            return self.extraction.vectors(rows)


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _vectors(
    extraction: _Extraction, parts: Sequence[NDArray[np.int64]], workers: int | None, engine: EngineName, address: str
) -> Generator[NDArray[np.float32]]:
    """Yield the vectors of every part, in their order, as soon as they are there."""
    if (workers is None and engine == "processes") or not parts:
        yield from map(extraction.vectors, parts)
        return
    chosen = choose(engine, workers=workers, address=address)
    if chosen.is_here and chosen.workers == 1:
        with _one_thread():
            yield from map(extraction.vectors, parts)
        return
    with closing(chosen.run(_Remote(extraction.quiet()), parts, sizes=[rows.nbytes for rows in parts])) as computed:
        for rows, vectors in zip(parts, computed, strict=True):
            extraction.count(len(rows))
            yield vectors


def _part(folder: Path, number: int) -> Path:
    return folder / f"{number:06d}.parquet"


def describe_rows(index: WindowIndex, rows: NDArray[np.int64], vector: NDArray[np.float32], header: Header) -> EmbeddingTable:
    """Return a table of vectors with the participant, recording and time of their windows."""
    recording = index.recording[rows]
    return EmbeddingTable(
        participant=np.array(index.participants, dtype=np.str_)[index.participant_of[recording]],
        recording=np.array(index.recordings, dtype=np.str_)[recording],
        start_ns=index.start_ns[rows],
        duration_s=np.full(len(rows), index.contract.window_s),
        vector=vector,
        header=header,
    )


def layout_code(index: WindowIndex) -> NDArray[np.int64]:
    """Return a number for each recording, equal for those with the same channels of the same modalities."""
    counts = [(layout.channel >= 0).sum(axis=1) for layout in index.layouts.values()]
    if not counts:
        return np.zeros(len(index.recordings), dtype=np.int64)
    return np.asarray(np.unique(np.stack(counts, axis=1), axis=0, return_inverse=True)[1], dtype=np.int64).ravel()


def _as_source(source: Source | NDArray[np.generic], rate_hz: float | None, modality: str | None) -> Source:
    if not isinstance(source, np.ndarray):
        return source
    if rate_hz is None or modality is None:
        raise BadConfiguration('an array says neither its rate nor what it measures; add rate_hz=64, modality="ppg" (yours)')
    return ArraySource(source, rate_hz=rate_hz, modality=modality)


def _finished(part: Path, extraction: _Extraction, rows: NDArray[np.int64]) -> EmbeddingTable | None:
    """Return a part that an earlier run finished, None if there is none or it belongs to something else."""
    if not part.exists():
        return None
    table = EmbeddingTable.read(part)
    mine: dict[str, Any] = extraction.header.to_json()
    fits = table.header.to_json() == mine and np.array_equal(table.start_ns, extraction.index.start_ns[rows])
    return table if fits else None
