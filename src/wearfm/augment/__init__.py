"""Augmentations: one file per family, each on (B, C, T) tensors with their validity, each drawing from `Draws`."""

from __future__ import annotations

from wearfm.augment.cascade import Augmentation, Step, cascade
from wearfm.augment.cutout import cut_out
from wearfm.augment.noise import white_noise
from wearfm.augment.permute import permute_channels
from wearfm.augment.warp import warp_magnitude, warp_time

__all__ = [
    "Augmentation",
    "Step",
    "cascade",
    "cut_out",
    "permute_channels",
    "warp_magnitude",
    "warp_time",
    "white_noise",
]
