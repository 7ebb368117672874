"""A head on a pretrained method: what learns, what stays, and what the loss counts."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from tests.contracts.alternatives import CASES
from tests.toy import toy_batch
from wearfm.errors import BadConfiguration, UnknownName
from wearfm.nn.draws import Draws
from wearfm.recipes import create
from wearfm.recipes.base import Recipe
from wearfm.recipes.method import Method
from wearfm.recipes.methods import METHODS
from wearfm.recipes.supervised import Supervised, SupervisedConfig
from wearfm.windows.batch import Batch

ROWS = 6


@pytest.fixture
def method() -> Recipe:
    return create("apple_contrastive", embedding_size=72, repeats=(1, 1, 2), hidden_size=16, projection_size=8, seed=3)


def _batch(label: torch.Tensor | None = None) -> Batch:
    batch = toy_batch(ROWS, seed=0, length=512, rate_hz=64.0, has_gaps=False)
    return batch if label is None else replace(batch, targets={"label": label})


def _draws(step: int = 0) -> Draws:
    return Draws(seed=1, step=step, first=0, rows=ROWS, total=ROWS)


def _gradients(recipe: Supervised, batch: Batch, step: int = 0) -> set[str]:
    """Return the parts, "method" and "head", that a step would move."""
    recipe.zero_grad()
    recipe.train().loss(batch, _draws(step)).total.backward()
    return {name.partition(".")[0] for name, p in recipe.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}


CLASSES = torch.tensor([0, 1, 1, 0, 1, 0])


def test_a_head_keeps_the_weights_and_the_memory_of_the_method(method: Recipe) -> None:
    method.seen = frozenset({"somebody"})
    recipe = Supervised.on_top_of(method, seed=0, classes=("no", "yes"))
    assert recipe.seen == {"somebody"}
    assert all(torch.equal(value, recipe.method.state_dict()[name]) for name, value in method.state_dict().items())
    recipe.eval()
    assert torch.equal(recipe.features(_batch()), method.eval().embed(_batch()).vector)


def test_the_method_learns_slower_than_the_head_or_not_at_all(method: Recipe) -> None:
    tuned = Supervised.on_top_of(method, seed=0, classes=("no", "yes"), encoder_rate=0.1)
    rates = {group.get("lr_scale", 1.0) for group in tuned.parameter_groups(weight_decay=0.0)}
    assert rates == {0.1, 1.0}
    assert _gradients(tuned, _batch(CLASSES)) == {"method", "head"}
    frozen = Supervised.on_top_of(method, seed=0, classes=("no", "yes"), encoder_rate=0.0)
    before = {name: value.clone() for name, value in frozen.method.state_dict().items()}
    assert _gradients(frozen, _batch(CLASSES)) == {"head"}
    assert all(torch.equal(value, before[name]) for name, value in frozen.method.state_dict().items())


def test_the_method_can_wait_for_the_head(method: Recipe) -> None:
    recipe = Supervised.on_top_of(method, seed=0, classes=("no", "yes"), frozen_steps=3)
    assert [_gradients(recipe, _batch(CLASSES), step) for step in (2, 3)] == [{"head"}, {"method", "head"}]


def test_classes_weigh_as_they_are_told_and_unlabelled_windows_do_not_count(method: Recipe) -> None:
    recipe = Supervised.on_top_of(method, seed=0, classes=("no", "yes"), class_weight=(1.0, 3.0), dropout=0.0)
    label = torch.tensor([0, 1, -1, 0, 1, -1])
    with torch.no_grad():
        probability = recipe.eval().embed(_batch()).vector
        loss = recipe.loss(_batch(label), _draws()).total.item()
    surprise, total = 0.0, 0.0
    for row, each in enumerate(label.tolist()):
        if each >= 0:
            weight = (1.0, 3.0)[each]
            surprise -= weight * math.log(probability[row, each].item())
            total += weight
    assert loss == pytest.approx(surprise / total, rel=1e-5)


def test_numbers_are_predicted_in_their_unit_and_learnt_standardised(method: Recipe) -> None:
    recipe = Supervised.on_top_of(method, seed=0, classes=(), label_mean=70.0, label_std=10.0, dropout=0.0)
    label = torch.tensor([60.0, 70.0, torch.nan, 80.0, 90.0, 75.0])
    with torch.no_grad():
        value = recipe.eval().embed(_batch()).vector
        loss = recipe.loss(_batch(label), _draws()).total.item()
    errors = [((value[row, 0] - each) / 10).item() ** 2 for row, each in enumerate(label) if each.isfinite()]
    assert value.shape == (ROWS, 1)
    assert abs(value.mean().item() - 70) < 20
    assert loss == pytest.approx(sum(errors) / 5, rel=1e-4)


def test_a_batch_without_labels_names_the_verb(method: Recipe) -> None:
    recipe = Supervised.on_top_of(method, seed=0, classes=("no", "yes"))
    with pytest.raises(BadConfiguration, match="a batch without labels; supervised learns from labels: use `wearfm finetune`"):
        recipe.loss(_batch(), _draws())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classes": ("only",)}, r"classes=\('only',\): name two or more, or none for a number"),
        ({"class_weight": (1.0,)}, "1 weights for 2 classes; give one a class"),
        ({"label_std": 0.0}, "label_std=0 must be positive; are all labels the same?"),
        ({"on": "channels"}, "place of the head 'channels'"),
    ],
)
def test_mistakes_are_named(method: Recipe, changes: dict[str, object], message: str) -> None:
    settings = {"classes": ("no", "yes"), **changes}
    with pytest.raises((BadConfiguration, UnknownName), match=message):
        SupervisedConfig(method=Method(name=method.name, config=method.config), **settings)


def test_an_unknown_method_is_named() -> None:
    with pytest.raises(UnknownName, match="method 'normware' is not known"):
        Method(name="normware", config=None)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(METHODS))
def test_every_method_can_carry_a_head_that_reaches_all_it_leaves_trainable(name: str) -> None:
    """What is neither reached by the head nor named in `pretext` would be decayed for nothing."""
    case = CASES[name]
    method = case.make()
    recipe = Supervised.on_top_of(method, seed=0, classes=("no", "yes"), encoder_rate=1.0, dropout=0.0).train()
    batch = case.batch(method)
    batch = replace(batch, targets={"label": torch.arange(len(batch)) % 2})
    draws = Draws(seed=1, step=0, first=0, rows=len(batch), total=len(batch))
    recipe.loss(batch, draws).total.backward()
    trained = {key: p for key, p in recipe.named_parameters() if p.requires_grad}
    assert {key for key, p in trained.items() if p.grad is None or not p.grad.abs().sum() > 0} == set()
    assert any(key.startswith("method.") for key in trained)
