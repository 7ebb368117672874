import pytest
import torch
from torch import nn
from torch.optim import Adam, AdamW

from tests.toy import Toy, small
from wearfm.errors import BadConfiguration
from wearfm.training.config import TrainingConfig
from wearfm.training.ema import Average
from wearfm.training.optim import optimiser, prepare_state, set_rate, state_tensors


def _config(**changes: object) -> TrainingConfig:
    return TrainingConfig(**{"seed": 0, "steps": 1, "learning_rate": 0.5, "weight_decay": 0.1, **changes})


def test_only_matrices_decay_and_the_kind_is_the_one_asked_for() -> None:
    made = optimiser(Toy(small()), _config(optimiser="adam", betas=(0.5, 0.6), epsilon=1e-3))
    assert type(made) is Adam
    assert type(optimiser(Toy(small()), _config())) is AdamW
    assert [(group["weight_decay"], {p.ndim for p in group["params"]}) for group in made.param_groups] == [
        (0.1, {2}),
        (0.0, {1}),
    ]
    assert (made.defaults["lr"], made.defaults["betas"], made.defaults["eps"]) == (0.5, (0.5, 0.6), 1e-3)


def test_a_recipe_without_anything_to_train_is_refused() -> None:
    with pytest.raises(BadConfiguration, match="recipe 'toy' has no trainable parameter"):
        optimiser(Toy(small()).requires_grad_(False), _config())


def test_a_group_may_scale_the_rate() -> None:
    made = optimiser(Toy(small()), _config())
    made.param_groups[1]["lr_scale"] = 0.1
    set_rate(made, 2.0)
    assert [group["lr"] for group in made.param_groups] == [2.0, 0.2]


def test_prepared_state_has_the_names_and_shapes_of_a_used_optimiser() -> None:
    used, fresh = Toy(small()), Toy(small())
    makers = [optimiser(recipe, _config()) for recipe in (used, fresh)]
    used.encoder.weight.sum().backward()  # the others never had a gradient and have no moments
    makers[0].step()
    expected = state_tensors(makers[0], used)
    prepare_state(makers[1], fresh, expected)
    made = state_tensors(makers[1], fresh)
    assert sorted(made) == ["encoder.weight/exp_avg", "encoder.weight/exp_avg_sq", "encoder.weight/step"]
    assert {n: (t.shape, t.dtype) for n, t in made.items()} == {n: (t.shape, t.dtype) for n, t in expected.items()}


def test_the_average_follows_its_recurrence_and_gives_the_weights_back() -> None:
    module = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        module.weight.fill_(1.0)
    average = Average(module, 0.9)
    expected = 1.0
    for step, weight in enumerate((2.0, 4.0, -1.0), start=1):
        with torch.no_grad():
            module.weight.fill_(weight)
        average.update(module, step)
        decay = min(0.9, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * weight
    with average.swapped_in(module):
        assert module.weight.item() == pytest.approx(expected)
        assert average.weights["weight"].item() == -1.0
    assert module.weight.item() == -1.0
    assert average.weights["weight"].item() == pytest.approx(expected)


def test_frozen_weights_have_no_average() -> None:
    assert "twin.weight" not in Average(Toy(small()), 0.9).weights
