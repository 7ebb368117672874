"""How the wrist moves: posture, gait, fidgeting, tremor; and the acceleration that a sensor on it measures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wearfm.synthetic.body import GRID_HZ, Body
from wearfm.synthetic.bumps import add_bumps
from wearfm.synthetic.config import CohortConfig
from wearfm.synthetic.day import EXERCISE, REST, SLEEP, STRESS, WALKING, Schedule
from wearfm.synthetic.noise import Line, band, lag, wander
from wearfm.synthetic.participant import Participant

MOTION_HZ = 32.0  # everything a wrist does is below 16 Hz

# per activity: new postures per hour, fidgets per min; our choice, sleep after Middelkoop et al. 1996 (2 to 4 shifts an hour)
_POSTURES_PER_HOUR = {SLEEP: 3.0, REST: 12.0, WALKING: 8.0, EXERCISE: 6.0, STRESS: 20.0}
_FIDGETS_PER_MIN = {SLEEP: 0.12, REST: 2.0, WALKING: 3.0, EXERCISE: 2.0, STRESS: 3.0}
_GAIT_G = {WALKING: 0.22, EXERCISE: 0.75}  # wrist, vertical, first harmonic; running exceeds 1 g at its peaks
_STRIDE_G = {WALKING: 0.16, EXERCISE: 0.35}  # arm swing, at half the cadence
_HARMONICS = (1.0, 0.4, 0.18)  # of the step frequency
_FIDGET_G = 0.10
_TREMOR_G = 0.06
_BREATH_G = 0.003  # wrist resting on the chest or the bed
_NOISE_G = 0.004  # consumer MEMS parts: 100 to 200 ug per root hertz over 16 Hz, and quantisation


@dataclass(frozen=True, kw_only=True, eq=False)
class Motion:
    """Acceleration of the wrist in its own axes at MOTION_HZ, (T, 3) in g; sample k is k / MOTION_HZ after the start."""

    gravity: NDArray[np.float64]
    dynamic: NDArray[np.float64]

    def vigour(self) -> Line:
        """Return the root mean square of the dynamic part over a second, (T,) in g."""
        power = np.square(self.dynamic).sum(axis=1)  # (T, 3) -> (T,)
        return np.asarray(np.sqrt(np.maximum(lag(power, rate_hz=MOTION_HZ, time_s=0.7), 0.0)), dtype=np.float64)


def move(person: Participant, schedule: Schedule, body: Body, config: CohortConfig, generator: np.random.Generator) -> Motion:
    """Return how the wrist moves through the session."""
    times = np.arange(round(config.session_s * MOTION_HZ)) / MOTION_HZ
    gravity = _posture(schedule, times, generator)
    vertical, swing = _gait(schedule, times, generator)
    forward = _across(gravity)
    dynamic = vertical[:, None] * gravity + swing[:, None] * forward  # (T,) * (T, 3) -> (T, 3)
    dynamic += _fidgets(schedule, times, generator)
    dynamic += (_BREATH_G * body.at(body.breath * (1 - np.minimum(5 * body.effort, 1)), times))[:, None] * gravity
    if person.tremor_hz:
        dynamic += _tremor(person, schedule, times, generator)[:, None] * forward
    return Motion(gravity=gravity, dynamic=dynamic)


def acceleration(motion: Motion, *, rate_hz: float, length: int, generator: np.random.Generator) -> NDArray[np.float64]:
    """Return what the accelerometer gives, (length, 3) in g: gravity, movement and the noise of the part."""
    total = on_clock(motion.gravity + motion.dynamic, rate_hz=rate_hz, length=length)
    return total + _NOISE_G * generator.standard_normal(total.shape)


def on_clock(line: NDArray[np.float64], *, rate_hz: float, length: int) -> NDArray[np.float64]:
    """Return a (T,) or (T, 3) line of MOTION_HZ at another rate, linear between samples."""
    if rate_hz == MOTION_HZ and len(line) == length:
        return line.copy()
    times, known = np.arange(length) / rate_hz, np.arange(len(line)) / MOTION_HZ
    if line.ndim == 1:
        return np.interp(times, known, line)
    return np.stack([np.interp(times, known, column) for column in line.T], axis=1)


def _per_activity(schedule: Schedule, times: Line, table: dict[int, float]) -> Line:
    values = np.array([table.get(activity, 0.0) for activity in range(5)])
    return np.asarray(values[schedule.values(times, "activity").astype(np.int64)])


def _posture(schedule: Schedule, times: Line, generator: np.random.Generator) -> NDArray[np.float64]:
    """Return the direction of gravity in the axes of the wrist, (T, 3) of unit length: held, then turned within a second."""
    ratio = int(MOTION_HZ // GRID_HZ)
    slow = times[::ratio]
    turns = generator.random(len(slow)) < _per_activity(schedule, slow, _POSTURES_PER_HOUR) / (3600 * GRID_HZ)
    activity = schedule.values(slow, "activity")
    turns[1:] |= activity[1:] != activity[:-1]
    pose = np.cumsum(turns)
    poses = generator.standard_normal((int(pose[-1]) + 1, 3)) + np.array([0.3, -0.5, 0.8])
    poses /= np.linalg.norm(poses, axis=1, keepdims=True)
    held = np.repeat(poses[pose], ratio, axis=0)[: len(times)]
    smooth = lag(lag(held, rate_hz=MOTION_HZ, time_s=0.25), rate_hz=MOTION_HZ, time_s=0.25)
    return np.asarray(smooth / np.maximum(np.linalg.norm(smooth, axis=1, keepdims=True), 1e-3))


def _across(gravity: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a unit direction at right angles to gravity: the arm's forward axis, (T, 3)."""
    forward = np.stack((gravity[:, 1] + gravity[:, 2], gravity[:, 2] - gravity[:, 0], -gravity[:, 0] - gravity[:, 1]), axis=1)
    forward -= (forward * gravity).sum(axis=1, keepdims=True) * gravity
    return np.asarray(forward / np.maximum(np.linalg.norm(forward, axis=1, keepdims=True), 1e-3))


def _gait(schedule: Schedule, times: Line, generator: np.random.Generator) -> tuple[Line, Line]:
    """Return the vertical and the forward acceleration of steps and arm swing, (T,) each in g.

    The rate jitters by 2 % (Hausdorff 2007, doi:10.1016/j.humov.2007.05.003); walking is broken by short stops.
    """
    cadence = lag(schedule.values(times, "cadence_hz"), rate_hz=MOTION_HZ, time_s=1.0)
    jitter = 1 + 0.02 * wander(generator, len(times), rate_hz=MOTION_HZ, time_s=5.0)
    angle = 2 * np.pi * np.cumsum(cadence * jitter) / MOTION_HZ
    going = wander(generator, len(times), rate_hz=MOTION_HZ, time_s=20.0) > -1.4
    lead = generator.uniform(0, 2 * np.pi, 4)
    gait_g = _per_activity(schedule, times, _GAIT_G) * going
    stride_g = _per_activity(schedule, times, _STRIDE_G) * going
    strength = np.exp(0.2 * generator.standard_normal())
    vertical = sum(h * np.sin((k + 1) * angle + lead[k]) for k, h in enumerate(_HARMONICS))
    envelope_g = lag(np.stack((gait_g, stride_g), axis=1) * strength, rate_hz=MOTION_HZ, time_s=0.8)
    return envelope_g[:, 0] * vertical, envelope_g[:, 1] * np.sin(angle / 2 + lead[3])


def _fidgets(schedule: Schedule, times: Line, generator: np.random.Generator) -> NDArray[np.float64]:
    """Return short bursts of 0.5 to 6 Hz movement, (T, 3) in g: a Poisson process whose rate depends on the activity."""
    end = len(times) / MOTION_HZ
    most = max(_FIDGETS_PER_MIN.values())
    onset = np.sort(generator.uniform(0, end, generator.poisson(most * end / 60)))
    kept = generator.random(len(onset)) < _per_activity(schedule, onset, _FIDGETS_PER_MIN) / most
    onset = onset[kept]
    envelope = np.zeros(len(times))
    if len(onset):
        width = generator.uniform(0.3, 1.5, len(onset))
        height = _FIDGET_G * np.exp(0.7 * generator.standard_normal(len(onset)))
        add_bumps(envelope, rate_hz=MOTION_HZ, centre_s=onset, width_s=width, height=height)
    axes = [band(generator, len(times), rate_hz=MOTION_HZ, centre_hz=1.5, width_hz=1.5) for _ in range(3)]
    return envelope[:, None] * np.stack(axes, axis=1)


def _tremor(person: Participant, schedule: Schedule, times: Line, generator: np.random.Generator) -> Line:
    """Return a rest tremor, (T,) in g: present while the arm rests awake, waxing and waning over seconds."""
    resting = _per_activity(schedule, times, {REST: 1.0, STRESS: 1.4})
    jitter = 1 + 0.03 * wander(generator, len(times), rate_hz=MOTION_HZ, time_s=2.0)
    angle = 2 * np.pi * np.cumsum(person.tremor_hz * jitter) / MOTION_HZ
    strength = np.exp(0.4 * wander(generator, len(times), rate_hz=MOTION_HZ, time_s=8.0))
    return np.asarray(_TREMOR_G * lag(resting, rate_hz=MOTION_HZ, time_s=1.0) * strength * np.sin(angle))
