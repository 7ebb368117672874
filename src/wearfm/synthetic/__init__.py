"""A simulated cohort with known truth: people, days, and what a watch and a chest patch would measure."""

from wearfm.synthetic.cohort import Cohort
from wearfm.synthetic.config import CohortConfig
from wearfm.synthetic.participant import Participant

__all__ = ["Cohort", "CohortConfig", "Participant"]
