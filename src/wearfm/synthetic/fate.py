"""What becomes of a person: years later, as facts "time_days:<outcome>" and "event:<outcome>".

    vascular    hazard doubles with every 10 years of age (our choice) and every 20 mmHg of systolic pressure (Prospective
                Studies Collaboration 2002, doi:10.1016/S0140-6736(02)11911-8)
    unrelated   the same for everybody: what no model can predict

One clock a person ends both: the study's end, or leaving it early.
"""

from __future__ import annotations

import numpy as np

from wearfm.synthetic.participant import Participant

_YEAR_DAYS = 365.25
_USUAL_A_YEAR = 0.03  # our choice: at 60 years and 130 mmHg, and of the unrelated outcome; enough events for a small cohort
_LEAVING_A_YEAR = 0.03  # our choice


def hazard_a_year(person: Participant) -> dict[str, float]:
    """Return the events a year of every outcome while it has not come."""
    doublings = (person.age_years - 60) / 10 + (person.sbp_mmHg - 130) / 20
    return {"vascular": _USUAL_A_YEAR * 2**doublings, "unrelated": _USUAL_A_YEAR}


def follow(person: Participant, *, years: float, generator: np.random.Generator) -> dict[str, float]:
    """Return the facts after a follow-up of so many years; the longer one begins like the shorter."""
    last = min(years, float(generator.exponential(1 / _LEAVING_A_YEAR)))
    facts = {}
    for outcome, hazard in hazard_a_year(person).items():
        comes = float(generator.exponential(1 / hazard))
        facts[f"time_days:{outcome}"] = float(round(min(comes, last) * _YEAR_DAYS))
        facts[f"event:{outcome}"] = float(comes <= last)
    return facts
