"""Running moments against sums written out, whatever the order, the batches and the gaps."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from wearfm.nn.moments import Moments


def moments_by_hand(values: Tensor, valid: Tensor) -> tuple[list[float], list[float]]:
    """Means and population deviations, (N, D), one feature and one number after the other."""
    means, deviations = [], []
    for column, known in zip(values.T.tolist(), valid.T.tolist(), strict=True):
        numbers = [x for x, is_known in zip(column, known, strict=True) if is_known]
        means.append(sum(numbers) / len(numbers))
        deviations.append(math.sqrt(sum((x - means[-1]) ** 2 for x in numbers) / len(numbers)))
    return means, deviations


def some(rows: int = 200, size: int = 3) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(rows, size, generator=generator) * torch.tensor([1.0, 30.0, 0.01]) + torch.tensor([0.0, 75.0, -2.0])
    return values, torch.rand(rows, size, generator=generator) > 0.3


def moments(values: Tensor, valid: Tensor, *, sizes: list[int]) -> Moments:
    running = Moments(values.shape[1])
    for rows, known in zip(values.split(sizes), valid.split(sizes), strict=True):
        running.add(rows, known)
    return running


def check(running: Moments, mean: object, std: object) -> None:
    torch.testing.assert_close(running.mean, torch.as_tensor(mean, dtype=torch.float64))
    torch.testing.assert_close(running.std(), torch.as_tensor(std, dtype=torch.float64))


def test_batches_of_any_size_give_what_the_sums_give() -> None:
    values, valid = some()
    mean, std = moments_by_hand(values, valid)
    for sizes in ([200], [1] * 200, [7, 100, 93], [199, 1]):
        check(moments(values, valid, sizes=sizes), mean, std)


def test_the_order_of_the_batches_does_not_matter() -> None:
    values, valid = some()
    forward, backward = moments(values, valid, sizes=[50] * 4), moments(values.flip(0), valid.flip(0), sizes=[50] * 4)
    check(backward, forward.mean, forward.std())


def test_what_is_not_valid_does_not_count_whatever_it_is() -> None:
    values, valid = some()
    poisoned = torch.where(valid, values, torch.nan)
    plain, running = moments(values, valid, sizes=[100, 100]), moments(poisoned, valid, sizes=[100, 100])
    assert torch.equal(running.mean, plain.mean)
    assert torch.equal(running.std(), plain.std())
    assert running.count.tolist() == valid.sum(dim=0).tolist()


def test_a_batch_without_a_feature_changes_nothing_of_it() -> None:
    running = moments(torch.tensor([[1.0], [3.0]]), torch.tensor([[True], [True]]), sizes=[2])
    running.add(torch.full((5, 1), 100.0), torch.zeros(5, 1, dtype=torch.bool))
    check(running, [2.0], [1.0])


def test_a_small_spread_far_from_zero_is_not_lost() -> None:
    values = torch.tensor([1e8, 1e8 + 8, 1e8 + 16], dtype=torch.float64)[:, None]  # squares would cancel in float32
    check(moments(values, torch.ones(3, 1, dtype=torch.bool), sizes=[1, 1, 1]), [1e8 + 8], [math.sqrt(128 / 3)])


def test_a_feature_that_does_not_move_or_was_hardly_seen_is_divided_by_one() -> None:
    values = torch.tensor([[5.0, 5.0, 5.0], [5.0, 7.0, 7.0]])
    valid = torch.tensor([[True, True, False], [True, False, False]])
    check(moments(values, valid, sizes=[1, 1]), [5.0, 5.0, 0.0], [1.0, 1.0, 1.0])
    moving = moments(torch.tensor([[0.0], [0.2]]), torch.ones(2, 1, dtype=torch.bool), sizes=[2])
    assert abs(moving.std().item() - 0.1) < 1e-8
    assert moving.std(floor=0.5).item() == 1.0
