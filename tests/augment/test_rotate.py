"""Rotations keep norms and angles, axis switches keep the set of axes; a vector without one of its parts is none."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from wearfm.augment.rotate import rotate, rotation, switch_axes
from wearfm.errors import BadConfiguration
from wearfm.nn.draws import Draws


def _windows(rows: int = 6, sensors: int = 2, length: int = 10) -> tuple[Tensor, Tensor]:
    signal = torch.randn(rows, 3 * sensors, length, generator=torch.Generator().manual_seed(0))
    return signal, torch.ones_like(signal, dtype=torch.bool)


def turned_by_hand(vector: list[float], axis: list[float], angle: float) -> list[float]:
    """Rodrigues 1840: v cos a + (k x v) sin a + k (k . v) (1 - cos a)."""
    size = math.sqrt(sum(part * part for part in axis))
    kx, ky, kz = (part / size for part in axis)
    x, y, z = vector
    cross = [ky * z - kz * y, kz * x - kx * z, kx * y - ky * x]
    along = kx * x + ky * y + kz * z
    c, s = math.cos(angle), math.sin(angle)
    return [v * c + w * s + k * along * (1 - c) for v, w, k in zip(vector, cross, (kx, ky, kz), strict=True)]


def test_the_matrix_turns_as_the_formula_says() -> None:
    quarter = rotation(torch.tensor([[0.0, 0.0, 2.0]]), torch.tensor([math.pi / 2]))
    torch.testing.assert_close(quarter[0] @ torch.tensor([1.0, 0.0, 0.0]), torch.tensor([0.0, 1.0, 0.0]))


def test_each_vector_is_turned_as_by_hand() -> None:
    signal, valid = _windows(rows=3, sensors=2, length=4)
    turned, still = rotate(signal, valid, Draws(5), largest_angle=2.0)
    draws = Draws(5)
    axes, angles = 2 * draws.uniform(3, 3) - 1, 2.0 * (2 * draws.uniform(3) - 1)
    for row in range(3):
        for sensor in (0, 3):
            for time in range(4):
                vector = signal[row, sensor : sensor + 3, time].tolist()
                expected = turned_by_hand(vector, axes[row].tolist(), float(angles[row]))
                assert turned[row, sensor : sensor + 3, time].tolist() == pytest.approx(expected, abs=1e-5)
    assert still.all()


def test_norms_and_the_angles_between_sensors_stay() -> None:
    signal, valid = _windows()
    turned, _ = rotate(signal, valid, Draws(0), largest_angle=math.pi)
    before, after = signal.unflatten(1, (2, 3)), turned.unflatten(1, (2, 3))
    torch.testing.assert_close(after.norm(dim=2), before.norm(dim=2))
    torch.testing.assert_close((after[:, 0] * after[:, 1]).sum(dim=1), (before[:, 0] * before[:, 1]).sum(dim=1))
    assert not torch.allclose(after, before)


def test_no_angle_changes_nothing_and_a_small_one_little() -> None:
    signal, valid = _windows()
    torch.testing.assert_close(rotate(signal, valid, Draws(0), largest_angle=0.0)[0], signal)
    slightly, _ = rotate(signal, valid, Draws(0), largest_angle=0.01)
    moved = (slightly - signal).unflatten(1, (2, 3)).norm(dim=2)
    assert (moved <= 0.01 * signal.unflatten(1, (2, 3)).norm(dim=2) + 1e-6).all()


def test_a_gap_in_one_axis_is_a_gap_of_its_sensor_whatever_lies_in_it() -> None:
    signal, valid = _windows()
    valid[:, 4, 3:6] = False
    turned, whole = rotate(signal.masked_fill(~valid, torch.nan), valid, Draws(0), largest_angle=3.0)
    assert not whole[:, 3:, 3:6].any()
    assert whole[:, :3].all()
    assert (turned[:, 3:, 3:6] == 0).all()
    assert torch.isfinite(turned).all()


def test_a_switch_keeps_the_set_of_axes_and_takes_the_gaps_along() -> None:
    signal = torch.arange(6.0)[None, :, None].repeat(300, 1, 5)
    valid = signal != 1
    switched, moved = switch_axes(signal, valid, Draws(0))
    assert torch.equal(moved, switched != 1)
    for sensor in (0, 3):
        assert torch.equal(switched[:, sensor : sensor + 3].sort(dim=1).values, signal[:, sensor : sensor + 3])
    assert torch.equal(switched[:, :3] + 3, switched[:, 3:])  # both sensors sit in one device
    assert len({tuple(row) for row in switched[:, :3, 0].tolist()}) == 6


def test_a_switch_without_identity_always_switches() -> None:
    signal = torch.arange(3.0)[None, :, None].repeat(300, 1, 2)
    switched, _ = switch_axes(signal, signal >= 0, Draws(0), with_identity=False)
    assert len({tuple(row) for row in switched[:, :, 0].tolist()} - {(0.0, 1.0, 2.0)}) == 5
    assert (switched != signal).any(dim=(1, 2)).all()


def test_channels_that_are_not_triads_are_refused() -> None:
    signal = torch.zeros(1, 4, 5)
    for change in (
        lambda: rotate(signal, signal == 0, Draws(0), largest_angle=1.0),
        lambda: switch_axes(signal, signal == 0, Draws(0)),
    ):
        with pytest.raises(BadConfiguration, match="4 channels are not sensors of three axes each; give x, y, z"):
            change()
