"""Rows stamped when they arrived, not when they were measured: a radio link delivers in bursts, the device samples evenly.

    arrived    0   1   2   3            44  45  46  47          88     (ms; four at a time)
    position   0   1   2   3            4   5   6   7           8      counted at the rate of the device

Only a silence that no burst explains sets the position by the clock.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration
from wearfm.signals.clock import FASTEST_STAMPED_HZ, Grid, check_growth, regularise
from wearfm.signals.quality_record import Finding
from wearfm.signals.recording import SECOND

_UNEVEN = 0.02  # share of steps that are less than half or more than one and a half of the usual from which stamps are arrivals
_SILENCE_NS = SECOND  # a longer step is a gap: bursts of Bluetooth are a tenth of that apart
_LONGEST_NS = 86_400 * SECOND  # nobody streams for longer than a battery lasts: the clock was set
_LONG_NS = 60 * SECOND  # a run of this length tells its rate better than the data sheet: drift and lost packets are in it
_SOME = 65_536  # stamps that are looked at to tell which rate they could have
_NEAR = 0.1  # share by which short runs may differ from the data sheet: the first burst comes late


def grid_of(time_ns: NDArray[np.int64], *, nominal_hz: float | None = None) -> Grid:
    """Return the grid of stamps, (N,) nanoseconds, that may be those of arrival. nominal_hz: rate of the device if known.

    Stamps that step evenly are taken as they are (`signals.clock`).
    """
    if _is_even(time_ns):
        is_near = (
            nominal_hz
            and len(time_ns) > 1
            and abs(float(np.median(np.diff(time_ns[:_SOME]))) * nominal_hz / SECOND - 1) <= _NEAR
        )
        return regularise(time_ns, rate_hz=nominal_hz if is_near else None)
    runs = np.concatenate(([0], np.flatnonzero(np.abs(np.diff(time_ns)) > _SILENCE_NS) + 1, [len(time_ns)]))
    longest = int(np.abs(np.diff(time_ns)).max())
    if longest > _LONGEST_NS:
        raise BadConfiguration(
            f"a silence of {longest / SECOND:.0f} s in rows stamped when they arrived; split the table there"
        )
    rate, notes = _rate(time_ns, runs, nominal_hz)
    position = _count(time_ns, runs, rate)
    check_growth(int(position[-1]) + 1, source=len(time_ns))
    moved = np.count_nonzero(np.abs((time_ns - time_ns[0]) - position * (SECOND / rate)) > 0.1 * SECOND / rate)
    finding = Finding(action="repaired", samples=int(moved), reason="moved from its arrival to its step of the clock")
    keep = np.ones(len(time_ns), dtype=bool)
    return Grid(
        start_ns=int(time_ns[0]),
        rate_hz=rate,
        position=position,
        keep=keep,
        findings=(finding,) if moved else (),
        notes=("rows are stamped when they arrived; they were spread evenly", *notes),
    )


def _is_even(time_ns: NDArray[np.int64]) -> bool:
    if len(time_ns) < 3:
        return True
    steps = np.diff(time_ns)
    usual = float(np.median(steps))
    uneven = (steps < usual / 2) | (steps > usual * 1.5)
    return bool(np.count_nonzero(uneven) <= _UNEVEN * len(steps))


def _rate(time_ns: NDArray[np.int64], runs: NDArray[np.int64], nominal_hz: float | None) -> tuple[float, tuple[str, ...]]:
    """Return the rate at which samples are counted, and a note where it is not the one of the data sheet."""
    longest = int(np.argmax(np.diff(runs)))
    first, last = int(runs[longest]), int(runs[longest + 1]) - 1
    span = int(time_ns[last] - time_ns[first])
    if span <= 0 or last - first < 2:
        raise BadConfiguration("stamps without any order; name the column that holds the time")
    measured = _slope(time_ns[first : last + 1])
    if not 0 < measured <= FASTEST_STAMPED_HZ:
        raise BadConfiguration(f"stamps run at {measured:g} Hz; no device samples so: check the unit of the time column")
    if nominal_hz and span < _LONG_NS and abs(measured / nominal_hz - 1) <= _NEAR:
        return nominal_hz, ()
    off = f"samples arrive at {measured:.5g} Hz"
    return measured, (f"{off}, {nominal_hz:g} Hz by the data sheet",) if nominal_hz else (off,)


def _slope(time_ns: NDArray[np.int64]) -> float:
    """Return samples per second as the line that fits best; the first and the last burst count for no more than the others."""
    index = np.arange(len(time_ns)) - (len(time_ns) - 1) / 2
    elapsed = (time_ns - time_ns[0]) / SECOND
    return float(index @ index / (index @ (elapsed - elapsed.mean())))


def _count(time_ns: NDArray[np.int64], runs: NDArray[np.int64], rate: float) -> NDArray[np.int64]:
    """Return increasing positions: counted within a run, set by the clock at its beginning."""
    firsts = runs[1:-1]
    ahead = np.zeros(len(time_ns), dtype=np.int64)
    ahead[firsts] = np.rint((time_ns[firsts] - time_ns[0]) * (rate / SECOND)).astype(np.int64) - firsts
    return np.asarray(np.arange(len(time_ns)) + np.maximum.accumulate(np.maximum(ahead, 0)), dtype=np.int64)
