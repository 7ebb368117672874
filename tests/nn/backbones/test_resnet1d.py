"""The pre-activation residual network: lengths, shortcuts, where dropout sits."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from wearfm.nn.backbones.resnet1d import Layer, PreActivationBlock, ResNet1D, SameConv, Shortcut, Stem


def _noise(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("length", "kernel", "stride"), [(10, 4, 1), (10, 11, 2), (11, 11, 2), (7, 2, 3), (5, 1, 4)])
@torch.no_grad()
def test_a_stride_divides_the_length_rounded_up(length: int, kernel: int, stride: int) -> None:
    assert SameConv(1, 2, kernel, stride=stride)(_noise(1, 1, length)).shape[2] == -(-length // stride)


@torch.no_grad()
def test_the_odd_padded_zero_is_on_the_right() -> None:
    """A kernel of 4 that sums: one zero on the left, two on the right."""
    layer = SameConv(1, 1, 4)
    layer.weight.fill_(1.0)
    layer.bias.fill_(0.0)  # type: ignore[union-attr]
    assert layer(torch.tensor([[[1.0, 2.0, 4.0, 8.0]]]))[0, 0].tolist() == [7, 15, 14, 12]


def _silent(before: int, layer: Layer, *, shortcut: Shortcut) -> PreActivationBlock:
    """A block whose second convolution gives nothing, so that only the shortcut is seen."""
    block = PreActivationBlock(before, layer, shortcut=shortcut, is_active=True).eval()
    for parameter in block.conv2.parameters():
        nn.init.zeros_(parameter)
    return block


@torch.no_grad()
def test_a_padded_shortcut_takes_maxima_and_adds_channels_on_both_sides() -> None:
    """Beyond the end stands a 0, which takes part in the maximum, as in the released networks."""
    block = _silent(1, Layer(width=4, kernel=3, stride=2), shortcut="pad")
    risen = block(torch.tensor([[[-1.0, -3.0, -2.0, 5.0, -7.0]]]))[0]
    assert risen.tolist() == [[0, 0, 0], [-1, 5, 0], [0, 0, 0], [0, 0, 0]]


@torch.no_grad()
def test_a_block_that_changes_nothing_carries_its_input_as_it_is() -> None:
    signal = _noise(2, 3, 8)
    for shortcut in ("project", "pad"):
        block = _silent(3, Layer(width=3, kernel=3), shortcut=shortcut)  # type: ignore[arg-type]
        assert block.project is None
        assert torch.equal(block(signal), signal)


@torch.no_grad()
def test_a_projected_shortcut_is_a_linear_map_of_each_moment() -> None:
    block = _silent(3, Layer(width=5, kernel=4, stride=2), shortcut="project")
    assert block.project is not None
    signal = _noise(1, 3, 9)
    risen = block(signal)
    assert risen.shape == (1, 5, 5)
    torch.testing.assert_close(risen[0, :, 2], block.project.weight[..., 0] @ signal[0, :, 4] + block.project.bias)


@torch.no_grad()
def test_lengths_and_widths_are_those_of_the_layers() -> None:
    layers = [Layer(width=4, kernel=3), Layer(width=8, kernel=4, stride=2), Layer(width=8, kernel=3, stride=2)]
    plain = ResNet1D(2, stem=Stem(width=4, kernel=5), layers=layers, shortcut="pad", has_active_start=False).eval()
    assert plain.width == 8
    assert plain(_noise(3, 2, 21)).shape == (3, 8, 6)
    pooled = Stem(width=4, kernel=7, stride=2, is_padded=False, pool=(3, 2))
    other = ResNet1D(2, stem=pooled, layers=layers[:1], shortcut="project", has_active_start=True).eval()
    assert other(_noise(3, 2, 256)).shape == (3, 4, 62)


def test_the_first_block_is_normalised_only_where_asked_for() -> None:
    for has_active_start, norms in ((True, 5), (False, 4)):
        net = ResNet1D(
            1, stem=Stem(width=2, kernel=3), layers=[Layer(width=2, kernel=3)] * 2, shortcut="pad",
            has_active_start=has_active_start,
        )  # fmt: skip
        assert sum(isinstance(part, nn.BatchNorm1d) for part in net.modules()) == norms


def test_dropout_comes_before_every_convolution_of_a_block_but_the_very_first() -> None:
    seen: list[tuple[int, ...]] = []

    def watch(signal: Tensor) -> Tensor:
        assert (signal >= 0).all()  # behind the ReLU
        seen.append(tuple(signal.shape))
        return signal

    layers = [Layer(width=2, kernel=3), Layer(width=4, kernel=3, stride=2)]
    net = ResNet1D(1, stem=Stem(width=2, kernel=3), layers=layers, shortcut="pad", has_active_start=False)
    net(_noise(3, 1, 8), watch)
    assert seen == [(3, 2, 8), (3, 2, 8), (3, 4, 4)]
