"""The Ricker scalogram: a series seen through a bank of wavelets, as convolution or as one batched Fourier product.

    psi_a(v) = 2 / (sqrt(3 a) pi^(1/4)) (1 - v^2 / a^2) exp(-v^2 / (2 a^2))        v in samples, a the scale

Published transforms differ in how they cut the wavelet to finite width, and thereby in where its centre lies:

    "torch"     one width for all scales, min(10 floor(a_max), n). Even widths put the centre between two samples: the
                response is half a sample late and one sample longer than the series.
    "scipy"     min(10 a, n) points for scale a, as `scipy.signal.cwt` (removed in SciPy 1.15) did; n samples out. Even
                widths (only where n cuts the wavelet) are half a sample early or late.
    "aligned"   2 floor(5 a) + 1 points, always odd, centred on the sample; n samples out, whatever the parity of n.

Both forms below compute the same sums: `torch.nn.functional.conv1d` exports to every format, the Fourier form needs a
third to a tenth of its CPU time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.fft import next_fast_len
from torch import Tensor
from torch.nn import functional as F

from wearfm.errors import BadConfiguration, UnknownName

VARIANTS = ("aligned", "scipy", "torch")
SUPPORT = 5.0  # scales on each side of the centre; 1.5e-5 of the wavelet's absolute mass lies outside
ROWS_AT_ONCE = 8  # series in one Fourier product on the CPU: their spectra stay in the cache


@dataclass(frozen=True, eq=False)
class Bank:
    """Wavelets cut for series of one length.

    kernels: (K, W) float64, out[t] = sum_j kernels[:, j] x[t - W // 2 + j]. length: samples that come out.
    """

    kernels: NDArray[np.float64]
    length: int


def ricker(scale: float, points: int) -> NDArray[np.float64]:
    """Return the Ricker wavelet of a scale at `points` positions one sample apart, symmetric about its centre."""
    squared = ((np.arange(points) - (points - 1) / 2) / scale) ** 2
    return np.asarray(2 / (math.sqrt(3 * scale) * math.pi**0.25) * (1 - squared) * np.exp(-squared / 2))


def scalogram_length(samples: int, *, scales: Sequence[float], variant: str) -> int:
    """Return how many samples the scalogram of a series has."""
    width = widths(samples, scales=scales, variant=variant)[-1]
    return samples + 1 if variant == "torch" and width % 2 == 0 else samples


def widths(samples: int, *, scales: Sequence[float], variant: str) -> list[int]:
    """Return how many points the wavelet of each scale has for series of `samples` samples."""
    if variant not in VARIANTS:
        raise UnknownName("scalogram variant", variant, VARIANTS)
    if samples < 1:
        raise BadConfiguration(f"a series of {samples} samples has no scalogram; use at least 1")
    if variant == "torch":
        return [min(10 * math.floor(max(scales)), samples)] * len(scales)
    if variant == "scipy":
        return [min(round(10 * scale), samples) for scale in scales]
    return [2 * min(math.floor(SUPPORT * scale + 1e-9), samples - 1) + 1 for scale in scales]


@lru_cache(maxsize=64)
def bank(samples: int, *, scales: tuple[float, ...], variant: str) -> Bank:
    """Return the wavelets for series of `samples` samples, in rows of one width; scales ascend."""
    points = widths(samples, scales=scales, variant=variant)
    width = max(points)
    kernels = np.zeros((len(scales), width))
    for row, scale, count in zip(kernels, scales, points, strict=True):
        first = width // 2 - count // 2
        row[first : first + count] = ricker(scale, count)
    return Bank(kernels, scalogram_length(samples, scales=scales, variant=variant))


def scalogram(signal: Tensor, *, scales: tuple[float, ...], variant: str) -> Tensor:
    """Return the wavelet responses of series, (..., T) -> (..., T', K), time before scale; see `scalogram_length`.

    Uses the Fourier form, and the convolution while the model is being exported.
    """
    exporting = torch.compiler.is_exporting() or torch.onnx.is_in_onnx_export()
    form = scalogram_by_convolution if exporting else scalogram_by_fourier
    return form(signal, scales=scales, variant=variant)


def scalogram_by_convolution(signal: Tensor, *, scales: tuple[float, ...], variant: str) -> Tensor:
    """Return the scalogram as one convolution: any device, any export format."""
    wavelets = bank(signal.shape[-1], scales=scales, variant=variant)
    kernels = torch.tensor(wavelets.kernels, dtype=signal.dtype, device=signal.device)
    rows = signal.reshape(-1, 1, signal.shape[-1])  # (..., T) -> (R, 1, T)
    responses = F.conv1d(rows, kernels[:, None], padding=kernels.shape[1] // 2)  # (R, K, T'')
    planes = responses[..., : wavelets.length].transpose(1, 2)  # (R, T', K)
    return planes.reshape(*signal.shape[:-1], wavelets.length, len(scales))


def scalogram_by_fourier(signal: Tensor, *, scales: tuple[float, ...], variant: str) -> Tensor:
    """Return the scalogram as products of spectra, those of the wavelets kept between calls."""
    samples = signal.shape[-1]
    wavelets = bank(samples, scales=scales, variant=variant)
    spectra, size = _spectra(samples, scales, variant, signal.device, signal.dtype)
    rows = signal.reshape(-1, samples)  # (..., T) -> (R, T)
    chunk = ROWS_AT_ONCE if signal.device.type == "cpu" else max(len(rows), 1)
    planes = signal.new_empty(len(rows), len(scales), wavelets.length)
    for first in range(0, len(rows), chunk):
        part = torch.fft.rfft(rows[first : first + chunk], n=size)  # (r, S)
        responses = torch.fft.irfft(part[:, None] * spectra, n=size)  # (r, K, size)
        planes[first : first + chunk] = responses[..., : wavelets.length]
    return planes.transpose(1, 2).reshape(*signal.shape[:-1], wavelets.length, len(scales))  # (R, K, T') -> (..., T', K)


@lru_cache(maxsize=16)
def _spectra(
    samples: int, scales: tuple[float, ...], variant: str, device: torch.device, dtype: torch.dtype
) -> tuple[Tensor, int]:
    """Return the conjugate spectra of the wavelets, shifted so that response t comes out at place t, and their length.

    Sums that run over the end come back at the start; half a wavelet of zeros keeps them off the samples.
    """
    kernels = bank(samples, scales=scales, variant=variant).kernels
    width = kernels.shape[1]
    size = next_fast_len(max(samples + width // 2 + 1, width), real=True)
    padded = np.zeros((len(scales), size))
    padded[:, :width] = kernels
    spectra = np.conj(np.fft.rfft(np.roll(padded, -(width // 2), axis=1)))
    complex_type = torch.complex128 if dtype == torch.float64 else torch.complex64
    return torch.tensor(spectra, dtype=complex_type, device=device), size


def clear_of_gaps(valid: Tensor, *, scales: tuple[float, ...], variant: str, patch: tuple[int, int], lead: int) -> Tensor:
    """Return which patches of a scalogram see valid samples only, (..., T) -> (..., h, w) bool.

    A patch covers patch[0] steps of time and patch[1] scales. Step t of the scalogram belongs to the samples t .. t + lead
    of the series (lead 2 when differences of second order were taken first) and to those that the wavelet reaches
    from there: `SUPPORT` scales on each side, or its cut width if that is less.
    """
    samples = valid.shape[-1]
    first, last = _reach(samples, scales, variant, patch, lead)
    broken = F.pad((~valid).cumsum(dim=-1), (1, 0))  # (..., T + 1), how many samples before each one are missing
    starts, ends = (torch.tensor(edge, device=valid.device) for edge in (first, last))
    return (broken[..., ends] - broken[..., starts]) == 0  # (..., h, w)


@lru_cache(maxsize=64)
def _reach(
    samples: int, scales: tuple[float, ...], variant: str, patch: tuple[int, int], lead: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first sample, and the one after the last, that each patch sees, both (h, w)."""
    steps, count = patch
    cut = widths(samples - lead, scales=scales, variant=variant)
    columns = [slice(first, first + count) for first in range(0, len(scales) - count + 1, count)]
    half = np.array([max(_half(a, w) for a, w in zip(scales[c], cut[c], strict=True)) for c in columns])
    rows = scalogram_length(samples - lead, scales=scales, variant=variant) // steps
    start = np.arange(rows)[:, None] * steps
    first = (start - half).clip(0, samples)
    last = (start + steps + lead + half).clip(0, samples)
    return first, last


def _half(scale: float, width: int) -> int:
    """Return how many samples a wavelet reaches to one side; even widths lie half a sample off, hence one more."""
    return min(math.ceil(SUPPORT * scale), width // 2) + 1
