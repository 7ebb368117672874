"""Time to the next heart beat: what lies just behind a window, for methods that learn to foresee it.

    ... | window                | horizon    |
        ^ start                 ^ end   ^ first beat behind the end:  target = beat - end, seconds

    index = index.with_targets(next_beat_s=measure_next_beat(store, index, modality="ppg", horizon_s=1.5))

The beat is the systolic peak of a pulse wave or the R peak of an electrocardiogram (`signals.peaks`), to one sample. NaN says
that none was found within the horizon, or that a sample between the end and the beat is missing: then the first beat behind
a gap need not be the next one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration
from wearfm.signals.peaks import Beats, find_pulse_peaks, find_r_peaks
from wearfm.windows.index import WindowIndex
from wearfm.windows.load import load
from wearfm.windows.source import Source

NEXT_BEAT = "next_beat_s"  # name of the index's target
DETECTORS: dict[str, Callable[..., Beats]] = {"ppg": find_pulse_peaks, "ecg": find_r_peaks}
_BEHIND_S = 1.0  # read behind the horizon, so that a beat at its edge is seen whole
_TOGETHER = 256  # windows read at once


def measure_next_beat(source: Source, index: WindowIndex, *, modality: str, horizon_s: float) -> NDArray[np.float32]:
    """Return the seconds from the end of each window to the first beat behind it, (N,), NaN where none is known.

    modality: "ppg" or "ecg"; its first channel is read at the rate of the index. horizon_s: how far behind the end to look,
    > 0. Windows are read in blocks, so that memory is bounded.
    """
    refuse_other(modality)
    if not horizon_s > 0:
        raise BadConfiguration(f"horizon_s={horizon_s:g}: the next beat is behind the window; give more than 0 seconds")
    longer = replace(index.contract, window_s=index.contract.window_s + horizon_s + _BEHIND_S)
    beyond = replace(index, contract=longer, targets={})
    rows = np.arange(len(index), dtype=np.int64)
    blocks = (rows[first : first + _TOGETHER] for first in range(0, len(rows), _TOGETHER))
    parts = [_next(source, beyond, block, modality, horizon_s, end_s=index.contract.window_s) for block in blocks]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.float32)


def refuse_other(modality: str) -> None:
    """Raise BadConfiguration for a modality in which no beats can be found."""
    if modality not in DETECTORS:
        raise BadConfiguration(f"{modality} has no beats that can be found; choose one of {', '.join(DETECTORS)}")


def _next(
    source: Source, beyond: WindowIndex, rows: NDArray[np.int64], modality: str, horizon_s: float, *, end_s: float
) -> NDArray[np.float32]:
    """Return the time from the end to the first beat behind it for some windows, (n,). beyond: cuts past the horizon."""
    streams = load(source, beyond, rows).streams
    if modality not in streams:
        raise BadConfiguration(f"windows of {', '.join(streams) or 'nothing'} have no {modality}; name one that they have")
    stream = streams[modality]
    signal, valid, rate_hz = stream.signal[:, 0].numpy(), stream.valid[:, 0].numpy(), stream.rate_hz
    end = round(end_s * rate_hz)  # the first sample behind the window
    beats = DETECTORS[modality](signal, valid, rate_hz=rate_hz)
    is_behind = beats.sample >= end
    row, first = np.unique(beats.row[is_behind], return_index=True)  # beats are sorted: the first one of each row
    sample = beats.sample[is_behind][first]
    missing = np.cumsum(~valid[:, end:], axis=1)[row, sample - end]  # between the end and the beat, the beat included
    wait_s = (sample - end) / rate_hz
    found = np.full(len(rows), np.nan, dtype=np.float32)
    found[row] = np.where((missing == 0) & (wait_s <= horizon_s), wait_s, np.nan)
    return found
