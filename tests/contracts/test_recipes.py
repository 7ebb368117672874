"""What every recipe promises; one suite for all of them, and for a toy that keeps the promises in the plainest way."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.contracts.alternatives import CASES
from tests.contracts.case import Case, Given
from tests.toy import Toy, small, toy_store
from wearfm.errors import BadConfiguration, IncompatibleWeights, UnknownName, WearfmError
from wearfm.nn.draws import Draws
from wearfm.recipes import RECIPES
from wearfm.recipes.base import Masked, Recipe, config_from_json, config_to_json, load_strictly, preset
from wearfm.training import TrainingConfig, train
from wearfm.training.log import read_log
from wearfm.training.weights import read_weights, write_weights
from wearfm.windows.contract import ANY
from wearfm.windows.index import WindowIndex

SETTINGS = [pytest.param(CASES[name], setting, id=f"{name}-{setting}") for name in CASES for setting in CASES[name].settings()]


@pytest.fixture(params=sorted(CASES), scope="module")
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


def _draws(rows: int = 8, *, seed: int = 1, step: int = 0) -> Draws:
    return Draws(seed=seed, step=step, first=0, rows=rows, total=rows)


def _index(recipe: Recipe, case: Case, folder: Path) -> WindowIndex:
    rate_hz = recipe.input.streams[0].rate_hz or 64.0
    channels = {s.modality: s.channels or 2 for s in recipe.input.streams if s.modality != ANY} or dict(case.channels)
    with toy_store(folder, seconds=6 * recipe.input.window_s, rate_hz=rate_hz, channels=channels) as store:
        return recipe.survey(store, WindowIndex.build(store, recipe.input))


def test_every_recipe_has_a_case() -> None:
    assert CASES.keys() - {"toy"} == RECIPES.keys()
    assert all(RECIPES[name].name == name for name in RECIPES)


def test_the_table_of_alternatives_names_settings_that_exist(case: Case) -> None:
    known = set(case.settings())
    given = {name for other in case.alternatives.values() if isinstance(other, Given) for name in other.given}
    assert (case.alternatives.keys() | case.shrink.keys() | given | set(case.original)) <= known


def test_presets_hold_paper_and_small_and_configs_survive_json(case: Case) -> None:
    presets = case.recipe.presets()
    assert {"paper", "small"} <= presets.keys()
    for make in presets.values():
        config = make()
        assert config_from_json(case.recipe, json.loads(json.dumps(config_to_json(config)))) == config
    with pytest.raises(UnknownName, match="preset of"):
        preset(case.recipe, "enormous")
    with pytest.raises(UnknownName, match="field of"):
        preset(case.recipe, "small", no_such_setting=1)


def test_a_gradient_reaches_every_parameter_that_is_trained(case: Case) -> None:
    recipe = case.make().train()
    recipe.loss(case.batch(recipe), _draws()).total.backward()
    trained = {name: p for name, p in recipe.named_parameters() if p.requires_grad}
    unreached = [name for name, p in trained.items() if p.grad is None or not p.grad.abs().sum() > 0]
    assert trained
    assert unreached == []
    grouped = [p for group in recipe.parameter_groups(weight_decay=0.1) for p in group["params"]]
    assert {id(p) for p in grouped} == {id(p) for p in trained.values()}


def test_loss_and_parts_are_finite_scalars_and_the_parts_carry_names(case: Case) -> None:
    recipe = case.make().train()
    for has_gaps in (True, False):
        loss = recipe.loss(case.batch(recipe, has_gaps=has_gaps), _draws())
        assert loss.parts
        assert "loss" not in loss.parts
        assert all(value.shape == () and torch.isfinite(value) for value in (loss.total, *loss.parts.values()))


def _behaviour(case: Case, config: Any, folder: Path) -> dict[str, Any]:
    """Return all that a setting may change: input, shapes, plan, loss before and after a step, embedding."""
    recipe = case.recipe(config, seed=0).train()
    index = _index(recipe, case, folder)
    seen: dict[str, Any] = {
        "input": recipe.input.to_json(),
        "calibration": recipe.calibration_windows,
        "survey": sorted(index.targets),
        "shapes": {name: tuple(tensor.shape) for name, tensor in recipe.state_dict().items()},
        "plan": recipe.plan(index, seed=0).draw(0, np.arange(16)).tolist(),
    }
    batch = case.batch(recipe)
    for step in range(2):
        loss = recipe.loss(batch, _draws(step=step))
        seen[f"loss {step}"] = loss.total.item(), {name: part.item() for name, part in loss.parts.items()}
        loss.total.backward()
        with torch.no_grad():
            for parameter in recipe.parameters():
                if parameter.grad is not None:
                    parameter -= 0.1 * parameter.grad
        recipe.advance()
    recipe.eval()
    with torch.no_grad():
        seen["embedding"] = recipe.embed(case.batch(recipe, has_gaps=False)).vector.tolist()
    return seen


@pytest.mark.parametrize(("case", "setting"), SETTINGS)
def test_every_setting_changes_something(case: Case, setting: str, tmp_path: Path) -> None:
    one, other = case.pair(setting)
    assert getattr(one, setting) != getattr(other, setting)
    assert _behaviour(case, one, tmp_path / "one") != _behaviour(case, other, tmp_path / "other")


def test_the_same_seed_gives_the_same_bits_and_another_does_not(case: Case) -> None:
    def bits(seed: int) -> list[Tensor]:
        recipe = case.make(seed=seed).train()
        loss = recipe.loss(case.batch(recipe), _draws())
        loss.total.backward()
        return [*recipe.state_dict().values(), loss.total, *(p.grad for p in recipe.parameters() if p.grad is not None)]

    assert all(torch.equal(one, other) for one, other in zip(bits(0), bits(0), strict=True))
    assert not all(torch.equal(one, other) for one, other in zip(bits(0), bits(1), strict=True))


def test_no_global_random_number_is_used(case: Case) -> None:
    before = torch.get_rng_state()
    recipe = case.make().train()
    batch = case.batch(recipe)
    recipe.prepare(batch)
    recipe.loss(batch, _draws()).total.backward()
    recipe.advance()
    recipe.embed(batch)
    recipe.eval().embed(batch)
    assert torch.equal(torch.get_rng_state(), before)


def test_preparing_and_embedding_twice_give_the_same_bits(case: Case) -> None:
    recipe = case.make().eval()
    batch = case.batch(recipe)
    assert all(torch.equal(a, b) for a, b in zip(_leaves(recipe.prepare(batch)), _leaves(recipe.prepare(batch)), strict=True))
    assert torch.equal(recipe.embed(batch).vector, recipe.embed(batch).vector)


def _leaves(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    return [leaf for part in (value.values() if isinstance(value, dict) else value) for leaf in _leaves(part)]


@pytest.mark.parametrize("filling", [float("nan"), float("inf"), 1e6])
def test_samples_that_are_not_valid_cannot_move_the_embedding(case: Case, filling: float) -> None:
    recipe = case.make().eval()
    batch = case.batch(recipe)
    filled = {
        name: replace(stream, signal=torch.where(stream.valid, stream.signal, filling))
        for name, stream in batch.streams.items()
    }
    with torch.no_grad():
        plain, poisoned = recipe.embed(batch), recipe.embed(replace(batch, streams=filled))
        loss, poisoned_loss = recipe.loss(batch, _draws()), recipe.loss(replace(batch, streams=filled), _draws())
    assert torch.isfinite(plain.vector).all()
    assert torch.equal(plain.vector, poisoned.vector)
    assert torch.equal(loss.total, poisoned_loss.total)


def test_a_window_without_a_valid_sample_is_finite_and_moves_no_other(case: Case) -> None:
    recipe = case.make().eval()
    batch = case.batch(recipe)
    emptied = {}
    for name, stream in batch.streams.items():
        valid = stream.valid.clone()
        valid[3] = False
        emptied[name] = replace(stream, valid=valid, signal=torch.where(valid, stream.signal, 0.0))
    others = [row for row in range(len(batch)) if row != 3]
    with torch.no_grad():
        whole, empty = recipe.embed(batch).vector, recipe.embed(replace(batch, streams=emptied)).vector
        loss = recipe.train().loss(replace(batch, streams=emptied), _draws())
    assert torch.isfinite(empty).all()
    assert torch.isfinite(loss.total)
    torch.testing.assert_close(empty[others], whole[others])


def test_rows_do_not_depend_on_their_order_or_on_the_rows_beside_them(case: Case) -> None:
    recipe = case.make().eval()
    batch = case.batch(recipe)
    order = torch.tensor([5, 2, 7, 0, 3, 1, 6, 4])
    with torch.no_grad():
        together = recipe.embed(batch).vector
        permuted = recipe.embed(batch.select(order)).vector
        alone = torch.cat([recipe.embed(batch.select(slice(row, row + 1))).vector for row in range(len(batch))])
    torch.testing.assert_close(permuted, together[order])
    torch.testing.assert_close(alone, together, rtol=1e-5, atol=1e-5)  # sums of another shape run in another order


def test_the_embedding_has_the_size_it_announces_and_differs_between_windows(case: Case) -> None:
    recipe = case.make().eval()
    with torch.no_grad():
        embedded = recipe.embed(case.batch(recipe, has_gaps=False))
    assert embedded.vector.dtype == torch.float32
    assert embedded.vector.shape[0] == 8
    assert recipe.embedding_size in (None, embedded.vector.shape[1])
    assert torch.pdist(embedded.vector).min() > 0


def test_features_without_draws_are_the_embedding_and_with_draws_carry_a_gradient(case: Case) -> None:
    recipe = case.make().train()
    batch = case.batch(recipe)
    if not recipe.learns_from_labels:  # there `embed` gives predictions, and `features` what the head stands on
        torch.testing.assert_close(recipe.features(batch), recipe.embed(batch).vector)
    learning = recipe.features(batch, _draws())
    assert learning.shape == (8, recipe.feature_size("window"))
    learning.square().sum().backward()
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in recipe.parameters())


def test_a_stage_before_that_is_none_is_refused(case: Case) -> None:
    with pytest.raises(BadConfiguration, match=r"toy|stage"):
        case.make().after(Toy(small()))


def test_save_and_load_give_the_same_bits(case: Case, tmp_path: Path) -> None:
    recipe, other = case.make(seed=0).eval(), case.make(seed=1).eval()
    write_weights(tmp_path / "model.safetensors", recipe.state_dict())
    load_strictly(other, read_weights(tmp_path / "model.safetensors"), what=recipe.name)
    batch = case.batch(recipe)
    with torch.no_grad():
        assert torch.equal(recipe.embed(batch).vector, other.embed(batch).vector)
        assert torch.equal(recipe.loss(batch, _draws()).total, other.loss(batch, _draws()).total)


def test_a_missing_a_spare_and_a_misshapen_tensor_are_each_named(case: Case) -> None:
    recipe = case.make()
    state = dict(recipe.state_dict())
    names = sorted(state)
    misshapen = next(name for name in names[1:] if state[name].ndim)
    del state[names[0]]
    state |= {"no.such.weight": torch.zeros(1), misshapen: torch.zeros(7, 7, 7, 7)}
    before = {name: tensor.clone() for name, tensor in recipe.state_dict().items()}
    with pytest.raises(IncompatibleWeights) as raised:
        load_strictly(recipe, state, what=recipe.name)
    assert (raised.value.missing, raised.value.unexpected) == ((names[0],), ("no.such.weight",))
    assert list(raised.value.shapes) == [misshapen]
    assert all(torch.equal(tensor, before[name]) for name, tensor in recipe.state_dict().items())


def test_published_names_lead_there_and_back(case: Case) -> None:
    recipe = case.make(seed=3).eval()
    if not hasattr(recipe, "to_original"):
        pytest.skip(f"{recipe.name} writes no original names")
    original = {name: tensor.clone() for name, tensor in recipe.to_original().items()}
    settings = {name: getattr(recipe.config, name) for name in case.original}
    again = case.recipe.from_original(original, **settings).eval()
    state = again.state_dict()
    assert all(torch.equal(tensor, state[name]) for name, tensor in recipe.state_dict().items())
    for name in (sorted(original)[0], sorted(original)[-1]):
        with pytest.raises(WearfmError, match=name.split(".")[-1]):
            case.recipe.from_original({key: value for key, value in original.items() if key != name}, **settings)
    with pytest.raises(IncompatibleWeights, match=r"no\.such\.weight"):
        case.recipe.from_original({**original, "no.such.weight": torch.zeros(1)}, **settings)


def test_what_a_masked_method_fills_in_does_not_depend_on_what_is_hidden(case: Case) -> None:
    recipe = case.make().eval()
    if not isinstance(recipe, Masked):
        pytest.skip(f"{recipe.name} fills nothing in")
    batch, row = case.batch(recipe), 3
    shifted = {}
    for name, stream in batch.streams.items():
        signal = stream.signal.clone()
        signal[row] = torch.where(stream.valid[row], 3.0 - 2.0 * signal[row].flip(-1), 0.0)
        shifted[name] = replace(stream, signal=signal)
    other = replace(batch, streams=shifted)
    series = recipe.series(batch)
    hidden = torch.zeros_like(series.valid)
    hidden[row] = True
    with torch.no_grad():
        guess, again = recipe.fill(batch, hidden), recipe.fill(other, hidden)
        seen = recipe.fill(batch, torch.zeros_like(hidden)), recipe.fill(other, torch.zeros_like(hidden))
    assert guess.shape == series.values.shape == series.valid.shape
    assert len(series.names) == len(series.units) == series.values.shape[1]
    assert torch.isfinite(guess).all()
    assert torch.equal(guess[row], again[row])
    assert not torch.equal(seen[0][row], seen[1][row])
    torch.testing.assert_close(guess[:row], seen[0][:row])


def test_a_method_that_standardises_with_the_training_side_keeps_what_it_saw_in_its_weights(case: Case) -> None:
    recipe = case.make().eval()
    if recipe.calibration_windows == 0:
        pytest.skip(f"{recipe.name} takes nothing from the training side beforehand")
    before = {name: tensor.clone() for name, tensor in recipe.state_dict().items()}
    batches = [case.batch(recipe, seed=seed) for seed in (0, 1)]
    recipe.calibrate(iter(batches))
    changed = [name for name, tensor in recipe.state_dict().items() if not torch.equal(tensor, before[name])]
    assert changed
    trained = {name for name, parameter in recipe.named_parameters() if parameter.requires_grad}
    assert not trained & set(changed)
    other = case.make().eval()
    other.calibrate(iter(batches[::-1]))
    assert torch.isfinite(recipe.embed(batches[0]).vector).all()
    torch.testing.assert_close(other.embed(batches[0]).vector, recipe.embed(batches[0]).vector, rtol=1e-4, atol=1e-4)


@pytest.mark.slow
def test_the_loss_falls_on_a_toy_store(case: Case, tmp_path: Path) -> None:
    recipe = case.make()
    rate_hz = recipe.input.streams[0].rate_hz or 64.0
    seconds = 6 * recipe.input.window_s
    config = TrainingConfig(
        seed=0, steps=case.steps, batch_size=8, learning_rate=case.learning_rate, schedule="constant", weight_decay=0.0,
        validation_share=0.0, log_every=case.steps // 4, workers=0,
    )  # fmt: skip
    with toy_store(tmp_path / "store", seconds=seconds, rate_hz=rate_hz, channels=case.channels) as store:
        index = WindowIndex.build(store, recipe.input)
        targets = {name: np.resize(np.array(labels), len(index)) for name, labels in case.targets.items()}
        train(recipe, store, config=config, run=tmp_path / "run", index=index.with_targets(**targets))
    losses = [line["loss"] for line in read_log(tmp_path / "run" / "log.jsonl")]
    assert losses[-1] < 0.95 * losses[0], losses
