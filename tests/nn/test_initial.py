"""Starting values come from the generator."""

from __future__ import annotations

import math

import torch
from torch import nn

from wearfm.nn.initial import uniform_by_fan_in, xavier


class Toy(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.class_token = nn.Parameter(torch.zeros(1, 1, 4000))
        self.linear = nn.Linear(300, 100)
        self.filter = nn.Conv1d(3, 5, 7)
        self.norm = nn.LayerNorm(4)


def test_matrices_are_uniform_within_glorots_bound_and_vectors_neutral() -> None:
    toy = Toy()
    xavier(toy, torch.Generator().manual_seed(0))
    bound = math.sqrt(6 / 400)
    assert 0.98 * bound < toy.linear.weight.abs().max() <= bound
    assert toy.filter.weight.abs().max() <= math.sqrt(6 / 26)
    assert not toy.linear.bias.any()
    assert torch.equal(toy.norm.weight, torch.ones(4))
    assert 0.019 < toy.class_token.std() < 0.021


def test_the_same_seed_gives_the_same_bits_and_the_global_state_stays() -> None:
    first, second = Toy(), Toy()
    before = torch.get_rng_state()
    xavier(first, torch.Generator().manual_seed(5))
    xavier(second, torch.Generator().manual_seed(5))
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_uniform_by_fan_in_fills_its_bound_and_leaves_norms() -> None:
    layers = nn.Sequential(nn.Conv1d(4, 50, 9), nn.BatchNorm1d(50), nn.ConvTranspose1d(50, 4, 3), nn.Linear(36, 50))
    uniform_by_fan_in(layers, torch.Generator().manual_seed(0))
    for layer, fan_in in ((layers[0], 36), (layers[2], 12), (layers[3], 36)):
        assert float(layer.bias.detach().abs().max()) <= fan_in**-0.5
        assert 0.9 * fan_in**-0.5 < float(layer.weight.detach().abs().max()) <= fan_in**-0.5
    assert layers[1].weight.tolist() == [1.0] * 50
    before = layers[0].weight.detach().clone()
    uniform_by_fan_in(layers, torch.Generator().manual_seed(0))
    assert torch.equal(layers[0].weight, before)


def test_recurrent_layers_are_uniform_within_the_width_of_their_state() -> None:
    layer = nn.LSTM(3, 64, num_layers=2, bidirectional=True)
    uniform_by_fan_in(layer, torch.Generator().manual_seed(0))
    largest = [parameter.abs().max().item() for parameter in layer.parameters()]
    assert 0.12 < max(largest) <= 0.125
    assert min(largest) > 0.1
