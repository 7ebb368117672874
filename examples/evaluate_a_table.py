"""Judge vectors of your own, from any model or none: a table, a question, a report.

    python examples/evaluate_a_table.py [folder]

Simulates sixty people, describes each minute of their pulse by four hand-made numbers, and asks how old they are. A
second table holds noise of the same shape. The report says what each is worth beside knowing sex alone, and nothing.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np

from wearfm.embeddings.table import EmbeddingTable, Header
from wearfm.evaluation import Task, evaluate
from wearfm.evaluation.labels import fact
from wearfm.signals.recording import SECOND
from wearfm.store import Store
from wearfm.synthetic import Cohort, CohortConfig

WINDOW_S = 60.0

AGE = Task(
    name="age",
    question="How old is this person?",
    dataset="synthetic",
    kind="regression",
    unit="years",
    level="participant",
    label=fact("age_years"),
    metric="mae",
    demographics=("sex",),
)


def overtones(wave: np.ndarray, *, rate_hz: float) -> list[float]:
    """Return heart rate (Hz) and the log power near 2, 3 and 4 times it, relative to that near it."""
    power = np.abs(np.fft.rfft((wave - wave.mean()) * np.hanning(len(wave)))) ** 2
    frequency = np.fft.rfftfreq(len(wave), 1 / rate_hz)
    heart = (frequency > 0.7) & (frequency < 3.0)
    beat = frequency[heart][power[heart].argmax()]
    near = [power[np.abs(frequency - n * beat) < 0.15 * n].sum() for n in (1, 2, 3, 4)]
    return [beat, *np.log(np.array(near[1:]) / near[0]).tolist()]


def describe(store: Store) -> EmbeddingTable:
    """Return the heart rate and the strength of three overtones of the pulse wave, of every minute without a gap."""
    rows = []
    channels = store.channels()
    for recording in store.recordings():
        place = np.flatnonzero((channels.recording == recording.id) & (channels.modality == "ppg"))[0]
        size = round(WINDOW_S * channels.rate_hz[place])
        starts = np.arange(0, channels.length[place] - size + 1, size)
        signal, valid = store.gather(np.full(len(starts), channels.id[place]), starts, size)
        for start, wave in zip(starts[valid.all(axis=1)], signal[valid.all(axis=1)], strict=True):
            vector = overtones(wave, rate_hz=float(channels.rate_hz[place]))
            rows.append((recording.participant, recording.name, start / channels.rate_hz[place], vector))
    people, names, start_s, vectors = zip(*rows, strict=True)
    return EmbeddingTable(
        participant=np.array(people),
        recording=np.array(names),
        start_ns=np.rint(np.array(start_s) * SECOND).astype(np.int64),
        duration_s=np.full(len(rows), WINDOW_S),
        vector=np.array(vectors, dtype=np.float32),
        header=Header(recipe="four numbers of the pulse wave", store_fingerprint=store.fingerprint()),
    )


def noise_like(table: EmbeddingTable) -> EmbeddingTable:
    """Return a table of the same windows that knows nothing."""
    vector = np.random.default_rng(0).normal(size=table.vector.shape).astype(np.float32)
    return EmbeddingTable(
        participant=table.participant,
        recording=table.recording,
        start_ns=table.start_ns,
        duration_s=table.duration_s,
        vector=vector,
        header=Header(recipe="noise"),
    )


def main(folder: Path) -> None:
    config = CohortConfig(num_participants=60, session_hours=0.1, modalities=("ppg",))
    store = Store.create(folder / "store")
    store.commit(list(Cohort(config, seed=1).recordings()))
    table = describe(store)
    report = evaluate({"four numbers": table, "noise": noise_like(table)}, [AGE], store=store, bootstrap=500)
    print(report.summary())
    print(f"report: {report.write(folder / 'report')}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(Path(temporary))
