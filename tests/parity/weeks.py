"""The weeks that PAT's oracle stores, as a batch."""

from __future__ import annotations

import torch

from tests.parity.oracle import Oracle
from wearfm.signals.minutes.features import MINUTE_HZ
from wearfm.windows.batch import Batch, Signal


def week_batch(oracle: Oracle) -> Batch:
    """Return the stored weeks; they are standardised already, and an imported recipe that saw no data leaves them so."""
    signal = oracle.input("x")[:, None]
    stream = Signal(signal=signal, valid=torch.ones_like(signal, dtype=torch.bool), rate_hz=MINUTE_HZ)
    rows = torch.arange(len(signal))
    return Batch(streams={"counts": stream}, participant=rows, recording=rows, start_ns=rows, local_ns=rows)
