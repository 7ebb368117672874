"""From rows of the index to batches: cut, scale, resample, stack; ahead of time, in threads, in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration
from wearfm.signals.resample import rational, reach, resample_rows
from wearfm.windows.batch import Batch, Signal
from wearfm.windows.contract import ANY
from wearfm.windows.index import SECOND, Layout, WindowIndex
from wearfm.windows.plan import Plan
from wearfm.windows.source import Source


def load(store: Source, index: WindowIndex, windows: NDArray[np.int64], *, group_size: int = 1) -> Batch:
    """Return the windows as a batch; windows: (B,) rows of the index, groups one after the other."""
    recording, start_ns = index.recording[windows], index.start_ns[windows]
    streams = {}
    for modality, layout in index.layouts.items():
        stream = _stream(store, index, layout, modality, recording, start_ns)
        if stream is not None:
            streams[modality] = stream
    return Batch(
        streams=streams,
        participant=torch.from_numpy(index.participant_of[recording]),
        recording=torch.from_numpy(recording.astype(np.int64)),
        start_ns=torch.from_numpy(start_ns.astype(np.int64)),
        local_ns=torch.from_numpy(index.local_ns(windows)),
        group_size=group_size,
        targets={name: torch.from_numpy(target[windows]) for name, target in index.targets.items()},
    )


def spread(store: Source, index: WindowIndex, *, count: int, batch_size: int) -> Iterator[Batch]:
    """Yield `count` windows of an index at equal distances, in batches; all of them if there are fewer."""
    rows = np.unique(np.linspace(0, len(index) - 1, min(count, len(index))).round().astype(np.int64))
    for first in range(0, len(rows), batch_size):
        yield load(store, index, rows[first : first + batch_size])


def _stream(
    store: Source, index: WindowIndex, layout: Layout, modality: str, recording: NDArray[np.int64], start_ns: NDArray[np.int64]
) -> Signal | None:
    """Return one modality of a batch; None if no window has it and the recipe takes whatever there is."""
    channel = layout.channel[recording]  # (B, C)
    width = int((channel >= 0).any(axis=0).sum())
    if width == 0:
        return None
    channel, rates = channel[:, :width], layout.rate_hz[recording][:, :width]
    there = channel >= 0
    target_hz = _target_rate(index, modality, rates[there])
    length = round(index.contract.window_s * target_hz)
    signal = np.zeros((*channel.shape, length), dtype=np.float32)
    valid = np.zeros((*channel.shape, length), dtype=bool)
    offset_s = (start_ns[:, None] - layout.start_ns[recording][:, :width]) / SECOND
    for rate_hz in np.unique(rates[there]):
        chosen = there & (rates == rate_hz)
        starts = np.round(offset_s[chosen] * rate_hz).astype(np.int64)
        signal[chosen], valid[chosen] = _cut(store, channel[chosen], starts, float(rate_hz), target_hz, length)
    return Signal(signal=torch.from_numpy(signal), valid=torch.from_numpy(valid), rate_hz=target_hz)


def _target_rate(index: WindowIndex, modality: str, rates: NDArray[np.float64]) -> float:
    for stream in index.contract.streams:
        if stream.modality in (modality, ANY) and stream.rate_hz is not None:
            return float(stream.rate_hz)
    distinct = np.unique(rates)
    if len(distinct) > 1:
        listed = ", ".join(f"{rate:g}" for rate in distinct)
        raise BadConfiguration(f"{modality} channels have rates {listed} Hz; windows of one batch need one rate: set rate_hz")
    return float(distinct[0])


def _cut(
    store: Source, channel: NDArray[np.int64], starts: NDArray[np.int64], rate_hz: float, target_hz: float, length: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return (N, length) windows at the target rate, cut with enough margin that resampling does not see the cut."""
    up, down = rational(rate_hz, target_hz)
    if up == down:
        return store.gather(channel, starts, length)
    periods = -(-reach(up, down) // down)  # whole periods of the rate ratio, so that the grids keep in step
    margin = periods * down
    raw_length = -(-length * down // up) + 2 * margin
    signal, valid = store.gather(channel, starts - margin, raw_length)
    signal, valid = resample_rows(signal, valid, up=up, down=down)
    first = periods * up
    return signal[:, first : first + length], valid[:, first : first + length]


@dataclass(frozen=True, kw_only=True, eq=False)
class Loader:
    """The batches of a plan, the same whatever the number of workers and ranks.

    batch_size: samples of the global batch. rank, world: this process computes samples [rank, rank + 1) * batch_size / world
    of each batch. workers: threads that load ahead (the copies and the resampling release the interpreter lock); 0 loads
    when asked. ahead: batches kept ready for each worker.
    """

    store: Source
    index: WindowIndex
    plan: Plan
    batch_size: int
    workers: int = 0
    rank: int = 0
    world: int = 1
    ahead: int = 2

    def __post_init__(self) -> None:
        if self.batch_size < 1 or self.batch_size % self.world:
            raise BadConfiguration(f"batch_size {self.batch_size} must be a positive multiple of the {self.world} processes")
        if len(self) == 0:
            raise BadConfiguration(
                f"batch_size {self.batch_size} exceeds the {len(self.plan)} samples of an epoch; lower it or add recordings"
            )

    def __len__(self) -> int:
        return len(self.plan) // self.batch_size

    def batch(self, epoch: int, number: int) -> Batch:
        """Return batch `number` of an epoch, this rank's part."""
        local = self.batch_size // self.world
        first = number * self.batch_size + self.rank * local
        windows = self.plan.draw(epoch, np.arange(first, first + local, dtype=np.int64))
        return load(self.store, self.index, windows.ravel(), group_size=self.plan.group_size)

    def epoch(self, epoch: int, first: int = 0) -> Iterator[Batch]:
        """Yield the batches of an epoch from number `first` on."""
        numbers = iter(range(first, len(self)))
        if self.workers == 0:
            yield from (self.batch(epoch, number) for number in numbers)
            return
        with ThreadPoolExecutor(self.workers, thread_name_prefix="wearfm-loader") as pool:
            ready: deque[Future[Batch]] = deque(
                pool.submit(self.batch, epoch, number) for number in islice(numbers, self.workers * self.ahead)
            )
            try:
                while ready:
                    batch = ready.popleft().result()
                    ready.extend(pool.submit(self.batch, epoch, number) for number in islice(numbers, 1))
                    yield batch
            finally:
                for waiting in ready:
                    waiting.cancel()
