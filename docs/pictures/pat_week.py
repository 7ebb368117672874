"""Draws pat_week.png beside itself: a week, the quarter of it that a small PAT sees, what it makes of it, and where it looks.

The weeks and the training are those of examples/week_of_activity.py, with more steps.
"""

from __future__ import annotations

import importlib.util
import tempfile
from pathlib import Path
from types import ModuleType

import matplotlib as mpl
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from numpy.typing import NDArray

from wearfm.nn.draws import Draws
from wearfm.recipes import create
from wearfm.recipes.pat import PAT, hours_of_week
from wearfm.training import TrainingConfig, train
from wearfm.windows.batch import Batch
from wearfm.windows.index import WindowIndex
from wearfm.windows.load import load

mpl.use("agg")
from matplotlib import pyplot as plt

HERE = Path(__file__).parent
INK, BLUE, GREEN = "#222222", "#2b6cb0", "#1b7f5c"
PALE = LinearSegmentedColormap.from_list("pale", ["#f7f7f4", "#7fb09f", "#0d4a37"])
HOURS = 10_080 // 60


def example() -> ModuleType:
    """Return the example as a module: its weeks are the picture's."""
    path = HERE.parents[1] / "examples" / "week_of_activity.py"
    specification = importlib.util.spec_from_file_location(path.stem, path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def trained(folder: Path) -> tuple[PAT, Batch]:
    """Return a small PAT after 1500 steps, and weeks of people it has not met."""
    weeks = example()
    recipe = create("pat", preset="small", **weeks.TINY)
    assert isinstance(recipe, PAT)
    config = TrainingConfig(seed=0, steps=1500, batch_size=16, learning_rate=2e-3, weight_decay=0.0)
    train(recipe, weeks.store_of(folder / "train", range(40)), config=config, run=folder / "run")
    strangers = weeks.store_of(folder / "test", range(40, 52))
    index = WindowIndex.build(strangers, recipe.input)
    return recipe.eval().requires_grad_(False), load(strangers, index, np.arange(len(index)))


def hourly(minutes: torch.Tensor) -> NDArray[np.float64]:
    """Return the mean of every hour, (T,) -> (168,)."""
    return minutes.reshape(-1, 60).mean(dim=1).double().numpy()


def draw_week(axes: Axes, recipe: PAT, batch: Batch, row: int) -> None:
    """Draw a week's hours, those that were seen, and the restored ones."""
    values, valid = recipe.prepare(batch)
    mask = recipe.draw_mask(recipe.measured(valid), Draws(seed=4))
    restored = (recipe.reconstruct(values, mask) * recipe.std + recipe.mean)[row]
    seen = (~recipe.by_minute(mask.hidden))[row].reshape(-1, 60).any(dim=1).numpy()
    worn = valid[row].reshape(-1, 60).any(dim=1).numpy()
    counts = hourly(batch.streams["counts"].signal[row, 0])
    hour = np.arange(HOURS)
    axes.fill_between(hour, np.where(worn, counts, np.nan), color="#d9dde3", step="mid", linewidth=0, label="what happened")
    axes.plot(hour, hourly(restored), color=BLUE, linewidth=1.2, label="restored")
    axes.plot(
        hour[seen], counts[seen], "o", color=GREEN, markersize=4, label=f"all that was seen: {seen.sum()} of {HOURS} hours"
    )
    axes.set_xlim(0, HOURS)
    axes.set_ylim(0, None)
    axes.set_ylabel("counts a minute", fontsize=8)
    axes.set_xticks(range(12, HOURS, 24), ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"))
    axes.legend(fontsize=8, frameon=False, ncols=3, loc="upper center", bbox_to_anchor=(0.5, 1.22))


def draw_hours(axes: Axes, table: torch.Tensor, *, title: str, label: str) -> None:
    """Draw a value for each hour of the week, days downwards."""
    image = axes.imshow(table.numpy(), aspect="auto", cmap=PALE, vmin=0)
    axes.set_title(title, fontsize=9, loc="left", color=INK)
    axes.set_yticks(range(7), ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"))
    axes.set_xticks(range(0, 24, 3), [f"{hour}:00" for hour in range(0, 24, 3)])
    bar = axes.figure.colorbar(image, ax=axes, pad=0.02)
    bar.set_label(label, fontsize=8)
    bar.ax.tick_params(labelsize=7)


def main() -> None:
    """Train, then draw one week and the two maps."""
    with tempfile.TemporaryDirectory() as folder:
        recipe, batch = trained(Path(folder))
        signal = batch.streams["counts"]
        valid = signal.valid[:, 0]
        counts = hours_of_week(signal.signal[:, 0], valid=valid, local_ns=batch.local_ns)
        looked = hours_of_week(recipe.attention(batch), valid=valid, local_ns=batch.local_ns)
        figure = plt.figure(figsize=(9, 5.4), layout="constrained")
        grid = figure.add_gridspec(2, 2, height_ratios=(1, 1.05))
        week = figure.add_subplot(grid[0, :])
        draw_week(week, recipe, batch, row=4)
        draw_hours(figure.add_subplot(grid[1, 0]), counts, title="activity, mean of 24 weeks", label="counts a minute")
        share = looked / looked.nanmean()
        draw_hours(figure.add_subplot(grid[1, 1]), share, title="where the last block looks", label="share, 1 is even")
        for axes in figure.axes:
            axes.tick_params(labelsize=8)
        week.spines[["top", "right"]].set_visible(False)
        figure.savefig(HERE / "pat_week.png", dpi=90)


if __name__ == "__main__":
    main()
