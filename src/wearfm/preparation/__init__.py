"""Preparation: files in, a store out."""

from wearfm.preparation.prepare import prepare, prepare_recordings
from wearfm.preparation.summary import PreparationSummary, Progress, Refusal, Tally, silent

__all__ = ["PreparationSummary", "Progress", "Refusal", "Tally", "prepare", "prepare_recordings", "silent"]
