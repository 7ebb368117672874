"""The store against what people use: random windows out of it, and raw files into it.

Windows are 10 s at 125 Hz, int16 on disk, float32 in memory, 256 to a batch, shuffled over the whole store, out of the
page cache. Files are EDF, 8 channels at 256 Hz.
"""

from __future__ import annotations

import itertools
import pickle
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import edfio
import h5py
import numpy as np

from benchmarks.row import Row, interleave
from wearfm.preparation import prepare
from wearfm.signals.recording import Channel, Recording
from wearfm.signals.spans import Spans
from wearfm.store import Store

RATE_HZ = 125
LENGTH = 10 * RATE_HZ
BATCH = 256
PEOPLE = 64
SAMPLES = 1_000_000  # of each person: 128 MB in all, well beyond the caches
NUM_BATCHES = 200  # a call of ours
FEW_BATCHES = 16  # a call of a reference, which is slower

Batch = tuple[np.ndarray, np.ndarray]


def draw(generator: np.random.Generator, count: int) -> list[Batch]:
    """Shuffled windows: (people, starts), each (BATCH,)."""
    return [
        (generator.integers(0, PEOPLE, BATCH), generator.integers(0, SAMPLES // LENGTH, BATCH) * LENGTH) for _ in range(count)
    ]


def make_store(folder: Path, signal: np.ndarray, *, shards: int) -> Store:
    """The samples (people, T) int16 as a store of so many shards."""
    store = Store.create(folder)
    people = [
        Recording(
            participant=f"p{k:03}",
            name="day",
            channels=(
                Channel(
                    name="PPG", modality="ppg", rate_hz=RATE_HZ, start_ns=0, samples=row, valid=Spans.all(len(row)), scale=0.01
                ),
            ),
        )
        for k, row in enumerate(signal)
    ]
    for some in np.array_split(np.arange(len(people)), shards):
        store.commit([people[k] for k in some])
    return store


def gather(store: Store, batches: list[Batch]) -> Callable[[], object]:
    """Our side: one call for a batch."""
    ids = store.channels().id

    def run() -> None:
        for people, starts in batches:
            store.gather(ids[people], starts, LENGTH)

    return run


def pickles(folder: Path, signal: np.ndarray, batches: Iterator[list[Batch]]) -> Callable[[], object]:
    """One pickle of float32 for every window, as research code writes them."""
    folder.mkdir()
    for person, row in enumerate(signal):
        for start in range(0, SAMPLES - LENGTH + 1, LENGTH):
            window = row[start : start + LENGTH].astype(np.float32) * 0.01
            (folder / f"{person}_{start}.p").write_bytes(pickle.dumps(window))

    def run() -> None:
        for people, starts in next(batches):
            paths = (folder / f"{p}_{s}.p" for p, s in zip(people.tolist(), starts.tolist(), strict=True))
            np.stack([pickle.loads(path.read_bytes()) for path in paths])

    return run


def chunked(path: Path, signal: np.ndarray, batches: Iterator[list[Batch]]) -> Callable[[], object]:
    """HDF5, uncompressed, one chunk a window, one read a window."""
    with h5py.File(path, "w") as file:
        file.create_dataset("ppg", data=signal, chunks=(1, LENGTH))
    data = h5py.File(path)["ppg"]

    def run() -> None:
        for people, starts in next(batches):
            pairs = zip(people.tolist(), starts.tolist(), strict=True)
            np.stack([data[p, s : s + LENGTH] for p, s in pairs]).astype(np.float32) * np.float32(0.01)

    return run


def random_windows() -> list[Row]:
    """Windows per CPU second."""
    generator = np.random.default_rng(0)
    signal = generator.integers(-3000, 3000, (PEOPLE, SAMPLES), dtype=np.int16)
    batches = draw(generator, NUM_BATCHES)
    few = (draw(generator, FEW_BATCHES) for _ in itertools.count())  # others every time: nobody reads from a warm cache
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        one, many = (gather(make_store(folder / f"{n}", signal, shards=n), batches) for n in (2, PEOPLE))
        per_file = pickles(folder / "pickles", signal, few)
        hdf5 = chunked(folder / "chunked.h5", signal, few)
        return [
            _windows("random windows, 2 shards", one, per_file, "a pickle per window", 80.0),
            _windows("random windows, 64 shards", many, per_file, "a pickle per window", 80.0),
            _windows("random windows, 2 shards", one, hdf5, "h5py, a chunk per window", 20.0),
            _bandwidth(one, signal),
        ]


def _windows(name: str, ours: Callable[[], object], reference: Callable[[], object], what: str, target: float) -> Row:
    first, second = interleave(ours, reference)
    rate, other = NUM_BATCHES * BATCH / median(first), FEW_BATCHES * BATCH / median(second)
    return Row(
        name=name,
        reference=what,
        ours=rate / 1e3,
        reference_value=other / 1e3,
        unit="k windows/s",
        ratio=rate / other,
        target=f">= {target:g}x, >= 500 k windows/s",
        limit="memory bandwidth, see below",
        met=rate / other >= target and rate >= 500e3,
        note=f"{NUM_BATCHES * BATCH / max(first) / 1e3:.0f} to {NUM_BATCHES * BATCH / min(first) / 1e3:.0f} k windows/s",
    )


def _bandwidth(ours: Callable[[], object], block: np.ndarray) -> Row:
    """Bytes that must be read and written for the windows, against those of one large copy."""
    target = np.empty_like(block)
    first, second = interleave(ours, lambda: np.copyto(target, block))
    moved = NUM_BATCHES * BATCH * LENGTH * (2 + 4) / median(first) / 1e9  # int16 read, float32 written
    copied = block.nbytes / median(second) / 1e9  # as memory bandwidth is quoted in the targets: bytes that arrive
    return Row(
        name="random windows, bytes in and out",
        reference="one copy of 128 MB",
        ours=moved,
        reference_value=copied,
        unit="GB/s",
        ratio=moved / copied,
        target=">= 0.4x",
        limit="the copy is the limit",
        met=moved / copied >= 0.4,
        note=f"{moved / copied / 2:.2f} if the copy's reading counts besides its writing",
    )


def preparation() -> Row:
    """Raw files to something that can be trained on, CPU seconds."""
    generator = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = [_write_edf(folder / "raw" / f"p{k}.edf", generator) for k in range(4)]
        turn = itertools.count()

        def ours() -> None:
            prepare([folder / "raw"], folder / f"store {next(turn)}", workers=1)

        def reference() -> None:
            out = folder / f"pickles {next(turn)}"
            out.mkdir()
            for file in files:
                _pickle_windows(file, out)
            shutil.rmtree(out)

        first, second = interleave(ours, reference, repeats=3)
    channel_s = len(files) * 8 * 3600
    return Row(
        name="EDF to store, hashed and checked",
        reference="edfio, a pickle per window",
        ours=channel_s / median(first),
        reference_value=channel_s / median(second),
        unit="x real time per channel",
        ratio=median(second) / median(first),
        target=">= 20x, >= 50 000x real time",
        limit="",
        met=median(second) / median(first) >= 20 and channel_s / median(first) >= 50_000,
        note=f"{min(first):.3f} to {max(first):.3f} s against {min(second):.3f} to {max(second):.3f} s of CPU time",
    )


def _write_edf(path: Path, generator: np.random.Generator) -> Path:
    path.parent.mkdir(exist_ok=True)
    signals = [
        edfio.EdfSignal(
            generator.normal(0, 50, 256 * 3600), 256, label=f"EEG {k}", physical_dimension="uV", physical_range=(-500, 500)
        )
        for k in range(8)
    ]
    edfio.Edf(signals).write(path)
    return path


def _pickle_windows(file: Path, out: Path) -> None:
    for number, signal in enumerate(edfio.read_edf(file).signals):
        data = signal.data
        for start in range(0, len(data) - 2559, 2560):
            with (out / f"{file.stem}_{number}_{start}.p").open("wb") as handle:
                pickle.dump(data[start : start + 2560].astype(np.float32), handle)


BENCHMARKS = (random_windows, preparation)
