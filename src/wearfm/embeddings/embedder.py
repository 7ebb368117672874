"""A scikit-learn transformer around a recipe."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from wearfm.embeddings.extract import embed
from wearfm.errors import BadConfiguration
from wearfm.recipes.base import Recipe


class Embedder(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Turns arrays of signals into embeddings, one vector a row; clones, pickles and sits in a Pipeline.

    recipe: a recipe with its weights. rate_hz, modality: of the rows. batch_size: windows computed together. A row longer
    than the recipe's window is cut, and its vector is the mean over the windows.
    """

    def __init__(self, recipe: Recipe, *, rate_hz: float, modality: str, batch_size: int = 64) -> None:
        self.recipe = recipe
        self.rate_hz = rate_hz
        self.modality = modality
        self.batch_size = batch_size

    def fit(self, X: NDArray[np.generic], y: Any = None) -> Embedder:  # noqa: ARG002 (the shape of scikit-learn)
        """Remember the shape of the rows; there is nothing to learn."""
        self.n_features_in_ = np.asarray(X).reshape(len(X), -1).shape[1]
        return self

    def transform(self, X: NDArray[np.generic]) -> NDArray[np.float32]:
        """Return (N, D) embeddings of (N, T) or (N, C, T) signals in the modality's unit; NaN is missing."""
        check_is_fitted(self)
        rows = np.asarray(X)
        rows = rows[:, None, :] if rows.ndim == 2 else rows
        table = embed(self.recipe, rows, rate_hz=self.rate_hz, modality=self.modality, batch_size=self.batch_size)
        place = table.recording.astype(np.int64)
        absent = np.setdiff1d(np.arange(len(rows)), place)
        if len(absent):
            raise BadConfiguration(
                f"row {absent[0]} has no window with enough valid samples ({len(absent)} rows in all); drop it"
            )
        total = np.zeros((len(rows), table.vector.shape[1]))
        np.add.at(total, place, table.vector)
        return (total / np.bincount(place, minlength=len(rows))[:, None]).astype(np.float32)
