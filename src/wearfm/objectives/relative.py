"""Relative contrast: each candidate is more similar to the anchor than all candidates that are farther away."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def relative_contrast(cosine: Tensor, distance: Tensor, *, temperature: float) -> Tensor:
    """Return the mean over anchors of the summed cross-entropies of telling each candidate from the farther ones, in nats.

    cosine: (N, K) similarity of each anchor's embedding to those of its K candidates. distance: (N, K) of the windows
    themselves, any unit, only its order counts; no gradient. temperature: > 0. With s = cosine / temperature:

        l_i = -s_i + log( sum over j with d_j >= d_i of exp s_j ),   loss = mean over anchors of sum_i l_i

    The farthest loses nothing; candidates equally far away are negatives of each other. One sort and a cumulative
    logsumexp from the far end give all K sums at once. Xu et al. 2025 (arXiv:2411.18822), section 3.2.
    """
    with torch.autocast(cosine.device.type, enabled=False):
        ordered, order = distance.detach().float().contiguous().sort(dim=1, stable=True)
        scores = (cosine.float() / temperature).gather(1, order)
        farther = scores.flip(1).logcumsumexp(dim=1).flip(1)  # over each place and all behind it
        first = torch.searchsorted(ordered, ordered)  # of those equally far away
        return (farther.gather(1, first) - scores).sum(dim=1).mean()


def candidate_cosines(anchor: Tensor, near: Tensor) -> Tensor:
    """Return the cosines of N anchors with the other anchors and with W candidates of their own, (N, N - 1 + W), float32.

    anchor: (N, D), near: (N, W, D), any norm. Columns as `without_self` leaves them.
    """
    with torch.autocast(anchor.device.type, enabled=False):
        anchor, near = F.normalize(anchor.float(), dim=1), F.normalize(near.float(), dim=2)
        own = torch.einsum("nd,nwd->nw", anchor, near)
        return without_self(torch.cat((anchor @ anchor.T, own), dim=1))


def without_self(table: Tensor) -> Tensor:
    """Return a table of N anchors x (N anchors, W candidates) less what anchors have to do with themselves.

    (N, N + W) -> (N, N - 1 + W): first the anchors behind one's own place, then those before it, then the W.
    """
    count, columns = table.shape
    place = torch.arange(count, device=table.device)
    others = (place[:, None] + place[1:]) % count  # (N, N - 1)
    own = torch.arange(count, columns, device=table.device).expand(count, -1)
    return table.gather(1, torch.cat((others, own), dim=1))
