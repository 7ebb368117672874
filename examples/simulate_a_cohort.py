"""Simulate a small cohort and check it against its own truth.

    python examples/simulate_a_cohort.py

Prints who was simulated, how much of the watch data is valid, and how far the heart rate counted from ECG peaks lies from
the truth. A Cohort is a source like any reader: hand `cohort.recordings()` to a store, or look at single recordings.
"""

from __future__ import annotations

import numpy as np
from scipy.signal import find_peaks

from wearfm.signals.recording import SECOND, Recording
from wearfm.synthetic import Cohort, CohortConfig


def main() -> None:
    cohort = Cohort(CohortConfig(num_participants=6, num_sessions=1, session_hours=1.0), seed=1)
    print("participant  sex     age  rhythm         valid  heart rate error, 1/min  doing")
    for recording in cohort.recordings():
        facts, ppg = recording.facts, recording.channel("ppg_green")
        print(
            f"{recording.participant:11}  {facts['sex']:6}  {facts['age_years']:3.0f}  {facts['rhythm']:13}"
            f"  {ppg.valid.total / len(ppg.samples):5.1%}  {heart_rate_error(recording):24.2f}  {doing(recording)}"
        )


def heart_rate_error(recording: Recording) -> float:
    """Return the median over minutes of |rate from R peaks - true rate|, per min."""
    ecg = recording.channel("ecg")
    millivolt = np.where(ecg.mask(), ecg.physical(), 0.0)
    peaks = find_peaks(millivolt, height=0.5, distance=round(0.3 * ecg.rate_hz))[0] / ecg.rate_hz
    truth = recording.events.of_kind("hr")
    minutes = (truth.onset_ns - recording.start_ns) / SECOND
    counted = [60 / np.median(np.diff(peaks[(peaks >= start) & (peaks < start + 60)])) for start in minutes]
    return float(np.median(np.abs(np.array(counted) - truth.value)))


def doing(recording: Recording) -> str:
    """Return the activities of the session with their share of time."""
    activity = recording.events.of_kind("activity")
    share = {label: activity.duration_ns[activity.label == label].sum() for label in sorted(set(activity.label.tolist()))}
    return ", ".join(f"{label} {part / activity.duration_ns.sum():.0%}" for label, part in share.items())


if __name__ == "__main__":
    main()
