"""HiMAE against the outputs of the original code: every level on the way down and up, pooled vectors, the reconstruction."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from torch import nn

from tests.parity.oracle import Oracle, check, load, state
from wearfm.recipes.himae import HiMAE, original_name

pytestmark = pytest.mark.parity


@pytest.fixture(scope="module")
def oracle(oracle_folder: Path) -> Oracle:
    return load(oracle_folder, "himae")


@pytest.fixture(scope="module")
def recipes(oracle: Oracle) -> dict[str, HiMAE]:
    """The original's networks under the weight rule, through the importer."""
    made = {}
    for name, network in oracle.json["networks"].items():
        config = network["config"]
        settings = {"rate_hz": float(config["sampling_freq"]), "window_s": float(config["seg_len"])}
        if config["source"] == "ecg":
            settings["modalities"] = ("ecg",)
        made[name] = HiMAE.from_original(state(oracle, name), **settings).eval()
    return made


def test_every_stored_array_is_compared(oracle: Oracle) -> None:
    known = r".+/(x|encoder_\d+|pooled_\d+|decoder_\d+|before_tanh|(ppg_|ecg_|both_)?reconstructed)"
    assert [name for name in oracle.arrays if not re.fullmatch(known, name)] == []


def test_names_shapes_and_count_are_the_original_ones(oracle: Oracle, recipes: dict[str, HiMAE]) -> None:
    for name, recipe in recipes.items():
        network = oracle.json["networks"][name]
        expected = {key: tuple(shape) for key, shape, _ in network["state_dict"]}
        assert {original_name(key): tuple(value.shape) for key, value in recipe.state_dict().items()} == expected
        assert sum(parameter.numel() for parameter in recipe.parameters()) == network["n_parameters"]


def test_the_norms_have_the_original_epsilon(oracle: Oracle, recipes: dict[str, HiMAE]) -> None:
    for name, recipe in recipes.items():
        (description,) = oracle.json["networks"][name]["norm_eps"]
        norms = [module for module in recipe.modules() if isinstance(module, nn.BatchNorm1d)]
        assert {norm.eps for norm in norms} == {float(description.split()[-1])}


@pytest.mark.parametrize("prefix", ["", "model."])
@torch.no_grad()
def test_maps_vectors_and_reconstruction(oracle: Oracle, recipes: dict[str, HiMAE], prefix: str) -> None:
    for name, recipe in recipes.items():
        settings = {field: getattr(recipe.config, field) for field in ("rate_hz", "window_s", "modalities")}
        prefixed = {prefix + key: value for key, value in state(oracle, name).items()}
        again = HiMAE.from_original(prefixed, **settings).eval()
        signal = oracle.input(f"{name}/x")
        maps = again.encode(signal)
        *risen, before_tanh = again.decode(maps)
        made = {
            **{f"encoder_{level}": each for level, each in enumerate(maps)},
            **{f"pooled_{level}": each.mean(dim=2) for level, each in enumerate(maps)},
            **{f"decoder_{level}": each for level, each in enumerate(risen)},
            "before_tanh": before_tanh,
            "reconstructed": again.reconstruct(signal, None),
        }
        stored = oracle.matches(rf"{re.escape(name)}/(?!x$)(?:ppg_|ecg_|both_)?(.+)")
        assert stored, name
        for match in stored:
            check(oracle, match[0], made[match[1]])
