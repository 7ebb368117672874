"""The 1-D EfficientNet: sizes as published, lengths, and what every part does."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from wearfm.nn.backbones.efficientnet import ChannelGate, ConvNorm, EfficientNet, MBConv, Stage


def _noise(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def _tiny(channels: int = 2) -> EfficientNet:
    stages = [
        Stage(width=6, kernel=3, stride=1, expansion=1, repeats=1),
        Stage(width=8, kernel=5, stride=2, expansion=3, repeats=2),
    ]
    return EfficientNet(channels=channels, stem=6, stem_kernel=3, stages=stages, squeeze=0.25, width=10)


@pytest.mark.parametrize("length", [1, 4, 63, 64, 65])
def test_any_length_gives_one_vector(length: int) -> None:
    net = _tiny().eval()
    assert net(_noise(3, 2, length)).shape == (3, 10)
    assert net.features(_noise(3, 2, length)).shape == (3, 10, -(-length // 4))


def test_repeats_after_the_first_keep_length_and_width_and_add_their_input() -> None:
    blocks = [block for block in _tiny().blocks if isinstance(block, MBConv)]
    assert [block.is_residual for block in blocks] == [True, False, True]
    assert [block.depthwise.conv.stride[0] for block in blocks] == [1, 2, 1]


def test_a_block_without_expansion_has_no_expanding_convolution() -> None:
    first, second, _ = _tiny().blocks
    assert isinstance(first, MBConv)
    assert isinstance(second, MBConv)
    assert isinstance(first.expand, nn.Identity)
    assert isinstance(second.expand, ConvNorm)


def test_the_gate_squeezes_a_share_of_the_expanded_channels() -> None:
    hidden = [block.gate.reduce.out_channels for block in _tiny().blocks if isinstance(block, MBConv)]
    assert hidden == [1, 4, 6]  # a quarter of 6, 18 and 24


def test_the_gate_scales_channels_by_what_their_means_say() -> None:
    gate = ChannelGate(2, 1)
    with torch.no_grad():
        for parameter in gate.parameters():
            parameter.zero_()
        gate.expand.bias.copy_(torch.tensor([0.0, 100.0]))
    maps = _noise(1, 2, 5)
    torch.testing.assert_close(gate(maps), maps * torch.tensor([0.5, 1.0])[None, :, None])


def test_convolutions_are_without_bias_except_in_the_gate() -> None:
    biased = {name.split(".")[-2] for name, _ in _tiny().named_parameters() if name.endswith("conv.bias")}
    assert biased == set()
    assert sum(name.endswith(("reduce.bias", "expand.bias")) for name, _ in _tiny().named_parameters()) == 6


def test_a_gradient_reaches_every_parameter() -> None:
    net = _tiny()
    net(_noise(4, 2, 64)).square().sum().backward()
    assert [name for name, p in net.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_in_evaluation_rows_do_not_depend_on_one_another() -> None:
    net, signal = _tiny().eval(), _noise(5, 2, 64)
    with torch.no_grad():
        torch.testing.assert_close(net(signal)[2:3], net(signal[2:3]))
