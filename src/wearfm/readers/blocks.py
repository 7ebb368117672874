"""Blocks of samples, each with one stamp, on one regular axis: what loggers write that stamp a sector, page or second.

    stamp     6.000        7.215        8.430               16.930     seconds
    samples   120          120          120                 120        98.8 Hz, nominal 100
    placed    0            120          240                 1080       840 - 360 samples were never measured: a gap

Within a run of blocks samples are counted, not rounded, so that the jitter of stamps neither doubles nor loses a sample. The
rate is what the stamps say; it is the nominal one if both agree within one sample over the whole file. A block that does
not follow the one before (`follows`), or whose stamp is further than `slack_s` from where counting leads, is set by its
stamp: what lies between is a gap, what overlaps is dropped and counted. A file longer than `MOST_SAMPLES` goes on in
another part.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration, BadRecording
from wearfm.readers.base import MOST_SAMPLES
from wearfm.signals.clock import check_growth, in_order
from wearfm.signals.quality_record import Finding
from wearfm.signals.recording import SECOND
from wearfm.signals.spans import Spans

_RATE_TOLERANCE = 0.1  # oscillators of accelerometers are within 10 % of what their data sheets say (Analog Devices ADXL345)


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """Blocks of one recording. rows: (B,) which blocks, in order. Their samples, without the first `skip`, lie at `place`.

    counts: (B,) samples in the blocks. place, skip: (B,). length: samples on the axis, gaps included.
    """

    rows: NDArray[np.int64]
    counts: NDArray[np.int64]
    place: NDArray[np.int64]
    skip: NDArray[np.int64]
    start_ns: int
    rate_hz: float
    findings: tuple[Finding, ...] = ()

    @property
    def length(self) -> int:
        """Samples from the first to the last, gaps included."""
        return int(self.place[-1] + self.counts[-1] - self.skip[-1])

    @property
    def present(self) -> Spans:
        """The spans that hold samples."""
        return Spans.of(np.stack((self.place, self.place + self.counts - self.skip), axis=1))

    def lay(self, samples: NDArray[np.generic]) -> NDArray[np.generic]:
        """Return the samples of all blocks one after the other, (N,), on the axis, (length,); gaps have no meaning."""
        if self.length == len(samples) and not self.skip.any():
            return samples
        laid = np.zeros(self.length, dtype=samples.dtype)
        source = np.concatenate(([0], np.cumsum(self.counts)[:-1])) + self.skip
        shift = self.place - source
        edges = np.concatenate(([0], np.flatnonzero(np.diff(shift)) + 1, [len(shift)]))
        for first, last in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            start, stop = int(source[first]), int(source[last - 1] + self.counts[last - 1] - self.skip[last - 1])
            laid[start + shift[first] : stop + shift[first]] = samples[start:stop]
        return laid


@dataclass(frozen=True, kw_only=True, eq=False)
class Arrangement:
    """The parts that the blocks of a file make, and what had to be said of their stamps."""

    parts: tuple[Part, ...]
    notes: tuple[str, ...]


def arrange(
    path: Path,
    time_ns: NDArray[np.int64],
    counts: NDArray[np.int64],
    *,
    rate_hz: float,
    slack_s: float,
    follows: NDArray[np.bool_] | None = None,
    is_exact: bool = False,
) -> Arrangement:
    """Return blocks of samples on one axis.

    time_ns: (B,) time of the first sample of each block. counts: (B,) its samples, at least 1. rate_hz: nominal.
    slack_s: how far counting may lead from the stamps. follows: (B,) whether the device says that a block follows the
    one before it, None if it does not say. is_exact: the device fills every stamped second itself, so that the rate is
    the nominal one. BadRecording if the stamps have no order or leave gaps that no file of this size would have.
    """
    try:
        return _arrange(time_ns, counts, rate_hz=rate_hz, slack_s=slack_s, follows=follows, is_exact=is_exact)
    except BadConfiguration as error:
        raise BadRecording(path, 0, str(error)) from error


def _arrange(
    time_ns: NDArray[np.int64], counts: NDArray[np.int64], *,
    rate_hz: float, slack_s: float, follows: NDArray[np.bool_] | None, is_exact: bool,
) -> Arrangement:  # fmt: skip
    keep, _, _ = in_order(time_ns)
    rows = np.flatnonzero(keep)
    lost = int(counts[~keep].sum())
    findings = (Finding(action="dropped", samples=lost, reason="block with a time stamp out of order"),) if lost else ()
    stamps, sizes = time_ns[rows], counts[rows]
    joined = np.zeros(len(rows), dtype=bool)
    joined[1:] = (np.diff(rows) == 1) & (True if follows is None else follows[rows[1:]])
    rate, notes = (rate_hz, ()) if is_exact else _rate(stamps, sizes, joined, rate_hz)
    place, skip = _place(stamps, sizes, joined, rate_hz=rate, slack=round(slack_s * rate))
    cuts = _cuts(place, place + sizes - skip)
    parts = [_part(rows, sizes, place, skip, stamps, rate, a, b) for a, b in pairwise(cuts)]
    parts[0] = replace(parts[0], findings=findings + parts[0].findings)
    if len(parts) > 1:
        notes = (*notes, f"longer than {MOST_SAMPLES} samples; it goes on in other recordings, {len(parts)} in all")
    return Arrangement(parts=tuple(parts), notes=notes)


def _rate(
    stamps: NDArray[np.int64], sizes: NDArray[np.int64], joined: NDArray[np.bool_], nominal_hz: float
) -> tuple[float, tuple[str, ...]]:
    """Return samples per second over all pairs of blocks that follow each other, and a note if it is not the nominal rate."""
    lasts = np.diff(stamps) / SECOND
    due = sizes[:-1] / nominal_hz
    near = joined[1:] & (np.abs(lasts / due - 1) <= _RATE_TOLERANCE + 1 / sizes[:-1])
    seconds, samples = float(lasts[near].sum()), int(sizes[:-1][near].sum())
    if samples == 0 or abs(seconds * nominal_hz - samples) <= 1:
        return nominal_hz, ()
    measured = samples / seconds
    return measured, (f"stamps run at {measured:.6g} Hz, nominal {nominal_hz:g} Hz; the stamps were followed",)


def _place(
    stamps: NDArray[np.int64], sizes: NDArray[np.int64], joined: NDArray[np.bool_], *, rate_hz: float, slack: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where each block begins, and how many of its first samples overlap the one before, (B,) each."""
    wanted = np.rint((stamps - stamps[0]) * (rate_hz / SECOND)).astype(np.int64)
    counted = np.cumsum(sizes) - sizes
    if bool((joined[1:] & (np.abs(wanted - counted)[1:] <= slack)).all()):
        return counted, np.zeros(len(sizes), dtype=np.int64)
    place, skip = [], []
    end = 0
    for want, size, follows in zip(wanted.tolist(), sizes.tolist(), joined.tolist(), strict=True):
        off = want - end
        start = end if (follows and -slack <= off <= slack) or off < 0 else want
        over = min(-off, size) if off < -slack else 0
        place.append(start)
        skip.append(over)
        end = start + size - over
    return np.array(place, dtype=np.int64), np.array(skip, dtype=np.int64)


def _cuts(place: NDArray[np.int64], stop: NDArray[np.int64]) -> list[int]:
    """Return the blocks at which parts of at most MOST_SAMPLES begin, and the number of blocks at the end."""
    cuts = [0]
    while int(stop[-1] - place[cuts[-1]]) > MOST_SAMPLES:
        past = int(np.searchsorted(stop, place[cuts[-1]] + MOST_SAMPLES, side="right"))
        cuts.append(max(past, cuts[-1] + 1))
        if cuts[-1] == len(stop):
            return cuts
    return [*cuts, len(stop)]


def _part(
    rows: NDArray[np.int64], sizes: NDArray[np.int64], place: NDArray[np.int64], skip: NDArray[np.int64],
    stamps: NDArray[np.int64], rate_hz: float, first: int, stop: int,
) -> Part:  # fmt: skip
    lost = int(skip[first:stop].sum())
    origin = int(place[first])
    part = Part(
        rows=rows[first:stop],
        counts=sizes[first:stop],
        place=place[first:stop] - origin,
        skip=skip[first:stop],
        start_ns=int(stamps[0]) + round(origin * SECOND / rate_hz),
        rate_hz=rate_hz,
        findings=(Finding(action="dropped", samples=lost, reason="block begins before the last one ends"),) if lost else (),
    )
    check_growth(part.length, source=int(part.counts.sum()))
    return part
