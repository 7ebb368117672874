"""Checkpoints are complete or absent, and no damaged or hostile one is loaded."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tests.toy import Toy, small, toy_batch, toy_store
from tests.training.jobs import train_toy
from wearfm.errors import BadConfiguration, CannotWrite, DamagedStore, IncompatibleWeights, UnknownName
from wearfm.recipes.weights import weight_hash
from wearfm.training import TrainingConfig, checkpoint, load, train
from wearfm.training.checkpoint import checkpoints, code_hash, read_provenance
from wearfm.training.durable import HASHES, UNFINISHED, commit_folder, verify_folder
from wearfm.windows.split import pseudonym

TOYS = {"toy": Toy}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    train_toy(folder, toy={"batch_norm": True})
    return folder


@pytest.fixture
def copy(run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(checkpoints(run)[-1], tmp_path / "step-00000012"))


def test_a_run_and_a_checkpoint_load_to_the_recipe_that_was_trained(run: Path) -> None:
    from_run, from_folder = load(run, recipes=TOYS), load(checkpoints(run)[-1], recipes=TOYS)
    assert weight_hash(from_run) == weight_hash(from_folder) == read_provenance(run)["weight_hash"]
    assert from_run.config == small().__class__(batch_norm=True)
    assert not from_run.training
    batch = toy_batch(5, seed=9, channels={"ppg": 2})
    assert torch.equal(from_run.embed(batch).vector, from_folder.embed(batch).vector)


def test_a_checkpoint_says_where_it_comes_from(run: Path) -> None:
    facts = read_provenance(run)
    assert (facts["recipe"], facts["step"], facts["data"]) == ("toy", 12, {"store": "toy"})
    assert facts["input"] == Toy(small()).input.to_json()
    assert facts["training"]["seed"] == 3
    assert facts["metrics"].keys() == {
        "loss", "reconstruction", "agreement", "gradient_norm", "val_loss", "val_reconstruction", "val_agreement",
    }  # fmt: skip
    assert facts["code"] == code_hash()
    card = (checkpoints(run)[-1] / "card.md").read_text()
    assert facts["weight_hash"] in card
    assert "any number of x ppg at 8 Hz; windows of 2 s; at least 25% of the samples valid" in card


def test_the_model_holds_the_averages_and_the_state_both(run: Path) -> None:
    folder = checkpoints(run)[-1]
    (state_file,) = (folder / "state").glob("*.safetensors")
    model, state = load_file(folder / "model.safetensors"), load_file(state_file)
    assert torch.equal(model["encoder.weight"], state["average/encoder.weight"])
    assert not torch.equal(model["encoder.weight"], state["weights/encoder.weight"])
    assert torch.equal(model["norm.running_mean"], state["weights/norm.running_mean"])


def test_no_file_of_a_checkpoint_is_a_pickle(run: Path) -> None:
    endings = {path.suffix for path in checkpoints(run)[-1].rglob("*") if path.is_file()}
    assert endings == {".safetensors", ".json", ".md", ""}


def test_sha256sum_agrees_with_the_hashes(run: Path) -> None:
    result = subprocess.run(["sha256sum", "-c", "--strict", HASHES], cwd=checkpoints(run)[-1], capture_output=True, check=False)
    assert result.returncode == 0, result.stderr


def test_every_flipped_bit_and_every_cut_is_found(copy: Path) -> None:
    generator = np.random.default_rng(0)
    files = sorted(path for path in copy.rglob("*") if path.is_file())
    assert len(files) == 7
    for path in files:
        whole = path.read_bytes()
        for at in generator.integers(0, len(whole), 30):
            damaged = bytearray(whole)
            damaged[at] ^= 1 << int(generator.integers(8))
            path.write_bytes(damaged)
            with pytest.raises(DamagedStore):
                load(copy, recipes=TOYS)
        path.write_bytes(whole[: int(generator.integers(0, len(whole)))])
        with pytest.raises(DamagedStore):
            load(copy, recipes=TOYS)
        path.write_bytes(whole)
    load(copy, recipes=TOYS)


def test_missing_added_and_linked_files_are_found(copy: Path, tmp_path: Path) -> None:
    (copy / "extra").write_text("")
    with pytest.raises(DamagedStore, match="files missing or added: extra"):
        load(copy, recipes=TOYS)
    (copy / "extra").unlink()
    (copy / "model.safetensors").rename(tmp_path / "elsewhere")
    with pytest.raises(DamagedStore, match=r"files missing or added: model\.safetensors"):
        load(copy, recipes=TOYS)
    (copy / "model.safetensors").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DamagedStore, match="links and devices do not belong in a checkpoint"):
        load(copy, recipes=TOYS)


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/../../secret", ".hidden/../x", "a\\..\\b"])
def test_hashes_that_point_outside_are_refused(copy: Path, name: str) -> None:
    with (copy / HASHES).open("a") as file:
        file.write(f"{'0' * 64}  {name}\n")
    with pytest.raises(DamagedStore, match="the list of hashes is damaged"):
        load(copy, recipes=TOYS)


def test_a_damaged_newest_checkpoint_stops_the_resumed_run(tmp_path: Path) -> None:
    train_toy(tmp_path, steps=8)
    path = checkpoints(tmp_path)[-1] / "state" / "position.json"
    path.write_text(path.read_text().replace('"step": 8', '"step": 7'))
    with pytest.raises(DamagedStore, match=r"position\.json: its bytes are not those committed"):
        train_toy(tmp_path, steps=8)


def test_what_a_crash_leaves_unfinished_is_no_checkpoint_and_is_swept(tmp_path: Path) -> None:
    train_toy(tmp_path)
    torn = tmp_path / "checkpoints" / f"{UNFINISHED}step-00000013"
    torn.mkdir()
    (torn / "model.safetensors").write_bytes(b"half")
    assert [path.name for path in checkpoints(tmp_path)] == ["step-00000006", "step-00000012"]
    train_toy(tmp_path)
    assert not torn.exists()


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="is neither a checkpoint nor a run with a complete one"):
        load(tmp_path)


def test_a_recipe_that_is_not_known_is_named(copy: Path) -> None:
    with pytest.raises(UnknownName, match="recipe 'toy' is not known"):
        load(copy, recipes={})


def test_weights_and_config_that_disagree_are_refused(copy: Path) -> None:
    config = json.loads((copy / "config.json").read_text())
    config["config"]["width"] = 5
    _commit_again(copy, "config.json", json.dumps(config))
    with pytest.raises(IncompatibleWeights, match="wrong shape"):
        load(copy, recipes=TOYS)
    del config["config"]["width"]
    _commit_again(copy, "config.json", json.dumps(config))
    with pytest.raises(BadConfiguration, match="the stored config of toy differs in width"):
        load(copy, recipes=TOYS)
    _commit_again(copy, "config.json", "[1]")
    with pytest.raises(DamagedStore, match="holds no JSON object"):
        load(copy, recipes=TOYS)


def _commit_again(folder: Path, name: str, text: str) -> None:
    """Change a file as somebody hostile would: with fitting hashes."""
    unfinished = folder.rename(folder.with_name(UNFINISHED + folder.name))
    (unfinished / name).write_text(text)
    (unfinished / HASHES).unlink()
    commit_folder(folder)
    verify_folder(folder)


def test_a_full_disk_is_reported_and_the_run_goes_on_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = train_toy(tmp_path / "undisturbed").weight_hash
    calls: list[Any] = []

    def full(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 12:
            raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(CannotWrite, match=r"bytes .*No space left on device"):
            train_toy(tmp_path / "run")
    assert train_toy(tmp_path / "run").weight_hash == expected


def test_the_code_hash_is_of_the_source_files() -> None:
    assert len(code_hash()) == 64
    assert checkpoint.version()


def test_a_checkpoint_remembers_whom_it_has_seen(tmp_path: Path) -> None:
    """As pseudonyms, for the people it was trained on, and not for those held out."""
    config = TrainingConfig(seed=0, steps=2, batch_size=8, validation_share=0.25, workers=0)
    train(Toy(small()), toy_store(tmp_path / "store", people=8), config=config, run=tmp_path / "run")
    split = json.loads((tmp_path / "run" / "split.json").read_text())
    seen = load(tmp_path / "run", recipes=TOYS).seen
    assert seen == {pseudonym(name) for name in split["train"]}
    assert split["validation"]
    assert not seen & {pseudonym(name) for name in split["validation"]}
