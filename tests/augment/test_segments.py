"""Segment permutation: whole segments move, none is too short, every division and every order occurs."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise, permutations

import pytest
import torch
from torch import Tensor

from wearfm.augment.permute import draw_orders
from wearfm.augment.segments import _draw_lengths, _rearranged, permute_segments
from wearfm.errors import BadConfiguration
from wearfm.nn.draws import Draws


def _ramp(rows: int, length: int = 40) -> tuple[Tensor, Tensor]:
    """Windows whose samples say where they were; channel 1 lies 1000 higher."""
    signal = torch.arange(float(length)).repeat(rows, 2, 1)
    signal[:, 1] += 1000
    return signal, torch.ones_like(signal, dtype=torch.bool)


def test_the_segments_are_put_together_as_by_hand() -> None:
    lengths, order = torch.tensor([[2, 3, 1], [1, 1, 4]]), torch.tensor([[2, 0, 1], [0, 2, 1]])
    expected = []
    for row in range(2):
        pieces, start = [], 0
        for size in lengths[row].tolist():
            pieces.append(list(range(start, start + size)))
            start += size
        expected.append([sample for number in order[row].tolist() for sample in pieces[number]])
    assert _rearranged(lengths, order, samples=6).tolist() == expected == [[5, 0, 1, 2, 3, 4], [0, 2, 3, 4, 5, 1]]


def test_samples_are_kept_and_channels_stay_together() -> None:
    signal, valid = _ramp(50)
    changed, still = permute_segments(signal, valid, Draws(0), segments=4, shortest=5, with_identity=True)
    assert torch.equal(changed.sort(dim=2).values, signal)
    assert torch.equal(changed[:, 0] + 1000, changed[:, 1])
    assert still.all()


def test_a_window_falls_into_no_more_pieces_and_none_is_shorter_than_asked() -> None:
    signal, valid = _ramp(300)
    changed, _ = permute_segments(signal, valid, Draws(0), segments=4, shortest=5, with_identity=False)
    for row in changed[:, 0].tolist():
        breaks = [0, *(t for t in range(1, 40) if row[t] != row[t - 1] + 1), 40]
        assert 3 <= len(breaks) <= 5  # 1 to 3 cuts can be seen
        assert min(stop - start for start, stop in pairwise(breaks)) >= 5


def test_every_division_is_as_likely_as_cutting_anew_until_it_fits() -> None:
    lengths = Counter(map(tuple, _draw_lengths(6000, Draws(0), samples=12, segments=3, shortest=3).tolist()))
    allowed = {(a, b, 12 - a - b) for a in range(3, 10) for b in range(3, 10) if 12 - a - b >= 3}
    assert lengths.keys() == allowed
    assert min(lengths.values()) > 0.8 * 6000 / len(allowed)


def test_the_tightest_window_has_one_division() -> None:
    assert _draw_lengths(2, Draws(0), samples=12, segments=4, shortest=3).tolist() == [[3, 3, 3, 3]] * 2


@pytest.mark.parametrize("with_identity", [True, False])
def test_all_orders_come_equally_often_and_the_identity_only_if_asked(with_identity: bool) -> None:
    drawn = Counter(
        map(tuple, draw_orders(4800, 4, Draws(0), with_identity=with_identity, device=torch.device("cpu")).tolist())
    )
    assert drawn.keys() == set(permutations(range(4))) - (set() if with_identity else {(0, 1, 2, 3)})
    assert min(drawn.values()) > 130


def test_gaps_move_with_their_segments() -> None:
    signal, valid = _ramp(20)
    valid[:, 0, 7:12] = False
    changed, moved = permute_segments(signal, valid, Draws(0), segments=4, shortest=5, with_identity=True)
    assert torch.equal(moved[:, 0], (changed[:, 0] < 7) | (changed[:, 0] > 11))
    assert moved[:, 1].all()


def test_segments_that_do_not_fit_are_refused() -> None:
    with pytest.raises(BadConfiguration, match="4 segments of at least 11 samples in a window of 40; each needs at least 1"):
        permute_segments(*_ramp(1), Draws(0), segments=4, shortest=11, with_identity=True)
    with pytest.raises(BadConfiguration, match="8 things to put in order; give 2 to 7"):
        permute_segments(*_ramp(1), Draws(0), segments=8, shortest=1, with_identity=True)
