"""Augmentations: one file per family, each on (B, C, T) tensors with their validity, each drawing from `Draws`."""

from __future__ import annotations

from wearfm.augment.cascade import Augmentation, Step, cascade
from wearfm.augment.corrupt import KINDS, Corrupted, corrupt, drop_out, loosen, saturate, shake
from wearfm.augment.crop import crop_pad
from wearfm.augment.cutout import cut_out
from wearfm.augment.flip import negate, reverse
from wearfm.augment.noise import white_noise
from wearfm.augment.permute import permute_channels
from wearfm.augment.rotate import rotate, switch_axes
from wearfm.augment.scale import scale_channels, scale_clearly
from wearfm.augment.segments import permute_segments
from wearfm.augment.warp import warp_magnitude, warp_pace, warp_time

__all__ = [
    "Augmentation",
    "Corrupted",
    "KINDS",
    "Step",
    "cascade",
    "corrupt",
    "crop_pad",
    "cut_out",
    "drop_out",
    "loosen",
    "negate",
    "permute_channels",
    "permute_segments",
    "reverse",
    "rotate",
    "saturate",
    "scale_channels",
    "scale_clearly",
    "shake",
    "switch_axes",
    "warp_magnitude",
    "warp_pace",
    "warp_time",
    "white_noise",
]
