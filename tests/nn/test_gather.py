"""Gathering over two processes: rows in order, and the gradient of one process with the whole batch.

The file runs itself as `python test_gather.py RANK FOLDER` to be both of the processes.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from wearfm.nn import gather
from wearfm.nn.gather import gather_rows, weight_of_own
from wearfm.objectives.info_nce import info_nce
from wearfm.objectives.koleo import koleo

SHARES = {"even": (3, 3), "uneven": (4, 2)}


def _noise(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def _network() -> nn.Linear:
    network = nn.Linear(5, 4)
    with torch.no_grad():
        network.weight.copy_(torch.linspace(-1, 1, 20).view(4, 5).sin())
        network.bias.copy_(torch.linspace(0, 1, 4))
    return network


def _windows() -> tuple[Tensor, Tensor]:
    """Return two views of six windows, (6, 2, 5), and whose they are; two belong to one person."""
    return torch.randn(6, 2, 5, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 1, 2, 3, 4, 1])


def _loss(projected: Tensor, participant: Tensor) -> Tensor:
    """Return a loss that looks at every pair of rows of the global batch."""
    projected, participant = gather_rows(projected), gather_rows(participant)
    others = participant[:, None] != participant
    one, two = projected.unbind(1)
    return info_nce(one, two, temperature=0.2, across=others, within=others) + 0.1 * koleo(one)


def _run(rank: int, folder: Path) -> None:
    """Be one of two processes: write the loss and the averaged gradients of every way to share the batch."""
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    found = {}
    windows, participant = _windows()
    for name, counts in SHARES.items():
        own = slice(0, counts[0]) if rank == 0 else slice(counts[0], 6)
        network = DistributedDataParallel(_network())
        loss = _loss(network(windows[own]), participant[own])
        loss.backward()
        found[name] = {"rows": gather_rows(windows[own]), "loss": loss.detach(), "participant": gather_rows(participant[own])}
        found[name] |= {f"grad.{key}": p.grad for key, p in network.module.named_parameters()}
    torch.save(found, folder / f"{rank}.pt")
    dist.barrier()
    os._exit(0)  # gloo's threads may abort a process that is taken down in an orderly way while the other one leaves


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, dict[str, Tensor]]]:
    folder = tmp_path_factory.mktemp("ranks")
    command = [sys.executable, __file__]
    ranks = [subprocess.Popen([*command, str(rank), str(folder)], stderr=subprocess.PIPE, text=True) for rank in (0, 1)]
    errors = [process.communicate(timeout=120)[1] for process in ranks]
    assert [process.returncode for process in ranks] == [0, 0], errors
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in (0, 1)]


def test_one_process_gets_its_own_rows_back() -> None:
    rows = _noise(3, 2).requires_grad_()
    assert gather_rows(rows) is rows


@pytest.mark.slow
@pytest.mark.parametrize("share", SHARES)
def test_every_rank_sees_all_rows_in_order(found: list[dict[str, dict[str, Tensor]]], share: str) -> None:
    windows, participant = _windows()
    for rank in (0, 1):
        assert torch.equal(found[rank][share]["rows"], windows)
        assert torch.equal(found[rank][share]["participant"], participant)


@pytest.mark.slow
@pytest.mark.parametrize("share", SHARES)
def test_two_ranks_give_the_loss_and_the_gradient_of_one(found: list[dict[str, dict[str, Tensor]]], share: str) -> None:
    network, (windows, participant) = _network(), _windows()
    loss = _loss(network(windows), participant)
    loss.backward()
    for rank in (0, 1):
        torch.testing.assert_close(found[rank][share]["loss"], loss.detach())
        for key, parameter in network.named_parameters():
            torch.testing.assert_close(found[rank][share][f"grad.{key}"], parameter.grad)


def test_the_average_of_weighted_means_is_the_mean_over_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    values, counts = torch.tensor([[1.0, 2.0, 6.0, 0.0], [5.0, 0.0, 0.0, 0.0]]), torch.tensor([[1, 2], [1, 0]])
    means = values.sum(dim=1) / counts.sum(dim=1)  # of each process: 3, 5; of all four values: 3.5
    monkeypatch.setattr(gather, "gather_rows", lambda _: counts.flatten())
    weights = torch.stack([weight_of_own(own) for own in counts])
    torch.testing.assert_close((weights * means).mean(), torch.tensor(3.5))


def test_alone_a_mean_keeps_its_weight_and_a_mean_of_nothing_has_none() -> None:
    assert weight_of_own(torch.tensor([0, 3, 2])) == 1
    assert weight_of_own(torch.tensor([0, 0])) == 0


if __name__ == "__main__":
    _run(int(sys.argv[1]), Path(sys.argv[2]))
