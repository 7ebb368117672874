"""Cox's partial likelihood: risk sets with loops, ties, who is not at risk, and what is in the mean."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from wearfm.errors import UnknownName
from wearfm.objectives.cox import TIES, cox, cox_by_outcome

NAN = math.nan


def by_hand(hazard: list[float], time: list[float], event: list[float], ties: str) -> tuple[float, int]:
    """Return the summed negative log partial likelihood of one outcome and its events."""
    people = [i for i in range(len(time)) if not math.isnan(time[i])]
    events = [i for i in people if event[i]]
    total = 0.0
    for i in events:
        risk = sum(math.exp(hazard[j]) for j in people if time[j] >= time[i])
        if ties == "efron":
            tied = [j for j in events if time[j] == time[i]]
            risk -= tied.index(i) / len(tied) * sum(math.exp(hazard[j]) for j in tied)
        if ties == "order":
            risk -= sum(math.exp(hazard[j]) for j in people if time[j] == time[i] and j < i)
        total -= hazard[i] - math.log(risk)
    return total, len(events)


def _study(seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Eight people and three outcomes with ties; somebody is not at risk of the second, nobody gets the third."""
    generator = torch.Generator().manual_seed(seed)
    hazards = torch.randn(8, 3, generator=generator)
    time = torch.randint(1, 5, (8, 3), generator=generator).float()
    event = torch.rand(8, 3, generator=generator) < 0.6
    event[:, 2] = False
    time[3, 1] = NAN
    return hazards, time, event


@pytest.mark.parametrize("ties", TIES)
def test_every_outcome_is_the_sum_over_risk_sets(ties: str) -> None:
    hazards, time, event = _study()
    error, count = cox_by_outcome(hazards, time, event.float(), ties=ties)
    for k in range(3):
        total, events = by_hand(hazards[:, k].tolist(), time[:, k].tolist(), event[:, k].tolist(), ties)
        assert count[k] == events
        assert error[k].item() == pytest.approx(total / max(events, 1), rel=1e-5)


def test_without_ties_all_treatments_are_the_same() -> None:
    hazards, _, event = _study()
    time = torch.stack([torch.randperm(8, generator=torch.Generator().manual_seed(k)).float() for k in range(3)], dim=1)
    first, second, third = (cox(hazards, time, event, ties=ties) for ties in TIES)
    torch.testing.assert_close(first, second)
    torch.testing.assert_close(first, third)


def test_tied_events_are_ranked_lowest_by_breslow_and_it_does_not_matter_in_which_order_people_come() -> None:
    hazards, time, event = _study()
    order = torch.tensor([5, 2, 7, 0, 3, 1, 6, 4])
    for ties in ("breslow", "efron"):
        torch.testing.assert_close(
            cox(hazards[order], time[order], event[order], ties=ties), cox(hazards, time, event, ties=ties)
        )
    assert cox(hazards, time, event, ties="efron") < cox(hazards, time, event, ties="breslow")


def test_a_hazard_common_to_all_and_the_unit_of_time_do_not_matter() -> None:
    hazards, time, event = _study()
    for ties in TIES:
        found = cox(hazards, time, event, ties=ties)
        torch.testing.assert_close(cox(hazards + 5, 365 * time, event, ties=ties), found)


def test_who_is_not_at_risk_does_not_matter_and_gets_no_gradient() -> None:
    hazards, time, event = _study()
    hazards.requires_grad_()
    for ties in TIES:
        hazards.grad = None
        found = cox(hazards, time, event, ties=ties)
        found.backward()
        moved = hazards.detach().clone()
        moved[3, 1] = 50
        torch.testing.assert_close(cox(moved, time, event, ties=ties), found.detach())
        assert hazards.grad[3, 1] == 0
        assert torch.isfinite(hazards.grad).all()


def test_outcomes_without_an_event_count_only_if_asked_for() -> None:
    hazards, time, event = _study()
    torch.testing.assert_close(cox(hazards, time, event, is_mean_of_all=True), cox(hazards, time, event) * 2 / 3)
    nothing = cox(hazards.requires_grad_(), time, torch.zeros_like(time))
    nothing.backward()
    assert nothing == 0
    assert not hazards.grad.any()


def test_large_hazards_stay_finite() -> None:
    hazards, time, event = _study()
    for ties in TIES:
        assert torch.isfinite(cox(hazards * 1e4, time, event, ties=ties))


def test_the_gradient_is_that_of_the_definition() -> None:
    hazards, time, event = _study()
    for ties in TIES:
        moved = hazards.clone().requires_grad_()
        cox(moved, time, event, ties=ties).backward()
        step = torch.zeros_like(hazards)
        step[2, 0] = 1e-2
        difference = cox(hazards + step, time, event, ties=ties) - cox(hazards - step, time, event, ties=ties)
        assert moved.grad[2, 0].item() == pytest.approx(difference.item() / 2e-2, rel=1e-2, abs=1e-4)


def test_an_unknown_treatment_of_ties_is_named() -> None:
    with pytest.raises(UnknownName, match="treatment of ties 'exact' is not known"):
        cox(*_study(), ties="exact")
