"""What the contract suite needs to know of sleep_staging."""

from dataclasses import replace

from tests.contracts.case import Case, Given
from tests.contracts.cases.sleepfm import CASE as SLEEPFM
from wearfm.recipes.sleep_staging import SleepStaging
from wearfm.recipes.sleepfm import GROUPS

BASE = SLEEPFM.config()
ENDS_EARLY = replace(BASE, token_valid=1.0, groups=(replace(GROUPS[0], channels=1), *GROUPS[1:]))  # of some nights

CASE = Case(
    recipe=SleepStaging,
    shrink={"base": BASE, "night_s": 12.0, "heads": 2, "mlp_width": 16, "hidden": 8},
    channels=SLEEPFM.channels,
    targets={"label": (0, 3, 1, 4, -1)},
    alternatives={
        "base": replace(BASE, width=32),
        "night_s": 16.0,
        "stages": ("awake", "light", "medium", "deep", "rem"),
        "stage_weight": (1.0, 1.0, 1.0, 1.0, 1.0),
        "masking": "first",
        "is_packed": Given(value=False, given={"base": ENDS_EARLY, "masking": "first"}),
        "heads": 4,
    },
    original=("base", "night_s", "heads", "dropout"),
)
