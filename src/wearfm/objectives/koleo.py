"""KoLeo: spread a batch over the sphere by pushing every vector away from its nearest neighbour."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from wearfm.errors import BadConfiguration

EPS = 1e-8  # keeps the logarithm and its gradient finite for two equal vectors


def koleo(vectors: Tensor) -> Tensor:
    """Return minus the mean log distance of each row to its nearest other row, on the unit sphere; lower is more spread.

    vectors: (N, D), any norm, N >= 2; normalised here. The Kozachenko-Leonenko estimator of differential entropy without
    its constants: Sablayrolles et al. 2019 (arXiv:1806.03198), section 3.2.
    """
    if len(vectors) < 2:
        raise BadConfiguration(f"KoLeo of {len(vectors)} vector; a nearest neighbour needs at least 2: use a larger batch")
    unit = F.normalize(vectors.float(), dim=1)
    with torch.no_grad(), torch.autocast(unit.device.type, enabled=False):
        nearest = (unit @ unit.T).fill_diagonal_(-torch.inf).argmax(dim=1)  # (N, D) -> (N,)
    return -(F.pairwise_distance(unit, unit[nearest], eps=EPS) + EPS).log().mean()
