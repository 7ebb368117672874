"""Wear time of devices that write zeros, not gaps, when they lie in a drawer: where a long stillness is not a wearer's.

    still     ....#########.#########....     two long runs without movement, with an hour of movement between them
    unworn    ....###################....     the hour is the way from the wrist to the drawer, not wear

What is not worn stays in the channel but is not valid, and is counted with its reason.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from wearfm.signals.door import Admitted
from wearfm.signals.quality_record import Finding
from wearfm.signals.spans import Spans

_ROUNDS = 3  # of bridging: each may make the next one possible
_SHORT_S, _SHORT_SHARE = 3 * 3600.0, 0.8
_MIDDLING_S, _MIDDLING_SHARE = 6 * 3600.0, 0.3


def long_runs(still: NDArray[np.bool_], *, rate_hz: float, least_s: float) -> Spans:
    """Return the runs of still samples that last at least that long; still: (T,)."""
    runs = Spans.from_mask(still).bounds
    return Spans(runs[(runs[:, 1] - runs[:, 0]) / rate_hz >= least_s - 1e-6])


def bridge(unworn: Spans, length: int, *, rate_hz: float) -> Spans:
    """Return unworn spans joined across wear that is too short to be believed.

    Wear of less than 3 h that lasts less than 80 % of the unworn spans beside it together, or of less than 6 h and less
    than 30 %, is a device being carried or moved. Three rounds. Rule and numbers: GGIR for wrist accelerometers
    [recalled] (van Hees et al. 2013, PLoS ONE 8:e61691; Migueles et al. 2019, JMPB 2:188).
    """
    for _ in range(_ROUNDS):
        worn = unworn.complement(length).bounds
        lasts = (worn[:, 1] - worn[:, 0]) / rate_hz
        beside = _beside(unworn, worn) / rate_hz
        short = (lasts < _SHORT_S) & (lasts < _SHORT_SHARE * beside)
        middling = (lasts < _MIDDLING_S) & (lasts < _MIDDLING_SHARE * beside)
        unworn = unworn | Spans.of(worn[short | middling])
    return unworn


def without(admitted: Admitted, spans: Spans, *, reason: str) -> Admitted:
    """Return the channel with these spans not valid, and the loss in its quality record as masked for that reason."""
    channel, quality = admitted.channel, admitted.quality
    valid = channel.valid & spans.complement(len(channel.samples))
    lost = channel.valid.total - valid.total
    if lost == 0:
        return admitted
    found = (*quality.findings, Finding(action="masked", samples=lost, reason=reason))
    return Admitted(channel=replace(channel, valid=valid), quality=replace(quality, kept=valid.total, findings=found))


def _beside(unworn: Spans, worn: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the samples in the unworn spans that touch each worn one, (N, 2) -> (N,)."""
    lengths = unworn.bounds[:, 1] - unworn.bounds[:, 0]
    padded = np.concatenate(([0], lengths, [0]))
    after = np.searchsorted(unworn.bounds[:, 0], worn[:, 1], side="left") + 1
    return np.asarray(padded[after - 1] + padded[np.minimum(after, len(padded) - 1)], dtype=np.int64)
