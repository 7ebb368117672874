"""The electrocardiogram of a chest patch: Gaussian waves around each R peak, f waves in fibrillation, muscle and drift."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wearfm.synthetic.body import Body
from wearfm.synthetic.bumps import add_bumps
from wearfm.synthetic.config import CohortConfig
from wearfm.synthetic.motion import Motion, on_clock
from wearfm.synthetic.noise import Line, pink, wander
from wearfm.synthetic.participant import Participant
from wearfm.synthetic.rhythm import Beats

_NOISE_MV = 0.008
_MUSCLE_MV_PER_G = 0.12  # pectoral muscle and electrode movement with the vigour of the body; our choice
_F_WAVE_MV = 0.07  # Stridh and Sornmo 2001: 0.05 to 0.15 mV in V1


@dataclass(frozen=True, kw_only=True)
class Wave:
    """One wave: seconds from the R peak and width in s at an interval of 1 s, height in mV.

    stretch: exponent of the interval by which time and width grow; 0 for the QRS, 0.5 for what follows Bazett.
    """

    name: str
    centre_s: float
    width_s: float
    height_mv: float
    stretch: float


# McSharry et al. 2003 (doi:10.1109/TBME.2003.808805), table I: angles -60, -15, 0, 15, 90 degrees and widths 0.25, 0.1, 0.1,
# 0.1, 0.4 rad on a cycle of 1 s, i.e. divided by 2 pi; here the QRS lasts 90 ms and T is split for its slow rise, fast fall
WAVES = (
    Wave(name="P", centre_s=-0.165, width_s=0.024, height_mv=0.13, stretch=0.3),
    Wave(name="Q", centre_s=-0.028, width_s=0.010, height_mv=-0.11, stretch=0.0),
    Wave(name="R", centre_s=0.0, width_s=0.011, height_mv=1.05, stretch=0.0),
    Wave(name="S", centre_s=0.030, width_s=0.011, height_mv=-0.24, stretch=0.0),
    Wave(name="T", centre_s=0.245, width_s=0.055, height_mv=0.15, stretch=0.5),
    Wave(name="T", centre_s=0.300, width_s=0.033, height_mv=0.18, stretch=0.5),
)
_AXIS = {"P": 0, "Q": 1, "R": 2, "S": 3, "T": 4}


def electrocardiogram(
    person: Participant,
    body: Body,
    beats: Beats,
    motion: Motion,
    config: CohortConfig,
    generator: np.random.Generator,
) -> Line:
    """Return the samples of the session, (T,) mV."""
    rate_hz, length = config.ecg_hz, config.length("ecg")
    line = np.zeros(length)
    for wave in WAVES:
        _add_wave(line, wave, person, body, beats, rate_hz=rate_hz)
    times = np.arange(length) / rate_hz
    if len(beats.af_spans):
        line += _f_waves(beats, times, rate_hz, generator)
    wandering = 0.05 * body.breath + 0.08 * wander(generator, len(body.times_s), rate_hz=4.0, time_s=4.0)
    line += body.at(wandering, times)
    muscle = on_clock(motion.vigour(), rate_hz=rate_hz, length=length)
    line += (_NOISE_MV + _MUSCLE_MV_PER_G * config.artefacts * muscle) * generator.standard_normal(length)
    line += _NOISE_MV * pink(generator, length, rate_hz=rate_hz, low_hz=0.2, high_hz=min(10.0, rate_hz / 2))
    return line


def _add_wave(line: Line, wave: Wave, person: Participant, body: Body, beats: Beats, *, rate_hz: float) -> None:
    """Add one wave of every beat; QRS height breathes by 6 %, the P wave is absent in fibrillation."""
    rr = np.clip(60 / body.at(body.heart_rate, beats.times_s), 0.3, 1.6)
    stretch = rr**wave.stretch
    height = np.full(len(rr), wave.height_mv * person.heart_axis[_AXIS[wave.name]] * _load(wave, person))
    if wave.name in ("Q", "R", "S"):
        height *= 1 - 0.06 * body.at(body.breath, beats.times_s)
    if wave.name == "P":
        height *= ~beats.is_af
    add_bumps(
        line, rate_hz=rate_hz, centre_s=beats.times_s + wave.centre_s * stretch, width_s=wave.width_s * stretch, height=height
    )


def _load(wave: Wave, person: Participant) -> float:
    """Return what years of pressure do: a taller R and a flatter T (Okin et al. 2004, doi:10.1001/jama.292.19.2343)."""
    excess = float(np.clip((person.sbp_mmHg - 125) / 30, -1, 2))
    return {"R": 1 + 0.15 * excess, "T": 1 - 0.22 * excess}.get(wave.name, 1.0)


def _f_waves(beats: Beats, times: Line, rate_hz: float, generator: np.random.Generator) -> Line:
    """Return the fibrillatory waves, (T,) mV, zero outside the episodes.

    Stridh and Sornmo 2001 (doi:10.1109/10.900266): a sawtooth of three harmonics with amplitudes
    2 / (n pi), frequency 6 Hz modulated by 0.2 Hz at 0.12 Hz, amplitude modulated by a third at 0.08 Hz.
    """
    base_hz = generator.uniform(5.0, 7.5)
    angle = 2 * np.pi * base_hz * times + (0.2 / 0.12) * np.sin(2 * np.pi * 0.12 * times)
    strength = _F_WAVE_MV * (1 + 0.33 * np.sin(2 * np.pi * 0.08 * times + generator.uniform(0, 6)))
    inside = np.zeros(len(times))
    for start, stop in beats.af_spans:
        inside[slice(*np.searchsorted(times, (start, stop)))] = 1.0
    harmonics = sum(2 / (n * np.pi) * np.sin(n * angle) for n in (1, 2, 3) if n * base_hz < rate_hz / 2)
    return np.asarray(inside * strength * harmonics)
