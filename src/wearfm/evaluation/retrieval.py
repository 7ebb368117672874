"""Retrieval: does an embedding of one signal find its partner, the other signal of the same minute, among many?

    query (N, D), candidate (N, D) ── row n of both is the same window ── cosine ── the rank of the partner in a drawn pool

Pools are drawn as a bootstrap draws: `pool` windows with replacement, again and again. Every window of a pool asks in turn, all
others of the pool are its rivals, as often as they were drawn; copies of itself are its partner, and no rivals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration

Floats = NDArray[np.float64]
Vectors = NDArray[np.float32]

_TIED = 1e-6  # cosines closer than this are equal: the rounding of float32 products
_CELLS = 16_000_000  # cosines held at once: 64 MB


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A figure over the drawn pools: its mean and standard deviation, and its mean if all candidates were alike."""

    mean: float
    std: float
    chance: float


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """Where the partners stood. top: k -> share of queries whose partner is among the first k. Ranks begin at 1."""

    top: dict[int, Figure]
    mean_rank: Figure
    median_rank: Figure


@dataclass(frozen=True, kw_only=True)
class Retrieval:
    """Both directions. forward: candidates found from queries; backward: queries found from candidates.

    pool: windows drawn each time. draws: how many times. rivals: how many a query had on average.
    """

    forward: Ranking
    backward: Ranking
    pool: int
    draws: int
    rivals: float


@dataclass(frozen=True, kw_only=True, eq=False)
class _Draw:
    """One pool. times: (U,) how often each of its windows was drawn. rivals: (U,). forward, backward: (U,) ranks."""

    times: NDArray[np.int64]
    rivals: Floats
    forward: Floats
    backward: Floats


def retrieve(
    query: NDArray[np.floating],
    candidate: NDArray[np.floating],
    *,
    pool: int,
    seed: int,
    draws: int = 100,
    person: NDArray[np.str_] | None = None,
    others_only: bool = False,
    top: Sequence[int] = (1, 5, 10),
) -> Retrieval:
    """Return how well partners are found by cosine, both ways, over drawn pools of candidates.

    query, candidate: (N, D), any norm; row n of both is the same window. pool: windows a pool holds, at least 2. draws: pools,
    1 or more. person: (N,) of every window; others_only: rivals are windows of other people only, so that the hard ones, of the
    same person at another minute, do not count. A rank is 1 + rivals that are closer + half of those that tie. Means and
    standard deviations are over pools. Memory grows with N and pool, time with draws * pool^2 * D.
    """
    if query.shape != candidate.shape or query.ndim != 2:
        raise BadConfiguration(f"queries {query.shape} and candidates {candidate.shape}; give (N, D) of the same windows")
    if pool < 2 or draws < 1:
        raise BadConfiguration(f"pool={pool} and draws={draws}; a pool needs 2 windows or more, and there is 1 pool or more")
    if others_only and person is None:
        raise BadConfiguration("others_only needs to know whose every window is; give person")
    owner = np.arange(len(query)) if person is None or not others_only else np.unique(person, return_inverse=True)[1]
    first, second = _unit(query), _unit(candidate)
    generator, made = np.random.default_rng(seed), []
    for _ in range(draws):
        rows, times = np.unique(generator.integers(0, len(query), pool), return_counts=True)
        made.append(_ranked(first[rows], second[rows], owner[rows], times))
    rivals = float(np.mean([np.average(each.rivals, weights=each.times) for each in made]))
    forward, backward = (_figures(made, [getattr(each, way) for each in made], top) for way in ("forward", "backward"))
    return Retrieval(forward=forward, backward=backward, pool=pool, draws=draws, rivals=rivals)


def _ranked(
    first: NDArray[np.float32], second: NDArray[np.float32], owner: NDArray[np.int64], times: NDArray[np.int64]
) -> _Draw:
    """Return the ranks in one pool of U windows, both ways from one product of blocks."""
    U = len(first)
    own = np.einsum("ud,ud->u", first, second)  # (U,) cosine with the partner
    forward, backward, rivals = np.ones(U), np.ones(U), np.zeros(U)
    weight = times.astype(np.float32)
    size = max(1, _CELLS // U)
    for start in range(0, U, size):
        block = slice(start, start + size)
        likeness = first[block] @ second.T  # (block, U)
        others = owner[block, None] != owner[None, :]
        forward[block] += np.where(others, _ahead(likeness, own[block, None]), 0) @ weight
        backward += weight[block] @ np.where(others, _ahead(likeness, own[None, :]), 0)
        rivals[block] = others @ times
    return _Draw(times=times, rivals=rivals, forward=forward, backward=backward)


def _ahead(likeness: Vectors, own: Vectors) -> Vectors:
    """Return 1 where a rival is closer than the partner, 0.5 where it ties."""
    gap = likeness - own
    return np.asarray(((gap > _TIED).astype(np.float32) + (gap >= -_TIED)) / 2, dtype=np.float32)


def _figures(made: Sequence[_Draw], ranks: Sequence[Floats], top: Sequence[int]) -> Ranking:
    """Return the figures over all pools; at chance a partner stands anywhere among its rivals."""
    pairs = list(zip(made, ranks, strict=True))
    shares = {
        k: _figure(
            [np.average(rank <= k, weights=each.times) for each, rank in pairs],
            [np.average(np.minimum(1.0, k / (each.rivals + 1)), weights=each.times) for each in made],
        )
        for k in top
    }
    middle = [np.average(1 + each.rivals / 2, weights=each.times) for each in made]
    return Ranking(
        top=shares,
        mean_rank=_figure([np.average(rank, weights=each.times) for each, rank in pairs], middle),
        median_rank=_figure([np.median(np.repeat(rank, each.times)) for each, rank in pairs], middle),
    )


def _figure(values: Sequence[float], chance: Sequence[float]) -> Figure:
    return Figure(mean=float(np.mean(values)), std=float(np.std(values)), chance=float(np.mean(chance)))


def _unit(vectors: NDArray[np.floating]) -> Vectors:
    """Return the rows at unit length; a row of zeros stays, and is as close to everything."""
    rows = vectors.astype(np.float32)
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12), dtype=np.float32)
