"""The post-norm block: attention by hand, heads of their own width, dropout from outside, who is looked at."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from wearfm.nn.backbones.post_norm import PostNormBlock, PreNormBlock, WideAttention, drop
from wearfm.nn.draws import Draws
from wearfm.nn.initial import xavier


def block(**settings: float) -> PostNormBlock:
    module = PostNormBlock(6, heads=2, head_width=5, mlp_width=16, **settings)
    xavier(module, torch.Generator().manual_seed(0))
    for parameter in module.parameters():  # no bias at 0, no scale at 1
        parameter.data += 0.1 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(2))
    return module.requires_grad_(False)


def tokens(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


def attention_by_hand(module: WideAttention, x: Tensor) -> Tensor:
    """Head by head and query by query, (N, D) -> (N, D)."""
    query, key, value = module.query(x), module.key(x), module.value(x)
    size = query.shape[1] // module.heads
    mixed = torch.zeros_like(query)
    for head in range(module.heads):
        part = slice(head * size, (head + 1) * size)
        for n in range(len(x)):
            scores = torch.stack([query[n, part] @ key[m, part] / math.sqrt(size) for m in range(len(x))])
            mixed[n, part] = sum(w * value[m, part] for m, w in enumerate(scores.softmax(0)))
    return module.project(mixed)


def test_attention_is_the_published_sum_with_heads_of_their_own_width() -> None:
    module, x = block().attention, tokens(2, 4, 6)
    assert module.query.out_features == 10
    torch.testing.assert_close(module(x)[1], attention_by_hand(module, x[1]))


def test_the_norm_comes_after_the_sum() -> None:
    module, x = block(), tokens(1, 4, 6)
    first = F.layer_norm(x + module.attention(x), (6,), module.norm1.weight, module.norm1.bias, eps=1e-6)
    inner = module.contract(module.expand(first).clamp_min(0))
    torch.testing.assert_close(module(x), F.layer_norm(first + inner, (6,), module.norm2.weight, module.norm2.bias, eps=1e-6))


def test_the_norms_can_come_first() -> None:
    after, x = block(), tokens(2, 4, 6)
    before = PreNormBlock(6, heads=2, head_width=5, mlp_width=16)
    before.load_state_dict(after.state_dict())  # the same parts
    first = x + before.attention(before.norm1(x))
    torch.testing.assert_close(before(x), first + before.contract(before.expand(before.norm2(first)).clamp_min(0)))
    assert not torch.allclose(before(x), after(x))


def test_dropout_acts_the_same_whether_norms_come_first_or_last() -> None:
    x = tokens(2, 5, 6)
    for settings in ({"dropout": 0.5, "attention_dropout": 0.0}, {"inner_dropout": 0.5}, {"attention_dropout": 0.5}):
        module = PreNormBlock(6, heads=2, head_width=5, mlp_width=16, **settings)
        xavier(module, torch.Generator().manual_seed(0))
        assert not torch.allclose(module(x, draws=Draws(0)), module(x))
        assert torch.equal(module(x, draws=Draws(0)), module(x, draws=Draws(0)))


def test_an_invisible_token_is_as_if_it_were_not_there() -> None:
    module, x = block(), tokens(2, 5, 6)
    visible = torch.ones(2, 5, dtype=torch.bool)
    visible[1, 3] = False
    moved = x.clone()
    moved[1, 3] += 100
    others = [0, 1, 2, 4]
    assert torch.equal(module(x, visible)[:, others], module(moved, visible)[:, others])
    torch.testing.assert_close(module(x, visible)[1, others], module(x[1:, others])[0])


def test_weights_of_a_query_sum_to_one_over_what_is_visible() -> None:
    module, x = block().attention, tokens(2, 5, 6)
    visible = torch.tensor([[True] * 5, [True, False, True, True, False]])
    weights = module.attention(x, visible)
    torch.testing.assert_close(weights.sum(dim=3), torch.ones(2, 2, 5))
    assert not weights[1, :, :, [1, 4]].any()


def test_received_attention_is_the_sum_over_those_that_look() -> None:
    module, x = block().attention, tokens(3, 5, 6)
    visible = torch.tensor([[True] * 5, [True, False, True, True, False], [False, False, True, False, False]])
    received, weights = module.received(x, visible), module.attention(x, visible)
    by_hand = torch.stack([sum(weights[b, :, q] for q in range(5) if visible[b, q]) for b in range(3)])
    torch.testing.assert_close(received, by_hand)
    torch.testing.assert_close(received.sum(dim=2), torch.tensor([[5.0], [3.0], [1.0]]).expand(3, 2))
    torch.testing.assert_close(module.received(x), module.attention(x).sum(dim=2))


def test_dropout_needs_draws_and_keeps_the_expectation() -> None:
    ones = torch.ones(100, 50)
    assert torch.equal(drop(ones, 0.2, None), ones)
    assert torch.equal(drop(ones, 0.0, Draws(0)), ones)
    dropped = drop(ones, 0.2, Draws(0))
    assert set(dropped.unique().tolist()) == {0.0, 1.25}
    assert abs(dropped.mean() - 1) < 0.02


def test_each_dropout_acts_where_it_says() -> None:
    x = tokens(2, 5, 6)
    plain = block()(x)
    for settings in ({"dropout": 0.5, "attention_dropout": 0.0}, {"inner_dropout": 0.5}, {"attention_dropout": 0.5}):
        module = block(**settings)
        assert torch.equal(module(x), plain)
        assert not torch.allclose(module(x, draws=Draws(0)), plain)
        assert torch.equal(module(x, draws=Draws(0)), module(x, draws=Draws(0)))


def test_attention_weights_are_dropped_as_much_as_the_rest_unless_told() -> None:
    x = tokens(2, 5, 6)
    both, same = block(dropout=0.3), block(dropout=0.3, attention_dropout=0.3)
    assert torch.equal(both(x, draws=Draws(0)), same(x, draws=Draws(0)))
    assert not torch.equal(both(x, draws=Draws(0)), block(dropout=0.3, attention_dropout=0.0)(x, draws=Draws(0)))


def test_the_fused_and_the_plain_attention_are_the_same() -> None:
    module, x = block().attention, tokens(2, 5, 6)
    visible = torch.tensor([[True] * 5, [True, False, True, True, False]])
    module.dropout = 1e-9  # nothing is dropped, but the weights are made one by one
    torch.testing.assert_close(module(x, visible, Draws(0)), module(x, visible))
