"""How far a reconstruction is from what was measured."""

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


def masked_l1(guess: Tensor, target: Tensor, *, mask: Tensor) -> Tensor:
    """Return the mean over windows of the mean absolute error where the mask is True, () float32; 0 for windows without any.

    guess, target, mask: (B, ...); what target holds elsewhere does not matter. SelfPAB (Logacjov et al. 2024, Applied
    Intelligence 54:4545): sum(M |y' - y|) / max(sum M, 1) of each window, so that every window weighs the same.
    """
    apart = torch.where(mask, (guess.float() - target.float()).abs(), 0.0).flatten(1)
    return (apart.sum(dim=1) / mask.flatten(1).sum(dim=1).clamp(min=1)).mean()
