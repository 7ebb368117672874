"""Every pair of equal labels is a term of its own: twin with loops, laws, and the miner."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from wearfm.objectives.info_nce import info_nce
from wearfm.objectives.supervised_contrast import Pairs, mine, pairs_by_label, supervised_contrast


def _vectors(rows: int, size: int = 5, *, seed: int = 0) -> Tensor:
    return torch.randn(rows, size, generator=torch.Generator().manual_seed(seed))


def _cosine(a: Tensor, b: Tensor) -> float:
    return float(a @ b / (a.norm() * b.norm()))


def supervised_contrast_by_hand(vectors: Tensor, labels: list[int], temperature: float) -> float:
    terms = []
    for i, own in enumerate(labels):
        rivals = sum(
            math.exp(_cosine(vectors[i], vectors[k]) / temperature)
            for k, other in enumerate(labels)
            if other != own >= 0 <= other
        )
        for j, other in enumerate(labels):
            if i != j and own == other >= 0:
                found = math.exp(_cosine(vectors[i], vectors[j]) / temperature)
                terms.append(-math.log(found / (found + rivals)))
    return sum(terms) / len(terms)


def test_the_twin_with_loops_agrees() -> None:
    labels = [0, 1, 1, 2, 0, 1, -1, -1, 3]
    vectors = _vectors(len(labels))
    loss = supervised_contrast(vectors, pairs_by_label(torch.tensor(labels)), temperature=0.3)
    assert loss.item() == pytest.approx(supervised_contrast_by_hand(vectors, labels, 0.3), rel=1e-5)


def test_two_views_of_each_window_give_nt_xent() -> None:
    first, second = _vectors(6, seed=1), _vectors(6, seed=2)
    labels = torch.arange(6).repeat(2)
    ours = supervised_contrast(torch.cat((first, second)), pairs_by_label(labels), temperature=0.2)
    all_pairs = torch.ones(6, 6, dtype=torch.bool)
    known = info_nce(first, second, temperature=0.2, across=all_pairs, within=~torch.eye(6, dtype=torch.bool))
    torch.testing.assert_close(ours, known)


def test_length_and_order_of_the_rows_change_nothing() -> None:
    labels, vectors = torch.tensor([0, 0, 1, 1, 2]), _vectors(5)
    order = torch.tensor([3, 0, 4, 2, 1])
    loss = supervised_contrast(vectors, pairs_by_label(labels), temperature=0.1)
    scaled = vectors[order] * torch.tensor([1.0, 2.0, 0.5, 9.0, 3.0])[:, None]
    torch.testing.assert_close(supervised_contrast(scaled, pairs_by_label(labels[order]), temperature=0.1), loss)


@pytest.mark.parametrize("labels", [[0, 0, 0, 0], [0, 1, 2, 3], [-1, -1, -1, -1]])
def test_one_class_and_no_pair_cost_nothing_and_have_a_finite_gradient(labels: list[int]) -> None:
    vectors = _vectors(4).requires_grad_()
    loss = supervised_contrast(vectors, pairs_by_label(torch.tensor(labels)), temperature=0.07)
    loss.backward()
    assert loss.item() == pytest.approx(0.0, abs=1e-6)
    assert vectors.grad is not None
    assert torch.isfinite(vectors.grad).all()


def test_half_precision_is_computed_in_full() -> None:
    pairs = pairs_by_label(torch.tensor([0, 0, 1, 1]))
    vectors = _vectors(4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(supervised_contrast(vectors, pairs, temperature=0.07).float(), _plain(vectors, pairs))


def _plain(vectors: Tensor, pairs: Pairs) -> Tensor:
    return supervised_contrast(vectors, pairs, temperature=0.07)


def mine_by_hand(vectors: Tensor, pairs: Pairs, margin: float) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
    positive, negative = set(), set()
    rows = range(len(vectors))
    for i in rows:
        near = {j: _cosine(vectors[i], vectors[j]) for j in rows}
        partners, rivals = [near[j] for j in rows if pairs.positive[i, j]], [near[j] for j in rows if pairs.negative[i, j]]
        if partners and rivals:
            positive |= {(i, j) for j in rows if pairs.positive[i, j] and near[j] - margin < max(rivals)}
            negative |= {(i, j) for j in rows if pairs.negative[i, j] and near[j] + margin > min(partners)}
    return positive, negative


def test_the_miner_with_loops_agrees() -> None:
    vectors, pairs = _vectors(9, 2, seed=4), pairs_by_label(torch.tensor([0, 0, 1, 1, 2, 2, 2, 0, 5]))
    hard = mine(vectors, pairs, margin=0.1)
    positive, negative = mine_by_hand(vectors, pairs, 0.1)
    assert {tuple(pair) for pair in hard.positive.nonzero().tolist()} == positive
    assert {tuple(pair) for pair in hard.negative.nonzero().tolist()} == negative
    assert 0 < len(positive) < int(pairs.positive.sum())


def test_what_is_well_apart_is_not_mined() -> None:
    vectors = torch.tensor([[1.0, 0.0], [1.0, 0.01], [-1.0, 0.0], [-1.0, 0.01]])
    hard = mine(vectors, pairs_by_label(torch.tensor([0, 0, 1, 1])), margin=0.1)
    assert not hard.positive.any()
    assert not hard.negative.any()


def test_a_row_without_both_kinds_of_pairs_keeps_none() -> None:
    hard = mine(_vectors(3), pairs_by_label(torch.tensor([0, 0, 0])), margin=0.1)
    assert not hard.positive.any()
    hard = mine(_vectors(3), pairs_by_label(torch.tensor([0, 1, 2])), margin=0.1)
    assert not hard.negative.any()
