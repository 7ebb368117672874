"""Windows: cut, resample and normalise in batches, against a loop over windows as a script would write it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d
from scipy.signal import detrend, resample_poly

from benchmarks.row import Row, interleave
from wearfm.nn.normalise import detrend_smooth_scale
from wearfm.signals.recording import Channel, Recording
from wearfm.signals.spans import Spans
from wearfm.store import Store
from wearfm.windows.contract import InputContract, Stream
from wearfm.windows.index import WindowIndex
from wearfm.windows.load import load
from wearfm.windows.sample import Shuffled

RATE_HZ, TARGET_HZ, WINDOW_S, BATCH = 125.0, 65.0, 6.0, 256
SIGMA = 1.3  # samples; NormWear's smoothing


def _store(folder: Path) -> Store:
    generator = np.random.default_rng(0)
    store = Store.create(folder)
    for person in range(8):
        samples = generator.integers(-2000, 2000, round(3600 * RATE_HZ)).astype(np.int16)
        channel = Channel(
            name="PPG",
            modality="ppg",
            rate_hz=RATE_HZ,
            start_ns=0,
            samples=samples,
            valid=Spans.all(len(samples)),
            scale=1e-3,
        )
        store.commit([Recording(participant=f"p{person}", name="hour", channels=(channel,))])
    return store


def cut_resample_normalise() -> Row:
    """A batch of 256 shuffled windows: 125 Hz int16 in the store, 65 Hz float32 with mean |x| = 1 in the batch."""
    with tempfile.TemporaryDirectory() as folder:
        store = _store(Path(folder))
        index = WindowIndex.build(store, InputContract(streams=(Stream(modality="ppg", rate_hz=TARGET_HZ),), window_s=WINDOW_S))
        windows = Shuffled(len(index), seed=0).draw(0, np.arange(BATCH)).ravel()
        channels = [store.read(row.id).channels[0] for row in store.recordings()]

        def ours() -> torch.Tensor:
            stream = load(store, index, windows).streams["ppg"]
            return detrend_smooth_scale(stream.signal, stream.valid, sigma=SIGMA)

        def loop() -> list[np.ndarray]:
            found = []
            for window in windows.tolist():
                channel = channels[index.recording[window]]
                first = round(index.start_ns[window] * 1e-9 * RATE_HZ)
                piece = channel.samples[first : first + round(WINDOW_S * RATE_HZ)] * channel.scale
                piece = gaussian_filter1d(detrend(resample_poly(piece, 13, 25)), SIGMA)
                found.append((piece / np.abs(piece).mean()).astype(np.float32))
            return found

        mine, theirs = interleave(ours, loop, repeats=9)
    return Row(
        name=f"cut, resample 125 to 65 Hz, detrend, smooth, normalise: batch of {BATCH} x {WINDOW_S:g} s",
        reference="the same per window with scipy, samples in memory already",
        ours=median(mine) * 1e3,
        reference_value=median(theirs) * 1e3,
        unit="ms CPU",
        ratio=median(theirs) / median(mine),
        target=">= 8x",
        met=median(theirs) / median(mine) >= 8,
        limit=f"{BATCH / median(mine):,.0f} windows/s on one core",
    )


BENCHMARKS = (cut_resample_normalise,)
