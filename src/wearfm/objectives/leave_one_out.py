"""Contrast between simultaneous views of a window: each against the mean of the others, or each against each.

    window i ── modality 1 ── z_1i ─┐            leave one out: z_mi must find the mean of the other z_ji, and be found by it
             ├─ modality 2 ── z_2i ─┼─ unit ──┤
             └─ modality M ── z_Mi ─┘            pairwise: z_mi must find each z_ji, and be found by it

Thapa et al. 2024 (ICML, arXiv:2405.17766), section 3.2; Thapa et al. 2026 (doi:10.1038/s41591-025-04133-4). Negatives are the
other windows of the batch. A modality that a window lacks asks nothing, answers nothing and is in no mean (ours): each
term is the published one over the windows that have what it compares.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor


class Contrast(NamedTuple):
    """What a contrast comes to.

    loss: () mean cross-entropy of all questions, in nats; 0 if none can be asked. terms, correct, asked: (M, K) summed
    cross-entropies, right answers (int64) and questions (int64) of each kind. Leave one out: K = 2, modality m asks for
    the mean of the others, and that mean asks for m. Pairwise: K = M, modality m asks for modality k; 0 on the diagonal.
    """

    loss: Tensor
    terms: Tensor
    correct: Tensor
    asked: Tensor


def leave_one_out(
    vectors: Tensor, log_scale: Tensor, *, present: Tensor | None = None, negatives: Tensor | None = None
) -> Contrast:
    """Return the contrast of each modality with the mean of the others; the mean is not normalised again.

    vectors: (M, N, D), any norm; normalised here. log_scale: one number t, cosines are multiplied by exp t. present: (M, N)
    bool, which windows have which modality; None for all. negatives: (N, N) bool, which windows may be each other's; None
    for all. With o_mi = mean of z_ji over the present j != m:

        loss = mean over m and windows i of [ CE_i(e^t z_m o_m^T) + CE_i(e^t o_m z_m^T) ] / 2
    """
    with torch.autocast(vectors.device.type, enabled=False):
        unit, there = _unit(vectors, present)
        count = there.sum(dim=0) - there.long()  # (M, N), others that are present
        others = (unit.sum(dim=0) - unit) / count.clamp(min=1)[..., None]
        asked = there & (count > 0)
        scores = log_scale.float().exp() * unit @ others.transpose(1, 2)  # (M, N, D), (M, D, N) -> (M, N, N)
        both = torch.stack((scores, scores.transpose(1, 2)), dim=1)  # (M, 2, N, N)
        return _contrast(both, asked[:, None].expand(-1, 2, -1), negatives)


def pairwise(vectors: Tensor, log_scale: Tensor, *, present: Tensor | None = None, negatives: Tensor | None = None) -> Contrast:
    """Return the contrast of each modality with each other one: InfoNCE in both directions; arguments as `leave_one_out`."""
    with torch.autocast(vectors.device.type, enabled=False):
        unit, there = _unit(vectors, present)
        scores = log_scale.float().exp() * torch.einsum("mid,kjd->mkij", unit, unit)  # (M, M, N, N)
        is_other = ~torch.eye(len(unit), dtype=torch.bool, device=unit.device)
        return _contrast(scores, there[:, None] & there & is_other[..., None], negatives)


def _unit(vectors: Tensor, present: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return vectors of length one, 0 where absent, and who is present."""
    there = torch.ones(vectors.shape[:2], dtype=torch.bool, device=vectors.device) if present is None else present
    return F.normalize(vectors.float(), dim=2) * there[..., None], there


def _contrast(scores: Tensor, asked: Tensor, negatives: Tensor | None) -> Contrast:
    """Return the contrast of (M, K, N, N) scores, rows ask and columns answer; asked: (M, K, N) bool, who does both."""
    itself = torch.eye(scores.shape[-1], dtype=torch.bool, device=scores.device)
    answers = asked[..., None, :] if negatives is None else asked[..., None, :] & negatives
    scores = scores.masked_fill(~(answers | itself), -torch.inf)
    surprise = scores.logsumexp(dim=3) - scores.diagonal(dim1=2, dim2=3)  # (M, K, N)
    terms = torch.where(asked, surprise, 0.0).sum(dim=2)
    is_right = scores.argmax(dim=3) == torch.arange(scores.shape[-1], device=scores.device)
    questions = asked.sum(dim=2)
    return Contrast(
        loss=terms.sum() / questions.sum().clamp(min=1),
        terms=terms,
        correct=(is_right & asked).sum(dim=2),
        asked=questions,
    )
