"""Cutting a window into segments and putting them together in another order."""

from __future__ import annotations

import torch
from torch import Tensor

from wearfm.augment.permute import draw_orders
from wearfm.errors import BadConfiguration
from wearfm.nn.draws import Draws


def permute_segments(
    signal: Tensor, valid: Tensor, draws: Draws, *, segments: int, shortest: int, with_identity: bool
) -> tuple[Tensor, Tensor]:
    """Return each window cut into segments that follow one another in a random order, all channels together.

    signal, valid: (B, C, T). segments: 2 to 7. shortest: samples that a segment has at least; all ways to cut that allow it
    are equally likely. with_identity: whether the segments may come in the order they had. Gaps move with their segments.
    Um et al. 2017 (arXiv:1706.00527), section 3.
    """
    rows, _, length = signal.shape
    lengths = _draw_lengths(rows, draws, samples=length, segments=segments, shortest=shortest).to(signal.device)
    order = draw_orders(rows, segments, draws, with_identity=with_identity, device=signal.device)
    index = _rearranged(lengths, order, samples=length)[:, None].expand_as(signal)  # (B, T) -> (B, C, T)
    return signal.gather(2, index), valid.gather(2, index)


def _draw_lengths(rows: int, draws: Draws, *, samples: int, segments: int, shortest: int) -> Tensor:
    """Return the lengths of the segments, (rows, segments), summing to `samples`, each at least `shortest`.

    Bars among stars: of spare + segments - 1 places, segments - 1 are bars; the stars between two bars, and the least
    length, make a segment. So every division is as likely as any other.
    """
    spare = samples - segments * shortest
    if shortest < 1 or spare < 0:
        raise BadConfiguration(
            f"{segments} segments of at least {shortest} samples in a window of {samples}; each needs at least 1: use fewer, or"
            " shorter ones"
        )
    places = spare + segments - 1
    bars = draws.permutation(rows, places)[:, : segments - 1].sort(dim=1).values
    ends = torch.full((rows, 1), places)
    stars = torch.cat((bars, ends), dim=1).diff(dim=1, prepend=torch.full((rows, 1), -1)) - 1
    return stars + shortest


def _rearranged(lengths: Tensor, order: Tensor, *, samples: int) -> Tensor:
    """Return where each sample of the result comes from, (B, samples). order: (B, S), which segment comes first, second ..."""
    starts = lengths.cumsum(dim=1) - lengths
    stops = lengths.gather(1, order).cumsum(dim=1)  # of the segments in their new order
    shift = starts.gather(1, order) - (stops - lengths.gather(1, order))
    time = torch.arange(samples, device=lengths.device).expand(len(lengths), samples).contiguous()
    return time + shift.gather(1, torch.searchsorted(stops, time, right=True))
