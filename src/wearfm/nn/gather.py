"""Rows of all ranks in one tensor, with gradient, so that a loss over a batch means the global batch.

    rank 0  (n0, ...) ┐
    rank 1  (n1, ...) ┴─ gather_rows ─▶ (n0 + n1, ...) on every rank, in the order of the ranks

Gradient: the adjoint of gathering. A rank's rows receive the sum, over all ranks, of what each rank's loss says about
them. If every rank then computes the same loss of the gathered rows, and the wrapper AVERAGES parameter gradients over
ranks (DistributedDataParallel does), the result is exactly the gradient of one rank that holds the whole batch.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor


def gather_rows(rows: Tensor) -> Tensor:
    """Return the rows of all ranks, (n, ...) -> (sum of n, ...); the tensor itself when there is one rank.

    The number of rows may differ between ranks; everything after the first axis, and the dtype, may not. Every rank
    must call it the same number of times.
    """
    if not (dist.is_available() and dist.is_initialized()) or dist.get_world_size() == 1:
        return rows
    if not rows.requires_grad:
        return torch.cat(_collect(rows))
    return _Gather.apply(rows)  # type: ignore[no-any-return,no-untyped-call]


def weight_of_own(counts: Tensor) -> Tensor:
    """Return the factor for this process's mean with which the average over processes is the mean over everything, ().

    counts: (n,) what each of its rows puts into the mean (hidden samples, known labels), as many rows on every process. 1 on
    one process, and 0 where nothing is counted anywhere.
    """
    everywhere = gather_rows(counts)
    return counts.sum() * (len(everywhere) // len(counts)) / everywhere.sum().clamp(min=1)


def _collect(rows: Tensor) -> list[Tensor]:
    """Return the rows of each rank; ranks with fewer rows send padding, which is cut off again."""
    count = torch.tensor([len(rows)], device=rows.device)
    counts = [torch.empty_like(count) for _ in range(dist.get_world_size())]
    dist.all_gather(counts, count)
    lengths = torch.cat(counts).tolist()
    padded = rows.new_zeros(max(lengths), *rows.shape[1:])
    padded[: len(rows)] = rows
    parts = [torch.empty_like(padded) for _ in lengths]
    dist.all_gather(parts, padded)
    return [part[:length] for part, length in zip(parts, lengths, strict=True)]


class _Gather(torch.autograd.Function):
    """Concatenate over ranks; backward sums over ranks and returns the own rows."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        parts = _collect(rows)
        first = sum(len(part) for part in parts[: dist.get_rank()])
        ctx.own = slice(first, first + len(rows))
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].contiguous().clone()
        dist.all_reduce(total)
        return total[ctx.own]
