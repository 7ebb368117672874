"""Batch normalisation whose statistics are those of the global batch, on any device."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


class SynchronisedBatchNorm(_BatchNorm):
    """nn.BatchNorm1d, 2d or 3d with mean and variance over all processes, and the gradient through them.

    torch.nn.SyncBatchNorm does the same on GPUs only. Two processes give the numbers of one:
    mean = sum x / n, variance = sum (x - mean)^2 / n, with sums and n over all processes (Ioffe & Szegedy 2015,
    arXiv:1502.03167, algorithm 1).
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the normalised (B, C, ...) tensor."""
        if not self.training or not dist.is_initialized() or dist.get_world_size() == 1:
            return super().forward(input)
        signal = input.to(torch.promote_types(input.dtype, torch.float32))
        over = [dim for dim in range(signal.ndim) if dim != 1]
        shape = [1, -1] + [1] * (signal.ndim - 2)
        count = _sum_over_processes(signal.new_tensor([signal.numel() / signal.shape[1]]))
        mean = _sum_over_processes(signal.sum(over)) / count
        centred = signal - mean.view(shape)
        variance = _sum_over_processes(centred.square().sum(over)) / count
        self._remember(mean.detach(), (variance * count / (count - 1)).detach())
        normal = centred * torch.rsqrt(variance + self.eps).view(shape)
        if self.affine:
            normal = normal * self.weight.view(shape) + self.bias.view(shape)
        return normal.to(input.dtype)

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        """Move the running statistics; variance: unbiased, as torch keeps it."""
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked.add_(1)
        share = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), share)
        self.running_var.lerp_(variance.to(self.running_var.dtype), share)

    def _check_input_dim(self, input: Tensor) -> None:
        """Accept what nn.BatchNorm1d, 2d and 3d accept."""
        if input.ndim < 2:
            raise ValueError(f"input of shape {tuple(input.shape)} has no channel dimension; give (B, C, ...)")


def synchronise(module: nn.Module) -> None:
    """Replace every batch normalisation below a module, keeping parameters, buffers and names."""
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d):
            setattr(module, name, _synchronised(child))
        else:
            synchronise(child)


def _synchronised(norm: _BatchNorm) -> SynchronisedBatchNorm:
    twin = SynchronisedBatchNorm(norm.num_features, norm.eps, norm.momentum, norm.affine, norm.track_running_stats)
    twin._parameters.update(norm._parameters)
    twin._buffers.update(norm._buffers)
    return twin.train(norm.training)


class _Sum(torch.autograd.Function):
    """The sum over processes; its gradient is the sum of their gradients, since every process used the sum."""

    @staticmethod
    def forward(_context: Any, value: Tensor) -> Tensor:
        total = value.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(_context: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].clone()
        dist.all_reduce(total)
        return total


def _sum_over_processes(value: Tensor) -> Tensor:
    return _Sum.apply(value)  # type: ignore[no-any-return, no-untyped-call]
