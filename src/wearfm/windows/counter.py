"""Counter-based randomness: numbers that are a pure function of where they are used.

`mix` is the finaliser of SplitMix64 (Steele, Lea & Flood 2014, doi:10.1145/2714064.2660195); `permute` walks a balanced
Feistel network over the next power of four until it lands inside the range (cycle walking: Black & Rogaway 2002,
doi:10.1007/3-540-45760-7_9), so that position k of a shuffled epoch needs neither memory nor the positions before it.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

_ROUNDS = 6


def mix(*keys: int | NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return 64 well-mixed bits for each combination of the keys; arrays broadcast."""
    state: NDArray[np.uint64] = np.zeros(1, dtype=np.uint64)
    with np.errstate(over="ignore"):
        for key in keys:
            state = _finish(state + np.asarray(key, dtype=np.int64).astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15))
    return state


def below(limit: NDArray[np.int64] | int, *keys: int | NDArray[np.int64]) -> NDArray[np.int64]:
    """Return integers uniform on [0, limit) for each combination of the keys; limit >= 1, broadcasts."""
    return np.asarray(mix(*keys) % np.asarray(limit, dtype=np.int64).astype(np.uint64), dtype=np.int64)


def permute(positions: NDArray[np.int64], length: int, *keys: int) -> NDArray[np.int64]:
    """Return where a permutation of range(length), chosen by the keys, sends each position."""
    bits = max(1, (max(length - 1, 1).bit_length() + 1) // 2)
    result = np.asarray(positions, dtype=np.int64).copy()
    pending = np.arange(len(result))
    while len(pending):
        result[pending] = _feistel(result[pending], bits, keys)
        pending = pending[result[pending] >= length]
    return result


def text_key(text: str) -> int:
    """Return a 63-bit key of a text, the same in every process and version."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") >> 1


def _feistel(values: NDArray[np.int64], bits: int, keys: tuple[int, ...]) -> NDArray[np.int64]:
    low_mask = (1 << bits) - 1
    left, right = values >> bits, values & low_mask
    for number in range(_ROUNDS):
        scrambled = (mix(*keys, number, right) & np.uint64(low_mask)).astype(np.int64)
        left, right = right, left ^ scrambled
    return (left << bits) | right


def _finish(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))
