"""The photoplethysmogram: a pulse of six Gaussians for each beat, seen through skin, breathing and a moving wrist.

beats ──> ejected, reflected ──> x perfusion x breathing ──> x light through the skin ─┐
wrist ──> moving tissue (a short random filter of the acceleration) ───────────────────┼──> counts
strap, electronics ──> baseline, noise ────────────────────────────────────────────────┘
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from wearfm.signals.spans import Spans
from wearfm.synthetic.body import Body
from wearfm.synthetic.bumps import add_bumps
from wearfm.synthetic.config import CohortConfig
from wearfm.synthetic.motion import Motion, on_clock
from wearfm.synthetic.noise import Line, pink, wander
from wearfm.synthetic.participant import Participant
from wearfm.synthetic.rhythm import Beats

_REFERENCE_RR_S = 0.85  # interval at which the shapes below hold
_STRETCH = 0.4  # a pulse lasts as interval ** 0.4: systole follows the rate less than diastole does
_LOOSE_MOTION, _LOOSE_NOISE = 4.0, 8.0  # times more under a loose strap; our choice
_NOISE_AU = 0.02  # white, of electronics and shot noise; the pulse of an average person is 1 au in green light


@dataclass(frozen=True, kw_only=True)
class Light:
    """One optical wavelength.

    pulse: amplitude relative to green on light skin. reflected: factor of the reflected waves; deeper light sees larger
    arteries. melanin: share of the signal lost for each Fitzpatrick step. motion: factor of the artefact.
    """

    name: str
    pulse: float
    reflected: float
    melanin: float
    motion: float


# Fallow et al. 2013 (doi:10.1007/s10877-013-9436-7): green has the largest modulation at rest, blue and green the best
# signal in exercise, skin type V the lowest. Ajmal et al. 2021 (doi:10.1364/BOE.439893): up to 61 % loss with tone and BMI.
LIGHTS = (
    Light(name="green", pulse=1.0, reflected=1.0, melanin=0.12, motion=1.0),
    Light(name="infrared", pulse=0.6, reflected=1.15, melanin=0.02, motion=1.4),
    Light(name="red", pulse=0.35, reflected=1.1, melanin=0.05, motion=1.3),
    Light(name="blue", pulse=0.7, reflected=0.9, melanin=0.17, motion=0.8),
)


@dataclass(frozen=True, kw_only=True)
class Wavelet:
    """One Gaussian of the pulse: seconds after its foot, width in s, height relative to the whole pulse."""

    centre_s: float
    width_s: float
    height: float


# rows of (centre s, its change over 30 years, width s, change, height, change), at 50 years and an interval of 0.85 s.
# The least-squares solution for a sum that rises from 0, peaks at 1 and ends at 0, and whose second derivative has its waves
# a to e at 65, 125, 185, 235 and 325 ms in the ratios that Choi and Park 2023 (doi:10.3390/ijerph20010236) measured by age:
# b/a = 0.0045 x - 0.803, c/a = -0.0044 x + 0.1017, d/a = -0.0062 x + 0.034, e/a = -0.001 x + 0.2002
_SHAPE = (
    (0.1001, 0.0015, 0.0252, 0.0012, 0.1602, -0.0288),
    (0.1382, 0.0041, 0.0345, 0.0019, 0.5036, -0.0725),
    (0.1921, 0.0066, 0.0413, 0.0010, 0.4672, -0.1133),
    (0.2504, -0.0018, 0.0514, 0.0061, 0.4881, 0.0112),
    (0.3356, -0.0090, 0.0869, 0.0030, 0.3917, -0.0296),
    (0.4805, -0.0011, 0.1192, 0.0020, 0.2707, -0.0448),
)
_NUM_EJECTED = 3  # the first rows are the wave the heart sends, the others its reflections and the run-off


def pulse_shape(vascular_age_years: float) -> tuple[Wavelet, ...]:
    """Return the wavelets of a pulse, the ejected ones first; their sum is 1 high.

    With age the systolic rise slows, the reflection merges with it, and the dicrotic wave flattens (Dawber et al. 1973;
    Millasseau et al. 2002, doi:10.1042/cs1030371). The ageing index (b - c - d - e) / a of the second derivative rises by
    0.016 a year (Choi and Park 2023; Takazawa et al. 1998, doi:10.1161/01.HYP.32.2.365, found 0.023).
    """
    older = (vascular_age_years - 50) / 30  # -1 at 20, 1 at 80 years
    return tuple(
        Wavelet(centre_s=c + dc * older, width_s=w + dw * older, height=h + dh * older) for c, dc, w, dw, h, dh in _SHAPE
    )


def clean_pulse(vascular_age_years: float, *, rr_s: float, rate_hz: float) -> Line:
    """Return one noise-free pulse in green light that starts at its foot and lasts one interval, (T,)."""
    line = np.zeros(round(rr_s * rate_hz))
    for wavelet in pulse_shape(vascular_age_years):
        _add_wavelet(line, wavelet, np.zeros(1), np.array([rr_s]), np.ones(1), rate_hz=rate_hz)
    return line


@dataclass(frozen=True, kw_only=True, eq=False)
class Pulses:
    """What all wavelengths share, (T,) each in au: the ejected and reflected waves, the baseline, the artefact."""

    ejected: Line
    reflected: Line
    baseline: Line
    artefact: Line
    loose: NDArray[np.bool_]

    def through(self, light: Light, person: Participant, *, rate_hz: float, generator: np.random.Generator) -> Line:
        """Return the samples of one wavelength, (T,) au."""
        clear = light.pulse * (1 - light.melanin) ** (person.skin_tone - 1)
        signal = clear * (self.ejected + light.reflected * self.reflected + self.baseline)
        signal += light.motion * light.pulse * self.artefact
        noise = generator.standard_normal(len(signal))
        noise += 1.5 * pink(generator, len(signal), rate_hz=rate_hz, low_hz=0.05, high_hz=min(5.0, rate_hz / 2))
        return np.asarray(signal + _NOISE_AU * np.where(self.loose, _LOOSE_NOISE, 1.0) * noise)

    def drowned(self, light: Light, person: Participant, *, rate_hz: float) -> NDArray[np.bool_]:
        """Return for each second whether the artefact has more power than the pulse, (seconds,)."""
        clear = (1 - light.melanin) ** (person.skin_tone - 1)
        pulse = clear * (self.ejected + light.reflected * self.reflected)
        return _power(light.motion * self.artefact, rate_hz) > _power(pulse, rate_hz)


def make_pulses(
    person: Participant,
    body: Body,
    beats: Beats,
    motion: Motion,
    loose_s: NDArray[np.float64],
    config: CohortConfig,
    *,
    generator: np.random.Generator,
    artefact_generator: np.random.Generator,
) -> Pulses:
    """Return what every wavelength sees; loose_s: (N, 2) seconds during which the strap is loose."""
    rate_hz, length = config.ppg_hz, config.length("ppg")
    amplitude = _amplitude(person, body, beats, generator)
    foot = beats.times_s + _arrival_s(person, body, beats)
    smooth_rr = 60 / body.at(body.heart_rate, beats.times_s)
    rr = np.clip(np.where(beats.is_af, beats.rr_s, smooth_rr), 0.3, 1.6)
    ejected, reflected = np.zeros(length), np.zeros(length)
    wavelets = pulse_shape(person.vascular_age_years)
    for wavelet in wavelets[:_NUM_EJECTED]:
        _add_wavelet(ejected, wavelet, foot, rr, amplitude, rate_hz=rate_hz)
    tone = 1 - 0.25 * body.at(body.effort, beats.times_s)  # exercise dilates: less is reflected
    for wavelet in wavelets[_NUM_EJECTED:]:
        _add_wavelet(reflected, wavelet, foot, rr, amplitude * tone, rate_hz=rate_hz)
    loose = Spans.of(np.round(loose_s * rate_hz)).mask(length)
    return Pulses(
        ejected=ejected,
        reflected=reflected,
        baseline=_baseline(person, body, length, rate_hz, generator),
        artefact=_artefact(motion, loose, config, artefact_generator),
        loose=loose,
    )


def _add_wavelet(line: Line, wavelet: Wavelet, foot: Line, rr: Line, amplitude: Line, *, rate_hz: float) -> None:
    stretch = (rr / _REFERENCE_RR_S) ** _STRETCH
    add_bumps(
        line,
        rate_hz=rate_hz,
        centre_s=foot + wavelet.centre_s * stretch,
        width_s=wavelet.width_s * stretch,
        height=wavelet.height * amplitude,
    )


def _arrival_s(person: Participant, body: Body, beats: Beats) -> Line:
    """Return the time from the R peak to the foot at the wrist, (N,) s: stiffer arteries and exercise shorten it.

    About 0.2 s (Mukkamala et al. 2015, doi:10.1109/TBME.2015.2441951); it breathes by a few ms.
    """
    stiff = 0.21 - 0.0009 * (person.vascular_age_years - 50)
    effort, breath = body.at(body.effort, beats.times_s), body.at(body.breath, beats.times_s)
    return np.asarray(stiff * (1 - 0.3 * effort) + 0.004 * breath)


def _amplitude(person: Participant, body: Body, beats: Beats, generator: np.random.Generator) -> Line:
    """Return the height of each pulse, (N,): perfusion x vasomotion x breathing x filling.

    Stress and cold constrict, sleep dilates. A short interval fills the ventricle less, which makes the pulses of atrial
    fibrillation uneven (Solosenko et al. 2017, doi:10.1016/j.compbiomed.2016.12.016).
    """
    times = beats.times_s
    vasomotion = 0.22 * wander(generator, len(body.times_s), rate_hz=4.0, time_s=90.0) + 0.05 * body.mayer
    tone = np.exp(vasomotion - 0.45 * body.arousal + 0.25 * body.asleep + 0.2 * body.effort)
    usual = 60 / body.at(body.heart_rate, times)
    filling = 1 - np.exp(-np.maximum(beats.rr_s - 0.22, 0.02) / 0.3)
    expected = 1 - np.exp(-np.maximum(usual - 0.22, 0.02) / 0.3)
    breathing = 1 + 0.08 * body.at(body.breath, times)
    return np.asarray(person.perfusion * body.at(tone, times) * breathing * filling / expected)


def _baseline(person: Participant, body: Body, length: int, rate_hz: float, generator: np.random.Generator) -> Line:
    """Return what moves below the heart rate: venous return with the breath, Mayer waves, drift, (T,) au."""
    slow = -0.18 * body.breath + 0.08 * body.mayer
    slow += 0.35 * wander(generator, len(slow), rate_hz=4.0, time_s=25.0)
    return person.perfusion * body.at(slow, np.arange(length) / rate_hz)


def _artefact(motion: Motion, loose: NDArray[np.bool_], config: CohortConfig, generator: np.random.Generator) -> Line:
    """Return what moving tissue adds, (T,) au: the acceleration along one direction through a random half-second filter.

    A linear filter of what the accelerometer measures, so that the two are coherent: the assumption of every
    adaptive canceller. Beyond 2.5 au the front end compresses, and the relation bends.
    """
    direction = generator.standard_normal(3)
    direction /= np.linalg.norm(direction)
    taps = generator.standard_normal(16) * np.exp(-np.arange(16) / 4)
    taps /= np.sqrt(np.square(taps).sum())
    moved = np.asarray(lfilter(taps, [1.0], motion.dynamic @ direction))
    gain = 2.5 * config.artefacts * float(np.exp(0.3 * generator.standard_normal()))
    line = on_clock(gain * moved, rate_hz=config.ppg_hz, length=len(loose)) * np.where(loose, _LOOSE_MOTION, 1.0)
    return np.asarray(2.5 * np.tanh(line / 2.5))


def _power(line: Line, rate_hz: float) -> Line:
    """Return the mean power about the mean of each whole second, (T,) -> (seconds,)."""
    seconds = int(len(line) / rate_hz)
    edges = np.round(np.arange(seconds + 1) * rate_hz).astype(np.int64)
    counts = np.maximum(np.diff(edges), 1)
    sums, squares = (np.diff(np.concatenate(([0.0], np.cumsum(values)))[edges]) for values in (line, line * line))
    return np.asarray(squares / counts - np.square(sums / counts))
