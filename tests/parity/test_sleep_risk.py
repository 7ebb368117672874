"""All four diagnosis networks and Cox's loss with its gradient, against the original's numbers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.parity.oracle import Oracle, check, load, state
from wearfm.objectives.cox import cox
from wearfm.recipes.sleep_risk import UNUSED, SleepRisk, paper

pytestmark = pytest.mark.parity


@pytest.fixture(scope="module")
def oracle(oracle_folder: Path) -> Oracle:
    return load(oracle_folder, "sleepfm")


@pytest.fixture(scope="module")
def recipes(oracle: Oracle) -> dict[str, SleepRisk]:
    names = [name for name in oracle.json["networks"] if name.startswith("diagnosis_")]
    assert len(names) == 4
    return {name: SleepRisk.from_original(state(oracle, name)).eval() for name in names}


def _signals(oracle: Oracle, recipe: SleepRisk, rows: int) -> tuple[Tensor, Tensor]:
    """Return the signals that the base's case gives to the network without pretraining, as pieces."""
    signal, padded = oracle.input("base/c4/x")[:rows], oracle.input("base/c4/mask")[:rows]
    pieces = signal.reshape(*signal.shape[:2], -1, recipe.config.base.piece)
    return pieces, ~padded[..., None].expand(pieces.shape[:3])


def _inputs(oracle: Oracle, name: str, recipe: SleepRisk) -> tuple[tuple[Tensor, Tensor] | None, Tensor | None]:
    """Return what a network reads: a night and a person, either of which may be none."""
    own = f"{name}/demo"
    person = oracle.input(own if own in oracle.arrays else "diagnosis/demo") if recipe.config.demographics else None
    if recipe.config.source == "nothing":
        return None, person
    if recipe.config.source == "tokens":
        return (oracle.input("heads/x"), ~oracle.input("heads/mask")), person
    assert person is not None
    return _signals(oracle, recipe, len(oracle.arrays[f"{name}/hazards"])), person


def test_the_names_tell_which_network_it_is(oracle: Oracle, recipes: Mapping[str, SleepRisk]) -> None:
    for name, recipe in recipes.items():
        published, c = oracle.json["networks"][name]["config"], recipe.config
        sizes: dict[str, Any] = {"num_classes": c.outcomes, "dropout": c.dropout}
        if c.source != "nothing":
            sizes |= {"num_layers": c.layers, "pooling_head": c.heads}
        assert {key: published[key] for key in sizes} == sizes
        assert c.base == paper().base
    kinds = {name: (recipe.config.source, recipe.config.demographics) for name, recipe in recipes.items()}
    assert kinds == {
        "diagnosis_demo": ("tokens", 2),
        "diagnosis_nodemo": ("tokens", 0),
        "diagnosis_demo_only": ("nothing", 4),
        "diagnosis_supervised": ("signals", 2),
    }


def test_numbers_of_parameters_and_epsilons_are_the_published_ones(oracle: Oracle, recipes: Mapping[str, SleepRisk]) -> None:
    for name, recipe in recipes.items():
        network = oracle.json["networks"][name]
        unused = 2 * recipe.config.base.width if recipe.config.source == "tokens" else 0  # a norm that nobody asks
        assert sum(p.numel() for p in recipe.head.parameters()) == network["n_parameters"] - unused
        norms = [module for module in recipe.head.modules() if isinstance(module, nn.BatchNorm1d | nn.LayerNorm)]
        assert {norm.eps for norm in norms} == {float(text.rsplit(" ", 1)[1]) for text in network["norm_eps"]}
    assert sum(p.numel() for p in SleepRisk(paper()).head.parameters()) == 963_497 - 256


def test_weights_go_out_as_they_came_in_with_or_without_the_prefix(oracle: Oracle, recipes: Mapping[str, SleepRisk]) -> None:
    for name in recipes:
        given = state(oracle, name)
        returned = SleepRisk.from_original({f"module.{key}": value for key, value in given.items()}).to_original()
        assert {key for key in returned if not key.startswith("base.")} == given.keys() - UNUSED
        assert all(torch.equal(returned[key], value) for key, value in given.items() if key not in UNUSED)


@torch.no_grad()
def test_hazards_of_all_networks_agree(oracle: Oracle, recipes: Mapping[str, SleepRisk]) -> None:
    compared = oracle.matches(r"(diagnosis_\w+)/hazards")
    assert {match[1] for match in compared} == set(recipes)
    for match in compared:
        recipe = recipes[match[1]]
        check(oracle, match[0], recipe.head(*_inputs(oracle, match[1], recipe)))


def test_the_partial_likelihood_and_its_gradient_agree(oracle: Oracle) -> None:
    hazards = oracle.input("cox/hazards").requires_grad_()
    found = cox(hazards, oracle.input("cox/time"), oracle.input("cox/event"), ties="order", is_mean_of_all=True)
    found.backward()
    check(oracle, "cox/loss", found)
    check(oracle, "cox/grad", hazards.grad)


def test_our_partial_likelihood_differs_in_the_mean_only_where_nothing_is_tied(oracle: Oracle) -> None:
    hazards, time, event = (oracle.input(f"cox/{name}") for name in ("hazards", "time", "event"))
    with_events = (event != 0).any(dim=0).sum()
    found = cox(hazards, time, event) * with_events / event.shape[1]
    check(oracle, "cox/loss", found)
