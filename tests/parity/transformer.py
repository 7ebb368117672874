"""A pre-norm transformer layer written with loops, one token at a time, in float64; weights by their names."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

Floats = NDArray[np.float64]
Weights = Mapping[str, Floats]


def norm(x: Floats, weights: Weights, name: str) -> Floats:
    centred = x - x.mean()
    return centred / np.sqrt((centred**2).mean() + 1e-6) * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def linear(x: Floats, weights: Weights, name: str) -> Floats:
    return weights[f"{name}.weight"] @ x + weights[f"{name}.bias"]


def block_by_hand(tokens: list[Floats], masked: list[bool], weights: Weights, name: str) -> list[Floats]:
    """One pre-norm layer of two heads; masked keys score minus infinity."""
    size = len(tokens[0]) // 2 if tokens else 0
    mixed = [linear(norm(x, weights, f"{name}.norm1"), weights, f"{name}.attention.qkv").reshape(3, 2, size) for x in tokens]
    out = []
    for query, x in zip(mixed, tokens, strict=True):
        gathered = np.zeros((2, size))
        for head in range(2):
            scores = [
                -np.inf if gone else query[0, head] @ key[1, head] / np.sqrt(size)
                for key, gone in zip(mixed, masked, strict=True)
            ]
            shares = np.exp(np.array(scores) - max(scores))
            shares /= shares.sum()
            gathered[head] = sum(share * key[2, head] for share, key in zip(shares, mixed, strict=True))
        x = x + linear(gathered.ravel(), weights, f"{name}.attention.project")
        hidden = linear(norm(x, weights, f"{name}.norm2"), weights, f"{name}.mlp.expand")
        hidden = hidden * (1 + erf(hidden / np.sqrt(2))) / 2
        out.append(x + linear(hidden, weights, f"{name}.mlp.contract"))
    return out
