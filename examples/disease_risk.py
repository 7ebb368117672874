"""Who falls ill sooner? A risk table over two outcomes of a simulated cohort, one with a cause and one without.

    python examples/disease_risk.py [folder]

Simulates people who are followed for ten years. Vascular disease comes sooner to the older and the tenser; the other outcome
comes to anybody. Each person is described by one minute of pulse, and a Cox probe learns who is at risk from other people. The
truth itself, which no model has, stands beside it as the ceiling.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np

import wearfm
from wearfm.embeddings.table import EmbeddingTable, Header
from wearfm.evaluation.survival import Outcomes
from wearfm.store import Store
from wearfm.synthetic import Cohort, CohortConfig

PEOPLE = 200
WINDOW_S = 60.0


def overtones(wave: np.ndarray, *, rate_hz: float) -> list[float]:
    """Return heart rate (Hz) and the log power near 2, 3 and 4 times it, relative to that near it."""
    power = np.abs(np.fft.rfft((wave - wave.mean()) * np.hanning(len(wave)))) ** 2
    frequency = np.fft.rfftfreq(len(wave), 1 / rate_hz)
    heart = (frequency > 0.7) & (frequency < 3.0)
    beat = frequency[heart][power[heart].argmax()]
    near = [power[np.abs(frequency - n * beat) < 0.15 * n].sum() for n in (1, 2, 3, 4)]
    return [beat, *np.log(np.array(near[1:]) / near[0]).tolist()]


def described(store: Store, recipe: str, describe) -> EmbeddingTable:
    """Return a table with one vector a recording: what `describe` makes of its facts and its first minute of pulse."""
    channels, rows = store.channels(), list(store.recordings())
    vectors = []
    for row in rows:
        place = np.flatnonzero((channels.recording == row.id) & (channels.modality == "ppg"))[0]
        rate_hz = float(channels.rate_hz[place])
        signal, _ = store.gather(channels.id[[place]], np.array([0]), round(WINDOW_S * rate_hz))
        vectors.append(describe(row.facts, signal[0], rate_hz))
    return EmbeddingTable(
        participant=np.array([row.participant for row in rows]),
        recording=np.array([row.name for row in rows]),
        start_ns=np.zeros(len(rows), dtype=np.int64),
        duration_s=np.full(len(rows), WINDOW_S),
        vector=np.array(vectors, dtype=np.float32),
        header=Header(recipe=recipe, store_fingerprint=store.fingerprint()),
    )


def main(folder: Path) -> None:
    config = CohortConfig(
        num_participants=PEOPLE,
        num_sessions=1,
        session_hours=WINDOW_S / 3600,
        modalities=("ppg",),
        missingness=0.0,
        follow_up_years=10.0,
    )
    store = Store.create(folder / "store")
    store.commit(list(Cohort(config, seed=2).recordings()))
    tables = {
        "a minute of pulse": described(store, "overtones", lambda _, wave, rate_hz: overtones(wave, rate_hz=rate_hz)),
        "the truth": described(store, "truth", lambda facts, *_: [facts["age_years"], facts["sbp_mmHg"]]),
    }
    risks = wearfm.assess_risk(tables, Outcomes.of_store(store), store=store, demographics=("sex", "bmi_kg_m2"), bootstrap=300)
    print(risks.summary())
    print(f"risk table: {risks.write(folder / 'risk')}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(Path(temporary))
