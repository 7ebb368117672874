"""Small raw stores for the derivation of minutes. Also a program, for the kill test."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from tests.signals.minutes.days import acceleration, pulse, raw, recording, seconds, walk
from wearfm.signals.recording import Events, Recording
from wearfm.store import Store


def watch(participant: str, name: str, *, seed: int, minutes_long: float = 6, has_motion: bool = True) -> Recording:
    """A few minutes of pulse, walk and skin; two minutes of skin temperature are missing, and the seed is in its level."""
    length = len(seconds(minutes_long, 4.0))
    noise = np.random.default_rng(seed).normal(size=length)
    channels = [
        pulse(minutes_long, per_min=60.0 + seed),
        raw(33 + seed / 10 + 0.01 * noise, name="TEMP", modality="temp", rate_hz=4.0, gaps=((60.0, 120.0),)),
        raw(2 + 0.01 * noise, name="EDA", modality="eda", rate_hz=4.0),
    ]
    if has_motion:
        channels += acceleration(walk(minutes_long), rate_hz=32.0)
    events = Events.of([("stress", channels[0].start_ns, 10**9, "", float(seed))])
    return recording(*channels, participant=participant, name=name, events=events, facts={"age_years": 40.0 + seed})


def raw_store(path: Path, *, people: int, minutes_long: float = 6) -> Store:
    """A store with one recording a person."""
    store = Store.create(path)
    store.commit(
        [watch(f"p{k}" if people < 10 else f"p{k:02}", "day", seed=k, minutes_long=minutes_long) for k in range(people)]
    )
    return store


def main(store: str, minutes: str) -> None:
    """Derive, one recording a commit, as a child process that is going to be killed."""
    from wearfm.preparation import minutes as preparation

    preparation.COMMIT_RECORDINGS = 1
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    preparation.derive(Store.open(store), minutes, workers=2)


if __name__ == "__main__":
    main(*sys.argv[1:])
