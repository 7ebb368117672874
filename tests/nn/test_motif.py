"""The learned distance: attention weights, gaps, scales, and what rebuilding can and cannot see."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from wearfm.nn.draws import Draws
from wearfm.nn.motif import MotifNet, PartialConv, ReversibleScale, measure, sparsemax


def _noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def net(**changes: int) -> MotifNet:
    sizes = {"width": 8, "kernel": 5, "depth": 2, "bottleneck": 4, **changes}
    made = MotifNet(2, **sizes)
    with torch.no_grad():
        for number, parameter in enumerate(made.parameters()):
            parameter.copy_(0.3 * _noise(*parameter.shape, seed=number))
    return made.eval()


def _everything(signal: Tensor) -> Tensor:
    return torch.ones_like(signal, dtype=torch.bool)


def test_sparsemax_is_the_nearest_point_of_the_simplex() -> None:
    """Two scores: (1 + a - b) / 2 of one and the rest of the other, clipped."""
    weights = sparsemax(torch.tensor([[0.3, 0.1], [2.0, 0.5], [0.0, 0.0], [-5.0, 1.0]]))
    torch.testing.assert_close(weights, torch.tensor([[0.6, 0.4], [1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]))


def test_sparsemax_weights_sum_to_one_and_most_are_zero() -> None:
    weights = sparsemax(5 * _noise(3, 4, 50))
    torch.testing.assert_close(weights.sum(dim=-1), torch.ones(3, 4))
    assert (weights >= 0).all()
    assert (weights == 0).float().mean() > 0.9


def test_sparsemax_ignores_what_is_added_to_all_scores() -> None:
    scores = _noise(2, 6)
    torch.testing.assert_close(sparsemax(scores + 3), sparsemax(scores))


def test_a_level_and_a_size_are_those_of_the_valid_samples() -> None:
    signal = torch.tensor([[[1.0, 3.0, 99.0]]])
    level, size = measure(signal, torch.tensor([[[True, True, False]]]))
    assert level.item() == 2
    assert size.item() == pytest.approx((1 + 1e-5) ** 0.5)
    empty = measure(signal, torch.zeros(1, 1, 3, dtype=torch.bool))
    assert [part.item() for part in empty] == pytest.approx([0, 1e-5**0.5])


def test_a_scale_is_undone() -> None:
    scale = ReversibleScale(2)
    with torch.no_grad():
        scale.weight.copy_(torch.tensor([0.5, 2.0]))
        scale.bias.copy_(torch.tensor([1.0, -3.0]))
    signal, level, size = _noise(3, 2, 9), _noise(3, 2, 1), _noise(3, 2, 1).abs() + 0.1
    torch.testing.assert_close(scale.undo(scale(signal, level, size), level, size), signal)


def test_a_partial_convolution_of_a_constant_does_not_see_the_gap() -> None:
    """All filters sum what they see and scale it up to the whole kernel: 3 x 2 = 6 wherever anything is visible."""
    layer = PartialConv(1, 1, 3, padding=1)
    with torch.no_grad():
        layer.weight.fill_(1.0)
        layer.bias.fill_(0.5)  # type: ignore[union-attr]
    signal = torch.tensor([[[2.0, 77.0, 77.0, 77.0, 2.0]]])
    visible = torch.tensor([[[True, False, False, False, True]]])
    assert layer(signal, visible)[0, 0].tolist() == pytest.approx([6.5, 6.5, 0.0, 6.5, 6.5])


def test_without_a_mask_only_what_lies_beyond_the_ends_is_missing() -> None:
    layer = PartialConv(2, 3, 5, padding=2)
    signal = _noise(1, 2, 12)
    plain = torch.nn.functional.conv1d(signal, layer.weight, layer.bias, padding=2)
    torch.testing.assert_close(layer(signal)[..., 2:-2], plain[..., 2:-2])
    assert not torch.allclose(layer(signal)[..., 0], plain[..., 0])


@pytest.mark.parametrize(("length", "stride", "steps"), [(40, 1, 40), (40, 5, 8), (41, 5, 9)])
@torch.no_grad()
def test_every_stride_th_sample_is_rebuilt(length: int, stride: int, steps: int) -> None:
    model, window = net(stride=stride), _noise(3, 2, length)
    rebuilt = model.rebuild(window, _everything(window), model.remember(window, _everything(window)))
    assert rebuilt.shape == (3, 2, steps)


@torch.no_grad()
def test_level_and_size_of_the_key_carry_over_to_what_is_rebuilt() -> None:
    """If both windows are 10 times larger and lie 3 higher, so does the rebuilt one."""
    model, query, key = net(), _noise(2, 2, 40), _noise(2, 2, 40, seed=1)
    everything = _everything(query)
    plain = model.rebuild(query, everything, model.remember(key, everything))
    scaled = model.rebuild(10 * query + 3, everything, model.remember(10 * key + 3, everything))
    torch.testing.assert_close(scaled, 10 * plain + 3, rtol=1e-3, atol=1e-3)  # 1e-5 in the variance does not scale along


@torch.no_grad()
def test_hidden_and_missing_samples_do_not_matter() -> None:
    model, query, key = net(), _noise(2, 2, 40), _noise(2, 2, 40, seed=1)
    seen = torch.rand(2, 2, 40, generator=torch.Generator().manual_seed(2)) > 0.3
    plain = model.rebuild(query, seen, model.remember(key, seen))
    poisoned = model.rebuild(query.where(seen, torch.nan), seen, model.remember(key.where(seen, torch.inf), seen))
    assert plain.isfinite().all()
    assert torch.equal(plain, poisoned)


@torch.no_grad()
def test_windows_without_a_sample_stay_finite_and_rows_apart() -> None:
    model, window = net(), _noise(2, 2, 40)
    valid = _everything(window)
    valid[1] = False
    rebuilt = model.rebuild(window, valid, model.remember(window, valid))
    alone = model.rebuild(window[:1], valid[:1], model.remember(window[:1], valid[:1]))
    assert rebuilt.isfinite().all()
    torch.testing.assert_close(rebuilt[:1], alone)


@torch.no_grad()
def test_the_moments_of_the_key_are_found_wherever_they_are() -> None:
    """Attention has no positions: away from the ends, a shifted key gives the same weights, shifted."""
    model, query, key = net(), _noise(1, 2, 64), torch.zeros(1, 2, 64)
    key[..., 20:40] = _noise(1, 2, 20, seed=3)
    everything = _everything(query)
    one = model.attention(query, everything, model.remember(key, everything), weighting="softmax")
    other = model.attention(query, everything, model.remember(key.roll(4, dims=2), everything), weighting="softmax")
    torch.testing.assert_close(one[..., 16:40], other[..., 20:44], rtol=1e-3, atol=1e-5)  # ends of the window differ


@torch.no_grad()
def test_dropout_comes_from_the_draws_alone() -> None:
    model, window = net(), _noise(2, 2, 20)
    model.dropout = 0.5
    everything = _everything(window)
    memory = model.remember(window, everything)
    one, again, other = (
        model.rebuild(window, everything, memory, draws=Draws(seed=seed)) for seed in (1, 1, 2)
    )  # fmt: skip
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


@torch.no_grad()
def test_both_ways_to_compute_softmax_attention_agree() -> None:
    model, window = net(), _noise(2, 2, 20)
    everything = _everything(window)
    memory = model.remember(window, everything)
    fused = model.rebuild(window, everything, memory)
    written = model.rebuild(window, everything, memory, draws=Draws(seed=0))  # dropout 0: same weights, written out
    model.dropout = 1e-9
    torch.testing.assert_close(model.rebuild(window, everything, memory, draws=Draws(seed=0)), fused)
    torch.testing.assert_close(written, fused)
