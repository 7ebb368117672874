"""Published methods by name; one file each."""

from __future__ import annotations

from wearfm.recipes.apple_contrastive import AppleContrastive
from wearfm.recipes.base import Recipe
from wearfm.recipes.harnet import Harnet
from wearfm.recipes.himae import HiMAE
from wearfm.recipes.hybrid import Hybrid
from wearfm.recipes.lift_pd import LiftPD
from wearfm.recipes.lsm import LSM
from wearfm.recipes.lsm2 import LSM2
from wearfm.recipes.lta2v import LTA2V
from wearfm.recipes.normwear import NormWear
from wearfm.recipes.papagei import PaPaGei
from wearfm.recipes.pat import PAT
from wearfm.recipes.pulse_ppg import PulsePPG
from wearfm.recipes.relcon import RelCon
from wearfm.recipes.selfpab import SelfPAB
from wearfm.recipes.sleepfm import SleepFM
from wearfm.recipes.sleepfm_2024 import SleepFM2024
from wearfm.recipes.wbm import WBM

_ALL: tuple[type[Recipe], ...] = (
    AppleContrastive,
    Harnet,
    HiMAE,
    Hybrid,
    LSM,
    LSM2,
    LTA2V,
    LiftPD,
    NormWear,
    PAT,
    PaPaGei,
    PulsePPG,
    RelCon,
    SelfPAB,
    WBM,
    SleepFM,
    SleepFM2024,
)
METHODS: dict[str, type[Recipe]] = {recipe.name: recipe for recipe in _ALL}
