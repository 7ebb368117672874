"""Episodes found, how late, and how often for nothing: what a detector that looks at one window after the other is worth.

    windows     |----|----|----|----|----|----|----|      a decision is known when its window ends
    episode               [======]
    alarms                  !    !         !    !
                            ╰ found, onset delay        ╰ one false alarm: a run that touches no episode

Window metrics count seconds; a person counts episodes. All figures here are ratios of sums over recordings (`Tally`), so that
a bootstrap may draw recordings or people. Used for freezing of gait as LIFT-PD asks (Soumma et al. 2024, arXiv:2410.21326),
for seizures, arrhythmias and falls alike; definitions are ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration
from wearfm.evaluation.intervals import Interval, resample
from wearfm.signals.recording import SECOND
from wearfm.signals.spans import Spans
from wearfm.windows.index import WindowIndex

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_CANDIDATES = 1_000  # thresholds that are tried at most


@dataclass(frozen=True, kw_only=True, eq=False)
class Watch:
    """Windows in the order of time, and the episodes that happened.

    recordings: R. recording, start_ns: (N,) the windows, sorted by both; codes below R. window_s: their length.
    episode, onset_ns, stop_ns: (E,) the recording of every episode, and when it lasted. An episode that no window touches
    can only be missed.
    """

    recordings: int
    recording: Ints
    start_ns: Ints
    window_s: float
    episode: Ints
    onset_ns: Ints
    stop_ns: Ints

    def __post_init__(self) -> None:
        order = np.lexsort((self.start_ns, self.recording))
        if not np.array_equal(order, np.arange(len(order))):
            raise BadConfiguration(f"{len(order)} windows out of order; sort them by recording and start")

    @classmethod
    def of(cls, index: WindowIndex, episodes: Mapping[int, Spans]) -> Watch:
        """Return the windows of an index and the episodes of its recordings.

        episodes: recording code of the index -> nanoseconds. Recordings without a window are not watched; the others are
        numbered anew, in the same order.
        """
        codes, recording = np.unique(index.recording, return_inverse=True)
        bounds = [episodes[code].bounds if code in episodes else Spans.all(0).bounds for code in codes.tolist()]
        return cls(
            recordings=len(codes),
            recording=recording.astype(np.int64),
            start_ns=index.start_ns,
            window_s=index.contract.window_s,
            episode=np.repeat(np.arange(len(codes)), [len(each) for each in bounds]),
            onset_ns=np.concatenate(bounds)[:, 0] if bounds else np.zeros(0, dtype=np.int64),
            stop_ns=np.concatenate(bounds)[:, 1] if bounds else np.zeros(0, dtype=np.int64),
        )

    @property
    def window_ns(self) -> int:
        """Length of a window, nanoseconds."""
        return round(self.window_s * SECOND)

    def touching(self, number: int) -> slice:
        """Return the windows that share time with an episode."""
        first, stop = np.searchsorted(self.recording, (self.episode[number], self.episode[number] + 1))
        own = self.start_ns[first:stop]
        begin = np.searchsorted(own, self.onset_ns[number] - self.window_ns, side="right")
        end = np.searchsorted(own, self.stop_ns[number], side="left")
        return slice(int(first + begin), int(first + end))

    def touched(self) -> Bools:
        """Return which windows share time with any episode, (N,)."""
        found = np.zeros(len(self.start_ns), dtype=bool)
        for number in range(len(self.episode)):
            found[self.touching(number)] = True
        return found

    def hours(self) -> Floats:
        """Return how long each recording was watched, (R,): the time that its windows cover, overlaps once."""
        covered = np.zeros(self.recordings)
        for code in np.unique(self.recording).tolist():
            own = self.start_ns[self.recording == code]
            covered[code] = Spans.of(np.stack((own, own + self.window_ns), axis=1)).total
        return covered / (3600 * SECOND)


@dataclass(frozen=True, kw_only=True, eq=False)
class Tally:
    """What there is to add up, each (R,), one number a recording.

    hours: watched. episodes, found: how many. delay_s: from onset to the end of the first alarm's window, summed over
    those found. false_alarms: runs of alarms that touch no episode. windows, run: looked at, and by the network.
    """

    hours: Floats
    episodes: Floats
    found: Floats
    delay_s: Floats
    false_alarms: Floats
    windows: Floats
    run: Floats

    def figures(self) -> dict[str, float]:
        """Return name -> figure over all recordings; NaN where there is nothing to divide by."""
        return {name: float(value[0]) for name, value in self._ratios(np.ones((1, len(self.hours)))).items()}

    def intervals(self, *, unit: Ints, replicates: int, seed: int) -> dict[str, Interval]:
        """Return name -> figure with its 95 % percentile interval from drawing units with replacement.

        unit: (R,) codes from 0, of the people or of the recordings themselves. With the recordings of one person the
        interval says how sure one is of this person, not of people.
        """
        times = resample(int(unit.max()) + 1, replicates=replicates, seed=seed)[:, unit]  # (replicates, R)
        return {name: _interval(self.figures()[name], draws) for name, draws in self._ratios(times).items()}

    def _ratios(self, times: Floats) -> dict[str, Floats]:
        """Return name -> figure for every row of `times`, (K, R) how often each recording counts -> (K,)."""
        total = {field.name: times @ getattr(self, field.name) for field in fields(self)}
        return {
            "recall": _ratio(total["found"], total["episodes"]),
            "delay_s": _ratio(total["delay_s"], total["found"]),
            "false_alarms_per_h": _ratio(total["false_alarms"], total["hours"]),
            "duty": _ratio(total["run"], total["windows"]),
        }


def tally(watch: Watch, alarm: Bools, *, is_open: Bools | None = None, renew_s: float = 10.0) -> Tally:
    """Return what a detector's decisions come to.

    alarm: (N,) what it says of each window. is_open: (N,) whether a gate let it look at all; None: always. A window that it
    did not look at raises no alarm. renew_s: a false alarm that goes on counts again after this time, so that a detector
    that always cries does not cry once.
    """
    looked = np.ones(len(alarm), dtype=bool) if is_open is None else is_open
    raised, R = alarm & looked, watch.recordings
    found, delay_s = np.zeros(R), np.zeros(R)
    for number, code in enumerate(watch.episode.tolist()):
        hits = np.flatnonzero(raised[watch.touching(number)])
        if len(hits):
            window = watch.touching(number).start + int(hits[0])
            found[code] += 1
            delay_s[code] += (watch.start_ns[window] + watch.window_ns - watch.onset_ns[number]) / SECOND
    return Tally(
        hours=watch.hours(),
        episodes=np.bincount(watch.episode, minlength=R).astype(np.float64),
        found=found,
        delay_s=delay_s,
        false_alarms=_false_alarms(watch, raised & ~watch.touched(), renew_s=renew_s),
        windows=np.bincount(watch.recording, minlength=R).astype(np.float64),
        run=np.bincount(watch.recording[looked], minlength=R).astype(np.float64),
    )


def threshold_for(watch: Watch, score: Floats, *, false_alarms_per_h: float, renew_s: float = 10.0) -> float:
    """Return the lowest threshold up to which the false alarms stay within a stated rate; alarm is score >= threshold.

    watch, score: of validation people, never of those who are tested. Infinity, no alarm ever, if even the highest score is
    too often wrong. All thresholds above the one returned keep to the rate as well.
    """
    if len(score) == 0 or not false_alarms_per_h >= 0:
        raise BadConfiguration(f"{len(score)} scores and {false_alarms_per_h:g} false alarms an hour give no threshold")
    candidates = np.unique(score)[::-1]
    if len(candidates) > _CANDIDATES:
        candidates = np.unique(np.quantile(score, np.linspace(0, 1, _CANDIDATES), method="nearest"))[::-1]
    outside, hours, best = ~watch.touched(), watch.hours().sum(), np.inf
    for candidate in candidates.tolist():
        wrong = _false_alarms(watch, (score >= candidate) & outside, renew_s=renew_s).sum()
        if wrong > false_alarms_per_h * hours:
            break
        best = candidate
    return float(best)


def effective_latency_s(*, duty: float, model_s: float, gate_s: float) -> float:
    """Return the mean time to compute a window behind a gate: the gate always, the model for a share `duty` of them."""
    return duty * model_s + gate_s


def _false_alarms(watch: Watch, wrong: Bools, *, renew_s: float) -> Floats:
    """Return the number of runs of wrong windows in each recording, (R,); long ones count once for each renew_s begun."""
    same = np.concatenate(([False], watch.recording[1:] == watch.recording[:-1]))
    first = np.flatnonzero(wrong & ~(np.concatenate(([False], wrong[:-1])) & same))
    last = np.flatnonzero(wrong & ~(np.concatenate((wrong[1:], [False])) & np.concatenate((same[1:], [False]))))
    count = 1 + (watch.start_ns[last] - watch.start_ns[first]) // round(renew_s * SECOND)
    return np.bincount(watch.recording[first], weights=count, minlength=watch.recordings).astype(np.float64)


def _ratio(above: Floats, below: Floats) -> Floats:
    return np.where(below > 0, above / np.where(below > 0, below, 1.0), np.nan)


def _interval(value: float, draws: Floats) -> Interval:
    defined = draws[np.isfinite(draws)]
    undefined = 1 - len(defined) / len(draws)
    if undefined > 0.5:
        return Interval(value=value, low=float("nan"), high=float("nan"), undefined=undefined)
    low, high = np.quantile(defined, (0.025, 0.975))
    return Interval(value=value, low=float(low), high=float(high), undefined=undefined)
