"""Contrast between modalities: both forms with loops, and what an absent modality may not do."""

from __future__ import annotations

import math
from functools import partial

import pytest
import torch
from torch import Tensor

from tests.training.jobs import run_ranks
from wearfm.objectives.info_nce import info_nce
from wearfm.objectives.leave_one_out import Contrast, leave_one_out, pairwise

M, N, D = 3, 5, 4
BOTH = pytest.mark.parametrize("contrast", [leave_one_out, pairwise])


def _vectors(seed: int = 0) -> Tensor:
    return torch.randn(M, N, D, generator=torch.Generator().manual_seed(seed))


def _cross_entropy(questions: list[Tensor], answers: list[Tensor], scale: float) -> list[float]:
    """Return what each question loses, one by one."""
    losses = []
    for i, question in enumerate(questions):
        scores = [scale * float(question @ answer) for answer in answers]
        losses.append(-scores[i] + math.log(sum(math.exp(score) for score in scores)))
    return losses


def leave_one_out_by_hand(vectors: Tensor, log_scale: float) -> float:
    """As published: (1 / 2M) sum over m of both cross-entropies, each a mean over the batch."""
    unit = [[v / v.norm() for v in modality] for modality in vectors]
    total = 0.0
    for m in range(M):
        others = [sum(unit[j][i] for j in range(M) if j != m) / (M - 1) for i in range(N)]
        total += sum(_cross_entropy(unit[m], others, math.exp(log_scale)))
        total += sum(_cross_entropy(others, unit[m], math.exp(log_scale)))
    return total / (2 * M) / N


def pairwise_by_hand(vectors: Tensor, log_scale: float) -> float:
    """As published: both directions of every pair over M (M - 1)."""
    unit = [[v / v.norm() for v in modality] for modality in vectors]
    pairs = [(i, j) for i in range(M) for j in range(M) if i != j]
    return sum(sum(_cross_entropy(unit[i], unit[j], math.exp(log_scale))) for i, j in pairs) / len(pairs) / N


@pytest.mark.parametrize(("contrast", "by_hand"), [(leave_one_out, leave_one_out_by_hand), (pairwise, pairwise_by_hand)])
def test_the_loss_is_the_published_sum(contrast, by_hand) -> None:
    found = contrast(_vectors(), torch.tensor(0.7))
    assert found.loss.item() == pytest.approx(by_hand(_vectors(), 0.7), rel=1e-5)


def test_pairwise_is_info_nce_without_negatives_inside_a_view() -> None:
    vectors = _vectors()
    everything, nothing = torch.ones(N, N, dtype=torch.bool), torch.zeros(N, N, dtype=torch.bool)
    nce = partial(info_nce, temperature=math.exp(-0.7), across=everything, within=nothing)
    pairs = [nce(vectors[i], vectors[j]) for i in range(M) for j in range(i)]
    torch.testing.assert_close(pairwise(vectors, torch.tensor(0.7)).loss, sum(pairs) / len(pairs))


@BOTH
def test_neither_length_nor_the_order_of_modalities_or_windows_matters(contrast) -> None:
    vectors, scale = _vectors(), torch.tensor(0.3)
    found = contrast(vectors, scale).loss
    torch.testing.assert_close(contrast(vectors * torch.rand(M, N, 1).add(0.5), scale).loss, found)
    torch.testing.assert_close(contrast(vectors[[2, 0, 1]], scale).loss, found)
    torch.testing.assert_close(contrast(vectors[:, [4, 1, 0, 3, 2]], scale).loss, found)


@BOTH
def test_what_an_absent_modality_holds_does_not_matter_and_gets_no_gradient(contrast) -> None:
    present = torch.ones(M, N, dtype=torch.bool)
    present[1, 2] = present[0, 4] = False
    vectors = _vectors().requires_grad_()
    found = contrast(vectors, torch.tensor(0.5), present=present)
    found.loss.backward()
    other = contrast(torch.where(present[..., None], _vectors(), 0.0), torch.tensor(0.5), present=present)
    torch.testing.assert_close(other.loss, found.loss)
    assert not vectors.grad[~present].any()
    assert vectors.grad[present].abs().sum(dim=1).min() > 0


@BOTH
def test_a_window_with_one_modality_is_as_if_it_were_not_there(contrast) -> None:
    present = torch.ones(M, N, dtype=torch.bool)
    present[1:, 2] = False
    rest = [0, 1, 3, 4]
    found, without = contrast(_vectors(), torch.tensor(0.5), present=present), contrast(_vectors()[:, rest], torch.tensor(0.5))
    torch.testing.assert_close(found, without)


def test_a_term_is_the_published_one_over_the_windows_that_have_what_it_compares() -> None:
    present = torch.ones(M, N, dtype=torch.bool)
    present[0, 3] = False
    rest = [0, 1, 2, 4]
    found, without = (f(pairwise, p) for f, p in ((_terms, present), (_terms, None)))
    assert found.asked.tolist() == [[0, 4, 4], [4, 0, 5], [4, 5, 0]]
    assert without.asked.tolist() == [[0, 5, 5], [5, 0, 5], [5, 5, 0]]
    torch.testing.assert_close(found.terms[1, 2], without.terms[1, 2])
    torch.testing.assert_close(found.terms[0], pairwise(_vectors()[:, rest], torch.tensor(0.5)).terms[0])


def _terms(contrast, present: Tensor | None) -> Contrast:
    return contrast(_vectors(), torch.tensor(0.5), present=present)


@BOTH
def test_own_windows_can_be_kept_from_being_negatives(contrast) -> None:
    owner = torch.tensor([0, 0, 1, 2, 1])
    rivals = owner[:, None] != owner
    easier = contrast(_vectors(), torch.tensor(1.0), negatives=rivals)
    assert (easier.terms <= contrast(_vectors(), torch.tensor(1.0)).terms).all()
    alone = contrast(_vectors(), torch.tensor(1.0), negatives=torch.zeros(N, N, dtype=torch.bool))
    torch.testing.assert_close(alone.loss, torch.tensor(0.0))


@BOTH
def test_answers_are_counted_by_who_asks(contrast) -> None:
    vectors = torch.eye(D)[:M].expand(M, M, D).clone()  # every window has its own direction in all modalities
    found = contrast(vectors, torch.tensor(3.0))
    assert torch.equal(found.correct, found.asked)
    assert found.asked.sum() == found.asked.ne(0).sum() * M


@BOTH
def test_nothing_to_ask_loses_nothing(contrast) -> None:
    log_scale = torch.zeros(1, requires_grad=True)
    found = contrast(_vectors(), log_scale, present=torch.zeros(M, N, dtype=torch.bool))
    found.loss.backward()
    assert found.loss == 0
    assert log_scale.grad.item() == 0


def _with_two_ranks() -> None:
    import torch.distributed as dist

    from wearfm.nn.gather import gather_rows

    dist.init_process_group("gloo")
    whole = _vectors().requires_grad_()
    leave_one_out(whole, torch.tensor(0.5)).loss.backward()
    rows = slice(0, 2) if dist.get_rank() == 0 else slice(2, N)
    part = _vectors()[:, rows].clone().requires_grad_()
    gathered = gather_rows(part.transpose(0, 1)).transpose(0, 1)
    leave_one_out(gathered, torch.tensor(0.5)).loss.backward()
    torch.testing.assert_close(part.grad, 2 * whole.grad[:, rows])  # summed over ranks; the wrapper takes the mean
    dist.destroy_process_group()


@pytest.mark.slow
def test_two_ranks_equal_one() -> None:
    run_ranks(2, _with_two_ranks)
