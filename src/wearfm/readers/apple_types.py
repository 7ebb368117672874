"""What the record types of Apple Health mean here: a kind of event or a minute channel, and its unit.

Names as HealthKit's public documentation has them (Apple, "HKQuantityTypeIdentifier", "HKCategoryTypeIdentifier",
"HKWorkoutActivityType"), without these prefixes. Quantities in "%" are shares of 1 in the file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from wearfm.errors import UnknownUnit
from wearfm.signals.units import MODALITIES, affine


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What one kind of record becomes. name: of the event, or modality of the minute channel. label: of the event.

    Value in the unit of the name = scale * written value + shift; low, high: what is plausible. record_type: as written.
    """

    record_type: str
    name: str
    label: str = ""
    is_total: bool = False
    scale: float = 1.0
    shift: float = 0.0
    low: float = -float("inf")
    high: float = float("inf")


TOTALS = {  # record type -> modality, unit; the file's value over the interval adds up
    "StepCount": ("steps", "count"),
    "DistanceWalkingRunning": ("distance", "m"),
    "FlightsClimbed": ("flights", "count"),
    "ActiveEnergyBurned": ("active_energy", "kcal"),
    "BasalEnergyBurned": ("basal_energy", "kcal"),
    "AppleExerciseTime": ("exercise", "min"),  # minutes within a minute: a share
    "AppleStandTime": ("stand", "min"),
    "NumberOfTimesFallen": ("falls", "count"),
}
PHONE = {"steps": "phone_steps", "distance": "phone_distance"}  # as models of weeks tell them apart
MEASURES = {  # record type -> kind of event, unit of its value, modality whose range holds ("" for none)
    "HeartRate": ("hr", "1/min", "hr"),
    "RestingHeartRate": ("hr_at_rest", "1/min", "hr"),
    "WalkingHeartRateAverage": ("walking_hr", "1/min", "hr"),
    "HeartRateRecoveryOneMinute": ("hr_recovery", "1/min", ""),
    "HeartRateVariabilitySDNN": ("sdnn", "ms", "sdnn"),
    "RespiratoryRate": ("resp_rate", "1/min", "resp_rate"),
    "OxygenSaturation": ("spo2", "%", "spo2"),
    "BodyTemperature": ("body_temp", "degC", "temp"),
    "AppleSleepingWristTemperature": ("temp", "degC", "temp"),
    "BodyMass": ("weight_kg", "kg", "body_mass"),
    "BodyMassIndex": ("bmi_kg_m2", "kg/m2", "bmi"),
    "Height": ("height_cm", "cm", ""),
    "BodyFatPercentage": ("body_fat", "%", "spo2"),
    "BloodPressureSystolic": ("sbp_mmHg", "mmHg", "pressure"),
    "BloodPressureDiastolic": ("dbp_mmHg", "mmHg", "pressure"),
    "VO2Max": ("vo2max", "ml/kg/min", "vo2max"),
    "WalkingSpeed": ("walking_speed", "m/s", "walking_speed"),
    "WalkingStepLength": ("step_length", "m", "step_length"),
    "WalkingDoubleSupportPercentage": ("double_support", "%", "double_support"),
    "WalkingAsymmetryPercentage": ("walking_asymmetry", "%", "walking_asymmetry"),
    "AppleWalkingSteadiness": ("walking_steadiness", "%", "walking_steadiness"),
    "StairAscentSpeed": ("stair_ascent_speed", "m/s", "stair_ascent_speed"),
    "StairDescentSpeed": ("stair_descent_speed", "m/s", "stair_descent_speed"),
    "SixMinuteWalkTestDistance": ("six_minute_walk", "m", "six_minute_walk"),
    "EnvironmentalAudioExposure": ("sound", "dB", "sound"),
    "PhysicalEffort": ("effort_kcal_kg_h", "kcal/kg/h", ""),
}
SLEEP = {
    "InBed": "in_bed", "Asleep": "asleep", "AsleepUnspecified": "asleep", "AsleepCore": "light", "AsleepDeep": "deep",
    "AsleepREM": "REM", "Awake": "W",
}  # fmt: skip
ALERTS = {
    "HighHeartRateEvent": "high heart rate", "LowHeartRateEvent": "low heart rate",
    "IrregularHeartRhythmEvent": "irregular rhythm",
}  # fmt: skip
STAND_HOUR = {"Stood": "stood", "Idle": "idle"}
_UNITS = {  # as Apple writes them -> as this house does
    "count/min": "1/min", "km/hr": "km/h", "mi/hr": "mi/h", "Cal": "kcal", "mL/min·kg": "ml/kg/min", "kcal/hr·kg": "kcal/kg/h",
}  # fmt: skip
_WITHOUT_DIMENSION = {"count", ""}  # Apple writes the BMI so
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z][a-z0-9]*|[a-z0-9]+")


def quantity(record_type: str, unit: str, *, is_phone: bool) -> Meaning | None:
    """Return what a quantity in that unit becomes, None for a type or a unit that is not read."""
    if record_type in TOTALS:
        name, target = TOTALS[record_type]
        scale, shift = _conversion(unit, target)
        name = PHONE.get(name, name) if is_phone else name
        return Meaning(record_type=record_type, name=name, is_total=True, scale=scale) if scale and not shift else None
    if record_type not in MEASURES:
        return None
    name, target, like = MEASURES[record_type]
    scale, shift = _conversion(unit, target)
    if scale == 0:
        return None
    low, high = (MODALITIES[like].low, MODALITIES[like].high) if like else (0.0, float("inf"))
    return Meaning(record_type=record_type, name=name, scale=scale, shift=shift, low=low, high=high)


def category(record_type: str, value: str) -> Meaning | None:
    """Return what a category with that value becomes, None for what is not read."""
    if record_type == "SleepAnalysis":
        stage = SLEEP.get(value.removeprefix("HKCategoryValueSleepAnalysis"))
        return Meaning(record_type=record_type, name="sleep_stage", label=stage) if stage else None
    if record_type == "AppleStandHour":
        state = STAND_HOUR.get(value.removeprefix("HKCategoryValueAppleStandHour"))
        return Meaning(record_type=record_type, name="stand_hour", label=state) if state else None
    if record_type in ALERTS:
        return Meaning(record_type=record_type, name="annotation", label=ALERTS[record_type])
    return Meaning(record_type=record_type, name="activity", label="mindfulness") if record_type == "MindfulSession" else None


def workout(activity: str) -> Meaning:
    """Return the event of a workout: "HKWorkoutActivityTypeFunctionalStrengthTraining" -> "functional strength training"."""
    words = _WORD.findall(activity.removeprefix("HKWorkoutActivityType"))
    return Meaning(record_type="Workout", name="workout", label=" ".join(words).lower()[:60] or "other")


def _conversion(unit: str, target: str) -> tuple[float, float]:
    """Return (scale, shift) from a unit as Apple writes it; scale 0 if it is none of the target's."""
    if unit == "%":
        return (100.0, 0.0) if target == "%" else (0.0, 0.0)
    written = _UNITS.get(unit, unit)
    if written == target or (written in _WITHOUT_DIMENSION and target == "kg/m2"):
        return 1.0, 0.0
    try:
        return affine(written, target)
    except UnknownUnit:
        return 0.0, 0.0
