"""A recording as a picture: every channel over time with its gaps, and events under it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from wearfm.inspection.outline import outline
from wearfm.signals.recording import SECOND, Channel, Recording

COLUMNS = 1200
MOST_ROWS = 24  # channels in one picture; the others are named under it
_BLUE, _GREY, _ORANGE = "#0072B2", "#D9DCE1", "#D55E00"
_TIME = ((172_800.0, 86_400.0, "days"), (7_200.0, 3_600.0, "hours"), (180.0, 60.0, "minutes"), (0.0, 1.0, "seconds"))


def draw(recording: Recording, path: Path) -> None:
    """Write a PNG of a recording."""
    import matplotlib.pyplot as plt  # takes a third of a second

    channels = recording.channels[:MOST_ROWS]
    kinds = sorted(set(recording.events.kind.tolist()))
    rows = len(channels) + bool(kinds)
    heights = [1.0] * len(channels) + [0.25 * len(kinds) + 0.2] * bool(kinds)
    size = (11.0, 1.2 + 0.95 * sum(heights))
    figure, axes = plt.subplots(rows, 1, sharex=True, squeeze=False, figsize=size, height_ratios=heights, layout="constrained")
    try:
        start_ns, length_s = _extent(recording)
        divisor, name = next((size_s, name) for least, size_s, name in _TIME if length_s >= least)
        for axis, channel in zip(axes[:, 0], channels, strict=False):
            _draw_channel(axis, channel, start_ns, divisor)
        if kinds:
            _draw_events(axes[-1, 0], recording, kinds, start_ns, divisor)
        axes[-1, 0].set_xlim(0, max(length_s / divisor, 1e-9))
        left_out = len(recording.channels) - len(channels)
        axes[-1, 0].set_xlabel(
            f"{name} since {_when(recording, start_ns)}" + (f"; {left_out} channels not shown" * bool(left_out))
        )
        figure.suptitle(f"{recording.participant} / {recording.name}", x=0.01, ha="left", fontsize=11)
        figure.savefig(path, dpi=110)
    finally:
        plt.close(figure)


def _extent(recording: Recording) -> tuple[int, float]:
    """Return when channels and events begin, nanoseconds, and for how long they go on, seconds."""
    events = recording.events
    starts = [c.start_ns for c in recording.channels] or [int(events.onset_ns.min(initial=0))]
    stops = [c.stop_ns for c in recording.channels] or [int((events.onset_ns + events.duration_ns).max(initial=0))]
    return min(starts), (max(stops) - min(starts)) / SECOND


def _when(recording: Recording, start_ns: int) -> str:
    if recording.clock == "relative":
        return "the start (no date)"
    shift_s = recording.utc_offset_s or 0
    moment = datetime.fromtimestamp(start_ns // SECOND + shift_s, tz=UTC).strftime("%Y-%m-%d %H:%M:%S")
    if recording.clock == "local":
        return f"{moment}, wall clock"
    return f"{moment} UTC" if recording.utc_offset_s is None else f"{moment}, UTC{shift_s / 3600:+g} h"


def _draw_channel(axis: Any, channel: Channel, start_ns: int, divisor: float) -> None:
    shape = outline(channel, columns=COLUMNS)
    seconds = (channel.start_ns - start_ns) / SECOND + (shape.edges[:-1] + np.diff(shape.edges) / 2) / channel.rate_hz
    x = seconds / divisor
    axis.fill_between(x, shape.low, shape.high, color=_BLUE, alpha=0.35, linewidth=0)
    axis.plot(x, shape.mean, color=_BLUE, linewidth=0.8, marker="." if len(x) < 40 else None)
    for begin, end in channel.valid.complement(len(channel.samples)).bounds[:2000].tolist():
        at = (channel.start_ns - start_ns) / SECOND
        axis.axvspan((at + begin / channel.rate_hz) / divisor, (at + end / channel.rate_hz) / divisor, color=_GREY, linewidth=0)
    axis.set_ylabel(
        f"{channel.name[:16]}\n{channel.unit}, {channel.rate_hz:.4g} Hz", fontsize=7, rotation=0, ha="right", va="center"
    )
    axis.tick_params(labelsize=7)
    axis.margins(x=0)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)


def _draw_events(axis: Any, recording: Recording, kinds: Sequence[str], start_ns: int, divisor: float) -> None:
    for row, kind in enumerate(kinds):
        some = recording.events.of_kind(kind)
        onset = (some.onset_ns - start_ns) / SECOND / divisor
        bars = np.stack((onset, some.duration_ns / SECOND / divisor), axis=1)
        axis.broken_barh(bars[:5000].tolist(), (row - 0.35, 0.7), color=_ORANGE, alpha=0.5, linewidth=0)
        axis.plot(onset, np.full(len(onset), row), "|", color=_ORANGE, markersize=5)
    axis.set_yticks(range(len(kinds)), [f"{kind[:18]}" for kind in kinds], fontsize=7)
    axis.set_ylim(len(kinds) - 0.4, -0.6)
    axis.tick_params(labelsize=7)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
