"""What to simulate: how many people, how long, which channels, how dirty."""

from __future__ import annotations

from dataclasses import dataclass

from wearfm.errors import BadConfiguration, UnknownName

MODALITIES = ("ppg", "ecg", "acc", "eda", "temp")
LONGEST_HOURS = 24 * 7  # one session is made in memory at once, about 1.2 GB a day with all channels


@dataclass(frozen=True, kw_only=True)
class CohortConfig:
    """A simulated cohort. Neither the number of people nor the choice of channels changes what the others look like.

    missingness and artefacts are levels: 0 none, 1 what a cooperative adult's wristband shows, 2 twice as often.
    """

    num_participants: int = 40
    num_sessions: int = 2  # of each participant, a week apart
    session_hours: float = 2.0
    start_hour: float = 9.0  # local hour of the day at which every session starts
    utc_offset_s: int = 3600  # local time minus UTC
    modalities: tuple[str, ...] = MODALITIES
    ppg_hz: float = 64.0  # rate of common wristbands
    ppg_wavelengths: int = 1  # 1 green, 2 + infrared, 3 + red, 4 + blue
    ecg_hz: float = 128.0  # rate of common chest patches
    acc_hz: float = 32.0
    eda_hz: float = 4.0
    temp_hz: float = 4.0
    missingness: float = 1.0
    artefacts: float = 1.0
    youngest_years: float = 20.0
    oldest_years: float = 85.0
    af_odds: float = 8.0  # times the population's odds of atrial fibrillation; 1 is the population, 8 a case-rich study
    tremor_share: float = 0.0  # share of participants with a 4 to 6 Hz rest tremor of the wrist
    follow_up_years: float = 0.0  # for how long the study asks who fell ill; 0: it does not ask

    def __post_init__(self) -> None:
        for name in self.modalities:
            if name not in MODALITIES:
                raise UnknownName("simulated modality", name, MODALITIES)
        self._check("num_participants", at_least=1)
        self._check("num_sessions", at_least=1)
        self._check("session_hours", at_least=1 / 60, at_most=LONGEST_HOURS)
        self._check("start_hour", at_least=0, at_most=24)
        self._check("ppg_wavelengths", at_least=1, at_most=4)
        for name in MODALITIES:
            self._check(f"{name}_hz", at_least=1 / 60, at_most=2000)
        self._check("missingness", at_least=0, at_most=10)
        self._check("artefacts", at_least=0, at_most=10)
        self._check("youngest_years", at_least=18, at_most=90)
        self._check("oldest_years", at_least=self.youngest_years, at_most=90)
        self._check("af_odds", at_least=0, at_most=1e6)
        self._check("tremor_share", at_least=0, at_most=1)
        self._check("follow_up_years", at_least=0, at_most=50)

    def _check(self, name: str, *, at_least: float, at_most: float = float("inf")) -> None:
        value = getattr(self, name)
        if not at_least <= value <= at_most:
            raise BadConfiguration(f"{name} {value!r} must be from {at_least:g} to {at_most:g}; choose a value in that range")

    @property
    def session_s(self) -> float:
        """Length of a session in seconds."""
        return self.session_hours * 3600

    def rate_hz(self, modality: str) -> float:
        """Return samples per second of a modality."""
        return float(getattr(self, f"{modality}_hz"))

    def length(self, modality: str) -> int:
        """Return samples per session of a modality."""
        return round(self.session_s * self.rate_hz(modality))
