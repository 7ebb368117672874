"""Spectra as tokens: how strongly each frequency swings in one short frame after the other, and in which it was measured.

    |X_n(k)| = | sum_t w(t) x(n hop + t) exp(-2 pi i k t / size) |,    w(t) = (1 - cos(2 pi t / size)) / 2,  t = 0 .. size - 1

A frame begins and ends inside the series; nothing is padded or reflected. Frames are short (50 samples), so that the
transform is two small matrix products: quicker than a Fourier transform of each frame, and exportable everywhere.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def num_frames(samples: int, *, size: int, hop: int) -> int:
    """Return how many whole frames a series has."""
    return max((samples - size) // hop + 1, 0)


def num_bins(size: int) -> int:
    """Return how many frequencies a frame has, from 0 to half the sampling rate; bin k swings k times a frame."""
    return size // 2 + 1


def magnitudes(signal: Tensor, *, size: int, hop: int) -> Tensor:
    """Return the magnitude spectrum of every frame, (..., T) -> (..., N, F), in the signal's unit times samples.

    The same as `torch.stft` with a periodic Hann window, center=False, one-sided, not normalised; Allen & Rabiner 1977
    (A unified approach to short-time Fourier analysis and synthesis).
    """
    frames = signal.unfold(-1, size, hop)  # (..., T) -> (..., N, size)
    waves = _waves(size, signal.device, signal.dtype)
    cosine, sine = (frames @ waves).chunk(2, dim=-1)  # (..., N, 2 F) -> (..., N, F) twice
    return torch.hypot(cosine, sine)


def measured(valid: Tensor, *, size: int, hop: int) -> Tensor:
    """Return which frames have no missing sample, (..., T) -> (..., N) bool."""
    return valid.unfold(-1, size, hop).all(dim=-1)


def amplitude_of(size: int) -> Tensor:
    """Return the factors, (F,) float32, that make of a magnitude the amplitude of the sinusoid of that frequency.

    The window sums to size / 2. A sinusoid shares it with its mirror image; a constant, and half the sampling rate, do not.
    """
    factors = np.full(num_bins(size), 4 / size)
    factors[0] /= 2
    if size % 2 == 0:
        factors[-1] /= 2
    return torch.tensor(factors, dtype=torch.float32)


@lru_cache(maxsize=16)
def _waves(size: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Return windowed cosines and then sines, (size, 2 F)."""
    return torch.tensor(_windowed(size), dtype=dtype, device=device)


def _windowed(size: int) -> NDArray[np.float64]:
    time = np.arange(size)
    window = (1 - np.cos(2 * np.pi * time / size)) / 2
    angle = 2 * np.pi * np.outer(time, np.arange(num_bins(size))) / size
    return np.asarray(window[:, None] * np.concatenate([np.cos(angle), np.sin(angle)], axis=1))
