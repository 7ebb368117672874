"""The model of 2024: no numbers of the original are at hand, so its published counts, names and a twin from the description."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from wearfm.nn.initial import uniform_by_fan_in
from wearfm.recipes.sleepfm_2024 import Chance, Encoder, SleepFM2024, paper

PUBLISHED = {"respiratory": 3_470_232, "sleep_stages": 3_470_424, "ekg": 3_470_040}
DEPTHS = (1, 2, 2, 3, 3, 3, 3)


@pytest.fixture(scope="module")
def recipe() -> SleepFM2024:
    made = SleepFM2024(paper(), seed=1).eval()
    generator = torch.Generator().manual_seed(2)
    for name, tensor in made.state_dict().items():
        if "norm" in name and tensor.ndim:  # no scale at 1, no running statistic at its start
            tensor.add_(0.1 * torch.rand(tensor.shape, generator=generator))
    return made


def test_numbers_of_parameters_are_the_published_ones(recipe: SleepFM2024) -> None:
    assert {name: sum(p.numel() for p in encoder.parameters()) for name, encoder in recipe.encoders.items()} == PUBLISHED


def test_names_are_the_described_ones(recipe: SleepFM2024) -> None:
    names = {name.removeprefix("ekg.") for name in recipe.to_original() if name.startswith("ekg.")}
    for stage, depth in enumerate(DEPTHS, start=2):
        found = {int(name.split(".")[2][1:]) for name in names if name.startswith(f"stage{stage}.stack.")}
        assert found == {*range(1, depth), depth + 1}
    assert {"stage1.weight", "b0.running_mean", "stage8.stack.s4.conv2.bias", "stage9.weight", "fc.bias"} <= names
    outside = {name.split(".")[0] for name in names}
    assert outside == {"stage1", "b0", *(f"stage{n}" for n in range(2, 10)), "fc"}


def _norm(x: Tensor, state: dict[str, Tensor], name: str) -> Tensor:
    parts = [state[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")]
    return F.batch_norm(x, *parts)


def by_description(state: dict[str, Tensor], x: Tensor) -> Tensor:
    """The network as its description reads, from a state in the original's names."""

    def bottleneck(x: Tensor, name: str, stride: int) -> Tensor:
        width = len(state[f"{name}.conv1.bias"])
        hidden = F.conv1d(x, state[f"{name}.conv1.weight"], state[f"{name}.conv1.bias"])
        hidden = _norm(hidden, state, f"{name}.b0").clamp(0, 6)
        hidden = F.conv1d(
            hidden, state[f"{name}.conv2.weight"], state[f"{name}.conv2.bias"], stride=stride, padding=1, groups=width
        )
        hidden = _norm(hidden, state, f"{name}.b1").clamp(0, 6)
        return F.conv1d(hidden, state[f"{name}.conv3.weight"], state[f"{name}.conv3.bias"])

    x = _norm(F.conv1d(x, state["stage1.weight"], state["stage1.bias"], stride=2, padding=1), state, "b0")
    for stage, depth in enumerate(DEPTHS, start=2):
        for number in range(1, depth):
            x = x + bottleneck(x, f"stage{stage}.stack.s{number}", 1)
        x = _norm(bottleneck(x, f"stage{stage}.stack.s{depth + 1}", 2), state, f"stage{stage}.norm")
        if stage in (3, 6):
            x = F.max_pool1d(x, 3, 1, 1)
    x = F.conv1d(x, state["stage9.weight"], state["stage9.bias"]).mean(dim=2).relu()
    return x @ state["fc.weight"].T + state["fc.bias"]


@torch.no_grad()
def test_every_encoder_is_the_described_network(recipe: SleepFM2024) -> None:
    signal = torch.randn(2, 5, 7680, generator=torch.Generator().manual_seed(3))
    for name, encoder in recipe.encoders.items():
        state = {key.removeprefix(f"{name}."): value for key, value in recipe.to_original().items() if key.startswith(name)}
        x = signal[:, : encoder.stem.in_channels]
        found = encoder(x, Chance(None, torch.ones(2, dtype=torch.bool), 0.0))
        torch.testing.assert_close(found, by_description(state, x))


def test_an_encoder_s_weights_are_taken_whatever_numbers_its_blocks_and_name_its_norms_carry(recipe: SleepFM2024) -> None:
    encoder = Encoder(paper(), channels=1)
    uniform_by_fan_in(encoder, torch.Generator().manual_seed(5))
    donor = SleepFM2024(paper())
    donor.encoders["ekg"].load_state_dict(encoder.state_dict())
    given = {key.removeprefix("ekg."): value for key, value in donor.to_original().items() if key.startswith("ekg.")}
    shifted = {}
    for key, value in given.items():
        parts = key.split(".")
        if len(parts) > 2 and parts[1] == "stack":
            parts[2] = f"s{int(parts[2][1:]) * 2}"
        if parts[1] == "norm":
            parts[1] = "stack.b2"
        shifted[".".join(parts)] = value
    other = SleepFM2024(paper(), seed=9)
    other.take_original("ekg", {f"module.{key}": value for key, value in shifted.items()})
    assert all(torch.equal(value, other.encoders["ekg"].state_dict()[key]) for key, value in encoder.state_dict().items())
