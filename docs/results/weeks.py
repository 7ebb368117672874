"""WBM on the weeks of Fitabase and Depresjon: python docs/results/weeks.py WORK > PAGE.

Steps and intensity of 22 people, activity counts of 36; three fifths of the people of each to pretrain on, the others to judge.
Two questions: the participant-level tasks of Depresjon, and whether a week of a stranger finds that stranger's other week
among all weeks of the strangers of its data set, cut from Monday to Monday, so that nothing but the week gives them away.
WORK keeps store, run and tables; WEARFM_DATA names the folder of the data sets. Five minutes of one core.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from make import page
from numpy.typing import NDArray

from wearfm.datasets import DATASETS
from wearfm.evaluation.intervals import Interval, compare, interval, resample
from wearfm.evaluation.metrics import METRICS, Outcome
from wearfm.preparation import prepare_recordings
from wearfm.recipes import RECIPES, build
from wearfm.recipes.base import preset
from wearfm.recipes.wbm import WBM
from wearfm.store import Store
from wearfm.study import Learner, Question, Study, run_study, split_people
from wearfm.training import TrainingConfig, load
from wearfm.windows.index import WindowIndex
from wearfm.windows.load import load as load_windows
from wearfm.windows.view import View

SETS = ("depresjon", "fitabase")
VARIABLES = ("steps", "intensity", "counts")
DAY_S = 86_400.0
STEPS = 300
Floats = NDArray[np.float64]


def main(work: Path) -> None:
    """Prepare, pretrain, judge, print the page."""
    torch.set_num_threads(1)
    data = Path(os.environ.get("WEARFM_DATA", "../shared/data"))
    for name in SETS:
        prepare_recordings(DATASETS[name].recordings(data / DATASETS[name].folder), work / "store")
    with Store.open(work / "store") as store:
        report = run_study(study(), store, work, watch=tell, command="python docs/results/weeks.py WORK")
        unseen = split_people(store, seed=0).test
        recipe = load(work / "runs" / "wbm")
        assert isinstance(recipe, WBM)
        found = [retrieval(recipe, View(store, participants=[p for p in unseen if p.startswith(name)])) for name in SETS]
    sys.stdout.write(page(report.to_json()) + "\n" + "\n".join(lines_of(dict(zip(SETS, found, strict=True)))) + "\n")


def study(seed: int = 0) -> Study:
    """Return who learns what and what is asked."""
    training = TrainingConfig(
        seed=seed, steps=STEPS, batch_size=16, weight_decay=1e-5, warmup_steps=STEPS // 20, stride_s=DAY_S,
        validation_share=0.0, checkpoint_every=200, log_every=50,
    )  # fmt: skip
    tasks = ("depresjon_depression", "depresjon_age", "depresjon_sex")
    return Study(
        seed=seed,
        learners=(
            Learner(recipe="wbm", config=preset(RECIPES["wbm"], "small", variables=VARIABLES), training=training,
                    modalities=VARIABLES),
        ),
        questions=(
            Question(dataset="depresjon", tasks=tasks, window_s=7 * DAY_S, stride_s=DAY_S, modalities=("counts",)),
        ),
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class Found:
    """Whose weeks found their owner. hits: method -> (N,) 0 or 1. person: (N,) codes. chance: expected share of hits."""

    hits: dict[str, Floats]
    person: NDArray[np.int64]
    chance: float

    def outcome(self, method: str) -> Outcome:
        """Return the hits as a prediction of 1."""
        ones = np.ones(len(self.person), dtype=np.int64)
        persons = int(self.person.max()) + 1
        return Outcome(labels=ones, prediction=self.hits[method], person=self.person, fold=ones * 0, persons=persons)


def retrieval(recipe: WBM, view: View) -> Found:
    """Return which week has a week of its owner as its nearest neighbour; weeks that do not overlap, of two a person or more.

    Every vector is standardised over the weeks there are; nearest by cosine.
    """
    index = WindowIndex.build(view, replace(recipe.input, align_s=7 * DAY_S))  # from Monday
    _, person, count = np.unique(index.participant, return_inverse=True, return_counts=True)
    rows = np.flatnonzero(count[person] >= 2)
    batch = load_windows(view, index, rows)
    owner = np.unique(index.participant[rows], return_inverse=True)[1].astype(np.int64)
    untrained = build(RECIPES["wbm"], recipe.config, seed=1)
    assert isinstance(untrained, WBM)
    untrained.load_state_dict({**untrained.state_dict(), "mean": recipe.mean, "std": recipe.std})
    with torch.no_grad():
        vectors = {
            "wbm": recipe.embed(batch).vector,
            "wbm, random weights": untrained.eval().embed(batch).vector,
            "hourly means of the week": hand_made(recipe, batch, hours=168),
            "hourly means of the day": hand_made(recipe, batch, hours=24),
        }
    others = np.bincount(owner)[owner] - 1
    hits = {name: nearest_is_own(each.double().numpy(), owner) for name, each in vectors.items()}
    return Found(hits=hits, person=owner, chance=float((others / (len(owner) - 1)).mean()))


def hand_made(recipe: WBM, batch: Any, *, hours: int) -> torch.Tensor:
    """Return the mean of every variable at every hour of the week or of the day, z-scored, (B, hours V); 0 where unknown."""
    values, hour = recipe.prepare(batch)
    scaled, missing = values.double().chunk(2, dim=2)  # (B, N, V) each
    place = (hour % hours)[..., None].expand_as(scaled)
    empty = scaled.new_zeros(len(scaled), hours, scaled.shape[2])
    total = empty.scatter_add(1, place, scaled * (1 - missing))
    return (total / empty.scatter_add(1, place, 1 - missing).clamp(min=1)).flatten(1)


def nearest_is_own(vectors: Floats, owner: NDArray[np.int64]) -> Floats:
    """Return whether each row's nearest other row has the same owner, (N,) 0 or 1."""
    spread = vectors.std(axis=0)
    scaled = (vectors - vectors.mean(axis=0)) / np.where(spread > 1e-9, spread, 1)
    unit = scaled / np.linalg.norm(scaled, axis=1, keepdims=True)
    cosine = unit @ unit.T
    np.fill_diagonal(cosine, -np.inf)
    return np.asarray(owner[cosine.argmax(axis=1)] == owner, dtype=np.float64)


def lines_of(found: dict[str, Found]) -> list[str]:
    """Return the section on retrieval."""
    methods = list(next(iter(found.values())).hits)
    lines = ["## A stranger's other week", ""]
    lines += [
        "Share of weeks whose nearest neighbour among all weeks of the unseen people of the data set is of the same person.",
        "",
    ]
    lines += ["| data set | people, weeks | chance | " + " | ".join(methods) + " |", "|---|---|---|" + "---|" * len(methods)]
    words = []
    for name, each in found.items():
        people, accuracy = int(each.person.max()) + 1, METRICS["accuracy"]
        counts = resample(people, replicates=2000, seed=0)
        cells = [shown(interval(accuracy, each.outcome(method), counts=counts)) for method in methods]
        lines.append(f"| {name} | {people}, {len(each.person)} | {each.chance:.2f} | " + " | ".join(cells) + " |")
        for other in methods[1:]:
            gain = compare(accuracy, each.outcome(methods[0]), each.outcome(other), counts=counts)
            verdict = "is worse than" if gain.high < 0 else "beats" if gain.low > 0 else "cannot be told from"
            words.append(f"- {name}: wbm {verdict} {other}: {gain.value:+.2f} ({gain.low:+.2f} to {gain.high:+.2f})")
    return [*lines, "", *words]


def shown(figure: Interval) -> str:
    """Return a share with its interval over people."""
    return f"{figure.value:.2f} ({figure.low:.2f} to {figure.high:.2f})"


def tell(stage: str, done: int, total: int, what: str) -> None:
    """Print how far the study is."""
    if done == total or done % 50 == 0:
        print(f"{stage}: {done}/{total} {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
