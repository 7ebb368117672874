"""The published PPG model: embeddings, every stage, both losses and their gradients."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.parity.oracle import Oracle, check, load, state
from wearfm.objectives.info_nce import info_nce
from wearfm.objectives.koleo import koleo
from wearfm.recipes.apple_contrastive import AppleContrastive, Branch, paper

pytestmark = pytest.mark.parity


@pytest.fixture(scope="module")
def oracle(oracle_folder: Path) -> Oracle:
    return load(oracle_folder, "apple_ppg")


@pytest.fixture(scope="module")
def networks(oracle: Oracle) -> dict[str, AppleContrastive]:
    return {name: AppleContrastive.from_original(state(oracle, name)).eval() for name in oracle.json["networks"]}


def _views(oracle: Oracle, network: str) -> list[Tensor]:
    """Return the inputs: one view, or those of (batch, channel, time, view)."""
    x = oracle.input(f"{network}/x")
    return list(x.unbind(-1)) if x.ndim == 4 else [x]


def _stages(branch: Branch) -> dict[str, torch.nn.Module]:
    """Return the stages by the original's names, in the order in which they run."""
    blocks = {f"MBConv1d_{number}": block for number, block in enumerate(branch.encoder.blocks, start=1)}
    return {"Conv1D_Initial": branch.encoder.stem, **blocks, "Conv1D_Final_Expansion": branch.encoder.last}


def test_sizes_are_read_from_the_weights(oracle: Oracle, networks: dict[str, AppleContrastive]) -> None:
    for name, recipe in networks.items():
        config = oracle.json["networks"][name]["config"]
        encoder = config.get("backbone_params", config)
        assert recipe.config.channels == encoder["input_shape"]
        assert recipe.config.embedding_size == encoder["output_shape"]
        assert recipe.config.kernel == encoder["kernel_size"]
        assert recipe.config.expansion == encoder["expansion_factor"]
        if "wrapper_params" in config:
            sizes = [recipe.config.embedding_size, recipe.config.hidden_size, recipe.config.projection_size]
            assert sizes == config["wrapper_params"]["mlp_head_layers"]


def test_every_norm_has_the_published_epsilon(oracle: Oracle, networks: dict[str, AppleContrastive]) -> None:
    for name, recipe in networks.items():
        published = {float(text.rsplit(" ", 1)[1]) for text in oracle.json["networks"][name]["norm_eps"]}
        assert {module.eps for module in recipe.modules() if isinstance(module, torch.nn.BatchNorm1d)} == published


def test_weights_go_out_as_they_came_in(oracle: Oracle, networks: dict[str, AppleContrastive]) -> None:
    for name, recipe in networks.items():
        returned = recipe.to_original()
        for key, tensor in state(oracle, name).items():
            assert torch.equal(returned[key if key in returned else f"backbone.{key}"], tensor), key


@torch.no_grad()
def test_embeddings_agree(oracle: Oracle, networks: dict[str, AppleContrastive]) -> None:
    for name, recipe in networks.items():
        check(oracle, f"{name}/embedding", recipe.student.encoder(_views(oracle, name)[0]))


@torch.no_grad()
def test_student_and_teacher_agree(oracle: Oracle, networks: dict[str, AppleContrastive]) -> None:
    for match in oracle.matches(r"(.+)/(student|teacher)"):
        recipe, views = networks[match[1]], _views(oracle, match[1])
        branch, view = (recipe.student, views[0]) if match[2] == "student" else (recipe.teacher, views[1])
        check(oracle, match[0], branch(view, None)[1])


@torch.no_grad()
def test_every_stage_agrees(oracle: Oracle, networks: dict[str, AppleContrastive]) -> None:
    for name, recipe in networks.items():
        maps, last = {}, _views(oracle, name)[0]
        for stage, module in _stages(recipe.student).items():
            maps[stage] = last = module(last)
        for match in oracle.matches(rf"{name}/after_(.+)"):
            check(oracle, match[0], maps[match[1]])
        for match in oracle.matches(rf"{name}/stage_abs_mean"):
            assert list(maps) == re.findall(r"(?:Conv1D|MBConv1d)_\w+", oracle.what(match[0]))
            check(oracle, match[0], torch.stack([m.abs().mean(dim=(1, 2)) for m in maps.values()]))
        for match in oracle.matches(rf"{name}/stage_lengths"):
            check(oracle, match[0], torch.tensor([m.shape[1:] for m in maps.values()]))


def test_the_contrastive_part_agrees(oracle: Oracle) -> None:
    z1, z2, participant = (oracle.input(f"loss/{name}") for name in ("z1", "z2", "participant"))
    everything = torch.ones(len(z1), len(z1), dtype=torch.bool)
    for match in oracle.matches(r"loss/info_nce(_no_ids)?(?:_t([\d.]+))?"):
        within = ~torch.eye(len(z1), dtype=torch.bool) if match[1] else participant[:, None] != participant
        temperature = float(match[2]) if match[2] else paper().temperature
        check(oracle, match[0], info_nce(z1, z2, temperature=temperature, across=everything, within=within))


def test_both_koleo_terms_agree(oracle: Oracle) -> None:
    for match in oracle.matches(r"loss/koleo_(z[12])"):
        check(oracle, match[0], koleo(oracle.input(f"loss/{match[1]}")))


def test_the_total_and_its_gradients_agree(oracle: Oracle, networks: dict[str, AppleContrastive]) -> None:
    recipe = next(iter(networks.values()))
    z1, z2 = (oracle.input(f"loss/{name}").requires_grad_() for name in ("z1", "z2"))
    parts = recipe.contrast(z1, z2, oracle.input("loss/participant"))
    total = parts["nce"] + recipe.config.koleo_weight * parts["koleo"]
    check(oracle, "loss/total", total)
    total.backward()
    assert z1.grad is not None
    assert z2.grad is not None
    check(oracle, "loss/grad_z1", z1.grad)
    check(oracle, "loss/grad_z2", z2.grad)
