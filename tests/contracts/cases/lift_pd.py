"""What the contract suite needs to know of lift_pd."""

from tests.contracts.case import Case
from wearfm.recipes.lift_pd import LiftPD

CASE = Case(
    recipe=LiftPD,
    shrink={"widths": (8, 16), "rate_hz": 32.0},
    channels={"acc": 3},
    alternatives={"widths": (8, 12), "kernel": 7, "stride": 4},
    steps=40,
)
