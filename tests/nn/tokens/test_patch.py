"""Patches: the strided convolution as a matrix product."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from wearfm.nn.tokens.patch import PatchEmbedding, tiles


def embedding() -> PatchEmbedding:
    module = PatchEmbedding(3, 8, size=(3, 2))
    generator = torch.Generator().manual_seed(0)
    for parameter in module.parameters():
        parameter.data.normal_(generator=generator)
    return module


def test_it_is_the_strided_convolution() -> None:
    module, planes = embedding(), torch.randn(2, 3, 11, 7, generator=torch.Generator().manual_seed(1))
    expected = F.conv2d(planes, module.weight, module.bias, stride=(3, 2)).flatten(2).transpose(1, 2)
    torch.testing.assert_close(module(planes), expected)


def test_the_second_axis_runs_fastest_and_the_rest_is_dropped() -> None:
    planes = torch.arange(5 * 5.0).reshape(1, 1, 5, 5)
    assert tiles(planes, (2, 2))[0].tolist() == [[0, 1, 5, 6], [2, 3, 7, 8], [10, 11, 15, 16], [12, 13, 17, 18]]


def test_chosen_patches_are_those_of_the_whole() -> None:
    module, planes = embedding(), torch.randn(2, 3, 9, 6, generator=torch.Generator().manual_seed(1))
    kept = torch.tensor([[4, 0], [1, 8]])
    whole = module(planes)
    torch.testing.assert_close(module(planes, kept), torch.stack([whole[0, [4, 0]], whole[1, [1, 8]]]))
