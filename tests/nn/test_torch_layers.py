"""Names of torch's transformer layers: there, back, and the same function."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from wearfm.nn.backbones.post_norm import PostNormBlock, PreNormBlock
from wearfm.nn.initial import uniform_by_fan_in
from wearfm.nn.torch_layers import LAYER, pack, unpack
from wearfm.recipes.base import renamed


def _theirs(block: nn.Module) -> dict[str, torch.Tensor]:
    state = pack({renamed(f"blocks.0.{key}", LAYER): value for key, value in block.state_dict().items()})
    return {key.removeprefix("blocks.0."): value for key, value in state.items()}


@pytest.mark.parametrize(("block", "is_first"), [(PostNormBlock, False), (PreNormBlock, True)])
def test_our_blocks_under_torch_s_names_are_torch_s_layer(block: type[PostNormBlock], is_first: bool) -> None:
    ours = block(8, heads=2, head_width=4, mlp_width=16, eps=1e-5)
    uniform_by_fan_in(ours, torch.Generator().manual_seed(0))
    theirs = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True, norm_first=is_first)
    theirs.load_state_dict(_theirs(ours))
    x = torch.randn(2, 5, 8, generator=torch.Generator().manual_seed(1))
    visible = torch.tensor([[True] * 5, [True, False, True, True, False]])
    seen = visible.nonzero(as_tuple=True)  # what padding itself becomes is nobody's business
    with torch.no_grad():
        torch.testing.assert_close(ours(x, visible)[seen], theirs(x, src_key_padding_mask=~visible)[seen])


def test_unpacking_is_the_inverse_of_packing() -> None:
    state = {f"a.b.{key}": value for key, value in PostNormBlock(8, heads=2, head_width=4, mlp_width=16).state_dict().items()}
    state["other"] = torch.ones(3)
    again = unpack(pack(state))
    assert again.keys() == state.keys()
    assert all(torch.equal(again[key], value) for key, value in state.items())
