"""Generative evaluation: hidden values of people held apart, filled in and compared with what was measured."""

from wearfm.evaluation.generative.background import Background, Spread, Windows
from wearfm.evaluation.generative.hiding import DEFAULTS, Hiding, hide, window_key
from wearfm.evaluation.generative.imputers import Imputer, Seen, imputers
from wearfm.evaluation.generative.judge import Judge, Origin
from wearfm.evaluation.generative.report import Answer, GenerativeReport, Restored

__all__ = [
    "DEFAULTS",
    "Answer",
    "Background",
    "GenerativeReport",
    "Hiding",
    "Imputer",
    "Judge",
    "Origin",
    "Restored",
    "Seen",
    "Spread",
    "Windows",
    "hide",
    "imputers",
    "window_key",
]
