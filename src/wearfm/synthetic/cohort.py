"""A simulated cohort: people, their days, and the recordings a watch and a chest patch would have made of them."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration
from wearfm.signals.door import Admitted, admit
from wearfm.signals.quality_record import Quality
from wearfm.signals.recording import SECOND, Recording
from wearfm.synthetic.body import Body, make_body
from wearfm.synthetic.cardiogram import electrocardiogram
from wearfm.synthetic.config import CohortConfig
from wearfm.synthetic.day import Schedule, plan_day
from wearfm.synthetic.fate import follow
from wearfm.synthetic.missing import Missing, go_missing
from wearfm.synthetic.motion import Motion, acceleration, move
from wearfm.synthetic.participant import Participant, draw_participant, today
from wearfm.synthetic.pulse import LIGHTS, make_pulses
from wearfm.synthetic.rhythm import Beats, make_beats
from wearfm.synthetic.skin import conductance, responses, temperature
from wearfm.synthetic.streams import TRAITS, Streams
from wearfm.synthetic.truth import Truth, tell_artefacts, tell_day, tell_heart, tell_missing

_FIRST_DAY_S = calendar.timegm((2024, 1, 1, 0, 0, 0))
_ENROLMENT_DAYS = 180  # participants start on different days of half a year
_DAYS_APART = 7
_NOT_MEASURED = np.int16(-32768)  # what the channel holds in a gap, so that nothing leaks through it


@dataclass(frozen=True, kw_only=True)
class _Converter:
    """An analogue-to-digital converter: physical value = scale * int16 + offset, in the unit of the modality."""

    unit: str
    scale: float
    offset: float = 0.0
    placement: str = "wrist"

    def counts(self, line: NDArray[np.float64]) -> NDArray[np.int16]:
        """Return the nearest codes, saturating at the ends."""
        return np.clip(np.round((line - self.offset) / self.scale), -32767, 32767).astype(np.int16)


_CONVERTERS = {
    "ppg": _Converter(unit="au", scale=1 / 2048),
    "ecg": _Converter(unit="mV", scale=1 / 2000, placement="chest"),
    "acc": _Converter(unit="g", scale=1 / 2048),
    "eda": _Converter(unit="uS", scale=0.001, offset=30.0),
    "temp": _Converter(unit="degC", scale=0.01),
}


@dataclass(frozen=True)
class Cohort:
    """Recordings as a pure function of (config, seed, participant, session): a source like any reader.

    The order of the calls, the number of participants and of sessions, and which channels are made change nothing in
    what else is made.
    """

    config: CohortConfig
    seed: int

    def participant(self, index: int) -> Participant:
        """Return the latents of one person."""
        self._check("participant", index, self.config.num_participants)
        return draw_participant(index, self.config, Streams(self.seed, index, TRAITS).of("traits"))

    def fate(self, person: Participant) -> dict[str, float]:
        """Return what becomes of a person, as facts; nothing if the study does not ask."""
        if self.config.follow_up_years == 0:
            return {}
        return follow(person, years=self.config.follow_up_years, generator=Streams(self.seed, person.index, TRAITS).of("fate"))

    def record(self, index: int, session: int) -> Recording:
        """Return what was measured on one participant in one session."""
        self._check("session", session, self.config.num_sessions)
        return _Session(self, self.participant(index), session).recording()

    def recordings(self) -> Iterator[Recording]:
        """Yield every recording, session by session of each participant."""
        for index in range(self.config.num_participants):
            for session in range(self.config.num_sessions):
                yield self.record(index, session)

    def start_ns(self, index: int, session: int) -> int:
        """Return when a session starts, UTC nanoseconds: `start_hour` local time on a day of its own."""
        day = _ENROLMENT_DAYS * 7919 * (index + 1) // 10_007 % _ENROLMENT_DAYS + _DAYS_APART * session
        local = _FIRST_DAY_S + 86_400 * day + round(3600 * self.config.start_hour)
        return (local - self.config.utc_offset_s) * SECOND

    def _check(self, what: str, number: int, count: int) -> None:
        if not 0 <= number < count:
            raise BadConfiguration(f"{what} {number} is not in this cohort; choose 0 to {count - 1} or raise num_{what}s")


class _Session:
    """One session in the making: the shared causes first, then each channel from them."""

    def __init__(self, cohort: Cohort, person: Participant, number: int) -> None:
        self.cohort, self.config, self.person, self.number = cohort, cohort.config, person, number
        self.streams = Streams(cohort.seed, person.index, number)
        self.start_ns = cohort.start_ns(person.index, number)
        self.now = today(person, self.streams.of("today"))
        self.schedule: Schedule = plan_day(self.now, self.config, self.streams.of("day"))
        self.body: Body = make_body(self.now, self.schedule, self.config, self.streams.of("body"))
        self.beats: Beats = make_beats(self.now, self.body, self.streams.of("rhythm"))
        self.motion: Motion = move(self.now, self.schedule, self.body, self.config, self.streams.of("motion"))
        self.missing: Missing = go_missing(self.config, self.streams.of("missing"))
        self.truth = Truth(start_ns=self.start_ns, session_s=self.config.session_s)

    def recording(self) -> Recording:
        """Return the finished recording."""
        tell_day(self.truth, self.schedule, self.now)
        tell_heart(self.truth, self.beats)
        tell_missing(self.truth, self.missing)
        makers = {"ppg": self._ppg, "ecg": self._ecg, "acc": self._acc, "eda": self._eda, "temp": self._temp}
        admitted = [channel for name in self.config.modalities for channel in makers[name]()]
        return Recording(
            participant=f"synthetic:{self.cohort.seed}-{self.person.index:05d}",
            name=f"session-{self.number:02d}",
            channels=tuple(item.channel for item in admitted),
            events=self.truth.events(),
            clock="utc",
            utc_offset_s=self.config.utc_offset_s,
            device="simulated watch and chest patch",
            source="wearfm.synthetic",
            facts={**self.person.facts, **self.cohort.fate(self.person)},
            quality=Quality(channels=tuple(item.quality for item in admitted)),
        )

    def _ppg(self) -> Iterator[Admitted]:
        pulses = make_pulses(
            self.now,
            self.body,
            self.beats,
            self.motion,
            self.missing.loose,
            self.config,
            generator=self.streams.of("ppg"),
            artefact_generator=self.streams.of("artefact"),
        )
        rate_hz = self.config.ppg_hz
        tell_artefacts(self.truth, pulses.drowned(LIGHTS[0], self.now, rate_hz=rate_hz))
        for light, generator in zip(LIGHTS[: self.config.ppg_wavelengths], self.streams.of("ppg").spawn(4), strict=False):
            line = pulses.through(light, self.now, rate_hz=rate_hz, generator=generator)
            yield self._admit(line, "ppg", name=f"ppg_{light.name}")

    def _ecg(self) -> Iterator[Admitted]:
        generator = self.streams.of("ecg")
        yield self._admit(electrocardiogram(self.now, self.body, self.beats, self.motion, self.config, generator), "ecg")

    def _acc(self) -> Iterator[Admitted]:
        rate_hz, length = self.config.acc_hz, self.config.length("acc")
        lines = acceleration(self.motion, rate_hz=rate_hz, length=length, generator=self.streams.of("motion").spawn(1)[0])
        for axis, line in zip("xyz", lines.T, strict=True):
            yield self._admit(line, "acc", name=f"acc_{axis}", axis=axis)

    def _eda(self) -> Iterator[Admitted]:
        generator = self.streams.of("eda")
        onset, height = responses(self.now, self.schedule, self.config, generator)
        self.truth.add("scr", onset, 0.0, "", height)
        yield self._admit(conductance(self.now, self.body, self.motion, (onset, height), self.config, generator), "eda")

    def _temp(self) -> Iterator[Admitted]:
        yield self._admit(temperature(self.now, self.body, self.config, self.streams.of("temp")), "temp")

    def _admit(self, line: NDArray[np.float64], modality: str, *, name: str = "", axis: str = "") -> Admitted:
        """Return the line as the device would store it, through the same door as every reader's channels."""
        converter = _CONVERTERS[modality]
        rate_hz, length = self.config.rate_hz(modality), self.config.length(modality)
        present = self.missing.present(modality, rate_hz=rate_hz, length=length)
        samples = converter.counts(line)
        samples[~present.mask(length)] = _NOT_MEASURED
        return admit(
            samples,
            name=name or modality,
            modality_name=modality,
            unit=converter.unit,
            rate_hz=rate_hz,
            start_ns=self.start_ns,
            placement=converter.placement,
            axis=axis,
            scale=converter.scale,
            offset=converter.offset,
            present=present,
        )
