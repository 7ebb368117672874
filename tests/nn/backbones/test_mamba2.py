"""Mamba-2 against its recurrence written with loops, what hidden steps mean, and what a longer sequence costs."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from wearfm.errors import BadConfiguration
from wearfm.nn.backbones.mamba2 import Bidirectional, GatedNorm, Mamba2, scan, start_states
from wearfm.nn.initial import uniform_by_fan_in

EXACT = {"rtol": 1e-10, "atol": 1e-10}  # float64: only the order of the sums differs


def numbers(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def inputs(length: int, *, rows: int = 2, heads: int = 3, width: int = 4, states: int = 5) -> tuple[Tensor, ...]:
    """x, dt, a, b, c."""
    dt = F.softplus(numbers(rows, length, heads, seed=1))
    rate = -numbers(heads, seed=2).exp()
    enter, leave = numbers(rows, length, states, seed=3), numbers(rows, length, states, seed=4)
    return tuple(part.requires_grad_() for part in (numbers(rows, length, heads, width), dt, rate, enter, leave))


def scan_by_hand(values: Tensor, dt: Tensor, rate: Tensor, enter: Tensor, leave: Tensor) -> Tensor:
    """The recurrence of the paper, step by step and head by head."""
    rows, length, heads, width = values.shape
    out = []
    for row in range(rows):
        for head in range(heads):
            state = torch.zeros(width, enter.shape[2], dtype=values.dtype)
            for n in range(length):
                step = dt[row, n, head]
                state = torch.exp(step * rate[head]) * state + step * torch.outer(values[row, n, head], enter[row, n])
                out.append(state @ leave[row, n])
    return torch.stack(out).reshape(rows, heads, length, width).transpose(1, 2)


def layer(kind: type[nn.Module] = Mamba2, *, chunk: int = 4, seed: int = 0) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        module = kind(6, states=5, conv=4, expand=2, head_width=4, chunk=chunk).double()
    generator = torch.Generator().manual_seed(seed)
    uniform_by_fan_in(module, generator)
    start_states(module, generator)
    with torch.no_grad():
        for parameter in module.parameters():  # no scale at 1
            parameter += 0.1 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
    return module


def layer_by_hand(module: Mamba2, tokens: Tensor) -> Tensor:
    """The layer of the paper for one row, (N, D) -> (N, D), with a convolution of loops."""
    inner, states, heads = module.inner, module.states, len(module.D)
    out, past = [], []
    state = [torch.zeros(module.head_width, states, dtype=tokens.dtype) for _ in range(heads)]
    for token in tokens:
        gate, moving, dt = (module.in_proj.weight @ token).split([inner, inner + 2 * states, heads])
        past.append(moving)
        seen = module.conv1d.bias + sum(module.conv1d.weight[:, 0, -1 - k] * past[-1 - k] for k in range(min(4, len(past))))
        x, b, c = (seen * torch.sigmoid(seen)).split([inner, states, states])
        y = []
        for h in range(heads):
            step = torch.log(1 + torch.exp(dt[h] + module.dt_bias[h]))
            own = x[h * module.head_width : (h + 1) * module.head_width]
            state[h] = torch.exp(-torch.exp(module.A_log[h]) * step) * state[h] + step * torch.outer(own, b)
            y.append(state[h] @ c + module.D[h] * own)
        gated = torch.cat(y) * gate * torch.sigmoid(gate)
        out.append(module.out_proj.weight @ (gated / torch.sqrt((gated**2).mean() + 1e-5) * module.norm.weight))
    return torch.stack(out)


@pytest.mark.parametrize("length", [1, 3, 4, 7, 11])
def test_the_chunked_scan_is_the_recurrence_in_value_and_gradient(length: int) -> None:
    parts = inputs(length)
    ours, theirs = scan(*parts, chunk=4), scan_by_hand(*parts)
    torch.testing.assert_close(ours, theirs, **EXACT)
    weights = numbers(*ours.shape, seed=9)
    for one, other in zip(
        torch.autograd.grad((ours * weights).sum(), parts), torch.autograd.grad((theirs * weights).sum(), parts), strict=True
    ):
        torch.testing.assert_close(one, other, **EXACT)


def test_the_scan_does_not_depend_on_the_chunk() -> None:
    parts = inputs(23)
    for chunk in (1, 2, 5, 23, 64):
        torch.testing.assert_close(scan(*parts, chunk=chunk), scan(*parts, chunk=8), **EXACT)


def test_strong_decay_over_a_long_chunk_is_finite_and_right_in_float32() -> None:
    """exp(+ decay) would overflow: a chunk of 256 steps in which the state shrinks by e^-4000."""
    values, dt, rate, enter, leave = (part.detach() for part in inputs(256, rows=1, heads=1))
    dt, rate = torch.full_like(dt, 1.0), torch.full_like(rate, -16.0)
    single = scan(*(part.float() for part in (values, dt, rate, enter, leave)), chunk=256)
    torch.testing.assert_close(single, scan_by_hand(values, dt, rate, enter, leave).float(), rtol=1e-5, atol=1e-5)


def test_a_step_of_zero_leaves_the_state_alone() -> None:
    values, dt, rate, enter, leave = (part.detach() for part in inputs(9))
    dt[:, 4] = 0
    others = [n for n in range(9) if n != 4]
    removed = scan(values[:, others], dt[:, others], rate, enter[:, others], leave[:, others], chunk=4)
    torch.testing.assert_close(scan(values, dt, rate, enter, leave, chunk=4)[:, others], removed, **EXACT)


@pytest.mark.parametrize("length", [1, 2, 9])
def test_the_layer_is_the_published_one(length: int) -> None:
    module, tokens = layer(), numbers(2, length, 6)
    by_hand = torch.stack([layer_by_hand(module, row) for row in tokens])
    torch.testing.assert_close(module(tokens), by_hand, **EXACT)
    ours, theirs = (torch.autograd.grad(out.square().sum(), list(module.parameters())) for out in (module(tokens), by_hand))
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, **EXACT)


def test_the_gated_norm_has_a_mean_square_of_one() -> None:
    normed = GatedNorm(50).double()(numbers(3, 50), numbers(3, 50, seed=1))
    torch.testing.assert_close(normed.square().mean(dim=1), torch.ones(3, dtype=torch.float64), rtol=1e-3, atol=0.0)  # eps


def test_names_and_shapes_are_those_of_the_public_package() -> None:
    """expand 2, one group: in_proj makes z, x, B, C, dt; the convolution runs over x, B, C."""
    shapes = {name: tuple(p.shape) for name, p in Mamba2(256).named_parameters()}
    assert shapes == {
        "in_proj.weight": (512 + 512 + 64 + 64 + 8, 256),
        "conv1d.weight": (640, 1, 4),
        "conv1d.bias": (640,),
        "dt_bias": (8,),
        "A_log": (8,),
        "D": (8,),
        "norm.weight": (512,),
        "out_proj.weight": (256, 512),
    }


def test_a_step_looks_back_only() -> None:
    module, tokens = layer(), numbers(1, 10, 6)
    moved = tokens.clone()
    moved[:, 6] += 1
    changed = (module(moved) != module(tokens)).any(dim=2)[0]
    assert changed.tolist() == [False] * 6 + [True] * 4


@pytest.mark.parametrize("kind", [Mamba2, Bidirectional])
@pytest.mark.parametrize("removed", [[0], [5], [10], [0, 1, 2, 3, 4], [2, 3, 4, 7, 9]])
def test_a_hidden_step_is_as_if_it_were_not_there(kind: type[nn.Module], removed: list[int]) -> None:
    module, tokens = layer(kind), numbers(2, 11, 6)
    visible = torch.ones(2, 11, dtype=torch.bool)
    visible[1, removed] = False
    tokens[1, removed] = 1e6
    left = [n for n in range(11) if n not in removed]
    seen = module(tokens, visible)
    torch.testing.assert_close(seen[1, left], module(tokens[1:, left])[0], **EXACT)
    torch.testing.assert_close(seen[0], module(tokens[:1])[0], **EXACT)
    nothing = torch.zeros(len(removed), 6) if kind is Mamba2 else module.proj.bias.expand(len(removed), -1)
    torch.testing.assert_close(seen[1, removed], nothing.double())


def test_no_gradient_reaches_a_hidden_step_or_comes_from_it() -> None:
    module, tokens = layer(Bidirectional), numbers(1, 8, 6).requires_grad_()
    visible = torch.tensor([[True, True, False, True, True, False, False, True]])
    (gradient,) = torch.autograd.grad(module(tokens, visible).square().sum(), tokens)
    assert torch.equal(gradient.abs().sum(dim=2) > 0, visible)


def test_a_row_without_a_visible_step_is_finite() -> None:
    module, tokens = layer(Bidirectional), numbers(1, 5, 6)
    assert torch.equal(module(tokens, torch.zeros(1, 5, dtype=torch.bool))[0], module.proj.bias.expand(5, -1))


def test_both_directions_are_two_layers_and_a_linear_map() -> None:
    module, tokens = layer(Bidirectional), numbers(1, 7, 6)
    back = layer_by_hand(module.bwd, tokens[0].flip(0)).flip(0)
    both = torch.cat([layer_by_hand(module.fwd, tokens[0]), back], dim=1)
    torch.testing.assert_close(module(tokens)[0], both @ module.proj.weight.T + module.proj.bias, **EXACT)


def test_operations_grow_with_the_length_and_not_with_its_square() -> None:
    module = layer(Bidirectional, chunk=16).requires_grad_(False)

    def operations(length: int) -> int:
        with FlopCounterMode(display=False) as counter:
            module(numbers(1, length, 6))
        return counter.get_total_flops()

    counts = [operations(length) for length in (64, 128, 256, 512)]
    assert all(other == 2 * one for one, other in pairwise(counts))


def test_first_states_come_from_the_generator_and_lie_where_the_paper_says() -> None:
    with torch.random.fork_rng(devices=[]):
        module = Mamba2(512, head_width=1)  # 1024 heads
    start_states(module, torch.Generator().manual_seed(0))
    dt, rate = F.softplus(module.dt_bias.detach()), module.A_log.detach().exp()
    assert 0.00099 < dt.min() < 0.0012
    assert 0.09 < dt.max() < 0.101
    assert abs(dt.log().mean() - math.log(0.01)) < 0.15
    assert 1 <= rate.min() < 1.1
    assert 15.9 < rate.max() <= 16
    again = Mamba2(512, head_width=1)
    start_states(again, torch.Generator().manual_seed(0))
    assert torch.equal(again.dt_bias, module.dt_bias)
    assert torch.equal(again.A_log, module.A_log)


def test_half_precision_keeps_the_state_in_float32() -> None:
    module, tokens = layer(Bidirectional).float(), numbers(2, 40, 6).float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = module(tokens)
    torch.testing.assert_close(half.float(), module(tokens), rtol=0.05, atol=0.05)  # linear maps of 8 bits


def test_heads_must_fit_the_width() -> None:
    with pytest.raises(BadConfiguration, match="width 12 does not divide into heads of 5; use a multiple"):
        Mamba2(6, head_width=5)
