"""What a run computes, what it says about itself, and what it refuses."""

import importlib.util
import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.optim import AdamW

from tests.recordings import channel, ramp, recording
from tests.toy import Toy, ToyConfig, ToyLoader, small, toy_batch, toy_store
from tests.training.jobs import ALONE, SHORT, toy_data, train_toy
from wearfm.errors import BadConfiguration, CannotWrite, Diverged, MissingExtra
from wearfm.nn.draws import Draws
from wearfm.recipes.base import Loss
from wearfm.store import Store
from wearfm.training import TrainingConfig, fit, train
from wearfm.training.checkpoint import checkpoints
from wearfm.training.data import Data
from wearfm.training.distributed import Door
from wearfm.training.flops import batch_flops
from wearfm.training.interrupt import listening
from wearfm.training.log import read_log
from wearfm.windows.batch import Batch


def _final(run: Path) -> dict[str, Tensor]:
    return load_file(checkpoints(run)[-1] / "model.safetensors")


def test_the_loop_takes_the_steps_that_a_plain_loop_would(tmp_path: Path) -> None:
    train_toy(tmp_path, steps=7, ema=None, clip_norm=None, schedule="constant", weight_decay=0.0, checkpoint_every=50)
    twin = Toy(small(), seed=5)
    optimiser = AdamW([p for p in twin.parameters() if p.requires_grad], lr=1e-2, betas=(0.9, 0.95), weight_decay=0.0)
    seed = TrainingConfig(**SHORT).derived_seed("training draws")
    loader = toy_data(ALONE).train
    batches = [*loader.epoch(0, 0), *loader.epoch(1, 0)][:7]
    for step, batch in enumerate(batches):
        twin.advance()
        optimiser.zero_grad()
        twin.loss(batch, Draws(seed=seed, step=step, first=0, rows=8, total=8)).total.backward()
        optimiser.step()
    torch.testing.assert_close(_final(tmp_path), twin.state_dict())


def test_accumulated_parts_equal_the_whole_batch(tmp_path: Path) -> None:
    for parts in (1, 4):
        train_toy(tmp_path / str(parts), dtype=torch.float64, accumulate=parts)
    torch.testing.assert_close(_final(tmp_path / "4"), _final(tmp_path / "1"), rtol=1e-9, atol=1e-12)  # sums in another order


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not(tmp_path: Path) -> None:
    hashes = [train_toy(tmp_path / name, seed=seed).weight_hash for name, seed in (("a", 3), ("b", 3), ("c", 4))]
    assert hashes[0] == hashes[1] != hashes[2]


def test_no_global_random_number_is_used(tmp_path: Path) -> None:
    before = torch.get_rng_state()
    train_toy(tmp_path)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_log_tells_loss_parts_rates_and_cost(tmp_path: Path) -> None:
    seen: list[dict[str, float]] = []
    train_toy(tmp_path, progress=lambda line: seen.append(dict(line)))
    lines = read_log(tmp_path / "log.jsonl")
    assert [{**line, "total": 12} for line in lines] == seen
    assert list(lines[0]) == [
        "step", "epoch", "loss", "reconstruction", "agreement", "gradient_norm", "mean_of_steps", "windows_per_s",
        "flop_per_s", "loader_stall_share", "learning_rate", "signal_hours",
    ]  # fmt: skip
    assert list(lines[3]) == ["step", "val_loss", "val_reconstruction", "val_agreement"]
    assert [line["epoch"] for line in lines if "loss" in line] == [0, 0, 1, 1, 1, 2]
    assert lines[0]["loss"] == pytest.approx(lines[0]["reconstruction"] + 0.5 * lines[0]["agreement"])
    assert 0 <= lines[0]["loader_stall_share"] <= 1
    first = [batch.seconds for batch in toy_data(ALONE).train.epoch(0, 0)]
    assert lines[0]["signal_hours"] == pytest.approx(sum(first[:2]) / 3600)


def test_the_cost_of_a_step_is_counted_without_touching_the_run() -> None:
    recipe = Toy(ToyConfig(batch_norm=True, depth=0, agreement=0.0))
    before = {name: tensor.clone() for name, tensor in recipe.state_dict().items()}
    batch = toy_batch(6, seed=0, has_gaps=False)
    door = Door(recipe, precision="fp32", device=torch.device("cpu"))
    flops = batch_flops(door, batch, Draws(seed=0, rows=6, total=6))
    one = 2 * 6 * 16 * 4  # encoder, twin or decoder forward: 6 rows, 16 samples, width 4; a product and a sum each
    assert flops == 3 * one + one + 2 * one  # forward; gradient of the encoder's weight; of the decoder's weight and input
    assert all(torch.equal(tensor, before[name]) for name, tensor in recipe.state_dict().items())
    assert all(p.grad is None for p in recipe.parameters())


def test_validation_sees_the_averaged_weights_and_leaves_no_trace(tmp_path: Path) -> None:
    watched = train_toy(tmp_path / "watched", validate_every=1)
    rarely = train_toy(tmp_path / "rarely", validate_every=12)
    assert watched.weight_hash == rarely.weight_hash
    assert watched.metrics["val_loss"] == rarely.metrics["val_loss"]
    recipe = Toy(small())
    recipe.load_state_dict(_final(tmp_path / "watched"))
    loader, seed = toy_data(ALONE).validation, TrainingConfig(**SHORT).derived_seed("validation draws")
    assert loader is not None
    losses = [
        recipe.loss(batch, Draws(seed=seed, step=number, first=0, rows=8, total=8)).total.item()
        for number, batch in enumerate(loader.epoch(0, 0))
    ]
    assert watched.metrics["val_loss"] == pytest.approx(sum(losses) / 2, rel=1e-6)


class Bursting(Toy):
    """Its loss is not a number from the sixth step on."""

    steps = 0

    def loss(self, batch: Batch, draws: Draws) -> Loss:
        loss = super().loss(batch, draws)
        factor = float("nan") if draws.step >= 5 and self.training else 1.0
        return Loss(total=loss.total * factor, parts=loss.parts)


def test_a_loss_that_is_not_finite_stops_the_run_and_leaves_the_checkpoint(tmp_path: Path) -> None:
    config = TrainingConfig(**{**SHORT, "checkpoint_every": 4, "log_every": 4})
    with pytest.raises(Diverged, match=r"step 6 is not finite \(loss nan, reconstruction \d.*lower learning_rate=0.01"):
        fit(Bursting(small(), seed=5), toy_data(ALONE), config=config, run=tmp_path, place=ALONE)
    assert [path.name for path in checkpoints(tmp_path)] == ["step-00000004"]
    assert all(torch.isfinite(tensor).all() for tensor in _final(tmp_path).values())


def test_bf16_computes_coarser_and_keeps_float32_weights(tmp_path: Path) -> None:
    fine, coarse = (train_toy(tmp_path / precision, precision=precision) for precision in ("fp32", "bf16"))
    assert coarse.weight_hash != fine.weight_hash
    assert {tensor.dtype for tensor in _final(tmp_path / "bf16").values()} == {torch.float32}
    assert coarse.metrics["loss"] == pytest.approx(fine.metrics["loss"], rel=0.05)  # bf16 has 8 bits


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("c++") is None, reason="torch.compile needs a C++ compiler")
@pytest.mark.filterwarnings("default")  # the compiler uses parts of torch that torch deprecates
def test_compiled_blocks_compute_the_same_and_keep_their_names(tmp_path: Path) -> None:
    plain, compiled = (train_toy(tmp_path / str(flag), compile=flag, steps=3) for flag in (False, True))
    assert compiled.metrics["loss"] == pytest.approx(plain.metrics["loss"], rel=1e-5)  # fused kernels round elsewhere
    assert _final(tmp_path / "True").keys() == _final(tmp_path / "False").keys()


def test_the_loss_falls_and_signal_hours_are_counted(tmp_path: Path) -> None:
    summary = train_toy(tmp_path, steps=60, learning_rate=3e-2)
    losses = [line["loss"] for line in read_log(tmp_path / "log.jsonl") if "loss" in line]
    assert losses[-1] < 0.8 * losses[0]
    assert summary.signal_hours > 0


def test_people_held_out_are_never_trained_on(tmp_path: Path) -> None:
    taught: set[int] = set()
    judged: set[int] = set()

    class Watching(Toy):
        def loss(self, batch: Batch, draws: Draws) -> Loss:
            (taught if self.training else judged).update(batch.participant.tolist())
            return super().loss(batch, draws)

    config = TrainingConfig(**{**SHORT, "steps": 14, "validation_share": 0.25})
    with toy_store(tmp_path / "store") as store:
        train(Watching(small()), store, config=config, run=tmp_path / "run")
    assert len(taught) == 3
    assert len(judged) == 1
    assert not taught & judged


def test_one_person_under_two_names_stays_on_one_side(tmp_path: Path) -> None:
    with Store.create(tmp_path / "store") as store:
        same = [recording(name, "a", channel(ramp(60, rate_hz=8.0), rate_hz=8.0)) for name in ("ann", "anna")]
        store.commit([*same, recording("bob", "a", channel(ramp(60, rate_hz=8.0, first=9), rate_hz=8.0))])
        config = TrainingConfig(**{**SHORT, "validation_share": 0.5, "steps": 1})
        train(Toy(small()), store, config=config, run=tmp_path / "run")
    split = (tmp_path / "run" / "split.json").read_text()
    assert split.replace("\n", "").replace(" ", "").count('"ann","anna"') == 1
    for path in checkpoints(tmp_path / "run"):
        assert all(b"anna" not in file.read_bytes() for file in path.rglob("*") if file.is_file())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch_size": 64}, "batch_size=64 is larger than an epoch; lower it or add recordings"),
        ({"batch_size": 8, "accumulate": 8, "epochs": 1, "steps": None}, None),
    ],
)
def test_a_batch_must_fit_into_an_epoch(tmp_path: Path, changes: dict[str, Any], message: str | None) -> None:
    if message is None:
        assert train_toy(tmp_path, **changes).step == 5
        return
    with pytest.raises(BadConfiguration, match=message):
        train_toy(tmp_path, **changes)


def test_a_store_without_windows_or_people_is_refused_with_the_reason(tmp_path: Path) -> None:
    config = TrainingConfig(**{**SHORT, "steps": 1})
    with toy_store(tmp_path / "one", people=1) as store:
        with pytest.raises(BadConfiguration, match="1 participant has fitting windows; validation needs another one"):
            train(Toy(small()), store, config=config, run=tmp_path / "run")
        with pytest.raises(BadConfiguration, match=r"no window of the store fits recipe 'toy' \(recording without ecg: 32 s\)"):
            train(Toy(ToyConfig(modalities=("ecg",))), store, config=config, run=tmp_path / "run")
        with pytest.raises(BadConfiguration, match="batch_size 800 exceeds the 16 samples of an epoch"):
            train(Toy(small()), store, config=replace(config, batch_size=800, validation_share=0.0), run=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("toy", "changes", "message"),
    [
        ({"width": 5}, {}, "recipe.width: 4 there, 5 now"),
        ({}, {"learning_rate": 0.5}, "training.learning_rate: 0.01 there, 0.5 now"),
        ({"noise": 0.2}, {"seed": 4}, r"recipe.noise: 0.1 there, 0.2 now; training.seed: 3 there, 4 now"),
    ],
)
def test_the_folder_of_another_run_is_refused(
    tmp_path: Path, toy: dict[str, Any], changes: dict[str, Any], message: str
) -> None:
    train_toy(tmp_path, steps=2)
    with pytest.raises(BadConfiguration, match=f"holds another run \\({message}\\); choose another folder"):
        train_toy(tmp_path, toy=toy, **{"steps": 2, **changes})


def test_the_folder_of_a_run_on_another_store_is_refused(tmp_path: Path) -> None:
    train_toy(tmp_path, steps=2)
    data = replace(toy_data(ALONE), identity={"store": "other"})
    with pytest.raises(BadConfiguration, match=r"data\.store: 'toy' there, 'other' now"):
        fit(Toy(small()), data, config=TrainingConfig(**{**SHORT, "steps": 2}), run=tmp_path, place=ALONE)


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotWrite, match="file"):
        train_toy(tmp_path / "file" / "run")


def test_only_one_process_writes_a_run(tmp_path: Path) -> None:
    child: list[int] = []

    def progress(line: object) -> None:
        if child:
            return
        child.append(os.fork())  # record locks are per process, so that another one has to try
        if child[0] == 0:
            try:
                train_toy(tmp_path)
            except BadConfiguration as error:
                os._exit(7 if "is being written by another process" in str(error) else 1)
            os._exit(0)

    train_toy(tmp_path, progress=progress, workers=0)
    _, status = os.waitpid(child[0], 0)
    assert os.waitstatus_to_exitcode(status) == 7


@pytest.mark.skipif(importlib.util.find_spec("tensorboard") is not None, reason="tensorboard is installed")
def test_event_files_need_their_extra(tmp_path: Path) -> None:
    with pytest.raises(MissingExtra, match=r"pip install 'wearfm\[track\]'"):
        train_toy(tmp_path, tensorboard=True)


def test_a_second_signal_is_no_longer_caught() -> None:
    with listening() as interruption:
        signal.raise_signal(signal.SIGTERM)
        assert interruption.name == "SIGTERM"
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_a_validation_loader_without_a_batch_is_refused(tmp_path: Path) -> None:
    empty = ToyLoader(pool=toy_batch(2, seed=0), batch_size=4)
    data = Data(train=toy_data(ALONE).train, validation=empty)
    with pytest.raises(BadConfiguration, match="the validation loader gave no batch"):
        fit(Toy(small()), data, config=TrainingConfig(**SHORT), run=tmp_path, place=ALONE)
