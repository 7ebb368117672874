"""Cox's partial likelihood for many outcomes at once.

Cox 1972 (J. R. Stat. Soc. B 34:187). With log-hazards h and times t, every event i contributes the log-probability that of all
who were at risk at t_i it was i:

    l_i = h_i - log( sum over j with t_j >= t_i of exp h_j )

Events at the same time: Breslow 1974 (Biometrics 30:89) lets each face the whole risk set; Efron 1977 (J. Am. Stat. Assoc.
72:557) takes the l-th of d tied events' share l / d of all d out of it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from wearfm.errors import UnknownName

TIES = ("breslow", "efron", "order")


def cox(hazards: Tensor, time: Tensor, event: Tensor, *, ties: str = "breslow", is_mean_of_all: bool = False) -> Tensor:
    """Return the mean over outcomes of the mean negative log partial likelihood of their events, () in nats.

    hazards: (N, K) log-hazards. time: (N, K) to the event or the end of observation, any unit; NaN for who was not at risk
    (ill before, or not known). event: (N, K), non-zero where the event was observed. ties: "breslow", "efron", or "order",
    which breaks ties by the order of the rows, earlier rows first out of the risk set, as a plain cumulative sum does [code
    zou-group/sleepfm-clinical @70ce04e]. is_mean_of_all: outcomes without an event count as 0 in the mean, as there; without,
    only outcomes with an event count.
    """
    error, events = cox_by_outcome(hazards, time, event, ties=ties)
    counted = len(events) if is_mean_of_all else (events > 0).sum().clamp(min=1)
    return error.sum() / counted


def cox_by_outcome(hazards: Tensor, time: Tensor, event: Tensor, *, ties: str) -> tuple[Tensor, Tensor]:
    """Return the mean negative log partial likelihood of each outcome's events, (K,), 0 without any; and their number."""
    if ties not in TIES:
        raise UnknownName("treatment of ties", ties, TIES)
    with torch.autocast(hazards.device.type, enabled=False):
        known = time.isfinite()
        sortable = torch.where(known, time.float(), -torch.inf).T.contiguous()  # (K, N), who is not at risk comes first
        ordered, order = sortable.sort(dim=1, stable=True)
        at_risk = known.T.gather(1, order)
        lowest = torch.finfo(torch.float32).min / 2  # not -inf: nobody's sum would have no gradient
        scores = hazards.float().T.gather(1, order)
        shown = torch.where(at_risk, scores, lowest)
        happened = (event != 0).T.gather(1, order) & at_risk
        later = shown.flip(1).logcumsumexp(dim=1).flip(1)  # log of the summed hazards from each place on
        if ties == "order":
            faced = later
        else:
            first = torch.searchsorted(ordered, ordered)  # of those at the same time
            faced = later.gather(1, first)
            if ties == "efron":
                faced = faced + _efron(shown, happened, first, faced)
        events = happened.sum(dim=1)
        surprise = torch.where(happened, faced - scores, 0.0).sum(dim=1)
        return surprise / events.clamp(min=1), events


def _efron(shown: Tensor, happened: Tensor, first: Tensor, faced: Tensor) -> Tensor:
    """Return what Efron's correction adds to the log of each risk set, (K, N): log(1 - l / d * share of the tied events)."""
    number = happened.long()
    tied = torch.zeros_like(number).scatter_add(1, first, number).gather(1, first)  # d, at every place
    before = number.cumsum(dim=1) - number
    rank = before - before.gather(1, first)  # l = 0, 1 ... among the tied events
    share = torch.where(happened, (shown - faced).exp(), 0.0)
    share = torch.zeros_like(share).scatter_add(1, first, share).gather(1, first)
    return torch.log1p(-torch.where(happened, rank / tied.clamp(min=1) * share, 0.0))
