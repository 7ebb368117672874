"""The minute features by name: what wearables report once a minute, in the order in which models number them.

The first 26 are the features of LSM and LSM-2 (arXiv:2410.13638, arXiv:2506.05321; names and constants from the public
SensorLM release, google-health/consumer-health-research, Apache-2.0). Each is a modality of its own at 1/60 Hz with one
canonical unit (`signals.units`), so that a minute recording is a recording like any other.
"""

from __future__ import annotations

from dataclasses import dataclass

MINUTE_HZ = 1 / 60


@dataclass(frozen=True, kw_only=True)
class MinuteFeature:
    """One series at 1/60 Hz.

    modality: key of `units.MODALITIES`. group: which sensor it comes from ("ppg", "acc", "eda", "temp", "alt", "device").
    published: name in the SensorLM release, "" for none. mean, std: of the published cohort in the device's own scale,
    which for several features is not ours: for data of that device only; NaN where nothing is published.
    """

    modality: str
    group: str
    published: str = ""
    mean: float = float("nan")
    std: float = float("nan")


def _named(*rows: tuple[str, str, str, float, float]) -> dict[str, MinuteFeature]:
    return {
        modality: MinuteFeature(modality=modality, group=group, published=published, mean=mean, std=std)
        for modality, group, published, mean, std in rows
    }


LSM_FEATURES: dict[str, MinuteFeature] = _named(
    ("hr", "ppg", "HR", 75.9586, 16.1887),
    ("hr_at_rest", "ppg", "hr_at_rest_mean", 82.8692, 10.8678),
    ("rr_valid_share", "ppg", "hrv_percent_good", 0.27148, 0.27624),
    ("rr_p80", "ppg", "hrv_rr_80th_percentile_mean", 828.8906, 108.4043),
    ("rr_p20", "ppg", "hrv_rr_20th_percentile_mean", 734.5943, 88.4127),
    ("rr_median", "ppg", "hrv_rr_median", 780.9255, 94.8684),
    ("rmssd", "ppg", "rmssd_percentile_0595", 34.1895, 23.7834),
    ("sdnn", "ppg", "sdnn_percentile_0595", 45.3356, 24.3860),
    ("rr_entropy", "ppg", "hrv_shannon_entropy_rr", 3.29533, 0.46478),
    ("rr_change_entropy", "ppg", "hrv_shannon_entropy_rrd", 2.98106, 0.48817),
    ("steps", "acc", "steps", 5.1679, 18.8926),
    ("acc_jerk", "acc", "jerk_auto", 203.4672, 30.0563),
    ("acc_log_energy", "acc", "log_energy", 53.0804, 49.6526),
    ("acc_covariance", "acc", "covariance", 43.4077, 13.9529),
    ("acc_log_energy_ratio", "acc", "log_energy_ratio", 44.8483, 22.9746),
    ("acc_zero_crossing_std", "acc", "zero_crossing_std", 155.1863, 28.2378),
    ("acc_zero_crossing_mean", "acc", "zero_crossing_avg", 51.0043, 37.4756),
    ("acc_axis_mean", "acc", "axis_mean", 123.1659, 21.4710),
    ("acc_kurtosis", "acc", "kurtosis", 105.5954, 66.8495),
    ("acc_sleep", "acc", "sleep_coefficient", 7.2623, 5.3946),
    ("eda", "eda", "eda_level_real", 4.1767, 5.5893),
    ("eda_slope", "eda", "ceda_slope_real_micro_siemens", 3.2444, 1.8220),
    ("eda_contact", "eda", "leads_contact_counts", 226.4864, 67.3312),
    ("temp", "temp", "wrist_temperatures", 31.6745, 2.5789),
    ("temp_slope", "temp", "skin_temperature_slope", 0.26556, 17.2665),
    ("altitude_std", "alt", "altim_std", 0.0042, 0.0597),
)

MINUTE_FEATURES: dict[str, MinuteFeature] = LSM_FEATURES | {
    name: MinuteFeature(modality=name, group=group)
    for name, group in (("counts", "acc"), ("enmo", "acc"), ("intensity", "device"), ("calories", "device"))
}


def feature_number(name: str) -> int:
    """Return the place of a feature among all, which models use as its position; KeyError if there is none of that name."""
    return list(MINUTE_FEATURES).index(name)
