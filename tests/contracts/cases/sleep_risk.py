"""What the contract suite needs to know of sleep_risk."""

from dataclasses import replace

from tests.contracts.case import Case, Given
from tests.contracts.cases.sleep_staging import ENDS_EARLY
from tests.contracts.cases.sleepfm import CASE as SLEEPFM
from wearfm.recipes.sleep_risk import SleepRisk

BASE = SLEEPFM.config()

CASE = Case(
    recipe=SleepRisk,
    shrink={"base": BASE, "night_s": 12.0, "heads": 2, "mlp_width": 16, "hidden": 8, "demographics": 1},
    channels=SLEEPFM.channels,
    targets={  # the toy's four people, one after the other; two of the first have their event at the same time
        "time": tuple(person + 0.1 * window for person in (2, 1, 4, 3) for window in (1, 2, 2, 4, 5, 6)),
        "event": (1,),
        "demographics": (0.4,) * 6 + (1.4,) * 6 + (-1.4,) * 6 + (-0.4,) * 6,
    },
    alternatives={
        "base": replace(BASE, width=32),
        "night_s": 16.0,
        "source": "signals",
        "demographics": 0,
        "is_packed": Given(value=False, given={"base": replace(ENDS_EARLY, groups=ENDS_EARLY.groups[:2])}),
        "heads": 4,
        "likelihood": "efron",
    },
    original=("base", "night_s", "heads", "dropout"),
    steps=40,
    learning_rate=2e-2,
)
