"""RelCon against the outputs of the original code: encoder, distance on both paths, loss with gradients."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.parity.oracle import Oracle, check, load, state
from wearfm.nn.draws import Draws
from wearfm.nn.motif import Memory
from wearfm.objectives.relative import candidate_cosines, relative_contrast
from wearfm.recipes.relcon import RelCon

pytestmark = pytest.mark.parity


@pytest.fixture(scope="module")
def oracle(oracle_folder: Path) -> Oracle:
    return load(oracle_folder, "relcon")


@pytest.fixture(scope="module")
def recipes(oracle: Oracle) -> dict[str, RelCon]:
    return {name: RelCon.from_original(state(oracle, name)).eval() for name in oracle.json["networks"]}


@pytest.fixture(scope="module")
def windows(oracle: Oracle) -> tuple[Tensor, Tensor, Tensor]:
    """Anchor, candidate, and that all of it is valid; stored as (batch, time, axis)."""
    anchor, candidate = (oracle.input(f"distance/{name}").transpose(1, 2) for name in ("anchor", "candidate"))
    return anchor, candidate, torch.ones_like(anchor, dtype=torch.bool)


def test_every_stored_array_is_compared(oracle: Oracle) -> None:
    known = (
        r"encoder/([xy]_\d+|after_first_bn|block_mean_abs|after_block_\d+)"
        r"|distance/(anchor|candidate|[qkv]|distance(_swapped)?|reconstruction(_training_path)?|attention_training_path)"
        r"|loss/(anchors|candidates|distances|order|(loss|grad_anchors|grad_candidates)_tau[\d.]+)"
    )
    assert [name for name in oracle.arrays if not re.fullmatch(known, name)] == []


def test_names_shapes_and_counts_are_the_original_ones(oracle: Oracle, recipes: dict[str, RelCon]) -> None:
    for name, recipe in recipes.items():
        network, part = oracle.json["networks"][name], recipe.motif if name == "distance" else recipe.encoder
        expected = {key: tuple(shape) for key, shape, _ in network["state_dict"]}
        assert part is not None
        assert {key: tuple(tensor.shape) for key, tensor in recipe.to_original().items()} == expected
        assert sum(parameter.numel() for parameter in part.parameters()) == network["n_parameters"]


def test_weights_go_out_as_they_came_in_also_from_a_checkpoint(oracle: Oracle, recipes: dict[str, RelCon]) -> None:
    for name, recipe in recipes.items():
        original = state(oracle, name)
        again = RelCon.from_original({"net": original, "epoch": 1, "optimizer": {}}).to_original()
        for key, tensor in recipe.to_original().items():
            assert torch.equal(original[key], tensor), key
            assert torch.equal(again[key], tensor), key


def test_every_norm_has_the_published_epsilon(oracle: Oracle, recipes: dict[str, RelCon]) -> None:
    published = {float(text.rsplit(" ", 1)[1]) for text in oracle.json["networks"]["encoder"]["norm_eps"]}
    assert {norm.eps for norm in recipes["encoder"].modules() if isinstance(norm, torch.nn.BatchNorm1d)} == published


@torch.no_grad()
def test_embeddings_agree_at_every_length(oracle: Oracle, recipes: dict[str, RelCon]) -> None:
    recipe = recipes["encoder"]
    assert recipe.encoder is not None
    for match in oracle.matches(r"encoder/x_(\d+)"):
        check(oracle, f"encoder/y_{match[1]}", recipe.pool(recipe.encoder(oracle.input(match[0]))))


@torch.no_grad()
def test_every_block_agrees(oracle: Oracle, recipes: dict[str, RelCon]) -> None:
    encoder = recipes["encoder"].encoder
    assert encoder is not None
    x = oracle.input("encoder/x_256")
    check(oracle, "encoder/after_first_bn", encoder.stem.norm(encoder.stem.conv(x)))
    maps = [encoder.stem(x)]
    for block in encoder.blocks:
        maps.append(block(maps[-1]))
    check(oracle, "encoder/block_mean_abs", torch.stack([each.abs().mean(dim=(1, 2)) for each in maps[1:]]))
    for match in oracle.matches(r"encoder/after_block_(\d+)"):
        check(oracle, match[0], maps[int(match[1]) + 1])


@torch.no_grad()
def test_the_features_of_the_distance_agree(
    oracle: Oracle, recipes: dict[str, RelCon], windows: tuple[Tensor, Tensor, Tensor]
) -> None:
    anchor, candidate, valid = windows
    net = recipes["distance"].motif
    assert net is not None
    memory = net.remember(candidate, valid)
    check(oracle, "distance/k", memory.keys)
    check(oracle, "distance/v", memory.values)
    check(oracle, "distance/q", net.query(net.scale(anchor, memory.level, memory.size), valid))


@torch.no_grad()
def test_both_paths_of_the_reconstruction_agree(
    oracle: Oracle, recipes: dict[str, RelCon], windows: tuple[Tensor, Tensor, Tensor]
) -> None:
    anchor, candidate, valid = windows
    net = recipes["distance"].motif
    assert net is not None
    memory = net.remember(candidate, valid)
    check(oracle, "distance/reconstruction", net.rebuild(anchor, valid, memory).transpose(1, 2))
    sparse = net.rebuild(anchor, valid, memory, weighting="sparsemax")
    check(oracle, "distance/reconstruction_training_path", sparse.transpose(1, 2))
    weights = net.attention(anchor, valid, memory, weighting="sparsemax")
    check(oracle, "distance/attention_training_path", weights[:, ::16])
    assert recipes["distance"].config.attention == "sparsemax_in_training"


@torch.no_grad()
def test_the_distance_agrees_both_ways_round(
    oracle: Oracle, recipes: dict[str, RelCon], windows: tuple[Tensor, Tensor, Tensor]
) -> None:
    anchor, candidate, valid = windows
    recipe = recipes["distance"]
    for name, query, key in (("distance", anchor, candidate), ("distance_swapped", candidate, anchor)):
        assert recipe.motif is not None
        memory: Memory = recipe.motif.remember(key, valid)
        check(oracle, f"distance/{name}", recipe.score(query, recipe.views(valid, Draws(seed=0)), memory))


def test_the_loss_and_its_gradients_agree(oracle: Oracle) -> None:
    for match in oracle.matches(r"loss/loss_tau([\d.]+)"):
        anchors, near = (oracle.input(f"loss/{name}").requires_grad_() for name in ("anchors", "candidates"))
        distance = oracle.input("loss/distances").T
        loss = relative_contrast(candidate_cosines(anchors, near), distance, temperature=float(match[1]))
        loss.backward()
        check(oracle, match[0], loss)
        assert anchors.grad is not None
        assert near.grad is not None
        check(oracle, f"loss/grad_anchors_tau{match[1]}", anchors.grad)
        check(oracle, f"loss/grad_candidates_tau{match[1]}", near.grad)


def test_the_order_of_candidates_agrees(oracle: Oracle) -> None:
    check(oracle, "loss/order", oracle.input("loss/distances").sort(dim=0, stable=True).indices)
