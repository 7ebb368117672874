"""Pulse-PPG against the outputs of the original code: encoder, masked distance, relative contrastive loss with gradients."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.parity.oracle import Oracle, check, load, state
from wearfm.objectives.relative import candidate_cosines, relative_contrast
from wearfm.recipes.pulse_ppg import PulsePPG
from wearfm.windows.batch import Batch, Signal

pytestmark = pytest.mark.parity
UNUSED = "basicblock_list.0.bn1."


@pytest.fixture(scope="module")
def oracle(oracle_folder: Path) -> Oracle:
    return load(oracle_folder, "pulseppg")


@pytest.fixture(scope="module")
def recipes(oracle: Oracle) -> dict[str, PulsePPG]:
    return {name: PulsePPG.from_original(state(oracle, name)).eval() for name in oracle.json["networks"]}


def _batch(signal: Tensor) -> Batch:
    zero = torch.zeros(len(signal), dtype=torch.int64)
    stream = Signal(signal=signal, valid=torch.ones_like(signal, dtype=torch.bool), rate_hz=50.0)
    return Batch(streams={"ppg": stream}, participant=zero, recording=zero, start_ns=zero, local_ns=zero)


def test_every_stored_array_is_compared(oracle: Oracle) -> None:
    known = (
        r"encoder/([xy]_\d+|after_first_bn|block_mean_abs|block_shapes|after_block_\d+)"
        r"|distance/(anchor|candidate|mask|[qkv]|distance|reconstruction(_no_mask)?)"
        r"|loss/(anchors|candidates|distances|loss_tau[\d.]+|grad_anchors|grad_candidates)"
    )
    assert [name for name in oracle.arrays if not re.fullmatch(known, name)] == []


def test_names_shapes_and_counts_are_the_original_ones(oracle: Oracle, recipes: dict[str, PulsePPG]) -> None:
    for name, recipe in recipes.items():
        network, part = oracle.json["networks"][name], recipe.motif if name == "distance" else recipe.encoder
        expected = {key: tuple(shape) for key, shape, _ in network["state_dict"] if not key.startswith(UNUSED)}
        assert part is not None
        assert {key: tuple(tensor.shape) for key, tensor in recipe.to_original().items()} == expected
        unused = 0 if name == "distance" else 2 * recipe.config.width
        assert sum(parameter.numel() for parameter in part.parameters()) == network["n_parameters"] - unused


def test_weights_go_out_as_they_came_in_also_from_a_checkpoint(oracle: Oracle, recipes: dict[str, PulsePPG]) -> None:
    for name, recipe in recipes.items():
        original = state(oracle, name)
        again = PulsePPG.from_original({"net": original, "epoch": 5, "optimizer": {}}).to_original()
        for key, tensor in recipe.to_original().items():
            assert torch.equal(original[key], tensor), key
            assert torch.equal(again[key], tensor), key


@torch.no_grad()
def test_embeddings_agree_at_every_length(oracle: Oracle, recipes: dict[str, PulsePPG]) -> None:
    for match in oracle.matches(r"encoder/x_(\d+)"):
        check(oracle, f"encoder/y_{match[1]}", recipes["encoder"].embed(_batch(oracle.input(match[0]))).vector)


@torch.no_grad()
def test_every_block_agrees(oracle: Oracle, recipes: dict[str, PulsePPG]) -> None:
    recipe = recipes["encoder"]
    encoder = recipe.encoder
    assert encoder is not None
    x = recipe.prepare(_batch(oracle.input("encoder/x_500"))).signal
    check(oracle, "encoder/after_first_bn", encoder.stem.norm(encoder.stem.conv(x)))
    maps = [encoder.stem(x)]
    for block in encoder.blocks:
        maps.append(block(maps[-1]))
    check(oracle, "encoder/block_mean_abs", torch.stack([each.abs().mean(dim=(1, 2)) for each in maps[1:]]))
    check(oracle, "encoder/block_shapes", torch.tensor([each.shape[1:] for each in maps[1:]]))
    for match in oracle.matches(r"encoder/after_block_(\d+)"):
        check(oracle, match[0], maps[int(match[1]) + 1])


@torch.no_grad()
def test_the_distance_agrees(oracle: Oracle, recipes: dict[str, PulsePPG]) -> None:
    recipe = recipes["distance"]
    net = recipe.motif
    assert net is not None
    anchor, candidate, visible = (oracle.input(f"distance/{name}").transpose(1, 2) for name in ("anchor", "candidate", "mask"))
    everything = torch.ones_like(visible)
    memory = net.remember(candidate, everything)
    check(oracle, "distance/k", memory.keys)
    check(oracle, "distance/v", memory.values)
    check(oracle, "distance/q", net.query(net.scale(anchor, memory.level, memory.size), visible))
    check(oracle, "distance/reconstruction", net.rebuild(anchor, visible, memory).transpose(1, 2))
    check(oracle, "distance/reconstruction_no_mask", net.rebuild(anchor, everything, memory).transpose(1, 2))
    check(oracle, "distance/distance", recipe.score(anchor, [(visible, ~visible)], memory))


def test_the_loss_and_its_gradients_agree(oracle: Oracle) -> None:
    (match,) = oracle.matches(r"loss/loss_tau([\d.]+)")
    anchors, near = (oracle.input(f"loss/{name}").requires_grad_() for name in ("anchors", "candidates"))
    distance = oracle.input("loss/distances").T
    loss = relative_contrast(candidate_cosines(anchors, near), distance, temperature=float(match[1]))
    loss.backward()
    check(oracle, match[0], loss)
    assert anchors.grad is not None
    assert near.grad is not None
    check(oracle, "loss/grad_anchors", anchors.grad)
    check(oracle, "loss/grad_candidates", near.grad)
