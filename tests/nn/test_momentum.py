"""The momentum encoder: parameters follow, buffers do not, gradients never."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from wearfm.nn.momentum import follow, follower


def _noise(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def _network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))


def test_a_follower_is_an_untrained_copy() -> None:
    student = _network()
    teacher = follower(student)
    assert all(torch.equal(a, b) for a, b in zip(teacher.parameters(), student.parameters(), strict=True))
    assert not any(p.requires_grad for p in teacher.parameters())
    assert all(p.requires_grad for p in student.parameters())


def test_parameters_move_a_share_of_the_way() -> None:
    student, teacher = _network(), _network()
    expected = {
        name: 0.9 * old + 0.1 * new for (name, old), new in zip(teacher.named_parameters(), student.parameters(), strict=True)
    }
    before = {name: p.detach().clone() for name, p in student.named_parameters()}
    follow(teacher, student, momentum=0.9)
    for name, parameter in teacher.named_parameters():
        torch.testing.assert_close(parameter, expected[name])
    assert all(torch.equal(p, before[name]) for name, p in student.named_parameters())


def test_momentum_of_one_stands_still_and_of_zero_copies() -> None:
    student, teacher = _network(), _network()
    old = [p.detach().clone() for p in teacher.parameters()]
    follow(teacher, student, momentum=1.0)
    assert all(torch.equal(a, b) for a, b in zip(teacher.parameters(), old, strict=True))
    follow(teacher, student, momentum=0.0)
    assert all(torch.equal(a, b) for a, b in zip(teacher.parameters(), student.parameters(), strict=True))


def test_buffers_are_the_teachers_own() -> None:
    student, teacher = _network(), _network()
    student(_noise(8, 3))
    follow(teacher, student, momentum=0.0)
    assert torch.equal(teacher[1].running_mean, torch.zeros(2))
    assert int(teacher[1].num_batches_tracked) == 0
