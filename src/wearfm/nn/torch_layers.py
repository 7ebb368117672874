"""The names of torch's own transformer layers for the tensors of our post-norm and pre-norm blocks.

ours                                    torch.nn.TransformerEncoderLayer
attention.{query, key, value}.weight    self_attn.in_proj_weight, the three one below the other
attention.project, expand, contract     self_attn.out_proj, linear1, linear2
norm1, norm2                            norm1, norm2
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

LAYER = (  # for `renamed`: pattern in our names, replacement
    (r"\.attention\.project\.", ".self_attn.out_proj."),
    (r"\.expand\.", ".linear1."),
    (r"\.contract\.", ".linear2."),
)
PARTS = ("query", "key", "value")
_PACKED = re.compile(r"(.*)\.self_attn\.in_proj_(weight|bias)")
_FIRST = re.compile(r"(.*)\.attention\.query\.(weight|bias)")


def pack(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a state in which queries, keys and values of each attention are one tensor under torch's name."""
    packed = {}
    for key, value in state.items():
        first = _FIRST.fullmatch(key)
        if first:
            three = [state[f"{first[1]}.attention.{part}.{first[2]}"] for part in PARTS]
            packed[f"{first[1]}.self_attn.in_proj_{first[2]}"] = torch.cat(three)  # 3 of (D, D) -> (3 D, D)
        elif not re.search(r"\.attention\.(key|value)\.", key):
            packed[key] = value
    return packed


def unpack(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a state in which queries, keys and values are tensors of their own; the inverse of `pack`."""
    unpacked: dict[str, Tensor] = {}
    for key, value in state.items():
        match = _PACKED.fullmatch(key)
        if match:
            three = zip(PARTS, value.chunk(3), strict=True)
            unpacked |= {f"{match[1]}.attention.{part}.{match[2]}": each for part, each in three}
        else:
            unpacked[key] = value
    return unpacked
