"""Minutes: what a minute of raw signal comes to, and minute data that devices report ready-made."""

from wearfm.signals.minutes.features import LSM_FEATURES, MINUTE_FEATURES, MINUTE_HZ, MinuteFeature, feature_number

__all__ = ["LSM_FEATURES", "MINUTE_FEATURES", "MINUTE_HZ", "MinuteFeature", "feature_number"]
