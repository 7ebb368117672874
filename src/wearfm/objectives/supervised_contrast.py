"""InfoNCE in which every pair of equal labels is a term of its own, and the mining of pairs worth learning from."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor


class Pairs(NamedTuple):
    """Which pairs of N vectors should meet and which should part. positive, negative: (N, N) bool, row i is i's own."""

    positive: Tensor
    negative: Tensor


def pairs_by_label(labels: Tensor) -> Pairs:
    """Return equal labels as positive pairs, different ones as negative; a label below 0 is unknown and in no pair. (N,)."""
    known = labels >= 0
    both = known[:, None] & known
    is_equal = labels[:, None] == labels
    itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    return Pairs(positive=both & is_equal & ~itself, negative=both & ~is_equal)


def supervised_contrast(vectors: Tensor, pairs: Pairs, *, temperature: float) -> Tensor:
    """Return the mean cross-entropy, in nats, of finding the partner of each positive pair among all negatives.

    vectors: (N, D), any norm; normalised here. temperature: > 0. With s = cosine / temperature, for every positive (i, j):

        l_ij = -log( exp s_ij / (exp s_ij + sum_{k negative of i} exp s_ik) )

    Other positives of i are in no denominator: that is NT-Xent (Chen et al. 2020, arXiv:2002.05709, eq. 1) pair by pair, as
    PaPaGei uses it (Pillai et al. 2025, arXiv:2410.20542), not SupCon (Khosla et al. 2020), whose denominators hold them all.
    Two views of each of N windows, labelled by the window, give NT-Xent itself. 0 without a positive pair.
    """
    with torch.autocast(vectors.device.type, enabled=False):  # bfloat16 is too coarse for a cosine over a low temperature
        unit = F.normalize(vectors.float(), dim=1)
        scores = unit @ unit.T / temperature  # (N, D) -> (N, N)
        lowest = torch.finfo(scores.dtype).min  # not -inf: a row without negatives would have no gradient
        rivals = scores.masked_fill(~pairs.negative, lowest).logsumexp(dim=1, keepdim=True)  # (N, 1)
        terms = F.softplus(rivals - scores)
        return torch.where(pairs.positive, terms, 0.0).sum() / pairs.positive.sum().clamp(min=1)


@torch.no_grad()
def mine(vectors: Tensor, pairs: Pairs, *, margin: float) -> Pairs:
    """Return the pairs that are not yet right, up to a margin of cosine.

    vectors: (N, D). What stays: negatives nearer than the farthest positive, positives farther than the nearest negative. A
    row without a positive or without a negative pair keeps none. Wang et al. 2019 (CVPR, arXiv:1904.06627), eqs. 10 and 11;
    margin: their epsilon, 0.1.
    """
    unit = F.normalize(vectors.float(), dim=1)
    cosine = unit @ unit.T
    farthest = cosine.masked_fill(~pairs.positive, torch.inf).amin(dim=1, keepdim=True)
    nearest = cosine.masked_fill(~pairs.negative, -torch.inf).amax(dim=1, keepdim=True)
    return Pairs(
        positive=pairs.positive & (cosine - margin < nearest),
        negative=pairs.negative & (cosine + margin > farthest),
    )
