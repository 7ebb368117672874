"""Let ECG and breathing find each other, and judge what the encoder has learnt: python docs/results/sleep.py WORK > PAGE.

SleepFM, small, on the 15 records of BIDMC (ECG and impedance respiration of intensive care; no staged night with signals is
at hand): three fifths of the people to learn from, the others judged. Breathing and heart rate by probes, beside the report's
baselines; retrieval of one signal of a window by the other on people who were not learnt from. WORK keeps store, run and
tables; WEARFM_DATA names the folder of the data sets.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import torch
from make import page

from wearfm.datasets import DATASETS
from wearfm.evaluation.retrieval import retrieve
from wearfm.preparation import prepare_recordings
from wearfm.recipes import RECIPES, build
from wearfm.recipes.base import Recipe, preset
from wearfm.store import Store
from wearfm.study import Learner, Question, Study, run_study, split_people
from wearfm.training import TrainingConfig, load
from wearfm.windows.index import WindowIndex
from wearfm.windows.load import load as load_batch
from wearfm.windows.view import View

SIGNALS = ("ecg", "resp")
WINDOW_S = 30.0
POOL = 32  # windows among which a partner is looked for
TASKS = ("bidmc_breathing_rate", "bidmc_heart_rate")


def main(work: Path) -> None:
    """Prepare, pretrain, judge, print the page and what is found on strangers."""
    data = Path(os.environ.get("WEARFM_DATA", "../shared/data"))
    prepare_recordings(DATASETS["bidmc"].recordings(data / DATASETS["bidmc"].folder), work / "store")
    config = preset(RECIPES["sleepfm"], "small", window_s=WINDOW_S)
    training = TrainingConfig(
        seed=0,
        steps=400,
        batch_size=32,
        warmup_steps=20,
        stride_s=5.0,
        validation_share=0.0,
        checkpoint_every=400,
        log_every=20,
    )
    study = Study(
        learners=(Learner(recipe="sleepfm", config=config, training=training, modalities=SIGNALS),),
        questions=(Question(dataset="bidmc", tasks=TASKS, window_s=WINDOW_S, stride_s=WINDOW_S, modalities=SIGNALS),),
    )
    with Store.open(work / "store") as store:
        report = run_study(study, store, work, watch=tell, command="python docs/results/sleep.py WORK")
        sys.stdout.write(page(report.to_json()))
        strangers = View(store, participants=sorted(split_people(store, seed=0).test), modalities=SIGNALS)
        lines = [found("pretrained", load(work / "runs" / "sleepfm"), strangers)]
        lines.append(found("random weights", build(RECIPES["sleepfm"], config, seed=1), strangers))
    title = f"## ECG and breathing of the same window, found among {POOL} windows of strangers (100 draws, ± deviation)"
    header = "| weights | breathing first | ECG first | chance |\n|---|---|---|---|"
    sys.stdout.write("\n".join(("", title, "", header, *lines)) + "\n")


@torch.no_grad()
def found(name: str, recipe: Recipe, strangers: View) -> str:
    """Return in a line how often the ECG of a window finds its breathing, and the other way round."""
    index = WindowIndex.build(strangers, recipe.input)
    batch = load_batch(strangers, index, np.arange(len(index)))
    vectors = recipe.eval().embed(batch).channels  # (B, groups, D)
    assert vectors is not None
    groups = [group.name for group in recipe.config.groups]
    heart, breath = vectors[:, groups.index("EKG")].numpy(), vectors[:, groups.index("RESP")].numpy()
    judged = retrieve(heart, breath, pool=POOL, seed=0)
    there, back = (ranking.top[1] for ranking in (judged.forward, judged.backward))
    return f"| {name} | {there.mean:.1%} ± {there.std:.1%} | {back.mean:.1%} ± {back.std:.1%} | {there.chance:.1%} |"


def tell(stage: str, done: int, total: int, what: str) -> None:
    """Print how far the study is."""
    if done == total or done % 50 == 0:
        print(f"{stage}: {done}/{total} {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
