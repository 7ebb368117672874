"""The identity of weights: a hash that every embedding table carries."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import torch
from torch import Tensor, nn


def weight_hash(weights: nn.Module | Mapping[str, Tensor]) -> str:
    """Return the sha256 over all tensors of a module or its state dict, by name: equal if and only if the weights are.

    Covers names, types, shapes and bytes; independent of the device.
    """
    state = weights.state_dict() if isinstance(weights, nn.Module) else weights
    digest = hashlib.sha256()
    for name, tensor in sorted(state.items()):
        value = tensor.detach().cpu().contiguous()
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        digest.update(value.view(-1).view(torch.uint8).numpy().tobytes() if value.numel() else b"")
    return digest.hexdigest()
