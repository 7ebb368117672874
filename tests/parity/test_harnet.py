"""harnet against the outputs of the original code: every stage, features, logits, heads, a training loss and its gradient."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tests.parity.oracle import Oracle, check, load, state
from wearfm.recipes.harnet import TASKS, Harnet, judge

pytestmark = pytest.mark.parity


@pytest.fixture(scope="module")
def oracle(oracle_folder: Path) -> Oracle:
    return load(oracle_folder, "harnet")


def recipe_of(oracle: Oracle, network: str, *, prefix: str = "") -> Harnet:
    """The original's network under the weight rule, through the importer."""
    window_s = float(oracle.json["networks"][network]["config"]["epoch_len"])
    prefixed = {prefix + key: value for key, value in state(oracle, network).items()}
    return Harnet.from_original(prefixed, window_s=window_s).eval()


def classify(oracle: Oracle, network: str, features: Tensor) -> Tensor:
    """Return the logits of the original's classifier, which is none of our recipe: its weights follow the rule too."""
    weights = state(oracle, network)
    inner = nn.functional.linear(features, weights["classifier.linear1.weight"], weights["classifier.linear1.bias"]).relu()
    return nn.functional.linear(inner, weights["classifier.linear2.weight"], weights["classifier.linear2.bias"])


def networks(oracle: Oracle, *, with_heads: bool) -> list[str]:
    """Return the classifiers, or the pretraining networks, of the folder."""
    return [name for name, each in oracle.json["networks"].items() if bool(each["config"].get("is_mtl")) == with_heads]


def test_every_stored_array_is_compared(oracle: Oracle) -> None:
    heads = "|".join(head.removesuffix("_h") for head in TASKS.values())
    known = rf".+/(x|first_conv|layer\d+|features|logits|labels|{heads}|train_loss|train_grad_first_conv|train_grad_norms)"
    assert [name for name in oracle.arrays if not re.fullmatch(known, name)] == []


def test_names_and_shapes_are_the_original_ones(oracle: Oracle) -> None:
    for name, network in oracle.json["networks"].items():
        stored = {key: tuple(shape) for key, shape, _ in network["state_dict"]}
        ours = {key: tuple(value.shape) for key, value in recipe_of(oracle, name).to_original().items()}
        has_heads = name in networks(oracle, with_heads=True)
        expected = {key for key in stored if not key.startswith("classifier.")}
        assert {key for key in ours if has_heads or key.startswith("feature_extractor.")} == expected
        assert all(ours[key] == stored[key] for key in expected)


def test_the_norms_have_the_original_epsilon(oracle: Oracle) -> None:
    for name, network in oracle.json["networks"].items():
        (description,) = network["norm_eps"]
        norms = [module for module in recipe_of(oracle, name).modules() if isinstance(module, nn.BatchNorm1d)]
        assert {norm.eps for norm in norms} == {float(description.split()[-1])}


@pytest.mark.parametrize("prefix", ["", "module."])
@torch.no_grad()
def test_every_stage_the_features_and_the_logits(oracle: Oracle, prefix: str) -> None:
    for name in networks(oracle, with_heads=False):
        recipe, signal = recipe_of(oracle, name, prefix=prefix), oracle.input(f"{name}/x")
        features = recipe.encode(signal)
        made = {f"layer{number}": each for number, each in enumerate(recipe.maps(signal), start=1)}
        made |= {"features": features, "logits": classify(oracle, name, features)}
        made["first_conv"] = recipe.stages[0].widen(signal)
        stored = oracle.matches(rf"{re.escape(name)}/(?!x$)(.+)")
        assert stored, name
        for match in stored:
            check(oracle, match[0], made[match[1]])


@torch.no_grad()
def test_the_answers_of_the_pretraining_network(oracle: Oracle) -> None:
    for name in networks(oracle, with_heads=True):
        recipe = recipe_of(oracle, name)
        answers = recipe.answer(recipe.encode(oracle.input(f"{name}/x")))
        assert set(answers) == set(TASKS)
        for task, head in TASKS.items():
            check(oracle, f"{name}/{head.removesuffix('_h')}", answers[task])


def test_a_training_loss_and_the_gradient_of_every_parameter(oracle: Oracle) -> None:
    for name in networks(oracle, with_heads=True):
        recipe = recipe_of(oracle, name).train()
        labels = dict(zip(TASKS, oracle.input(f"{name}/labels"), strict=True))
        loss = judge(recipe.answer(recipe.encode(oracle.input(f"{name}/x"))), labels)
        loss.total.backward()
        check(oracle, f"{name}/train_loss", loss.total)
        first = recipe.stages[0].widen.weight.grad
        assert first is not None
        check(oracle, f"{name}/train_grad_first_conv", first)
        ours = recipe.to_original()
        stored = [key for key, _, _ in oracle.json["networks"][name]["state_dict"]]
        trained = [ours[key] for key in stored if isinstance(ours[key], nn.Parameter)]
        norms = torch.stack([parameter.grad.norm() for parameter in trained if parameter.grad is not None])
        check(oracle, f"{name}/train_grad_norms", norms)
