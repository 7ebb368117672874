import numpy as np
import pytest

from wearfm.datasets import stanford_fog
from wearfm.signals.alignment import STEP_S, _correlations, align, movement


def _body(seconds: int, *, seed: int) -> np.ndarray:
    """How much a body moves, a value a step."""
    rng = np.random.default_rng(seed)
    return np.repeat(rng.random(seconds), round(1 / STEP_S))


@pytest.mark.parametrize("shift_s", [0.0, 12.25, 300.0])
def test_the_second_device_that_began_earlier_is_ahead_by_that_much(shift_s: float) -> None:
    body = _body(1200, seed=1)
    steps = round(shift_s / STEP_S)
    found = align(body[steps : steps + 3000], body + 0.1 * _body(1200, seed=2))
    assert (found.seconds, found.is_clear) == (shift_s, True)
    assert align(body, body[steps:]).seconds == -shift_s


def test_two_bodies_are_not_aligned() -> None:
    found = align(_body(600, seed=1), _body(700, seed=2))
    assert not found.is_clear


def test_correlations_are_those_of_a_loop() -> None:
    first, second = _body(3, seed=3)[:9] + np.arange(9) / 7, _body(4, seed=4) * np.arange(16)
    by_hand = []
    for shift in range(-8, 16):
        pairs = [(first[k], second[k + shift]) for k in range(9) if 0 <= k + shift < 16]
        a, b = np.array(pairs).T if pairs else (np.zeros(1), np.zeros(1))
        enough = len(pairs) >= 4.5 and a.std() * b.std() > 0
        by_hand.append(float(np.corrcoef(a, b)[0, 1]) if enough else -1.0)
    assert _correlations(first, second) == pytest.approx(by_hand)


def test_movement_is_the_deviation_of_the_axes_in_each_step() -> None:
    axes = np.zeros((3, 37))
    axes[2, 8:16] = [1, -1] * 4
    axes[0, 36] = 50.0  # in a step that is not whole
    found = movement(axes, rate_hz=32.0)
    assert found == pytest.approx(np.log([0.01, 1.01, 0.01, 0.01]))


@pytest.mark.real
def test_real_sensors_at_the_back_and_the_ankle_are_aligned(data_folder) -> None:
    for one in stanford_fog.recordings(data_folder / stanford_fog.DATASET.folder):
        curves = [
            movement(np.stack([one.channel(f"{place} acc {axis}").physical() for axis in "xyz"]), rate_hz=128.0)
            for place in ("lower back", "left ankle")
        ]
        if one.duration_s > 30:
            assert abs(align(*curves).seconds) <= 1.0
