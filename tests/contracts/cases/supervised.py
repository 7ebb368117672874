"""What the contract suite needs to know of supervised."""

from tests.contracts.case import Case, Given
from wearfm.recipes.base import preset
from wearfm.recipes.himae import HiMAE
from wearfm.recipes.method import Method
from wearfm.recipes.selfpab import SelfPAB
from wearfm.recipes.supervised import Supervised

CASE = Case(
    recipe=Supervised,
    channels={"acc": 3},
    targets={"label": (0, 1, 1, 0, 1)},
    alternatives={
        "method": Method(name="himae", config=preset(HiMAE, "small")),
        "classes": ("a", "b", "c"),
        "on": Given(value="frames", given={"method": Method(name="selfpab", config=preset(SelfPAB, "small"))}),
        "hidden": 8,
        "dropout": Given(value=0.5, given={"hidden": 8}),
        "encoder_rate": 0.0,
        "frozen_steps": 1,
        "class_weight": (1.0, 3.0),
        "label_mean": Given(value=5.0, given={"classes": ()}),
        "label_std": Given(value=2.0, given={"classes": ()}),
    },
)
