"""A momentum encoder: a copy of a network whose parameters follow it slowly and receive no gradient.

He et al. 2020 (arXiv:1911.05722), eq. 2; Tarvainen & Valpola 2017 (arXiv:1703.01780).
"""

from __future__ import annotations

import copy
from typing import TypeVar

import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)


def follower(leader: Network) -> Network:
    """Return a copy of a network that no optimiser will train."""
    return copy.deepcopy(leader).requires_grad_(False)


@torch.no_grad()
def follow(teacher: nn.Module, student: nn.Module, *, momentum: float) -> None:
    """Move every parameter: teacher = momentum * teacher + (1 - momentum) * student.

    Buffers are left alone: running statistics of batch norms are the teacher's own, made by its own forward passes.
    """
    ours, theirs = dict(teacher.named_parameters()), dict(student.named_parameters())
    assert ours.keys() == theirs.keys(), "teacher and student must be the same network"
    torch._foreach_lerp_(list(ours.values()), [theirs[name] for name in ours], 1 - momentum)
