"""Spectra of frames: a twin with loops, torch's own transform, and which frames count."""

from __future__ import annotations

import cmath
import math

import numpy as np
import pytest
import torch

from wearfm.nn.tokens.stft import amplitude_of, magnitudes, measured, num_bins, num_frames


def noise(*shape: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(3), dtype=dtype)


def by_hand(x: list[float], size: int, hop: int) -> list[list[float]]:
    """One frame, one frequency, one sample after the other."""
    frames = []
    for start in range(0, len(x) - size + 1, hop):
        spectrum = []
        for k in range(size // 2 + 1):
            total = 0j
            for t in range(size):
                hann = 0.5 - 0.5 * math.cos(2 * math.pi * t / size)
                total += hann * x[start + t] * cmath.exp(-2j * math.pi * k * t / size)
            spectrum.append(abs(total))
        frames.append(spectrum)
    return frames


@pytest.mark.parametrize(("samples", "size", "hop"), [(20, 8, 4), (23, 7, 3), (8, 8, 8)])
def test_it_is_the_sum_of_the_formula(samples: int, size: int, hop: int) -> None:
    x = noise(samples)
    made = magnitudes(x, size=size, hop=hop)
    assert made.shape == (num_frames(samples, size=size, hop=hop), num_bins(size))
    np.testing.assert_allclose(made, by_hand(x.tolist(), size, hop), atol=1e-12)


def test_it_is_what_torch_computes() -> None:
    x = noise(2, 3, 400, dtype=torch.float32)
    window = torch.hann_window(50, periodic=True)
    rows = torch.stft(x.flatten(0, 1), 50, hop_length=25, window=window, center=False, onesided=True, return_complex=True)
    expected = rows.abs().transpose(1, 2).reshape(2, 3, 15, 26)
    torch.testing.assert_close(magnitudes(x, size=50, hop=25), expected, rtol=1e-5, atol=1e-5)


def test_five_minutes_at_50_hz_have_599_frames_of_26_bins() -> None:
    assert (num_frames(15_000, size=50, hop=25), num_bins(50)) == (599, 26)
    assert num_frames(49, size=50, hop=25) == 0


def test_a_sinusoid_shows_its_amplitude_in_its_bin() -> None:
    time_s = torch.arange(100, dtype=torch.float64) / 50
    for bin_hz in (0, 3, 25):
        x = 0.7 * torch.cos(2 * math.pi * bin_hz * time_s)
        made = magnitudes(x, size=50, hop=25) * amplitude_of(50)
        torch.testing.assert_close(made[:, bin_hz], torch.full((3,), 0.7, dtype=torch.float64))
        assert (made[:, abs(torch.arange(26) - bin_hz) > 1] < 1e-9).all()


def test_a_frame_with_one_missing_sample_is_missing() -> None:
    valid = torch.ones(2, 20, dtype=torch.bool)
    valid[1, 9] = False  # in frames 4..11 and 8..15
    assert measured(valid, size=8, hop=4).tolist() == [[True] * 4, [True, False, False, True]]


def test_missing_samples_reach_no_other_frame() -> None:
    valid, x = torch.ones(60, dtype=torch.bool), noise(60)
    valid[31:35] = False
    kept = measured(valid, size=10, hop=5)
    moved = magnitudes(torch.where(valid, x, x + 5), size=10, hop=5)
    assert torch.equal(moved[kept], magnitudes(x, size=10, hop=5)[kept])
    assert 0 < int(kept.sum()) < len(kept)
