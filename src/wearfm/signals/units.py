"""Modalities, units and the values that a living body can produce.

Every modality has one canonical unit and a plausible range in it. A reader names the unit of its source; `affine`
gives the exact scale and offset into another unit, so that integer samples keep their bits and only the channel's
scale and offset change.
"""

from __future__ import annotations

from dataclasses import dataclass

from wearfm.errors import UnknownName, UnknownUnit


@dataclass(frozen=True, kw_only=True)
class Modality:
    """What a kind of channel measures.

    unit: canonical unit. low, high: plausible range in that unit, inclusive; values outside are not valid samples.
    because: where the range comes from. is_total: a sample is the sum over its interval, so that it belongs to one rate
    and cannot be resampled.
    """

    unit: str
    low: float
    high: float
    because: str
    is_total: bool = False


_ANY = 1e9  # arbitrary units: only the float range is bounded

MODALITIES: dict[str, Modality] = {
    "acc": Modality(
        unit="g", low=-32.0, high=32.0, because="widest range of wrist and waist MEMS parts is +-16 g; x2 for offset"
    ),
    "counts": Modality(
        unit="count", low=0.0, high=1e7, because="activity counts are sums of non-negative numbers", is_total=True
    ),
    "ecg": Modality(
        unit="mV", low=-50.0, high=50.0, because="AAMI EC11 input range is +-5 mV; DC offset up to 300 mV is removed by devices"
    ),
    "eda": Modality(
        unit="uS", low=0.0, high=100.0, because="Boucsein 2012, skin conductance is 0 to 60 uS; devices end at 100 uS"
    ),
    "eeg": Modality(unit="uV", low=-1e4, high=1e4, because="scalp EEG is below 500 uV; electrode drift up to 10 mV is kept"),
    "emg": Modality(unit="mV", low=-50.0, high=50.0, because="surface EMG is below 10 mV (De Luca 1997)"),
    "eog": Modality(unit="uV", low=-1e4, high=1e4, because="EOG is below 3.5 mV"),
    "gyro": Modality(unit="deg/s", low=-4000.0, high=4000.0, because="widest range of MEMS parts"),
    "hr": Modality(unit="1/min", low=20.0, high=300.0, because="lowest and highest rates ever observed at rest and in infants"),
    "mag": Modality(
        unit="uT", low=-5000.0, high=5000.0, because="widest range of MEMS parts; the Earth's field is 25 to 65 uT"
    ),
    "pcg": Modality(unit="au", low=-_ANY, high=_ANY, because="arbitrary units"),
    "ppg": Modality(unit="au", low=-_ANY, high=_ANY, because="arbitrary units"),
    "pressure": Modality(unit="mmHg", low=0.0, high=350.0, because="arterial pressure"),
    "resp": Modality(unit="au", low=-_ANY, high=_ANY, because="arbitrary units"),
    "resp_rate": Modality(unit="1/min", low=0.0, high=120.0, because="apnoea to the fastest panting recorded"),
    "spo2": Modality(unit="%", low=0.0, high=100.0, because="a fraction"),
    "steps": Modality(unit="count", low=0.0, high=1e6, because="a day of steps", is_total=True),
    "temp": Modality(unit="degC", low=-40.0, high=85.0, because="range of skin and ambient sensors; skin itself is 20 to 43"),
    "light": Modality(unit="lux", low=0.0, high=200_000.0, because="direct sun is 100 000 lux; x2 without calibration"),
    "sound": Modality(unit="dB", low=0.0, high=194.0, because="threshold of hearing to the largest pressure wave in air"),
    "air_pressure": Modality(unit="hPa", low=200.0, high=1100.0, because="above the highest summit to the deepest valley"),
    "speed": Modality(unit="m/s", low=0.0, high=100.0, because="a speed skier reaches 70 m/s"),
    "cadence": Modality(unit="1/min", low=0.0, high=500.0, because="steps or turns of the fastest sprinters stay below 350"),
    "power": Modality(unit="W", low=0.0, high=5000.0, because="track sprinters peak below 3000 W"),
    "other": Modality(unit="au", low=-_ANY, high=_ANY, because="not known"),
}

# What a minute of raw signal comes to (`signals.minutes`). Ranges are what the definitions there can give.
MODALITIES |= {
    "calories": Modality(unit="kcal", low=0.0, high=1e4, because="a day at hard work is below 10 000 kcal", is_total=True),
    "intensity": Modality(unit="level", low=0.0, high=3.0, because="sedentary, light, fair, very active, as Fitbit counts"),
    "hr_at_rest": Modality(unit="1/min", low=20.0, high=300.0, because="as hr, of minutes without movement"),
    "rr_valid_share": Modality(unit="share", low=0.0, high=1.0, because="a share"),
    "rr_p80": Modality(unit="ms", low=200.0, high=3000.0, because="interval between beats at 20 to 300 1/min"),
    "rr_p20": Modality(unit="ms", low=200.0, high=3000.0, because="as rr_p80"),
    "rr_median": Modality(unit="ms", low=200.0, high=3000.0, because="as rr_p80"),
    "rmssd": Modality(unit="ms", low=0.0, high=1000.0, because="half the widest range of intervals"),
    "sdnn": Modality(unit="ms", low=0.0, high=1000.0, because="half the widest range of intervals"),
    "rr_entropy": Modality(unit="bit", low=0.0, high=10.0, because="200 to 3000 ms in steps of 20 ms hold less than 2^10"),
    "rr_change_entropy": Modality(unit="bit", low=0.0, high=10.0, because="as rr_entropy, to both sides of 0"),
    "acc_jerk": Modality(unit="number", low=-1.0, high=1.0, because="an autocorrelation"),
    "acc_log_energy": Modality(unit="log g2", low=-30.0, high=10.0, because="noise floor to the widest range of sensors"),
    "acc_covariance": Modality(unit="log", low=0.0, high=30.0, because="natural logarithm of a condition number, 1 to 1e13"),
    "acc_log_energy_ratio": Modality(unit="log", low=-1.1, high=0.0, because="natural logarithm of a share of 1/3 to 1"),
    "acc_zero_crossing_std": Modality(unit="s", low=0.0, high=60.0, because="an interval within a minute"),
    "acc_zero_crossing_mean": Modality(unit="s", low=0.0, high=60.0, because="an interval within a minute"),
    "acc_axis_mean": Modality(unit="g", low=-32.0, high=32.0, because="as acc"),
    "acc_kurtosis": Modality(unit="number", low=-3.0, high=1e4, because="excess kurtosis of a minute of samples"),
    "acc_sleep": Modality(unit="number", low=0.0, high=200.0, because="weights of sum 0.665 on counts of at most 300"),
    "enmo": Modality(unit="g", low=0.0, high=56.0, because="length of three axes as acc, minus one; negative values set to 0"),
    "eda_slope": Modality(unit="uS/min", low=-100.0, high=100.0, because="the range of eda in a minute"),
    "eda_contact": Modality(unit="share", low=0.0, high=1.0, because="share of samples in contact with the skin"),
    "temp_slope": Modality(unit="degC/min", low=-60.0, high=60.0, because="the range of skin and room in a minute"),
    "altitude": Modality(unit="m", low=-500.0, high=10_000.0, because="the Dead Sea to above Everest"),
    "altitude_std": Modality(unit="m", low=0.0, high=1000.0, because="within a minute"),
}

# What phones and watches tally of behaviour and of slow measures, as far as models of weeks read them (recipe `wbm`).
MODALITIES |= {
    "phone_steps": Modality(unit="count", low=0.0, high=1e6, because="as steps, of a phone", is_total=True),
    "distance": Modality(unit="m", low=0.0, high=5e5, because="nobody has run 500 km in a day", is_total=True),
    "phone_distance": Modality(unit="m", low=0.0, high=5e5, because="as distance, of a phone", is_total=True),
    "flights": Modality(unit="count", low=0.0, high=1e4, because="flights of 3 m; nobody climbs 30 km a day", is_total=True),
    "active_energy": Modality(unit="kcal", low=0.0, high=1e4, because="as calories, above rest", is_total=True),
    "basal_energy": Modality(unit="kcal", low=0.0, high=1e4, because="as calories, at rest", is_total=True),
    "falls": Modality(unit="count", low=0.0, high=1e3, because="a count of rare events", is_total=True),
    "walking_hr": Modality(unit="1/min", low=20.0, high=300.0, because="as hr, while walking"),
    "walking_speed": Modality(unit="m/s", low=0.0, high=15.0, because="above the fastest sprint"),
    "step_length": Modality(unit="m", low=0.0, high=5.0, because="twice the longest stride of sprinters"),
    "double_support": Modality(unit="%", low=0.0, high=100.0, because="a fraction"),
    "walking_asymmetry": Modality(unit="%", low=0.0, high=100.0, because="a fraction"),
    "walking_steadiness": Modality(unit="%", low=0.0, high=100.0, because="a fraction"),
    "stair_ascent_speed": Modality(unit="m/s", low=0.0, high=15.0, because="as walking_speed"),
    "stair_descent_speed": Modality(unit="m/s", low=0.0, high=15.0, because="as walking_speed"),
    "six_minute_walk": Modality(unit="m", low=0.0, high=5400.0, because="six minutes at 15 m/s"),
    "body_mass": Modality(unit="kg", low=0.2, high=650.0, because="smallest newborn to heaviest person recorded"),
    "bmi": Modality(unit="kg/m2", low=5.0, high=250.0, because="beyond the extremes recorded"),
    "vo2max": Modality(unit="ml/kg/min", low=0.0, high=120.0, because="above the highest recorded, 97"),
}
MODALITIES |= {
    name: Modality(unit="share", low=0.0, high=1.0, because="share of the interval spent so, as the device reports it")
    for name in (
        "exercise", "stand", "asleep", "in_bed", "workout_walking", "workout_cycling", "workout_running", "workout_other",
        "workout_mixed_cardio", "workout_strength", "workout_elliptical", "workout_hiit", "workout_functional", "workout_yoga",
    )
}  # fmt: skip

# unit -> (dimension, factor, shift): value in the dimension's base unit = factor * value + shift
_UNITS: dict[str, tuple[str, float, float]] = {
    "g": ("acceleration", 1.0, 0.0),
    "mg": ("acceleration", 1e-3, 0.0),
    "m/s2": ("acceleration", 1 / 9.80665, 0.0),
    "V": ("voltage", 1.0, 0.0),
    "mV": ("voltage", 1e-3, 0.0),
    "uV": ("voltage", 1e-6, 0.0),
    "nV": ("voltage", 1e-9, 0.0),
    "S": ("conductance", 1.0, 0.0),
    "uS": ("conductance", 1e-6, 0.0),
    "nS": ("conductance", 1e-9, 0.0),
    "degC": ("temperature", 1.0, 0.0),
    "degF": ("temperature", 5 / 9, -160 / 9),
    "K": ("temperature", 1.0, -273.15),
    "deg/s": ("angular velocity", 1.0, 0.0),
    "mdeg/s": ("angular velocity", 1e-3, 0.0),
    "rad/s": ("angular velocity", 57.29577951308232, 0.0),
    "T": ("magnetic flux density", 1.0, 0.0),
    "uT": ("magnetic flux density", 1e-6, 0.0),
    "G": ("magnetic flux density", 1e-4, 0.0),
    "mG": ("magnetic flux density", 1e-7, 0.0),
    "1/min": ("rate", 1.0, 0.0),
    "Hz": ("rate", 60.0, 0.0),
    "s": ("time", 1.0, 0.0),
    "ms": ("time", 1e-3, 0.0),
    "min": ("time", 60.0, 0.0),
    "mmHg": ("pressure", 1.0, 0.0),
    "hPa": ("pressure", 0.7500615613, 0.0),
    "mbar": ("pressure", 0.7500615613, 0.0),
    "kPa": ("pressure", 7.500615613, 0.0),
    "Pa": ("pressure", 0.007500615613, 0.0),
    "%": ("fraction", 1.0, 0.0),
    "count": ("count", 1.0, 0.0),
    "level": ("level", 1.0, 0.0),
    "share": ("share", 1.0, 0.0),
    "number": ("number", 1.0, 0.0),
    "bit": ("information", 1.0, 0.0),
    "log": ("logarithm", 1.0, 0.0),
    "log g2": ("logarithm of squared acceleration", 1.0, 0.0),
    "m": ("length", 1.0, 0.0),
    "cm": ("length", 1e-2, 0.0),
    "km": ("length", 1e3, 0.0),
    "in": ("length", 0.0254, 0.0),
    "ft": ("length", 0.3048, 0.0),
    "mi": ("length", 1609.344, 0.0),
    "m/s": ("speed", 1.0, 0.0),
    "km/h": ("speed", 1 / 3.6, 0.0),
    "mi/h": ("speed", 0.44704, 0.0),
    "lux": ("illuminance", 1.0, 0.0),
    "dB": ("sound level", 1.0, 0.0),
    "W": ("power", 1.0, 0.0),
    "kg": ("mass", 1.0, 0.0),
    "lb": ("mass", 0.45359237, 0.0),
    "st": ("mass", 6.35029318, 0.0),
    "kg/m2": ("mass per area", 1.0, 0.0),
    "ml/kg/min": ("oxygen uptake", 1.0, 0.0),
    "kcal": ("energy", 1.0, 0.0),
    "kJ": ("energy", 1 / 4.184, 0.0),
    "uS/min": ("conductance per time", 1.0, 0.0),
    "degC/min": ("temperature per time", 1.0, 0.0),
    "au": ("arbitrary", 1.0, 0.0),
}

_SPELLINGS: dict[str, str] = {
    "": "au", "a.u.": "au", "nu": "au", "n/a": "au", "none": "au", "adu": "au", "digital": "au", "gravity": "g",
    "m/s^2": "m/s2", "m/s²": "m/s2", "m.s-2": "m/s2", "ms-2": "m/s2", "milli-g": "mg",
    "µv": "uV", "μv": "uV", "microvolt": "uV", "uvolt": "uV", "millivolt": "mV", "volt": "V", "volts": "V",
    "µs": "uS", "μs": "uS", "usiemens": "uS", "microsiemens": "uS",
    "c": "degC", "°c": "degC", "degree c": "degC", "celsius": "degC", "deg c": "degC",
    "f": "degF", "°f": "degF", "fahrenheit": "degF",
    "dps": "deg/s", "°/s": "deg/s", "µt": "uT", "μt": "uT", "gauss": "G",
    "bpm": "1/min", "beats/min": "1/min", "brpm": "1/min", "breaths/min": "1/min", "/min": "1/min",
    "sec": "s", "seconds": "s", "msec": "ms", "percent": "%", "counts": "count", "steps": "count",
    "lx": "lux", "watt": "W", "watts": "W", "lbs": "lb", "mph": "mi/h", "kmh": "km/h", "rpm": "1/min",
    "dbaspl": "dB", "db(a)": "dB",
}  # fmt: skip


def modality(name: str) -> Modality:
    """Return what is known of a modality; UnknownName if there is none of that name."""
    if name not in MODALITIES:
        raise UnknownName("modality", name, MODALITIES)
    return MODALITIES[name]


def unit(spelling: str) -> str:
    """Return the house's spelling of a unit ("bpm" -> "1/min"); UnknownUnit if there is none."""
    text = spelling.strip()
    if text in _UNITS:
        return text
    folded = _SPELLINGS.get(text.lower())
    if folded is None:
        lowered = {known.lower(): known for known in _UNITS if known not in {"S", "s", "G", "g", "T", "K"}}
        folded = lowered.get(text.lower())
    if folded is None:
        raise UnknownUnit(f"unit {spelling!r} is not known; write one of {', '.join(sorted(_UNITS))}")
    return folded


def affine(source: str, target: str) -> tuple[float, float]:
    """Return (scale, offset) with `value_in_target = scale * value_in_source + offset`.

    Raises UnknownUnit if the units measure different things.
    """
    dimension, factor, shift = _UNITS[unit(source)]
    target_dimension, target_factor, target_shift = _UNITS[unit(target)]
    if dimension != target_dimension:
        raise UnknownUnit(f"{source!r} ({dimension}) cannot be converted to {target!r} ({target_dimension}); correct the unit")
    return factor / target_factor, (shift - target_shift) / target_factor
