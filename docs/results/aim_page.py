"""The page of `aim.py`: pooled errors with intervals over people, differences, and what they say."""

from __future__ import annotations

import datetime
import os
import subprocess
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import torch
from aim_data import Day
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

Floats = NDArray[np.float64]
SEEDS = (0, 1)
ARMS = ("AIM", "filled MAE", "filled MAE, told the gaps", "line", "mean")
MASKS = ("random 80 %", "2 h inside", "next hour", "planted gaps")
HEADER = """# Gaps as gaps, or gaps as means

Real minutes of three public data sets; half of everybody's are taken away: first the device is off (blocks of 3 h in the
median, 35 % of the time), then single sensors (0.7 h) until half of each signal is gone. Two models of the same size
(`small`, tokens of ten minutes) are trained with the same seeds, batches and number of steps. **AIM** inherits the gaps;
the **filled MAE** (`gaps="filled"`) gets them as the feature's mean, to look at and to reconstruct. **Told the gaps**: the
same filled weights, asked with the gaps masked. **Line**: straight between visible minutes. **Mean**: the training side's.

Three folds over people, so that everybody is asked once, by models that never saw them. Error: squared, in z-scores of
the training side, over minutes that were measured and hidden. *Random 80 %* of the tokens; *2 h inside* a window; the
*next hour*, with everything after a moment hidden; the *planted gaps* themselves, whose truth no model ever saw. Labels:
ridge probe on the mean embedding of a person. Brackets: 95 %, bootstrap over people, both seeds pooled; they hold the
chance of who was asked, not that of training, and are not corrected for the number of comparisons.

400 steps were set before the first run. Looked at besides, and nothing changed after it: a trial of 20 steps on all three
sets, and runs of 1600 steps of both arms on CAST, validated inside the training side of one fold.
"""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a data set answers.

    errors: (mask, arm, seed) -> (people, 2), sum of squared errors and number of minutes. predictions: (label, arm) ->
    (people,), mean over the seeds; the arm "truth" holds the label, NaN where not known.
    """

    errors: dict[tuple[str, str, str], Floats]
    predictions: dict[tuple[str, str], Floats]


def page(lines: list[str], *, command: str) -> str:
    """Return the whole page. lines: of all sections."""
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False).stdout
    where = [
        f"- commit: {commit.strip() or 'none'}; torch {torch.__version__}; {os.cpu_count()} cores; {datetime.date.today()}",
        f"- command: {command}",
    ]
    return "\n".join([HEADER, *where, "", *lines])


def resampled(people: int, replicates: int = 2000) -> Floats:
    """Return how often each person comes in each bootstrap replicate, (replicates, people)."""
    return np.random.default_rng(11).multinomial(people, np.full(people, 1 / people), size=replicates).astype(float)


def pooled(sums: Floats) -> Floats:
    """Return the mean squared error of everybody and of the replicates, (1 + replicates,); sums: (people, 2)."""
    counts = np.concatenate([np.ones((1, len(sums))), resampled(len(sums))])
    total = counts @ sums
    return np.asarray(total[:, 0] / np.maximum(total[:, 1], 1))


def judged(label: str, truth: Floats, predicted: Floats) -> Floats:
    """Return AUC (labels 0 and 1) or mean absolute error of everybody and of the replicates."""
    known = np.isfinite(truth)
    truth, predicted = truth[known], predicted[known]
    counts = np.concatenate([np.ones((1, len(truth))), resampled(len(truth))])
    if label.startswith("age"):
        return np.asarray(counts @ np.abs(truth - predicted) / counts.sum(axis=1))
    return np.array([roc_auc_score(truth, predicted, sample_weight=weights) for weights in counts])


def figure(draws: Floats) -> str:
    """Return value and 95 % interval."""
    low, high = np.quantile(draws[1:], [0.025, 0.975])
    return f"{draws[0]:.3f} ({low:.3f} to {high:.3f})"


def section(day: Day, found: Found) -> list[str]:
    """Return the lines of a data set: errors, differences, labels, and what they say."""
    errors = found.errors
    draws = {(mask, arm): pooled(np.add(*(errors[mask, arm, str(seed)] for seed in SEEDS))) for mask in MASKS for arm in ARMS}
    lines = [f"## {day.title}", "", *_table(("hidden", *ARMS), [[m, *(figure(draws[m, arm]) for arm in ARMS)] for m in MASKS])]
    rows, verdicts = [], defaultdict(list)
    for mask in MASKS:
        apart = draws[mask, "AIM"] - draws[mask, "filled MAE"]
        told = draws[mask, "AIM"] - draws[mask, "filled MAE, told the gaps"]
        seeds = ("{:.3f} / {:.3f}".format(*(pooled(errors[mask, arm, str(seed)])[0] for arm in ARMS[:2])) for seed in SEEDS)
        rows.append([mask, figure(apart), figure(told), *seeds])
        verdicts[_verdict(apart)].append(mask)
    names = ("hidden", "AIM - filled MAE", "AIM - filled MAE, told", *(f"seed {seed}: AIM / filled" for seed in SEEDS))
    lines += [
        "",
        *_table(names, rows),
        "",
        *(f"- AIM is {verdict}: {', '.join(masks)}." for verdict, masks in verdicts.items()),
    ]
    return [*lines, *(_labelled(label, found.predictions) for label in day.labels), ""]


def _table(names: tuple[str, ...], rows: list[list[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (names, ["---"] * len(names), *rows)]


def _verdict(draws: Floats) -> str:
    low, high = np.quantile(draws[1:], [0.025, 0.975])
    if low <= 0 <= high:
        return "not told apart from the filled MAE"
    return "better than the filled MAE" if high < 0 else "worse than the filled MAE"


def _labelled(label: str, predictions: dict[tuple[str, str], Floats]) -> str:
    """Return one line on a label."""
    truth = predictions[label, "truth"]
    draws = {arm: judged(label, truth, predictions[label, arm]) for arm in ARMS[:2]}
    draws["difference"] = draws["AIM"] - draws["filled MAE"]
    people = int(np.isfinite(truth).sum())
    return f"- {label}, {people} people: " + ", ".join(f"{arm} {figure(each)}" for arm, each in draws.items()) + "."
