"""Two processes compute what one would, and a run moves between them."""

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from safetensors.torch import load_file
from torch import nn

from tests.contracts.alternatives import CASES
from tests.toy import Toy, ToyLoader, small, toy_batch
from tests.training.jobs import SHORT, run_ranks, stop_at, train_as_rank, train_toy
from wearfm.errors import BadConfiguration, WearfmError
from wearfm.training import TrainingConfig, fit
from wearfm.training.batch_norm import SynchronisedBatchNorm, synchronise
from wearfm.training.checkpoint import checkpoints
from wearfm.training.data import Data
from wearfm.training.distributed import Place, joined, on_first

TOY: dict[str, Any] = {"batch_norm": True, "width": 5}  # five rows do not divide among two processes


def _weights(run: Path, step: int) -> dict[str, torch.Tensor]:
    return load_file(run / "checkpoints" / f"step-{step:08d}" / "model.safetensors")


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["ddp", "fsdp2"])
def test_two_ranks_equal_one_and_what_two_saved_one_resumes(tmp_path: Path, strategy: str) -> None:
    train_toy(tmp_path / "one", toy=TOY, dtype=torch.float64)
    run_ranks(2, train_as_rank, str(tmp_path / "two"), strategy, 6, TOY, {})
    close = {"rtol": 1e-9, "atol": 1e-12}  # float64; sums run in another order
    assert checkpoints(tmp_path / "two")[-1].name == "step-00000006"
    torch.testing.assert_close(_weights(tmp_path / "two", 6), _weights(tmp_path / "one", 6), **close)
    summary = train_toy(tmp_path / "two", toy=TOY, dtype=torch.float64)
    assert summary.step == 12
    torch.testing.assert_close(_weights(tmp_path / "two", 12), _weights(tmp_path / "one", 12), **close)


@pytest.mark.slow
def test_what_one_saved_two_resume_with_accumulation_under_fsdp2(tmp_path: Path) -> None:
    toy = {"width": 5}  # batch statistics are those of a part, so that accumulation is compared without them
    train_toy(tmp_path / "one", toy=toy, dtype=torch.float64, accumulate=2)
    train_toy(tmp_path / "two", toy=toy, dtype=torch.float64, accumulate=2, progress=stop_at(6))
    run_ranks(2, train_as_rank, str(tmp_path / "two"), "fsdp2", -1, toy, {"accumulate": 2})
    torch.testing.assert_close(_weights(tmp_path / "two", 12), _weights(tmp_path / "one", 12), rtol=1e-9, atol=1e-12)


def _train_recipe(name: str, run: str, strategy: str) -> None:
    case = CASES[name]
    smooth = {"epsilon": 1.0, "learning_rate": 0.1}  # Adam's division would turn rounding of zero gradients into whole steps
    config = TrainingConfig(**{**SHORT, **smooth, "strategy": strategy, "steps": 3, "batch_size": 4})
    recipe = case.make()
    pool = case.batch(recipe, rows=12 * case.group_size, seed=6, has_gaps=False)
    with joined(config) as place:
        loader = ToyLoader(pool=pool, batch_size=4, rank=place.rank, world=place.world)
        data = Data(train=loader, calibration=lambda _: iter([pool]))
        fit(recipe, data, config=config, run=run, place=place)


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["ddp", "fsdp2"])
@pytest.mark.parametrize("name", sorted(CASES))
def test_every_recipe_trains_on_two_ranks_as_on_one(tmp_path: Path, name: str, strategy: str) -> None:
    _train_recipe(name, str(tmp_path / "one"), "none")
    run_ranks(2, _train_recipe, name, str(tmp_path / "two"), strategy)
    one, two, start = _weights(tmp_path / "one", 3), _weights(tmp_path / "two", 3), dict(CASES[name].make().named_parameters())
    assert max(float((one[key] - start[key]).detach().abs().max()) for key in start) > 1e-3, "nothing was trained"
    torch.testing.assert_close(two, one, rtol=1e-4, atol=1e-5)  # float32, sums in another order, three steps


def _compare_batch_norm() -> None:
    dist.init_process_group("gloo")
    rank = dist.get_rank()
    signal = torch.from_numpy(toy_batch(10, seed=4, channels={"ppg": 3}).streams["ppg"].signal.numpy()).double()
    weight = torch.linspace(-1, 1, signal.numel()).double().reshape(signal.shape)
    norm = nn.Sequential(nn.BatchNorm1d(3)).double()
    whole = signal.clone().requires_grad_()
    (norm(whole) * weight).sum().backward()
    ours = nn.Sequential(nn.BatchNorm1d(3)).double()
    synchronise(ours)
    assert isinstance(ours[0], SynchronisedBatchNorm)
    rows = slice(0, 4) if rank == 0 else slice(4, 10)  # uneven shares
    part = signal[rows].clone().requires_grad_()
    (ours(part) * weight[rows]).sum().backward()
    torch.testing.assert_close(part.grad, whole.grad[rows])
    torch.testing.assert_close(ours[0].running_var, norm[0].running_var)
    torch.testing.assert_close(ours[0].running_mean, norm[0].running_mean)
    for own, other in zip(ours.parameters(), norm.parameters(), strict=True):
        total = own.grad.clone()
        dist.all_reduce(total)
        torch.testing.assert_close(total, other.grad)
    torch.testing.assert_close(ours.eval()(part), norm.eval()(whole)[rows])
    dist.destroy_process_group()


@pytest.mark.slow
def test_batch_statistics_and_their_gradient_are_those_of_the_global_batch() -> None:
    run_ranks(2, _compare_batch_norm)


def _fail_on_the_first() -> None:
    dist.init_process_group("gloo")
    place = Place(rank=dist.get_rank(), world=2, device=torch.device("cpu"))

    def action() -> None:
        raise BadConfiguration("the disk is in the wrong place; move it")

    with pytest.raises(WearfmError, match="the disk is in" if place.is_first else "process 0 of 2 failed"):
        on_first(place, action)
    dist.destroy_process_group()


@pytest.mark.slow
def test_a_failure_on_the_first_process_ends_all_of_them() -> None:
    run_ranks(2, _fail_on_the_first)


def test_alone_the_synchronised_norm_is_the_plain_one_and_keeps_its_names() -> None:
    recipe, twin = Toy(small()), Toy(small())
    plain = nn.Sequential(nn.BatchNorm1d(3))
    twin_norm = nn.Sequential(nn.BatchNorm1d(3))
    synchronise(twin_norm)
    signal = toy_batch(4, seed=1, channels={"ppg": 3}).streams["ppg"].signal
    assert torch.equal(plain(signal), twin_norm(signal))
    assert plain.state_dict().keys() == twin_norm.state_dict().keys()
    synchronise(twin)
    assert recipe.state_dict().keys() == twin.state_dict().keys()
    with pytest.raises(ValueError, match="no channel dimension"):
        twin_norm(torch.zeros(3))


def test_several_processes_without_a_strategy_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with (
        pytest.raises(BadConfiguration, match="2 processes were started, but strategy='none'"),
        joined(TrainingConfig(**SHORT)),
    ):
        pass


def test_a_strategy_without_processes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RANK", raising=False)
    with pytest.raises(BadConfiguration, match="start with: torchrun"), joined(TrainingConfig(**{**SHORT, "strategy": "ddp"})):
        pass
