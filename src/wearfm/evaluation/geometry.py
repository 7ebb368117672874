"""The shape of an embedding, without any label: does it use its dimensions, does it tell people apart, has it collapsed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32] | NDArray[np.float64]
Floats = NDArray[np.float64]


def effective_rank(vectors: Vectors) -> float:
    """Return the smooth effective rank: the exponential of the entropy of the normalised singular values.

    vectors: (N, D). Between 1 (every vector on one line through the origin) and min(N, D).
    Garrido et al. 2023, RankMe (arXiv:2210.02885), eq. 1; not centred, as published.
    """
    return _entropy_rank(vectors.astype(np.float64))


def centred_rank(vectors: Vectors) -> float:
    """Return the effective rank after subtracting the mean vector: 0 if all vectors are equal."""
    shifted = vectors.astype(np.float64)
    shifted -= shifted.mean(axis=0)
    noise = 1e-6 * max(float(np.abs(vectors).max(initial=0.0)), 1e-30)
    return 0.0 if np.abs(shifted).max(initial=0.0) <= noise else _entropy_rank(shifted)


def dispersion_ratio(vectors: Vectors, person: NDArray[np.int64]) -> float:
    """Return the spread within persons over the spread between them, on vectors of unit length.

    Mean distance to the own person's centroid / mean distance of the centroids to the centre of all centroids. Below 1
    the embedding tells people apart; NaN with one person, or if all centroids coincide.
    """
    unit = vectors.astype(np.float64)
    unit /= np.maximum(np.linalg.norm(unit, axis=1, keepdims=True), 1e-12)
    _, code, count = np.unique(person, return_inverse=True, return_counts=True)
    centre = np.zeros((len(count), unit.shape[1]))
    np.add.at(centre, code, unit)
    centre /= count[:, None]
    within = float(np.linalg.norm(unit - centre[code], axis=1).mean())
    between = float(np.linalg.norm(centre - centre.mean(axis=0), axis=1).mean())
    return within / between if between > 1e-12 else float("nan")


def near_duplicates(vectors: Vectors, *, seed: int, cosine: float = 0.9999, at_most: int = 2_000) -> float:
    """Return the share of vectors that have a near copy among up to `at_most` of them, by cosine after centring."""
    rows = np.arange(len(vectors))
    if len(rows) > at_most:
        rows = np.sort(np.random.default_rng(seed).choice(rows, at_most, replace=False))
    chosen = vectors[rows].astype(np.float64)
    chosen -= chosen.mean(axis=0)
    length = np.linalg.norm(chosen, axis=1)
    still = length <= 1e-6 * max(float(np.abs(vectors).max(initial=0.0)), 1e-30)  # equal to the mean vector
    chosen /= np.where(still, 1.0, length)[:, None]
    likeness = chosen @ chosen.T
    likeness[np.ix_(still, still)] = 1.0
    np.fill_diagonal(likeness, -1.0)
    return float((likeness.max(axis=1, initial=-1.0) >= cosine).mean())


def project(vectors: Vectors) -> tuple[Floats, tuple[float, float]]:
    """Return the first two principal components of standardised features, (N, 2), and their shares of the variance.

    The sign of each axis is fixed by its largest loading, so that the picture is the same everywhere.
    """
    z = vectors.astype(np.float64)
    z -= z.mean(axis=0)
    spread = z.std(axis=0)
    z = z[:, spread > 1e-12] / spread[spread > 1e-12]
    if z.shape[1] == 0:
        return np.zeros((len(z), 2)), (0.0, 0.0)
    wide = z.shape[1] > z.shape[0]
    values, basis = np.linalg.eigh(z @ z.T if wide else z.T @ z)
    loading = z.T @ basis[:, :-3:-1] if wide else basis[:, :-3:-1]
    loading = np.pad(loading, ((0, 0), (0, 2 - loading.shape[1])))
    loading /= np.maximum(np.linalg.norm(loading, axis=0), 1e-12)
    loading *= np.where(loading[np.abs(loading).argmax(axis=0), [0, 1]] < 0, -1.0, 1.0)
    share = np.pad(values[:-3:-1], (0, 2))[:2] / max(values.sum(), 1e-12)
    return z @ loading, (float(share[0]), float(share[1]))


def _entropy_rank(matrix: Floats) -> float:
    narrow = matrix.T @ matrix if matrix.shape[0] >= matrix.shape[1] else matrix @ matrix.T
    singular = np.sqrt(np.maximum(np.linalg.eigvalsh(narrow), 0.0))
    share = singular / max(float(singular.sum()), 1e-300)
    share = share[share > 1e-7]  # below, squaring in float64 leaves only noise
    return float(np.exp(-(share * np.log(share)).sum()))
