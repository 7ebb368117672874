"""Draws augmentations.png beside itself: what each augmentation does to one window of simulated wrist PPG."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import matplotlib as mpl
import numpy as np
import torch
from matplotlib.axes import Axes
from torch import Tensor

from wearfm.augment import cut_out, permute_channels, warp_magnitude, warp_time, white_noise
from wearfm.nn.draws import Draws
from wearfm.recipes.apple_contrastive import standardise
from wearfm.synthetic import Cohort, CohortConfig

mpl.use("agg")
from matplotlib import pyplot as plt

RATE_HZ, SECONDS, SEED = 64.0, 12.0, 4
STEPS: dict[str, Callable[..., tuple[Tensor, Tensor]]] = {
    "cut_out  0.3 to 0.5 of the window, all channels": partial(cut_out, shortest=0.3, longest=0.5),
    "warp_magnitude  5 + 2 knots, deviation 0.2, one curve": partial(warp_magnitude, knots=5, deviation=0.2),
    "warp_time  shared: channels stay simultaneous (ours)": partial(warp_time, knots=5, deviation=0.1, is_shared=True),
    "warp_time  a time of its own for each channel (released)": partial(warp_time, knots=5, deviation=0.1, is_shared=False),
    "white_noise  deviation 0.05 to 0.1": partial(white_noise, lowest=0.05, highest=0.1),
    "permute_channels  whole channels, their gaps with them": permute_channels,
}
COLOURS = ("#1b7f5c", "#7a1f2b")  # green and infrared light


def window() -> tuple[Tensor, Tensor]:
    """Return one standardised window of green and infrared PPG with a gap of a second in the first, (1, 2, T)."""
    config = CohortConfig(
        num_participants=1, modalities=("ppg",), ppg_wavelengths=2, session_hours=0.2, missingness=0, artefacts=0
    )
    channels = Cohort(config, seed=0).record(0, 0).channels
    first, length = int(300 * RATE_HZ), int(SECONDS * RATE_HZ)
    lines = np.stack([channel.physical()[first : first + length] for channel in channels])
    signal = torch.from_numpy(lines).float()[None]
    valid = torch.ones_like(signal, dtype=torch.bool)
    valid[:, 0, int(8.2 * RATE_HZ) : int(9.2 * RATE_HZ)] = False
    return standardise(signal, valid), valid


def draw(axes: Axes, signal: Tensor, valid: Tensor, *, title: str) -> None:
    """Draw both channels, one above the other; gaps are left out."""
    seconds = np.arange(signal.shape[2]) / RATE_HZ
    for channel, colour in enumerate(COLOURS):
        line = np.where(valid[0, channel], signal[0, channel] - 6 * channel, np.nan)
        axes.plot(seconds, line, color=colour, linewidth=0.9)
    axes.set_title(title, loc="left", fontsize=9)
    axes.set_yticks([0, -6], ["ch 0", "ch 1"], fontsize=8)
    axes.set_ylim(-10.5, 4.5)
    axes.set_xlim(0, SECONDS)
    axes.tick_params(axis="x", labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)


def main() -> None:
    """Draw the window as it is, and after each augmentation."""
    signal, valid = window()
    figure, rows = plt.subplots(len(STEPS) + 1, 1, figsize=(8, 10), sharex=True, layout="constrained")
    draw(rows[0], signal, valid, title="a window after `prepare`: mean 0, deviation 1; channel 0 has a gap")
    for axes, (title, change) in zip(rows[1:], STEPS.items(), strict=True):
        draw(axes, *change(signal, valid, Draws(SEED)), title=title)
    rows[-1].set_xlabel("seconds", fontsize=9)
    figure.savefig(Path(__file__).with_name("augmentations.png"), dpi=80)


if __name__ == "__main__":
    main()
