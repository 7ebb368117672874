"""The reconstruction error and its twin."""

from __future__ import annotations

import torch
from torch import Tensor

from wearfm.objectives.reconstruction import reconstruction_error


def by_hand(prediction: Tensor, target: Tensor, counted: Tensor) -> float:
    squares = [
        (float(p) - float(t)) ** 2
        for p, t, c in zip(prediction.flatten(), target.flatten(), counted.flatten(), strict=True)
        if c
    ]
    return sum(squares) / len(squares)


def numbers(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_it_is_the_mean_over_valid_samples() -> None:
    prediction, target, valid = numbers(0, 2, 3, 7), numbers(1, 2, 3, 7), numbers(2, 2, 3, 7) > 0
    error = reconstruction_error(prediction, target, valid=valid)
    torch.testing.assert_close(float(error), by_hand(prediction, target, valid), rtol=1e-6, atol=0)


def test_it_may_count_hidden_samples_only() -> None:
    prediction, target, hidden = numbers(0, 2, 3, 7), numbers(1, 2, 3, 7), numbers(3, 2, 1, 7) > 0
    valid = numbers(2, 2, 3, 7) > 0
    error = reconstruction_error(prediction, target, valid=valid, hidden=hidden)
    torch.testing.assert_close(float(error), by_hand(prediction, target, valid & hidden), rtol=1e-6, atol=0)


def test_what_is_not_valid_moves_neither_value_nor_gradient() -> None:
    target, valid = numbers(1, 4, 5), numbers(2, 4, 5) > 0
    gradients = []
    for filler in (0.0, float("nan"), 1e30):
        prediction = numbers(0, 4, 5).requires_grad_()
        reconstruction_error(prediction, torch.where(valid, target, filler), valid=valid).backward()
        gradients.append(prediction.grad)
    assert torch.equal(gradients[0], gradients[1])
    assert torch.equal(gradients[0], gradients[2])


def test_nothing_valid_is_no_error() -> None:
    assert float(reconstruction_error(torch.ones(2, 3), torch.zeros(2, 3), valid=torch.zeros(2, 3, dtype=torch.bool))) == 0


def test_the_sum_is_taken_in_float32() -> None:
    half = torch.full((1, 4), 300.0, dtype=torch.float16)
    error = reconstruction_error(half, torch.zeros(1, 4), valid=torch.ones(1, 4, dtype=torch.bool))
    assert float(error) == 90_000  # beyond the range of float16
