"""Hand-made features as a table: the control that every embedding has to beat."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wearfm.embeddings.extract import Cut, describe_rows
from wearfm.embeddings.table import EmbeddingTable, Header
from wearfm.signals.statistics import STATISTICS, statistics
from wearfm.windows.contract import InputContract
from wearfm.windows.index import WindowIndex
from wearfm.windows.load import load
from wearfm.windows.source import Source

NAME = "hand-made statistics"


def statistics_table(
    source: Source, contract: InputContract, *, cut: Cut | None = None, batch_size: int = 512
) -> EmbeddingTable:
    """Return 16 statistics of every channel, for the same windows that a recipe with this contract embeds.

    The vector has 16 numbers for each channel of each modality of the source, in a fixed order; 0 for channels a window
    does not have. Statistics: `signals.statistics`.
    """
    view, index = (cut or Cut()).index(source, contract, reader=NAME)
    columns = [(modality, number) for modality, layout in index.layouts.items() for number in range(layout.channel.shape[1])]
    vector = np.zeros((len(index), len(columns) * len(STATISTICS)), dtype=np.float32)
    for first in range(0, len(index), batch_size):
        rows = np.arange(first, min(first + batch_size, len(index)), dtype=np.int64)
        vector[rows] = _features(view, index, rows, columns)
    header = Header(
        recipe=NAME,
        config={"statistics": list(STATISTICS), "channels": [f"{modality} {number}" for modality, number in columns]},
        contract=contract.to_json(),
        store_fingerprint=source.fingerprint(),
        skipped=index.skipped,
    )
    return describe_rows(index, np.arange(len(index), dtype=np.int64), vector, header)


def _features(
    source: Source, index: WindowIndex, rows: NDArray[np.int64], columns: list[tuple[str, int]]
) -> NDArray[np.float32]:
    batch = load(source, index, rows)
    features = np.zeros((len(rows), len(columns), len(STATISTICS)))
    for place, (modality, number) in enumerate(columns):
        stream = batch.streams.get(modality)
        if stream is not None and number < stream.signal.shape[1]:
            signal, valid = stream.signal[:, number].numpy(), stream.valid[:, number].numpy()
            features[:, place] = statistics(signal, valid, rate_hz=stream.rate_hz)
    return features.reshape(len(rows), -1).astype(np.float32)
