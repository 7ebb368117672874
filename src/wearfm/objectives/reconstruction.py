"""How far a reconstruction is from the signal, over the samples that were measured."""

from __future__ import annotations

import torch
from torch import Tensor


def reconstruction_error(prediction: Tensor, target: Tensor, *, valid: Tensor, hidden: Tensor | None = None) -> Tensor:
    """Return the mean squared error over valid samples, () float32; 0 if there is none.

    prediction, target: (B, ..., T); what target holds outside `valid` does not matter. valid: bool, broadcast to their
    shape. hidden: bool, the samples the encoder did not see; None counts seen and hidden samples alike
    (NormWear, arXiv:2412.09758), else the hidden ones only (He et al. 2022, arXiv:2111.06377, section 3).
    """
    counted = (valid if hidden is None else valid & hidden).expand(target.shape)
    difference = torch.where(counted, prediction.float() - target.float(), 0.0)
    return difference.square().sum() / counted.sum().clamp(min=1)
