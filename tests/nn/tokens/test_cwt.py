"""Scalograms: both forms, the three ways to cut a wavelet, and what a gap reaches."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from wearfm.errors import BadConfiguration, UnknownName
from wearfm.nn.tokens.cwt import (
    SUPPORT,
    VARIANTS,
    clear_of_gaps,
    ricker,
    scalogram,
    scalogram_by_convolution,
    scalogram_by_fourier,
    scalogram_length,
)

SCALES = tuple(0.1 + k for k in range(65))
FEW = (0.1, 2.1, 5.1)


def noise(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1), dtype=dtype)


def by_hand(x: np.ndarray, scale: float, points: int, first: int, length: int) -> np.ndarray:
    """One scale, sum by sum: out[t] = sum_j psi[j] x[t - first + j], zeros beyond the ends."""
    norm = 2 / ((3 * scale) ** 0.5 * np.pi**0.25)
    out = np.zeros(length)
    for t in range(length):
        for j in range(points):
            v = j - (points - 1) / 2
            if 0 <= t - first + j < len(x):
                out[t] += norm * (1 - v**2 / scale**2) * np.exp(-(v**2) / (2 * scale**2)) * x[t - first + j]
    return out


def test_the_wavelet_has_unit_energy_and_no_mean() -> None:
    wavelet = ricker(7.0, 141)
    assert np.sum(wavelet**2) == pytest.approx(1, abs=1e-6)
    assert wavelet.sum() == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize("samples", [20, 21])
def test_torch_cuts_all_wavelets_to_one_width(samples: int) -> None:
    x = noise(samples, dtype=torch.float64)
    made = scalogram_by_convolution(x, scales=FEW, variant="torch")
    assert made.shape == (21, 3)  # an even width gives one sample more
    for k, scale in enumerate(FEW):
        np.testing.assert_allclose(made[:, k], by_hand(x.numpy(), scale, samples, samples // 2, 21), atol=1e-12)


@pytest.mark.parametrize("samples", [20, 21])
def test_scipy_convolves_each_scale_in_the_same_place(samples: int) -> None:
    x = noise(samples, dtype=torch.float64)
    made = scalogram_by_convolution(x, scales=FEW, variant="scipy")
    for k, (scale, points) in enumerate(zip(FEW, (1, samples, samples), strict=True)):
        expected = np.convolve(x.numpy(), ricker(scale, points), mode="full")[(points - 1) // 2 :][:samples]
        np.testing.assert_allclose(made[:, k], expected, atol=1e-12)


@pytest.mark.parametrize("samples", [20, 21])
def test_aligned_answers_where_the_impulse_is(samples: int) -> None:
    x = torch.zeros(samples)
    x[10] = 1
    made = scalogram_by_convolution(x, scales=FEW, variant="aligned")
    assert made.shape == (samples, 3)
    assert made.argmax(dim=0).tolist() == [10, 10, 10]
    assert torch.equal(made[1:20], made[1:20].flip(0))


def test_torch_and_scipy_agree_for_odd_lengths() -> None:
    x = noise(387)
    torch_like, scipy_like = (scalogram(x, scales=SCALES, variant=variant) for variant in ("torch", "scipy"))
    torch.testing.assert_close(torch_like, scipy_like, rtol=0, atol=2e-4)  # scipy cuts small scales earlier


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("samples", [1, 2, 9, 126, 386, 387, 698])
def test_both_forms_agree(variant: str, samples: int) -> None:
    x = noise(2, 3, samples)
    ours = scalogram_by_fourier(x, scales=SCALES, variant=variant)
    assert ours.shape == (2, 3, scalogram_length(samples, scales=SCALES, variant=variant), 65)
    torch.testing.assert_close(ours, scalogram_by_convolution(x, scales=SCALES, variant=variant), rtol=0, atol=7e-6)


def test_rows_do_not_depend_on_their_neighbours() -> None:
    x = noise(40, 50)  # more rows than one Fourier product takes
    whole = scalogram(x, scales=FEW, variant="aligned")
    torch.testing.assert_close(whole[17], scalogram(x[17], scales=FEW, variant="aligned"), rtol=0, atol=1e-6)


def test_a_gap_reaches_as_far_as_the_wavelets() -> None:
    valid = torch.ones(60, dtype=torch.bool)
    valid[30] = False
    clear = clear_of_gaps(valid, scales=(1.0, 2.0, 3.0, 4.0), variant="aligned", patch=(4, 2), lead=0)
    assert clear.shape == (15, 2)
    for column, half in enumerate((11, 21)):  # five of the larger scale and one
        for row in range(15):
            assert bool(clear[row, column]) == (row * 4 + 3 + half < 30 or row * 4 - half > 30), (row, column)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("lead", [0, 2])
def test_a_clear_patch_does_not_feel_the_gap(variant: str, lead: int) -> None:
    samples, patch, scales = 121, (3, 1), (0.5, 1.5, 4.0)
    valid = torch.ones(samples, dtype=torch.bool)
    valid[57:61] = False
    clear = clear_of_gaps(valid, scales=scales, variant=variant, patch=patch, lead=lead)
    x = noise(samples, dtype=torch.float64)
    moved = torch.where(valid, x, x + 1)
    differ = [t.diff(n=lead) if lead else t for t in (x, moved)]
    change = (scalogram(differ[1], scales=scales, variant=variant) - scalogram(differ[0], scales=scales, variant=variant)).abs()
    change = change[: clear.shape[0] * 3].reshape(-1, 3, 3).amax(dim=1)
    assert change[clear].max() < 1e-3 * change.max()  # 1.5e-5 of the wavelet's mass lies beyond its support
    assert 0 < int(clear.sum()) < clear.numel()


def test_the_mass_beyond_the_support_is_as_said() -> None:
    v = np.linspace(-12, 12, 200_001)
    mass = np.abs((1 - v**2) * np.exp(-(v**2) / 2))
    assert mass[np.abs(v) > SUPPORT].sum() / mass.sum() == pytest.approx(1.5e-5, rel=0.05)


def test_an_unknown_variant_is_named() -> None:
    with pytest.raises(UnknownName, match="scalogram variant 'scypi' is not known; did you mean 'scipy'"):
        scalogram(noise(20), scales=FEW, variant="scypi")


def test_an_empty_series_is_refused() -> None:
    with pytest.raises(BadConfiguration, match="a series of 0 samples has no scalogram; use at least 1"):
        scalogram(torch.zeros(3, 0), scales=FEW, variant="aligned")
