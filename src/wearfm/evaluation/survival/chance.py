"""Whether a C-index is above chance, where risks come from probes that learned on the other folds.

For a risk that is fixed, the person who falls ill is any of those at risk if fate is unrelated to risk; what that person adds
to C has mean 0 and a known variance, and the additions of all events are uncorrelated (a martingale).

Cross-fitted risks are not fixed. To first order the probe of a person is the sum of what every other teaches, so that a pair
of people enters C twice, once with each as the teacher, and both times alike: the variance is twice that of fixed risks if
events are rare, less if they are common (early and late events then weigh otherwise in C than in the likelihood). Without
the factor a nominal 1 in 100 is 1 in 26 (docs/guides/survival.md), and a table of a thousand diseases is full of ghosts.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import norm

from wearfm.evaluation.ranking import chunks
from wearfm.evaluation.survival.concordance import Risks, c_index, compared


def null_spread(risks: Risks) -> float:
    """Return the standard deviation of C around 0.5 if these risks, taken as fixed, had nothing to do with fate."""
    order = np.argsort(-risks.follow_up.time_days, kind="stable")  # latest first: who is at risk is a prefix
    people, N = risks.follow_up.select(order), len(order)
    cases = np.flatnonzero(people.event)
    upto = np.searchsorted(-people.time_days, -people.time_days[cases], side="right")  # rows at risk are [0, upto)
    variance = np.zeros(len(cases))
    for start, stop in chunks(N, N):
        rows = np.arange(start, stop)[:, None]
        ahead = np.zeros((stop - start, len(cases)))  # half the pairs that each would win less lose, falling ill at each event
        for risk, fold in zip(risks.risk[:, order], risks.fold[:, order], strict=True):
            wins = np.sign(risk[rows] - risk) * (fold[rows] == fold)  # (rows, N)
            ahead += np.cumsum(wins, axis=1)[:, upto - 1] / 2
        variance += np.where(rows < upto, ahead**2, 0.0).sum(axis=0) / upto
    pairs = float(compared(risks)[1][0])
    return float(np.sqrt(variance.sum())) / pairs if pairs else float("nan")


def p_above_chance(risks: Risks) -> float:
    """Return the one-sided p of C against 0.5 for cross-fitted risks: normal, with twice the variance of fixed ones."""
    excess, spread = float(c_index(risks)[0]) - 0.5, float(np.sqrt(2)) * null_spread(risks)
    if not (np.isfinite(excess) and spread > 0):
        return float("nan")
    return float(norm.sf(excess / spread))
