"""A head on a method against the only fine-tuned network that was published with its weights' layout: PAT's classifier."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.parity.oracle import Oracle, check, load, state
from tests.parity.weeks import week_batch
from wearfm.errors import IncompatibleWeights
from wearfm.recipes import import_original
from wearfm.recipes.supervised import Supervised

pytestmark = pytest.mark.parity


@pytest.fixture(scope="module")
def oracle(oracle_folder: Path) -> Oracle:
    return load(oracle_folder, "pat")


@torch.no_grad()
def test_the_published_classifier_gives_its_probabilities(oracle: Oracle) -> None:
    matches = oracle.matches(r"(.*)/probability")
    assert matches
    for match in matches:
        recipe = import_original("supervised", state(oracle, f"classifier_{match[1]}")).eval()
        assert isinstance(recipe, Supervised)
        check(oracle, match[0], recipe.embed(week_batch(oracle)).vector[:, 1:])


def test_the_loss_of_the_published_classifier_is_its_binary_cross_entropy(oracle: Oracle) -> None:
    name = oracle.matches(r"(.*)/probability")[0]
    recipe = import_original("supervised", state(oracle, f"classifier_{name[1]}")).eval()
    label = torch.tensor([1, 0])
    probability = oracle.input(name[0]).reshape(-1)[:2]
    expected = torch.nn.functional.binary_cross_entropy(probability, label.float())
    batch = week_batch(oracle).select(slice(0, 2))
    loss = recipe._class_error(recipe._outputs(batch, None), label)
    torch.testing.assert_close(loss.detach(), expected, rtol=1e-3, atol=1e-4)  # tolerance of the stored probabilities


def test_a_missing_tensor_of_the_head_is_named(oracle: Oracle) -> None:
    name = oracle.matches(r"(.*)/probability")[0]
    weights = state(oracle, f"classifier_{name[1]}")
    headless = {key: value for key, value in weights.items() if not key.startswith("output/")}
    with pytest.raises(IncompatibleWeights, match="output/output/kernel:0"):
        import_original("supervised", headless)
