"""Preparation: files in, a store out."""

from wearfm.preparation.prepare import prepare, prepare_recordings
from wearfm.preparation.summary import Fate, PreparationSummary, Progress, Refusal, Tally, silent

__all__ = ["Fate", "PreparationSummary", "Progress", "Refusal", "Tally", "prepare", "prepare_recordings", "silent"]
