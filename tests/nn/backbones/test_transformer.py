"""The transformer block: attention by hand, and tokens that nobody looks at."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from wearfm.errors import BadConfiguration
from wearfm.nn.backbones import transformer
from wearfm.nn.backbones.transformer import Attention, Block, in_parts
from wearfm.nn.initial import xavier


def block() -> Block:
    module = Block(8, heads=2, mlp_width=16)
    xavier(module, torch.Generator().manual_seed(0))
    return module


def tokens(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


def attention_by_hand(module: Attention, x: Tensor) -> Tensor:
    """Head by head and query by query, (N, D) -> (N, D)."""
    query, key, value = F.linear(x, module.qkv.weight, module.qkv.bias).chunk(3, dim=1)
    size = x.shape[1] // module.heads
    out = torch.zeros_like(x)
    for head in range(module.heads):
        part = slice(head * size, (head + 1) * size)
        for n in range(len(x)):
            scores = torch.stack([query[n, part] @ key[m, part] / math.sqrt(size) for m in range(len(x))])
            out[n, part] = sum(w * value[m, part] for m, w in enumerate(scores.softmax(0)))
    return module.project(out)


def test_attention_is_the_published_sum() -> None:
    module, x = block().attention, tokens(2, 5, 8)
    torch.testing.assert_close(module(x)[1], attention_by_hand(module, x[1]))


def test_an_invisible_token_cannot_move_the_others() -> None:
    module, x = block(), tokens(2, 5, 8)
    visible = torch.ones(2, 5, dtype=torch.bool)
    visible[1, 3] = False
    moved = x.clone()
    moved[1, 3] += 100
    before, after = module(x, visible), module(moved, visible)
    assert torch.equal(before[:, [0, 1, 2, 4]], after[:, [0, 1, 2, 4]])
    torch.testing.assert_close(before[1, [0, 1, 2, 4]], module(x[1:, [0, 1, 2, 4]])[0])


def test_a_mask_for_every_token_of_its_own() -> None:
    module, x = block(), tokens(1, 3, 8)
    alone = module(x, torch.eye(3, dtype=torch.bool)[None])
    torch.testing.assert_close(alone, module(x.reshape(3, 1, 8)).reshape(1, 3, 8))


def test_visible_everywhere_is_no_mask() -> None:
    module, x = block(), tokens(2, 5, 8)
    torch.testing.assert_close(module(x, torch.ones(2, 5, dtype=torch.bool)), module(x))


@torch.no_grad()
def test_parts_of_a_batch_give_what_the_whole_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    module, x = block(), tokens(7, 5, 8)
    visible = torch.rand(7, 5, generator=torch.Generator().manual_seed(2)) > 0.3
    visible[:, 0] = True
    whole = module(x), module(x, visible)
    monkeypatch.setattr(transformer, "TOKENS_AT_ONCE", 10)
    torch.testing.assert_close(in_parts(module, x), whole[0])
    torch.testing.assert_close(in_parts(module, x, visible), whole[1])


def test_heads_must_divide_the_width() -> None:
    with pytest.raises(BadConfiguration, match="width 10 does not divide into 3 heads; use a multiple of 3"):
        Attention(10, heads=3)
