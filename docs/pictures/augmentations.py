"""Draws augmentations.png beside itself: what augmentations and corruptions do to simulated wrist PPG or acceleration."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import pi
from pathlib import Path

import matplotlib as mpl
import numpy as np
import torch
from matplotlib.axes import Axes
from torch import Tensor

from wearfm.augment import (
    crop_pad,
    cut_out,
    drop_out,
    loosen,
    negate,
    permute_channels,
    permute_segments,
    reverse,
    rotate,
    saturate,
    scale_channels,
    scale_clearly,
    shake,
    switch_axes,
    warp_magnitude,
    warp_pace,
    warp_time,
    white_noise,
)
from wearfm.nn.draws import Draws
from wearfm.nn.normalise import standardise
from wearfm.synthetic import Cohort, CohortConfig

mpl.use("agg")
from matplotlib import pyplot as plt

RATE_HZ, SECONDS, SEED = 64.0, 12.0, 4
Change = Callable[..., tuple[Tensor, Tensor]]
CORRUPTIONS: dict[str, Change] = {
    "corruption: shake  a swing and two bursts, the same in all channels": partial(shake, rate_hz=RATE_HZ, strength=1.0),
    "corruption: loosen  small, elsewhere and noisy for a stretch": partial(loosen, strength=1.0),
    "corruption: drop_out  runs of a held value, or of 0; still valid": drop_out,
    "corruption: saturate  15 to 40 % of the range cut off": saturate,
}
PULSE: dict[str, Change] = {
    "cut_out  0.3 to 0.5 of the window, all channels": partial(cut_out, shortest=0.3, longest=0.5),
    "crop_pad  keeps half or more where it is": partial(crop_pad, concentration=1.0),
    "negate": negate,
    "warp_magnitude  5 + 2 knots, deviation 0.5, one curve": partial(warp_magnitude, knots=5, deviation=0.5),
    "warp_time  shared: channels stay simultaneous": partial(warp_time, knots=5, deviation=0.1, is_shared=True),
    "warp_time  a time of its own for each channel": partial(warp_time, knots=5, deviation=0.1, is_shared=False),
    "white_noise  deviation 0.2": partial(white_noise, lowest=0.2, highest=0.2),
    "permute_channels  whole channels, their gaps with them": permute_channels,
    **CORRUPTIONS,
}
MOVEMENT: dict[str, Change] = {
    "rotate  by any angle: a gap in one axis is one in all": partial(rotate, largest_angle=pi),
    "switch_axes  the device is worn another way": switch_axes,
    "reverse  the arrow of time": reverse,
    "permute_segments  4 segments": partial(permute_segments, segments=4, shortest=64, with_identity=False),
    "warp_pace  shared, deviation 0.4": partial(warp_pace, knots=4, deviation=0.4, is_shared=True),
    "warp_pace  a pace of its own for each axis": partial(warp_pace, knots=4, deviation=0.4, is_shared=False),
    "scale_channels  deviation 0.25": partial(scale_channels, deviation=0.25),
    "scale_clearly  0.15 to 0.5 away from 1": partial(scale_clearly, least=0.15, largest=0.5),
    **CORRUPTIONS,
}


@dataclass(frozen=True, kw_only=True)
class Column:
    """A window and how it is drawn: names and colours of its channels, and how far apart their lines lie."""

    title: str
    signal: Tensor
    valid: Tensor
    names: Sequence[str]
    colours: Sequence[str]
    apart: float
    changes: Mapping[str, Change]


def columns() -> tuple[Column, Column]:
    """Return a window of green and infrared PPG, and one of a moving wrist; each has a gap in one channel."""
    pulse, pulse_valid = window("ppg", first_s=300.0, gap=(0, 8.2, 9.2))
    movement, movement_valid = window("acc", first_s=273.0, gap=(1, 3.0, 4.0))
    return (
        Column(
            title="PPG after `prepare`: mean 0, deviation 1; channel 0 has a gap",
            signal=standardise(pulse, pulse_valid),
            valid=pulse_valid,
            names=("ch 0", "ch 1"),
            colours=("#1b7f5c", "#7a1f2b"),  # green and infrared light
            apart=6.0,
            changes=PULSE,
        ),
        Column(
            title="acceleration of a wrist, g; the y axis has a gap",
            signal=movement,
            valid=movement_valid,
            names=("x", "y", "z"),
            colours=("#30638e", "#c17817", "#54494b"),
            apart=1.8,
            changes=MOVEMENT,
        ),
    )


def window(modality: str, *, first_s: float, gap: tuple[int, float, float]) -> tuple[Tensor, Tensor]:
    """Return a window of one modality, (1, C, T). gap: channel, first and last second of what is not valid."""
    config = CohortConfig(
        num_participants=1, modalities=(modality,), ppg_wavelengths=2, session_hours=0.2, missingness=0, artefacts=0
    )
    channels = Cohort(config, seed=0).record(0, 0).channels
    lines = [resampled(channel.physical(), channel.rate_hz, first_s) for channel in channels]
    signal = torch.from_numpy(np.stack(lines)).float()[None]
    valid = torch.ones_like(signal, dtype=torch.bool)
    channel, first, last = gap
    valid[:, channel, int(first * RATE_HZ) : int(last * RATE_HZ)] = False
    return torch.where(valid, signal, 0.0), valid


def resampled(values: np.ndarray, rate_hz: float, first_s: float) -> np.ndarray:
    """Return the window at the picture's rate."""
    times = first_s + np.arange(int(SECONDS * RATE_HZ)) / RATE_HZ
    return np.interp(times, np.arange(len(values)) / rate_hz, values)


def draw(axes: Axes, column: Column, signal: Tensor, valid: Tensor, *, title: str) -> None:
    """Draw the channels, one above the other; gaps are left out."""
    seconds = np.arange(signal.shape[2]) / RATE_HZ
    places = [-column.apart * number for number in range(len(column.names))]
    for number, (colour, place) in enumerate(zip(column.colours, places, strict=True)):
        line = np.where(valid[0, number], signal[0, number] + place, np.nan)
        axes.plot(seconds, line, color=colour, linewidth=0.9)
    axes.set_title(title, loc="left", fontsize=9)
    axes.set_yticks(places, column.names, fontsize=8)
    axes.set_ylim(places[-1] - 0.75 * column.apart, 0.75 * column.apart)
    axes.set_xlim(0, SECONDS)
    axes.tick_params(axis="x", labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)


def main() -> None:
    """Draw both windows as they are, and after each augmentation and corruption."""
    both = columns()
    rows = 1 + max(len(column.changes) for column in both)
    figure, grid = plt.subplots(rows, 2, figsize=(13, 19), sharex=True, layout="constrained")
    for place, column in enumerate(both):
        draw(grid[0, place], column, column.signal, column.valid, title=column.title)
        for axes, (title, change) in zip(grid[1:, place], column.changes.items(), strict=True):
            draw(axes, column, *change(column.signal, column.valid, Draws(SEED)), title=title)
        grid[-1, place].set_xlabel("seconds", fontsize=9)
    figure.savefig(Path(__file__).with_name("augmentations.png"), dpi=80)


if __name__ == "__main__":
    main()
