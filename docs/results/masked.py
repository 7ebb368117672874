"""Pretrain masked methods on real recordings and judge them: python docs/results/masked.py WORK > PAGE.

PAT on the weeks of Depresjon, SelfPAB on the accelerometers of HAPT; three fifths of their people to pretrain on, the others
to judge, and all of MotionSense, another phone in another place. WORK keeps the store, the runs and the tables; WEARFM_DATA
names the folder of the data sets. About a quarter of an hour on two cores.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from make import page

from wearfm.datasets import DATASETS
from wearfm.preparation import prepare_recordings
from wearfm.recipes import RECIPES
from wearfm.recipes.base import preset
from wearfm.store import Store
from wearfm.study import Learner, Question, Study, run_study
from wearfm.training import TrainingConfig

SETS = ("depresjon", "hapt", "motionsense")
DAY_S = 86_400.0
ACTIVITY_S = 5.0  # seconds of a window of movement


def main(work: Path) -> None:
    """Prepare, pretrain, judge, print the page."""
    data = Path(os.environ.get("WEARFM_DATA", "../shared/data"))
    for name in SETS:
        prepare_recordings(DATASETS[name].recordings(data / DATASETS[name].folder), work / "store")
    with Store.open(work / "store") as store:
        report = run_study(study(), store, work, watch=tell, command="python docs/results/masked.py WORK")
    sys.stdout.write(page(report.to_json()))


def study(seed: int = 0) -> Study:
    """Return who learns what and what is asked."""
    return Study(
        seed=seed,
        learners=(
            Learner(recipe="pat", config=preset(RECIPES["pat"], "small"), training=training(seed, steps=600, batch_size=16,
                    stride_s=DAY_S), modalities=("counts",)),
            Learner(recipe="selfpab", config=preset(RECIPES["selfpab"], "small", window_s=ACTIVITY_S),
                    training=training(seed, steps=1000, batch_size=64, stride_s=ACTIVITY_S / 2), modalities=("acc",),
                    datasets=("hapt",)),
        ),
        questions=(
            Question(dataset="depresjon", tasks=("depresjon_depression", "depresjon_sex"), window_s=7 * DAY_S, stride_s=DAY_S,
                     modalities=("counts",)),
            Question(dataset="hapt", tasks=("hapt_activity",), window_s=ACTIVITY_S, stride_s=ACTIVITY_S / 2,
                     modalities=("acc",)),
            Question(dataset="motionsense", tasks=("motionsense_activity",), window_s=ACTIVITY_S, stride_s=ACTIVITY_S,
                     modalities=("acc",)),
        ),
    )  # fmt: skip


def training(seed: int, **settings: Any) -> TrainingConfig:
    """Return the settings that the learners share."""
    usual = TrainingConfig(seed=seed, steps=1, validation_share=0.0, checkpoint_every=200, log_every=50)
    return replace(usual, **settings, warmup_steps=settings["steps"] // 20)


def tell(stage: str, done: int, total: int, what: str) -> None:
    """Print how far the study is."""
    if done == total or done % 50 == 0:
        print(f"{stage}: {done}/{total} {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
