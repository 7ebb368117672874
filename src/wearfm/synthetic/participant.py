"""Who is simulated: the latent traits of one person, and the same person on another day.

    age, sex ──> height, BMI ──> fitness ──> resting heart rate ──> RMSSD
       │                 └────────┬─┘                                 ▲
       ├──────────────────────────┼───────────────────────────────────┘
       └───────────────────> vascular age ──> blood pressure ──> hypertension ──> atrial fibrillation

Skin tone is independent of all the rest on purpose: whatever a model does differently by tone comes from the sensor.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from wearfm.synthetic.config import CohortConfig

# Go et al. 2001 (doi:10.1001/jama.285.18.2370), fig. 2: prevalence of atrial fibrillation from that age on, women and men
_AF_FROM_YEARS = (0, 55, 60, 65, 70, 75, 80, 85)
_AF_WOMEN = (0.001, 0.004, 0.010, 0.017, 0.034, 0.050, 0.072, 0.091)
_AF_MEN = (0.002, 0.009, 0.017, 0.030, 0.050, 0.073, 0.103, 0.111)
_SKIN_TONES = (0.12, 0.20, 0.23, 0.18, 0.15, 0.12)  # Fitzpatrick I to VI; our choice: every tone common enough to compare
_LEAST_FITNESS = 13.0  # ml/kg/min; our choice: below it the line has left its data, and people their independence
_POUND_KG, _INCH_M = 0.45359237, 0.0254


@dataclass(frozen=True, kw_only=True)
class Participant:
    """The latents of one person. The first block is told as facts; the second only shows in the signals."""

    index: int
    age_years: float
    sex: str  # "female" or "male"
    bmi_kg_m2: float
    fitness_ml_kg_min: float  # maximal oxygen uptake
    resting_hr_per_min: float  # seated and awake
    rmssd_ms: float  # of successive beats, seated and awake, in sinus rhythm
    vascular_age_years: float
    skin_tone: int  # Fitzpatrick 1 to 6
    rhythm: str  # "sinus" or "paroxysmal_af"
    chronotype: str  # "early", "intermediate" or "late"
    sbp_mmHg: float  # noqa: N815 (the unit is spelled so)
    dbp_mmHg: float  # noqa: N815
    hypertension: bool

    height_m: float
    mid_sleep_hour: float  # local hour halfway through the night
    sleep_hours: float
    af_burden: float  # share of the time in atrial fibrillation
    premature_per_hour: float  # atrial premature beats
    breaths_per_min: float  # seated and awake
    cadence_hz: float  # steps per second of comfortable walking
    stress_proneness: float  # times the average chance of a stress episode
    perfusion: float  # times the average amplitude of the pulse
    skin_conductance_us: float  # tonic level at rest
    sweat_response: float  # times the average height of a skin conductance response
    skin_temp_degc: float  # wrist, awake, at rest
    heart_axis: tuple[float, ...]  # (5,) times the average height of P, Q, R, S and T
    tremor_hz: float  # 0 for none

    @property
    def max_hr_per_min(self) -> float:
        """Highest heart rate: 208 - 0.7 age (Tanaka et al. 2001, doi:10.1016/S0735-1097(00)01054-8)."""
        return 208 - 0.7 * self.age_years

    @property
    def facts(self) -> dict[str, str | float]:
        """What a study would know of the person."""
        return {
            "age_years": round(self.age_years, 1),
            "sex": self.sex,
            "bmi_kg_m2": round(self.bmi_kg_m2, 1),
            "fitness_ml_kg_min": round(self.fitness_ml_kg_min, 1),
            "resting_hr_per_min": round(self.resting_hr_per_min, 1),
            "rmssd_ms": round(self.rmssd_ms, 1),
            "vascular_age_years": round(self.vascular_age_years, 1),
            "skin_tone": float(self.skin_tone),
            "rhythm": self.rhythm,
            "chronotype": self.chronotype,
            "sbp_mmHg": round(self.sbp_mmHg, 1),
            "dbp_mmHg": round(self.dbp_mmHg, 1),
            "hypertension": float(self.hypertension),
        }


def draw_participant(index: int, config: CohortConfig, generator: np.random.Generator) -> Participant:
    """Return person number `index`; reads of the config only the age range and the enrichments, never a count."""
    age = generator.uniform(config.youngest_years, config.oldest_years)
    male = bool(generator.random() < 0.5)
    height, bmi = _build(age, male, generator)
    expected = expected_fitness(age, male=male, bmi_kg_m2=bmi, height_m=height)
    fitness = np.clip(expected * np.exp(0.21 * _z(generator)), 8, 75)  # 0.21: its standard error, 6.6, over its mean, 31
    surplus = fitness - expected_fitness(age, male=male, bmi_kg_m2=25.0, height_m=height)
    resting_hr = _resting_hr(surplus, male, generator)
    vascular_age = np.clip(age + 0.6 * (bmi - 25) - 0.3 * surplus + 5.0 * _z(generator), 12, 100)
    sbp, dbp = _pressure(float(vascular_age), bmi, male, generator)
    hypertension = sbp >= 140 or dbp >= 90  # Williams et al. 2018 (doi:10.1093/eurheartj/ehy339)
    has_af = generator.random() < af_probability(age, male=male, hypertension=hypertension, odds=config.af_odds)
    mid_sleep = 4.1 - 0.018 * (age - 20) + 0.2 * male + 0.9 * _z(generator)  # Roenneberg et al. 2007, work and free days
    return Participant(
        index=index,
        age_years=float(age),
        sex="male" if male else "female",
        bmi_kg_m2=bmi,
        fitness_ml_kg_min=float(fitness),
        resting_hr_per_min=resting_hr,
        rmssd_ms=_rmssd(age, resting_hr, generator),
        vascular_age_years=float(vascular_age),
        skin_tone=int(generator.choice(6, p=_SKIN_TONES)) + 1,
        rhythm="paroxysmal_af" if has_af else "sinus",
        chronotype="early" if mid_sleep < 2.9 else "late" if mid_sleep > 4.2 else "intermediate",
        sbp_mmHg=sbp,
        dbp_mmHg=dbp,
        hypertension=bool(hypertension),
        height_m=height,
        mid_sleep_hour=float(mid_sleep),
        sleep_hours=float(np.clip(7.6 - 0.012 * (age - 20) + 0.8 * _z(generator), 5, 10)),  # Ohayon et al. 2004
        af_burden=float(generator.beta(2, 4)) if has_af else 0.0,  # our choice: patients sent to monitoring
        premature_per_hour=float(np.exp(-1.2 + 0.035 * (age - 20) + 1.4 * _z(generator))),  # Conen et al. 2012
        **_sensor_traits(age, generator),
        tremor_hz=float(generator.uniform(4, 6)) * bool(generator.random() < config.tremor_share),  # Deuschl et al. 1998
    )


def _sensor_traits(age: float, generator: np.random.Generator) -> dict[str, Any]:
    """Return what shows in the signals and depends, at most, on age."""
    return {
        "breaths_per_min": float(np.clip(15 + 2 * _z(generator), 10, 22)),
        "cadence_hz": float(np.clip(1.9 - 0.003 * (age - 40) + 0.1 * _z(generator), 1.4, 2.3)),  # MacDougall and Moore 2005
        "stress_proneness": float(np.exp(0.4 * _z(generator))),
        "perfusion": float(np.exp(0.3 * _z(generator))),
        "skin_conductance_us": float(np.exp(1.1 - 0.006 * (age - 40) + 0.5 * _z(generator))),  # Boucsein 2012, 2 to 20 uS
        "sweat_response": float(np.exp(-0.008 * (age - 40) + 0.5 * _z(generator))),
        "skin_temp_degc": float(32.6 + 0.7 * _z(generator)),
        "heart_axis": tuple(np.exp(0.22 * generator.standard_normal(5)).tolist()),
    }


def today(person: Participant, generator: np.random.Generator) -> Participant:
    """Return the person as they are on one day: the state moves, the traits stay.

    The day-to-day spread is a third to a half of the spread between people: resting heart rate 3 per min (Quer et al.
    2020, doi:10.1371/journal.pone.0227709), ln RMSSD 0.12 (Plews et al. 2013, doi:10.1007/s40279-013-0071-8).
    """
    strain = _z(generator)  # a bad night raises the heart rate and lowers its variability together
    return replace(
        person,
        resting_hr_per_min=person.resting_hr_per_min + 2.4 * strain + 1.8 * _z(generator),
        rmssd_ms=person.rmssd_ms * float(np.exp(-0.08 * strain + 0.09 * _z(generator))),
        mid_sleep_hour=person.mid_sleep_hour + 0.5 * _z(generator),
        sleep_hours=person.sleep_hours + float(np.clip(0.6 * _z(generator), -1.2, 1.2)),
        stress_proneness=person.stress_proneness * float(np.exp(0.5 * strain)),
        breaths_per_min=person.breaths_per_min + 0.5 * _z(generator),
        perfusion=person.perfusion * float(np.exp(0.15 * _z(generator))),
        skin_conductance_us=person.skin_conductance_us * float(np.exp(0.25 * _z(generator))),
        skin_temp_degc=person.skin_temp_degc + 0.4 * _z(generator),
        heart_axis=tuple(height * float(np.exp(0.08 * _z(generator))) for height in person.heart_axis),  # patch put on anew
    )


def expected_fitness(age_years: float, *, male: bool, bmi_kg_m2: float, height_m: float) -> float:
    """Return maximal oxygen uptake in ml/kg/min on a treadmill.

    de Souza e Silva et al. 2018 (doi:10.1177/2047487318763958): 45.2 - 0.35 age - 10.9 sex (1 male, 2 female)
    - 0.15 pounds + 0.68 inches - 0.46 mode (1 treadmill).
    """
    pounds = bmi_kg_m2 * height_m**2 / _POUND_KG
    line = 45.2 - 0.35 * age_years - 10.9 * (1 if male else 2) - 0.15 * pounds + 0.68 * height_m / _INCH_M - 0.46
    return max(line, _LEAST_FITNESS)


def expected_rmssd(age_years: float) -> float:
    """Return RMSSD in ms: a log-linear fall from 43 ms at 25 to 22 ms at 65 years, flat after.

    Umetani et al. 1998 (doi:10.1016/S0735-1097(97)00554-8), table of decades: 43, 35, 31, 25, 22, 24, 21 ms.
    """
    return float(43 * np.exp(-0.0168 * (min(age_years, 65.0) - 25)))


def af_probability(age_years: float, *, male: bool, hypertension: bool, odds: float) -> float:
    """Return the chance of atrial fibrillation: the prevalence by age and sex of Go et al. 2001, its odds multiplied.

    Hypertension: odds ratio 1.5 (Benjamin et al. 1994, doi:10.1001/jama.1994.03510350050036).
    """
    row = int(np.searchsorted(_AF_FROM_YEARS, age_years, side="right")) - 1
    prevalence = (_AF_MEN if male else _AF_WOMEN)[row]
    raised = prevalence / (1 - prevalence) * odds * (1.5 if hypertension else 1.0)
    return raised / (1 + raised)


def _build(age: float, male: bool, generator: np.random.Generator) -> tuple[float, float]:
    """Return height in m and BMI (NCD-RisC 2016 and 2020: means of high-income countries; BMI rises until 60)."""
    height = (1.77 if male else 1.63) + 0.07 * _z(generator)
    bmi = (24.0 + 0.07 * (min(age, 60.0) - 20)) * np.exp(0.15 * _z(generator))
    return float(np.clip(height, 1.4, 2.1)), float(np.clip(bmi, 16, 50))


def _resting_hr(surplus: float, male: bool, generator: np.random.Generator) -> float:
    """Return the seated resting heart rate from fitness above what age and sex predict.

    Gonzales et al. 2023 (doi:10.1371/journal.pone.0285272): mean 67.6, SD 9.8 per min; at the same age and sex fitness
    falls by 0.26 ml/kg/min for each beat. Turned around, with SD 7.7 of the surplus: 0.26 * (9.8 / 7.7)^2 = 0.42 beats for
    each ml/kg/min lost, and a residual SD of sqrt(9.8^2 - (0.42 * 7.7)^2) = 9.2.
    """
    return float(np.clip((66.2 if male else 69.0) - 0.42 * surplus + 9.2 * _z(generator), 42, 100))


def _rmssd(age: float, resting_hr: float, generator: np.random.Generator) -> float:
    """Return RMSSD in ms; a slower heart varies more (Sacha 2014, doi:10.3389/fphys.2013.00306)."""
    return float(np.clip(expected_rmssd(age) * np.exp(-0.012 * (resting_hr - 67.6) + 0.28 * _z(generator)), 6, 150))


def _pressure(vascular_age: float, bmi: float, male: bool, generator: np.random.Generator) -> tuple[float, float]:
    """Return systolic and diastolic pressure in mmHg.

    Systolic rises with age, diastolic until about 55 and falls after (Franklin et al. 1997, doi:10.1161/01.CIR.96.1.308);
    5 kg/m2 add 5 and 4 mmHg (Prospective Studies Collaboration 2009, doi:10.1016/S0140-6736(09)60318-4).
    """
    load = _z(generator)
    sbp = 121 + 0.50 * (vascular_age - 45) + 1.0 * (bmi - 25) + 3 * male + 9 * load
    dbp = 79 - 0.007 * (vascular_age - 55) ** 2 + 0.8 * (bmi - 25) + 2 * male + 4 * load + 5 * _z(generator)
    sbp = float(np.clip(sbp, 90, 210))
    return sbp, float(np.clip(dbp, 45, sbp - 25))


def _z(generator: np.random.Generator) -> float:
    return float(generator.standard_normal())
