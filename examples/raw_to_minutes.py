"""From raw signals to minutes, to days: what models of minute features read.

    python examples/raw_to_minutes.py

Simulates a night and a morning of two people, derives the minutes, puts them on the wall clock, and loads whole days:
every minute at its place in the day, with a mask for what was not measured.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from wearfm.preparation import prepare_recordings
from wearfm.preparation.minutes import derive
from wearfm.signals.minutes import MINUTE_HZ
from wearfm.signals.minutes.calendar import on_wall_clock
from wearfm.store import Store
from wearfm.synthetic import Cohort, CohortConfig
from wearfm.windows.contract import InputContract, Stream
from wearfm.windows.index import WindowIndex
from wearfm.windows.load import load

FEATURES = ("hr", "rmssd", "steps", "counts", "temp")


def main() -> None:
    config = CohortConfig(
        num_participants=2, num_sessions=1, session_hours=6, start_hour=4, modalities=("ppg", "acc", "eda", "temp")
    )
    with TemporaryDirectory() as folder:
        raw, minutes, local = (Path(folder) / name for name in ("raw", "minutes", "local"))
        prepare_recordings(Cohort(config, seed=3).recordings(), raw)
        summary = derive(Store.open(raw), minutes)
        for name in FEATURES:
            tally = summary.features[name]
            print(f"{name:7} {tally.valid:4} of {tally.minutes} minutes; the rest: {', '.join(tally.masked) or 'none'}")
        with Store.open(minutes) as store:
            moved = (on_wall_clock(store.read(row.id), zone="Africa/Lagos") for row in store.recordings())  # UTC+1 all year
            prepare_recordings(moved, local)
        show_days(Store.open(local))


def show_days(store: Store) -> None:
    """Print what a batch of whole days holds, hour by hour."""
    streams = tuple(Stream(modality=name, rate_hz=MINUTE_HZ, channels=1, is_optional=True) for name in FEATURES)
    contract = InputContract(streams=streams, window_s=86_400, min_valid=0.05, align_s=86_400)
    index = WindowIndex.build(store, contract)
    batch = load(store, index, np.arange(len(index)))
    print(f"{len(batch)} days of 1440 minutes, {len(batch.streams)} features")
    for hour in range(4, 10):
        inside = slice(60 * hour, 60 * hour + 60)
        means = []
        for name in FEATURES:
            signal = batch.streams[name]
            valid = signal.valid[0, 0, inside]
            mean = float(signal.signal[0, 0, inside][valid].mean()) if valid.any() else float("nan")
            means.append(f"{name} {mean:7.1f}")
        print(f"{hour:02}:00  {'  '.join(means)}")


if __name__ == "__main__":
    main()
