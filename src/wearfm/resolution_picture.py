"""The curves of `resolution` as one picture: a panel an axis, a line a model, a band for the interval over people."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from wearfm.evaluation.figures import COLOURS
from wearfm.resolution import AXES

_MARKERS = "os^Dvp"


def draw(rows: Sequence[dict[str, Any]], path: Path, *, title: str) -> None:
    """Write the picture of the rows of `resolution.summarise`."""
    import matplotlib.pyplot as plt  # takes a third of a second

    axes = [name for name in AXES if any(row["axis"] == name for row in rows)]
    figure, panels = plt.subplots(
        1, len(axes), figsize=(4.2 * len(axes), 3.6), sharey=True, squeeze=False, layout="constrained"
    )
    try:
        for panel, axis in zip(panels[0], axes, strict=True):
            _draw_axis(panel, [row for row in rows if row["axis"] == axis])
            panel.set_xlabel(AXES[axis])
        panels[0, 0].set_ylabel(rows[0]["metric"])
        panels[0, 0].legend(fontsize=7, frameon=False)
        figure.suptitle(title, fontsize=10)
        figure.savefig(path, dpi=130)
    finally:
        plt.close(figure)


def _draw_axis(panel: Any, rows: Sequence[dict[str, Any]]) -> None:
    values = sorted({row["value"] for row in rows})
    for number, model in enumerate(dict.fromkeys(row["model"] for row in rows)):
        own = sorted((row for row in rows if row["model"] == model), key=lambda row: float(row["value"]))
        x, colour = [row["value"] for row in own], COLOURS[number % len(COLOURS)]
        panel.fill_between(x, [row["low"] for row in own], [row["high"] for row in own], color=colour, alpha=0.12, linewidth=0)
        marker = _MARKERS[number % len(_MARKERS)]
        panel.plot(x, [row["score"] for row in own], color=colour, marker=marker, markersize=4, linewidth=1.2, label=model)
    if values[0] > 0 and values[-1] / values[0] >= 8:
        panel.set_xscale("log")
    panel.set_xticks(values, [f"{value:g}" for value in values], fontsize=8)
    panel.minorticks_off()
    panel.grid(alpha=0.25)
