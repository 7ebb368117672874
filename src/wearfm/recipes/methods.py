"""Published methods by name; one file each."""

from __future__ import annotations

from wearfm.recipes.apple_contrastive import AppleContrastive
from wearfm.recipes.base import Recipe
from wearfm.recipes.himae import Himae
from wearfm.recipes.lift_pd import LiftPD
from wearfm.recipes.lsm import LSM
from wearfm.recipes.lsm2 import Lsm2
from wearfm.recipes.lta2v import LTA2V
from wearfm.recipes.normwear import NormWear
from wearfm.recipes.pat import PAT
from wearfm.recipes.selfpab import SelfPAB

METHODS: dict[str, type[Recipe]] = {
    recipe.name: recipe for recipe in (AppleContrastive, Himae, LiftPD, LSM, Lsm2, LTA2V, NormWear, PAT, SelfPAB)
}
