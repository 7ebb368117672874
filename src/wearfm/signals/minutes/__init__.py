"""Minutes: what a minute of raw signal comes to, and minute data that devices report ready-made.

features                            the names, their order and their sensors
grid, column                        whole minutes of a clock, and which of them can be believed
heart, motion, activity, skin       one family of definitions a file, on arrays
ready, derivation                   minute data as they are; a whole recording
calendar                            from UTC to the wall clock of the wearer
"""

from wearfm.signals.minutes.derivation import Derivation, derive_minutes, minutes
from wearfm.signals.minutes.features import LSM_FEATURES, MINUTE_FEATURES, MINUTE_HZ, MinuteFeature, feature_number

__all__ = [
    "Derivation",
    "LSM_FEATURES",
    "MINUTE_FEATURES",
    "MINUTE_HZ",
    "MinuteFeature",
    "derive_minutes",
    "feature_number",
    "minutes",
]
