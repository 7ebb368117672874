"""Draws minutes.png beside itself: a simulated day by minutes, from `python docs/pictures/minutes.py`."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from PIL import Image

from wearfm.signals.minutes import minutes
from wearfm.signals.recording import SECOND, Recording
from wearfm.synthetic import Cohort, CohortConfig

mpl.use("agg")
from matplotlib import pyplot as plt

SEED, START_HOUR = 1, 12
INK, BLUE, RED = "#222222", "#2b6cb0", "#c53030"
ACTIVITY = {"sleep": "#c3d0ee", "rest": "#f2f2ee", "walking": "#cfe8cf", "exercise": "#f5c9a9", "stress": "#f3c6d3"}
ROWS = (  # feature, label
    ("hr", "heart rate\n1/min"), ("rmssd", "RMSSD\nms"), ("steps", "steps"), ("acc_log_energy", "log energy\nln g²"),
    ("acc_sleep", "sleep index"), ("acc_axis_mean", "axis mean\ng"), ("eda", "EDA\nuS"), ("temp", "TEMP\n°C"),
)  # fmt: skip


def main() -> None:
    """Derive the day and draw it, feature by feature."""
    raw = simulated()
    made = minutes(raw)
    figure, axes = plt.subplots(len(ROWS), 1, figsize=(10, 10.5), sharex=True)
    for ax, (name, label) in zip(axes, ROWS, strict=True):
        shade(ax, raw)
        draw(ax, made, name)
        ax.set_ylabel(label)
        ax.spines[["top", "right"]].set_visible(False)
    truth = raw.events.of_kind("hr")
    hours = (truth.onset_ns - raw.start_ns) / SECOND / 3600 + START_HOUR
    axes[0].plot(hours, truth.value, color=RED, lw=0.6, alpha=0.7, label="truth")
    axes[0].legend(frameon=False, loc="upper right")
    axes[0].set_title(
        "A simulated day by minutes: blue is derived from PPG, ACC, EDA and TEMP, holes are minutes without enough signal",
        loc="left", fontsize=10,
    )  # fmt: skip
    handles = [plt.Rectangle((0, 0), 1, 1, color=colour) for colour in ACTIVITY.values()]
    axes[-1].legend(handles, ACTIVITY, ncol=5, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.35))
    ticks = range(START_HOUR, START_HOUR + 25, 3)
    axes[-1].set(xlim=(ticks[0], ticks[-1]), xticks=ticks, xticklabels=[f"{hour % 24}:00" for hour in ticks])
    figure.align_ylabels()
    figure.tight_layout()
    drawn = BytesIO()
    figure.savefig(drawn, dpi=100)
    Image.open(drawn).convert("RGB").quantize(48).save(Path(__file__).with_suffix(".png"), optimize=True)


def simulated() -> Recording:
    """The first person of a cohort who exercises on that day."""
    config = CohortConfig(
        session_hours=24, start_hour=START_HOUR, num_participants=20, modalities=("ppg", "acc", "eda", "temp")
    )
    recorded = (Cohort(config, SEED).record(index, 0) for index in range(20))
    return next(each for each in recorded if {"charging", "exercise"} <= set(each.events.label.tolist()))


def draw(ax: Axes, made: Recording, name: str) -> None:
    """A dot for each minute that can be believed, joined where neighbours can."""
    channel = made.channel(name)
    hours = (channel.start_ns - made.start_ns) / SECOND / 3600 + START_HOUR + np.arange(len(channel.samples)) / 60
    ax.plot(hours, np.where(channel.mask(), channel.physical(), np.nan), color=BLUE, lw=0.8, marker=".", ms=1.2)


def shade(ax: Axes, raw: Recording) -> None:
    """Colour the background by what the person does."""
    events = raw.events.of_kind("activity")
    for kind, onset_ns, duration_ns, label, _ in events.rows():
        assert kind == "activity"
        start = (onset_ns - raw.start_ns) / SECOND / 3600 + START_HOUR
        ax.axvspan(start, start + duration_ns / SECOND / 3600, color=ACTIVITY[label], lw=0)


if __name__ == "__main__":
    plt.rcParams.update({"font.size": 9, "axes.edgecolor": INK})
    main()
