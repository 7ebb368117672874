"""Training: the loop, its settings, and checkpoints that are complete or absent."""

from wearfm.training.checkpoint import load
from wearfm.training.config import TrainingConfig
from wearfm.training.loop import TrainingSummary, fit, train
from wearfm.training.weights import read_foreign

__all__ = ["TrainingConfig", "TrainingSummary", "fit", "load", "read_foreign", "train"]
