"""A run that was stopped anywhere ends with the same bits as one that was not."""

import json
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.toy import Toy, ToyConfig, toy_store
from tests.training.jobs import SHORT, stop_at, train_toy
from wearfm.store import Store
from wearfm.training import TrainingConfig, TrainingSummary, train
from wearfm.training.log import read_log

THIRTY: dict[str, Any] = {
    "seed": 3,
    "steps": 30,  # five epochs of six batches and a bit: 52 windows of three people, eight a batch
    "batch_size": 8,
    "learning_rate": 1e-2,
    "warmup_steps": 4,
    "ema": 0.9,
    "checkpoint_every": 1,
    "keep": 31,
    "log_every": 10,
    "validate_every": 10,
    "validation_share": 0.25,
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with toy_store(tmp_path_factory.mktemp("stores") / "store") as store:
        yield store


@pytest.fixture(scope="module")
def undisturbed(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("runs") / "undisturbed"
    _train(store, run, workers=0)
    return run


def _train(store: Store, run: Path, *, workers: int, **changes: Any) -> TrainingSummary:
    recipe = Toy(ToyConfig(batch_norm=True), seed=5)
    return train(recipe, store, config=TrainingConfig(**{**THIRTY, **changes}, workers=workers), run=run)


def _tensors(run: Path) -> dict[str, torch.Tensor]:
    """Return weights, averages, moments of the optimiser and the exported model after the last step."""
    folder = run / "checkpoints" / "step-00000030"
    (state,) = (folder / "state").glob("*.safetensors")
    return load_file(state) | load_file(folder / "model.safetensors")


def _cut_back(whole: Path, run: Path, step: int) -> None:
    """Make the run folder that a kill right after a step would leave."""
    (run / "checkpoints").mkdir(parents=True)
    shutil.copy(whole / "run.json", run)
    shutil.copytree(whole / "checkpoints" / f"step-{step:08d}", run / "checkpoints" / f"step-{step:08d}")


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 1, 2])
def test_every_step_resumes_to_the_same_bits(store: Store, undisturbed: Path, tmp_path: Path, workers: int) -> None:
    expected = _tensors(undisturbed)
    assert any(name.endswith("/exp_avg") for name in expected)
    assert any(name.startswith("average/") for name in expected)
    for step in range(1, 30):
        run = tmp_path / str(step)
        _cut_back(undisturbed, run, step)
        assert _train(store, run, workers=workers, checkpoint_every=30).step == 30
        resumed = _tensors(run)
        different = [name for name in expected if not torch.equal(resumed[name], expected[name])]
        assert resumed.keys() == expected.keys()
        assert different == [], f"resumed from step {step}"


def test_the_position_is_restored_and_not_only_the_weights(store: Store, undisturbed: Path, tmp_path: Path) -> None:
    _cut_back(undisturbed, tmp_path / "run", 20)
    position = tmp_path / "run" / "checkpoints" / "step-00000020" / "state" / "position.json"
    assert json.loads(position.read_text()) == {"step": 20, "epoch": 3, "batch": 2, "seed": 3, "signal_s": 320.0}
    assert _train(store, tmp_path / "run", workers=0).signal_hours == pytest.approx(480 / 3600)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_run_with_a_checkpoint_and_it_goes_on_from_there(tmp_path: Path, number: signal.Signals) -> None:
    whole = train_toy(tmp_path / "whole")
    before = signal.getsignal(number)
    stopped = train_toy(tmp_path / "stopped", progress=lambda line: line["step"] == 4 and signal.raise_signal(number))
    assert (stopped.interrupted, stopped.step, stopped.checkpoint.name) == (number.name, 4, "step-00000004")
    assert signal.getsignal(number) is before
    resumed = train_toy(tmp_path / "stopped")
    assert (resumed.interrupted, resumed.step) == ("", 12)
    assert resumed.weight_hash == whole.weight_hash


def test_the_log_of_a_resumed_run_has_every_line_once(tmp_path: Path) -> None:
    train_toy(tmp_path / "whole")
    train_toy(tmp_path / "run", progress=stop_at(8))
    with (tmp_path / "run" / "log.jsonl").open("a") as log:
        log.write('{"step": 10, "loss": 1.0}\n{"step": 12, "lo')  # steps after the checkpoint, and a line cut off
    train_toy(tmp_path / "run")
    lines, whole = (read_log(tmp_path / name / "log.jsonl") for name in ("run", "whole"))
    assert [line["step"] for line in whole] == [2, 4, 6, 6, 8, 10, 12, 12]
    assert [line["step"] for line in lines] == [2, 4, 6, 6, 8, 10, 12, 12]
    assert [line["val_loss"] for line in lines if "val_loss" in line] == [
        line["val_loss"] for line in whole if "val_loss" in line
    ]


def test_a_finished_run_is_left_as_it_is(tmp_path: Path) -> None:
    first = train_toy(tmp_path)
    log = (tmp_path / "log.jsonl").read_text()
    again = train_toy(tmp_path)
    assert (again.weight_hash, again.step, again.checkpoint) == (first.weight_hash, 12, first.checkpoint)
    assert (tmp_path / "log.jsonl").read_text() == log


def test_how_a_run_is_computed_may_change_when_it_goes_on(tmp_path: Path) -> None:
    whole = train_toy(tmp_path / "whole")
    train_toy(tmp_path / "run", progress=stop_at(6))
    resumed = train_toy(tmp_path / "run", log_every=3, checkpoint_every=4, keep=1, workers=0, deterministic=True)
    assert resumed.weight_hash == whole.weight_hash
    assert [path.name for path in (tmp_path / "run" / "checkpoints").iterdir()] == ["step-00000012"]
    assert SHORT["log_every"] != 3
