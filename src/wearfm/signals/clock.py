"""A regular time axis out of the stamps that a device wrote.

    stamps   0   16   31   47        94  94  109  140        (ms; about 64 Hz)
    kept     x    x    x    x         x       x    x         the duplicate is dropped
    position 0    1    2    3         6       7    9         4, 5 and 8 were never measured: a gap

A few repeated stamps are samples that were sent twice. Many are a clock with few digits, or samples that arrive in
bursts: those are all kept and spread evenly. Stamps that are minutes apart need many more of them: an hour that the wall
clock showed twice is not a coarse clock. Within a run of stamps that are less than one and a half steps apart
samples are counted, not rounded, so that jitter neither doubles nor loses a sample; only a gap sets the position anew.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration
from wearfm.signals.quality_record import Finding
from wearfm.signals.recording import SECOND, Clock
from wearfm.signals.spans import Spans

LONGEST_GAP_S = 30 * 86400.0  # a longer gap is a clock that was set, not a device that was off
MOST_INSERTED = 2**26  # empty samples that a file of any size may ask for; beyond, 16 for each of its own
RATE_TOLERANCE = 0.02  # a declared rate that is further off is a mistake, not a drift
FASTEST_HZ = 200_000.0  # no body signal is sampled faster
FASTEST_STAMPED_HZ = 20_000.0  # nor stamped sample by sample; 25 Hz in ms read as microseconds is
_COARSE = 0.01  # share of repeated stamps from which they are a coarse clock or bursts, and not samples sent twice
_SLOW_S = 10.0  # steps from which a coarse clock shows in most stamps, as no clock has so few digits otherwise
_SLOW_COARSE = 0.4  # share of repeated stamps from which such slow ones are coarse: half-minutes stamped in minutes have 0.5
_JITTER = 0.1  # share of a step by which a stamp may be off before its sample counts as moved
_MEDIAN_OF = 65_536  # steps that the median is taken of; more only cost time
_AT_ONCE = 32_768  # stamps that fit the cache of a core
_YEAR = 31_557_600 * SECOND
_FIRST_YEAR, _LAST_YEAR = 1980, 2100


@dataclass(frozen=True, kw_only=True, eq=False)
class Grid:
    """Where every stamped sample lies on a regular axis.

    start_ns: time of position 0. position: (N,) int64, strictly increasing over the kept samples, -1 for the others.
    keep: (N,) bool. findings: what was dropped (duplicates, backward stamps, clock jumps) and repaired (moved by more
    than a tenth of a step). notes: what concerns the axis as a whole.
    """

    start_ns: int
    rate_hz: float
    position: NDArray[np.int64]
    keep: NDArray[np.bool_]
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()

    @cached_property
    def length(self) -> int:
        """Samples from the first to the last, gaps included."""
        return int(self.position.max(initial=-1)) + 1

    @cached_property
    def present(self) -> Spans:
        """The spans that hold samples."""
        if np.count_nonzero(self.keep) == self.length:
            return Spans.all(self.length)
        kept = self.position[self.keep]
        edges = np.flatnonzero(np.diff(kept) > 1)
        starts, stops = kept[np.concatenate(([0], edges + 1))], kept[np.concatenate((edges, [len(kept) - 1]))] + 1
        return Spans.of(np.stack((starts, stops), axis=1))

    def lay(self, samples: NDArray[np.generic]) -> NDArray[np.generic]:
        """Return the samples on the grid, (N,) -> (length,) of the same type; what lies in a gap has no meaning."""
        if self.length == len(samples) == np.count_nonzero(self.keep):
            return samples
        laid = np.zeros(self.length, dtype=samples.dtype)
        laid[self.position[self.keep]] = samples[self.keep]
        return laid


def regularise(time_ns: NDArray[np.int64], *, rate_hz: float | None = None) -> Grid:
    """Return the regular grid on which stamped samples lie.

    time_ns: (N,) int64 stamps, any order. rate_hz: what the source declares; None to read the rate from the stamps.
    A declared rate that the stamps contradict by more than 2 % raises BadConfiguration; one that drifts by less gives
    way to the stamps, with a note, as soon as the drift reaches one sample.
    """
    _check_range(time_ns)
    keep, findings, is_coarse = in_order(time_ns)
    is_whole = bool(keep.all())
    stamps = time_ns if is_whole else time_ns[keep]
    rate, notes = _settle(stamps, rate_hz, is_coarse=is_coarse)
    placed = _place(stamps, rate, is_coarse=is_coarse)
    check_growth(int(placed[-1]) + 1, source=len(time_ns))
    moved = _count_moved(stamps, placed, rate)
    if moved:
        findings += (Finding(action="repaired", samples=moved, reason="moved to the nearest step of the clock"),)
    position = placed if is_whole else np.full(len(time_ns), -1, dtype=np.int64)
    if not is_whole:
        position[keep] = placed
    return Grid(start_ns=int(stamps[0]), rate_hz=rate, position=position, keep=keep, findings=findings, notes=notes)


def clock_of(start_ns: int) -> Clock:
    """Return "utc" for a date between 1980 and 2100 and "relative" for less than a year from zero.

    Anything else is a wrong unit: seconds read as milliseconds fall into January 1970 plus days, but milliseconds read
    as seconds fall beyond the year 50 000. BadConfiguration says so.
    """
    years = 1970 + start_ns / _YEAR
    if _FIRST_YEAR <= years < _LAST_YEAR:
        return "utc"
    if abs(start_ns) < _YEAR:
        return "relative"
    raise BadConfiguration(
        f"stamps begin in the year {years:.0f}; a recording starts between {_FIRST_YEAR} and {_LAST_YEAR} or near 0: "
        f"check the unit of the time column (s, ms, us or ns)"
    )


def check_growth(length: int, *, source: int) -> None:
    """Raise BadConfiguration if a grid of that length would be mostly empty."""
    if length - source > max(MOST_INSERTED, 16 * source):
        raise BadConfiguration(
            f"gaps of {length - source} samples in a source of {source}; at most {max(MOST_INSERTED, 16 * source)} are"
            f" filled: split the file at its longest gap"
        )


def _check_range(time_ns: NDArray[np.int64]) -> None:
    if time_ns.dtype != np.int64 or time_ns.ndim != 1:
        raise BadConfiguration(f"stamps are {time_ns.dtype}{time_ns.shape}; they must be (N,) int64 nanoseconds")
    if len(time_ns) == 0:
        raise BadConfiguration("there are no time stamps; a recording needs at least one")
    if max(abs(int(time_ns.min())), abs(int(time_ns.max()))) >= 2**62:
        raise BadConfiguration("stamps lie beyond the years 1823 to 2116; check the unit of the time column")


def in_order(stamps: NDArray[np.int64]) -> tuple[NDArray[np.bool_], tuple[Finding, ...], bool]:
    """Return which stamps form an ordered axis, (N,), what was dropped to get there, and whether stamps are coarse."""
    steps = np.diff(stamps)
    everything = np.ones(len(stamps), dtype=bool)
    if len(steps) == 0 or (steps.min() > 0 and steps.max() <= LONGEST_GAP_S * SECOND):
        return everything, (), False
    repeated = np.concatenate(([False], steps == 0))
    least = _SLOW_COARSE if _middle(steps) >= _SLOW_S * SECOND else _COARSE
    is_coarse = bool(np.count_nonzero(repeated) > least * len(stamps))
    ordered = _ordered(stamps, may_repeat=is_coarse) if steps.min() < 0 or not is_coarse else everything
    together = _without_jumps(stamps, ordered)
    lost = (
        (int(np.count_nonzero(~ordered & repeated)), "the same time stamp twice"),
        (int(np.count_nonzero(~ordered & ~repeated)), "time stamp out of order"),
        (int(np.count_nonzero(ordered & ~together)), "clock jump of more than 30 days"),
    )
    return together, tuple(Finding(action="dropped", samples=n, reason=reason) for n, reason in lost if n), is_coarse


def _ordered(stamps: NDArray[np.int64], *, may_repeat: bool) -> NDArray[np.bool_]:
    """Return a mask of increasing stamps that loses as few as it can.

    Dropping whatever lies behind the latest stamp is fast and right for a few late samples. Where it would lose more
    than one in a hundred, one stamp from the future stands in front of many good ones: then the longest increasing
    subsequence is taken (Fredman 1975, n log n).
    """
    latest = np.maximum.accumulate(stamps)[:-1]
    later = stamps[1:] >= latest if may_repeat else stamps[1:] > latest
    forward = np.concatenate(([True], later))
    if np.count_nonzero(~forward) <= len(stamps) // 100:
        return forward
    best = _longest_increasing(stamps, may_repeat=may_repeat)
    if np.count_nonzero(best) < len(stamps) / 2:
        raise BadConfiguration(
            f"only {np.count_nonzero(best)} of {len(stamps)} stamps are in order; name the column that holds the time"
        )
    return best


def _longest_increasing(stamps: NDArray[np.int64], *, may_repeat: bool) -> NDArray[np.bool_]:
    find = bisect_right if may_repeat else bisect_left
    tails: list[int] = []
    tail_rows: list[int] = []
    previous = [-1] * len(stamps)
    for row, stamp in enumerate(stamps.tolist()):
        place = find(tails, stamp)
        if place < len(tails) and tails[place] == stamp:
            continue
        tails[place : place + 1] = [stamp]
        tail_rows[place : place + 1] = [row]
        previous[row] = tail_rows[place - 1] if place else -1
    keep = np.zeros(len(stamps), dtype=bool)
    row = tail_rows[-1]
    while row >= 0:
        keep[row] = True
        row = previous[row]
    return keep


def _without_jumps(stamps: NDArray[np.int64], ordered: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return `ordered` without the few stamps that lie more than 30 days from all the others."""
    rows = np.flatnonzero(ordered)
    group = np.concatenate(([0], np.cumsum(np.diff(stamps[rows]) > LONGEST_GAP_S * SECOND)))
    sizes = np.bincount(group)
    if len(sizes) == 1:
        return ordered
    if len(rows) - sizes.max() > max(1, len(rows) // 100):
        first = int(rows[np.flatnonzero(np.diff(group))[0] + 1])
        raise BadConfiguration(f"the clock jumps by more than 30 days at sample {first}; split the file there")
    kept = ordered.copy()
    kept[rows[group != sizes.argmax()]] = False
    return kept


def _settle(stamps: NDArray[np.int64], declared_hz: float | None, *, is_coarse: bool) -> tuple[float, tuple[str, ...]]:
    """Return the rate of the axis and notes on it, from the stamps and from what the source declares."""
    if declared_hz is not None and not 0 < declared_hz <= FASTEST_HZ:
        raise BadConfiguration(f"rate_hz {declared_hz:g} is not between 0 and {FASTEST_HZ:g}; correct it")
    if len(stamps) < 2:
        if declared_hz is None:
            raise BadConfiguration("one time stamp has no rate; declare rate_hz")
        return float(declared_hz), ()
    notes = ("many samples share their time stamp; they were spread evenly",) if is_coarse else ()
    measured_hz, counted = _measure(np.diff(stamps), is_coarse=is_coarse)
    if declared_hz is None:
        if measured_hz > FASTEST_STAMPED_HZ:
            raise BadConfiguration(
                f"stamps are {1e9 / measured_hz:g} ns apart; no device samples that fast: check the unit of the time column"
            )
        return measured_hz, notes
    off = abs(measured_hz / declared_hz - 1)
    if off > RATE_TOLERANCE + 1 / counted:
        raise BadConfiguration(
            f"stamps run at {measured_hz:g} Hz, declared {declared_hz:g} Hz; they may differ by 2 %: "
            f"correct rate_hz or the unit of the time column, or leave rate_hz out"
        )
    if off * counted <= 1:
        return float(declared_hz), notes
    followed = f"stamps run at {measured_hz:.6g} Hz, declared {declared_hz:g} Hz; the stamps were followed"
    return measured_hz, (*notes, followed)


def _measure(steps: NDArray[np.int64], *, is_coarse: bool) -> tuple[float, int]:
    """Return the rate, and the number of steps that it was read from.

    The median step tells how many samples each short step spans; their sum over the time they took is free of the
    rounding of single stamps. Where many stamps repeat, samples are counted from one change to the next. A rate that is
    simple within that rounding (64, 31.25, 1/60) is taken as simple.
    """
    middle = _middle(steps)
    if middle == 0:
        raise BadConfiguration("all stamps are the same; declare rate_hz and leave the time column out")
    if is_coarse:
        groups = np.flatnonzero(steps) + 1
        is_short = steps[groups - 1] <= 2.5 * middle
        short, counted = steps[groups - 1][is_short], int(np.diff(groups, prepend=0)[is_short].sum())
    else:
        short = steps if steps.max() <= 10 * middle else steps[steps <= 10 * middle]
        unusual = short[(short <= int(middle / 2)) | (short >= int(np.ceil(1.5 * middle)))]
        counted = len(short) - len(unusual) + int(np.rint(unusual / middle).sum())  # all others are one sample long
    span = float(short.sum())
    rate = counted * SECOND / span
    if short.min() == short.max() and not is_coarse:
        return _simplest(rate, tolerance=1 / middle), counted  # exact but for the nanosecond
    some = short[:: len(short) // _MEDIAN_OF + 1]
    blur = max(float(np.gcd.reduce(short[:4096])), float(np.abs(some - some.mean()).mean()))
    return _simplest(rate, tolerance=min(blur / span, 1e-2)), counted


def _middle(steps: NDArray[np.int64]) -> float:
    """Return the median of the steps that are not 0, nanoseconds; 0 if all are."""
    some = steps[:: len(steps) // _MEDIAN_OF + 1]
    moving = some[some > 0]
    return float(np.median(moving)) if len(moving) else 0.0


def _simplest(rate_hz: float, *, tolerance: float) -> float:
    fast = rate_hz >= 1
    simple = Fraction(rate_hz if fast else 1 / rate_hz).limit_denominator(8)
    candidate = float(simple if fast else 1 / simple)
    return candidate if abs(candidate / rate_hz - 1) <= tolerance else rate_hz


def _place(stamps: NDArray[np.int64], rate_hz: float, *, is_coarse: bool) -> NDArray[np.int64]:
    """Return strictly increasing positions: counted within a run, set by the clock after a gap."""
    index = np.arange(len(stamps))
    steps = np.diff(stamps)
    step = max(SECOND / rate_hz, _middle(steps) if is_coarse else 0.0)
    after_gap = np.flatnonzero(steps > int(1.5 * step)) + 1
    if len(after_gap) == 0:
        return index
    shift = np.zeros(len(stamps), dtype=np.int64)
    shift[after_gap] = np.rint((stamps[after_gap] - stamps[0]) * (rate_hz / SECOND)).astype(np.int64) - after_gap
    return np.asarray(index + np.maximum.accumulate(shift), dtype=np.int64)


def _count_moved(stamps: NDArray[np.int64], position: NDArray[np.int64], rate_hz: float) -> int:
    step, moved = SECOND / rate_hz, 0
    for first in range(0, len(stamps), _AT_ONCE):
        some = slice(first, first + _AT_ONCE)
        off = (stamps[some] - stamps[0]) - position[some] * step
        moved += int(np.count_nonzero(np.abs(off) > _JITTER * step))
    return moved
