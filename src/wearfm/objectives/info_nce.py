"""InfoNCE between two views of a batch, with negatives across and within the views."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def info_nce(view1: Tensor, view2: Tensor, *, temperature: float, across: Tensor, within: Tensor, share: float = 0.5) -> Tensor:
    """Return the mean cross-entropy, in nats, of finding each row's partner in the other view; both directions averaged.

    view1, view2: (N, D), any norm, row i of one belongs to row i of the other; normalised here. across: (N, N) bool,
    which pairs (i of view 1, j of view 2) count in the denominators; the partner itself always does. within: (N, N) bool,
    which pairs inside one view count as negatives. temperature: > 0. share: weight of l1, the search from view 1; the rest is
    l2's. With s = cosine / temperature:

        l1_i = -s12_ii + log( sum_j across_ij exp s12_ij + sum_j within_ij exp s11_ij )
        l2_i = -s12_ii + log( sum_j across_ji exp s12_ji + sum_j within_ij exp s22_ij )

    Oord et al. 2018 (arXiv:1807.03748), eq. 4, is l1 without negatives inside the view; with all of them it is NT-Xent,
    Chen et al. 2020 (arXiv:2002.05709), eq. 1.
    """
    with torch.autocast(view1.device.type, enabled=False):  # bfloat16 is too coarse for a cosine over a low temperature
        first, second = F.normalize(view1.float(), dim=1), F.normalize(view2.float(), dim=1)
        cross = first @ second.T / temperature  # (N, D), (N, D) -> (N, N)
        across = across | torch.eye(len(cross), dtype=torch.bool, device=cross.device)
        there = _log_denominator(cross, across, first, within, temperature)
        back = _log_denominator(cross.T, across.T, second, within, temperature)
        return (share * there + (1 - share) * back - cross.diagonal()).mean()


def _log_denominator(cross: Tensor, across: Tensor, view: Tensor, within: Tensor, temperature: float) -> Tensor:
    """Return the logarithm of each row's denominator, (N,)."""
    inside = view @ view.T / temperature
    scores = torch.cat((cross.masked_fill(~across, -torch.inf), inside.masked_fill(~within, -torch.inf)), dim=1)
    return scores.logsumexp(dim=1)  # (N, 2N) -> (N,)
