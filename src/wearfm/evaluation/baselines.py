"""What every model has to beat: the training mean, what is known of the person, and tables of hand-made features."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wearfm.evaluation.task import Rows, Truth
from wearfm.signals.recording import Fact

MEAN = "training mean"
DEMOGRAPHICS = "demographics"


def demographics(rows: Rows, truth: Truth, names: Sequence[str]) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Return features (N, D) made of facts, and the names of the facts that anybody has; D is 0 if nobody has any.

    A number gives its value and, where some are missing, a column that says so; text gives one column a value. A missing
    number stands at the mean of the known ones, which the column beside it takes back.
    """
    known = [dict(truth.facts(p, r)) for p, r in zip(rows.participant.tolist(), rows.recording.tolist(), strict=True)]
    columns: list[NDArray[np.float64]] = []
    used = []
    for name in names:
        found = _columns([facts.get(name) for facts in known])
        if found:
            columns += found
            used.append(name)
    if not columns:
        return np.zeros((len(rows), 0), dtype=np.float32), ()
    return np.stack(columns, axis=1).astype(np.float32), tuple(used)


def _columns(values: list[Fact | None]) -> list[NDArray[np.float64]]:
    """Return the columns of one fact; none if nobody has it or everybody has the same."""
    present = np.array([value is not None and value != "" and value == value for value in values])
    if not present.any():
        return []
    if any(isinstance(value, str) for value in values):
        texts = sorted({str(value) for value, here in zip(values, present.tolist(), strict=True) if here})
        columns = [
            np.array([float(here and str(value) == text) for value, here in zip(values, present.tolist(), strict=True)])
            for text in texts
        ]
        return [column for column in columns if np.ptp(column) > 0]
    numbers = np.array(
        [float(value) if here and value is not None else 0.0 for value, here in zip(values, present.tolist(), strict=True)]
    )
    numbers[~present] = numbers[present].mean()
    columns = [numbers] if present.all() else [numbers, (~present).astype(np.float64)]
    return [column for column in columns if np.ptp(column) > 0]
