"""How a batch of vectors fills its space: numbers to watch for collapse, never to be minimised here."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def watch(vectors: Tensor, participant: Tensor) -> dict[str, Tensor]:
    """Return what tells early that an embedding collapses, or knows persons only: name -> () value to log.

    vectors: (N, D) embeddings, N >= 2. participant: (N,) codes. "effective_rank", "uniformity", and "dispersion_between",
    the share of the variance that lies between the means of participants: 1 if all windows of a person are alike, 0 if
    persons cannot be told apart; for few windows a person it is biased upwards, by (participants - 1) / (N - 1).
    """
    plain = vectors.detach().float()
    return {
        "effective_rank": effective_rank(plain - plain.mean(dim=0)),
        "uniformity": uniformity(plain),
        "dispersion_between": dispersion_between(plain, participant),
    }


def dispersion_between(vectors: Tensor, participant: Tensor) -> Tensor:
    """Return the share of the variance that lies between participants, 0 to 1; 0 where nothing varies.

    vectors: (N, D). participant: (N,) codes. The correlation ratio eta squared, over all dimensions (Fisher 1925).
    """
    _, code = torch.unique(participant, return_inverse=True)
    count = torch.bincount(code).to(vectors.dtype)
    sums = vectors.new_zeros(len(count), vectors.shape[1]).index_add(0, code, vectors)
    centre = vectors.mean(dim=0)
    between = (count * (sums / count[:, None] - centre).square().sum(dim=1)).sum()
    total = (vectors - centre).square().sum()
    return torch.where(total > 0, between / total.clamp_min(torch.finfo(total.dtype).tiny), 0.0)


def alignment(view1: Tensor, view2: Tensor) -> Tensor:
    """Return the mean squared distance of partners on the unit sphere: 0 if they agree, 2 if they are unrelated.

    view1, view2: (N, D). Wang & Isola 2020 (arXiv:2005.10242), section 4.1.1 with alpha = 2.
    """
    return (F.normalize(view1.float(), dim=1) - F.normalize(view2.float(), dim=1)).square().sum(dim=1).mean()


def uniformity(vectors: Tensor) -> Tensor:
    """Return the log of the mean Gaussian potential of all pairs on the unit sphere: 0 if collapsed, about -4 if uniform.

    vectors: (N, D), N >= 2. Wang & Isola 2020 (arXiv:2005.10242), section 4.1.2 with t = 2.
    """
    return F.pdist(F.normalize(vectors.float(), dim=1)).square().mul(-2).exp().mean().log()


def effective_rank(vectors: Tensor) -> Tensor:
    """Return exp of the entropy of the normalised singular values, from 1 (collapsed) to min(N, D).

    vectors: (N, D), as they are. Garrido et al. 2023 (arXiv:2210.02885), eq. 1; Roy & Vetterli 2007.
    """
    singular = torch.linalg.svdvals(vectors.float())
    share = singular / singular.sum().clamp_min(torch.finfo(singular.dtype).tiny)
    entropy: Tensor = torch.special.entr(share).sum()
    return entropy.exp()
