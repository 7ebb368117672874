"""When the heart beats: one phase that rises with the rate, and a beat wherever the rhythm says so.

Sinus rhythm beats at every whole number of the phase (integral pulse frequency modulation, Berger et al. 1986,
doi:10.1109/TBME.1986.325789); atrial fibrillation at sums of independent random steps of the same mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wearfm.synthetic.body import GRID_HZ, Body
from wearfm.synthetic.noise import Line, pink
from wearfm.synthetic.participant import Participant

BEAT_KINDS = ("sinus", "premature", "af")
SINUS, PREMATURE, AF = range(3)

_LF_HF = 1.5  # power ratio at supine-to-seated rest (Task Force 1996, doi:10.1161/01.CIR.93.5.1043: 1.5 to 2)
_LF_HZ = 0.1
_AF_RATE = 1.3  # ventricular rate over the sinus rate that the body would ask for; our choice, untreated
_AF_FLOOR, _AF_SHAPE = 0.45, 5.0  # refractory share and gamma shape: coefficient of variation 0.55 / sqrt(5) = 0.25
_AF_MEDIAN_S, _AF_SPREAD = 2400.0, 0.8  # length of an episode; our choice, so that a session of hours shows an onset
_SHORTEST_S = 0.27  # effective refractory period of the ventricle at high rates


@dataclass(frozen=True, kw_only=True, eq=False)
class Beats:
    """Beats in order, from a little before the session to a little after.

    times_s: (N,) of the R peak. rr_s: (N,) interval that ends with the beat. kind: (N,) index into BEAT_KINDS.
    af_spans: (E, 2) seconds of each episode of atrial fibrillation.
    """

    times_s: NDArray[np.float64]
    rr_s: NDArray[np.float64]
    kind: NDArray[np.int64]
    af_spans: NDArray[np.float64]

    @property
    def is_af(self) -> NDArray[np.bool_]:
        """Which beats belong to atrial fibrillation, (N,)."""
        return np.asarray(self.kind == AF)


def make_beats(person: Participant, body: Body, generator: np.random.Generator) -> Beats:
    """Return the beats of a session."""
    episodes = _af_episodes(person, body, generator)
    phase = _phase(person, body, episodes, generator)
    ticks, kind = _sinus_ticks(person, phase, generator)
    edges = np.interp(episodes, body.times_s, phase)  # (E, 2) seconds -> (E, 2) phase
    ticks, kind = _with_af(ticks, kind, edges, generator)
    times = np.interp(ticks, phase, body.times_s)
    apart = np.concatenate(([True], np.diff(times) >= _SHORTEST_S))
    times, kind = times[apart], kind[apart]
    return Beats(times_s=times[1:], rr_s=np.diff(times), kind=kind[1:], af_spans=episodes)


def modulation_sd(rmssd_s: float, *, rr_s: float, breath_hz: float) -> tuple[float, float]:
    """Return the SDs in s of the LF and HF parts of the RR interval that give this RMSSD.

    A line of frequency f and SD s, averaged by the integral over one interval T, has successive differences of root mean
    square 2 s sin(pi f T) sinc(f T); the two parts add in power, at the ratio of LF to HF of the Task Force.
    """
    low, high = (2 * np.sin(np.pi * f * rr_s) * np.sinc(f * rr_s) for f in (_LF_HZ, breath_hz))
    high_sd = rmssd_s / np.sqrt(high**2 + _LF_HF * low**2)
    return float(np.sqrt(_LF_HF) * high_sd), float(high_sd)


def _phase(person: Participant, body: Body, episodes: Line, generator: np.random.Generator) -> Line:
    """Return the cumulated number of beats on the body's grid, (T,), rising."""
    low_sd, high_sd = modulation_sd(
        person.rmssd_ms / 1000, rr_s=60 / person.resting_hr_per_min, breath_hz=person.breaths_per_min / 60
    )
    drift = pink(generator, len(body.times_s), rate_hz=GRID_HZ, low_hz=0.003, high_hz=0.04)  # very low frequencies, 1/f
    calm = np.sqrt(np.minimum(body.vagal, 1.0))  # low frequencies are part vagal, part sympathetic
    swing = high_sd * np.sqrt(2) * body.vagal * body.breath + low_sd * calm * body.mayer + 1.2 * low_sd * calm * drift
    sinus = 60 / body.heart_rate
    interval = np.maximum(sinus + swing * np.minimum(sinus * person.resting_hr_per_min / 60, 1.3), 0.3)
    fibrillating = np.zeros(len(interval), dtype=bool)
    for start, stop in episodes:
        fibrillating[slice(*np.searchsorted(body.times_s, (start, stop)))] = True
    interval = np.where(fibrillating, np.maximum(sinus / _AF_RATE, 0.35), interval)
    return np.asarray(np.cumsum(1 / interval) / GRID_HZ, dtype=np.float64)


def _sinus_ticks(
    person: Participant, phase: Line, generator: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the phases of the beats if there were only sinus rhythm, some of them premature by a third."""
    ticks = np.arange(np.ceil(phase[0]), phase[-1])
    chance = person.premature_per_hour * len(phase) / (GRID_HZ * 3600) / len(ticks)
    premature = generator.random(len(ticks)) < min(chance, 0.1)
    early = generator.uniform(0.25, 0.4, len(ticks))
    return ticks - premature * early, np.where(premature, PREMATURE, SINUS)


def _with_af(
    ticks: NDArray[np.float64], kind: NDArray[np.int64], edges: NDArray[np.float64], generator: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the beats with those inside the episodes replaced by irregular ones; edges: (E, 2) in phase.

    The steps are independent, so that the spectrum of the intervals is white (Hennig et al. 2006,
    doi:10.1007/s10867-006-9027-z), with a coefficient of variation of 0.25 (Tateno and Glass 2001,
    doi:10.1007/BF02345439).
    """
    for start, stop in edges:
        number = int((stop - start) * 1.2) + 20
        steps = _AF_FLOOR + (1 - _AF_FLOOR) * generator.gamma(_AF_SHAPE, 1 / _AF_SHAPE, number)
        irregular = start + np.cumsum(steps)
        irregular = irregular[irregular < stop]
        outside = (ticks < start) | (ticks >= stop)
        place = int(np.searchsorted(ticks[outside], start))
        ticks = np.insert(ticks[outside], place, irregular)
        kind = np.insert(kind[outside], place, np.full(len(irregular), AF))
    return ticks, kind


def _af_episodes(person: Participant, body: Body, generator: np.random.Generator) -> NDArray[np.float64]:
    """Return (E, 2) seconds of fibrillation: an alternating renewal process that is stationary at the person's burden."""
    if person.af_burden == 0:
        return np.zeros((0, 2))
    now, end = float(body.times_s[0]), float(body.times_s[-1])
    mean_s = _AF_MEDIAN_S * np.exp(_AF_SPREAD**2 / 2)
    gap_s = mean_s * (1 - person.af_burden) / person.af_burden
    if generator.random() >= person.af_burden:
        now += generator.exponential(gap_s)
    spans: list[tuple[float, float]] = []
    while now < end:
        length = _AF_MEDIAN_S * float(np.exp(_AF_SPREAD * generator.standard_normal()))
        length *= float(generator.random()) if not spans and now == body.times_s[0] else 1.0
        spans.append((now, min(now + length, end)))
        now += length + generator.exponential(gap_s)
    return np.array(spans).reshape(-1, 2)
