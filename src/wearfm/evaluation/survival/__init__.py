"""Survival: how well a risk that a frozen embedding gives orders people by when they fall ill."""

from wearfm.evaluation.survival.assess import assess
from wearfm.evaluation.survival.chance import null_spread, p_above_chance
from wearfm.evaluation.survival.concordance import Risks, auroc_at, c_index, mean_auroc
from wearfm.evaluation.survival.cox import PartialLikelihood
from wearfm.evaluation.survival.follow_up import Curve, FollowUp, censoring, survival
from wearfm.evaluation.survival.outcomes import Outcomes
from wearfm.evaluation.survival.probe import CoxFit, CoxProbe
from wearfm.evaluation.survival.table import RiskGap, RiskRow, RiskScore, RiskTable

__all__ = [
    "CoxFit",
    "CoxProbe",
    "Curve",
    "FollowUp",
    "Outcomes",
    "PartialLikelihood",
    "RiskGap",
    "RiskRow",
    "RiskScore",
    "RiskTable",
    "Risks",
    "assess",
    "auroc_at",
    "c_index",
    "censoring",
    "mean_auroc",
    "null_spread",
    "p_above_chance",
    "survival",
]
