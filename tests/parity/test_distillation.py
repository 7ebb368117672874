"""The loss against loops written from its formula: nothing of the original was published."""

from __future__ import annotations

from dataclasses import replace
from math import exp, log
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.contracts.alternatives import CASES
from wearfm.nn.draws import Draws
from wearfm.windows.batch import Batch

pytestmark = pytest.mark.parity
ROWS = 7


def distillation_by_hand(
    student: Tensor, teacher: Tensor, *, temperature: float, student_share: float, person: list[int] | None = None
) -> float:
    """L = w InfoNCE(student -> teacher) + (1 - w) InfoNCE(teacher -> student), one row after the other.

    person: of each row, where other rows of the same person leave the denominators.
    """

    def similarity(a: Tensor, b: Tensor) -> float:
        return sum(float(x * y) for x, y in zip(a, b, strict=True)) / (float(a.norm() * b.norm()) * temperature)

    total = 0.0
    for i in range(len(student)):
        rivals = [j for j in range(len(student)) if j == i or person is None or person[i] != person[j]]
        own = similarity(student[i], teacher[i])
        there = log(sum(exp(similarity(student[i], teacher[j])) for j in rivals)) - own
        back = log(sum(exp(similarity(teacher[i], student[j])) for j in rivals)) - own
        total += student_share * there + (1 - student_share) * back
    return total / len(student)


def nearest_by_hand(student: Tensor, teacher: Tensor) -> float:
    """Return how often the mean squared distance on the unit sphere is least to the vector beside it."""
    one, other = student / student.norm(dim=1, keepdim=True), teacher / teacher.norm(dim=1, keepdim=True)
    apart = [[float((a - b).square().sum()) for b in other] for a in one]
    return sum(row.index(min(row)) == number for number, row in enumerate(apart)) / len(apart)


def koleo_by_hand(vectors: Tensor) -> float:
    unit = vectors / vectors.norm(dim=1, keepdim=True)
    nearest = [min(float((a - b).norm()) for j, b in enumerate(unit) if j != i) for i, a in enumerate(unit)]
    return -sum(log(distance) for distance in nearest) / len(nearest)


def _made(**changes: Any) -> tuple[Any, Batch]:
    """Return a recipe whose loss draws nothing, and a batch."""
    case = CASES["distillation"]
    recipe = case.make(seed=2, teacher_augmentation=0.0, student_augmentation=0.0, **changes).eval()
    return recipe, case.batch(recipe, rows=ROWS)


def _projections(recipe: Any, batch: Batch) -> tuple[Tensor, Tensor]:
    """Return what both heads make of both sides, (B, out) float64 each."""
    pulse, motion = (replace(batch, streams={name: batch.streams[name]}) for name in ("ppg", "acc"))
    taught = (recipe.teacher.embed(pulse).vector - recipe.centre) / recipe.scale
    return recipe.student_head(recipe.student.embed(motion).vector).double(), recipe.teacher_head(taught).double()


@torch.no_grad()
@pytest.mark.parametrize("share", [0.5, 0.8, 1.0])
@pytest.mark.parametrize("negatives", ["all", "others"])
def test_the_loss_is_the_formulas(share: float, negatives: str) -> None:
    recipe, batch = _made(student_share=share, negatives=negatives, temperature=0.1)
    recipe.calibrate(iter([batch]))
    student, teacher = _projections(recipe, batch)
    for own, by_parts in zip(recipe.projections(batch), (student, teacher), strict=True):
        torch.testing.assert_close(own.double(), by_parts)
    person = batch.participant.tolist() if negatives == "others" else None
    expected = distillation_by_hand(student, teacher, temperature=0.1, student_share=share, person=person)
    loss = recipe.loss(batch, Draws(seed=0))
    assert loss.total.item() == pytest.approx(expected, rel=1e-4)
    assert loss.parts["student_finds_teacher"].item() == pytest.approx(nearest_by_hand(student, teacher))
    assert loss.parts["teacher_finds_student"].item() == pytest.approx(nearest_by_hand(teacher, student))


@torch.no_grad()
def test_koleo_is_added_with_its_weight() -> None:
    recipe, batch = _made(koleo_weight=0.1)
    recipe.student_head.outer.bias -= _projections(recipe, batch)[0].mean(dim=0)  # without, all point almost the same way
    student, teacher = _projections(recipe, batch)
    expected = distillation_by_hand(student, teacher, temperature=0.04, student_share=0.5) + 0.1 * koleo_by_hand(student)
    assert recipe.loss(batch, Draws(seed=0)).total.item() == pytest.approx(expected, rel=1e-4)
