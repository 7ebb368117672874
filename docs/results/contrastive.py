"""Pretrain contrastive methods on real recordings and judge them: python docs/results/contrastive.py WORK > PAGE.

Three studies, one a signal: PPG (BIDMC, TROIKA, PPG-BP, Stress-Predict), ECG (CinC 2017, MIT-BIH), acceleration (HAPT,
MotionSense, HMP). Three fifths of the people of each set are pretrained on, the others judged; PPG-BP's pulses of two
seconds are too short to learn from, so all its people are judged. Last, what was learnt from PPG is asked about WESAD, a
set that no learner has seen. WORK keeps stores, runs and tables; WEARFM_DATA names the
folder of the data sets. Half an hour on two cores.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from make import page

from wearfm.datasets import DATASETS
from wearfm.embeddings.extract import Cut, embed_to
from wearfm.evaluation.report import Report
from wearfm.preparation import prepare_recordings
from wearfm.recipes import RECIPES
from wearfm.recipes.base import at_window, preset
from wearfm.store import Store
from wearfm.study import Learner, Question, Study, run_study
from wearfm.training import TrainingConfig, load
from wearfm.workflow import evaluate

BEAT_S = 8.0  # seconds of a window with some beats
STRESS_S = 60.0  # seconds of a window of stress
MOVE_S = 5.0  # seconds of a window of movement
SETS = {
    "ppg": ("bidmc", "troika", "ppg_bp", "stress_predict"),
    "ecg": ("cinc2017", "mitdb"),
    "acc": ("hapt", "motionsense", "hmp"),
}


def main(work: Path) -> None:
    """Prepare, pretrain, judge, print the pages of the three studies one after the other."""
    data = Path(os.environ.get("WEARFM_DATA", "../shared/data"))
    for signal, sets in SETS.items():
        for name in sets:
            prepare_recordings(DATASETS[name].recordings(data / DATASETS[name].folder), work / signal / "store")
        with Store.open(work / signal / "store") as store:
            command = f"python docs/results/contrastive.py WORK ({signal})"
            report = run_study(STUDIES[signal](), store, work / signal, watch=tell, command=command)
        sys.stdout.write(page(report.to_json()) + "\n")
        sys.stdout.flush()
    sys.stdout.write(page(elsewhere(work, data).to_json()))


def elsewhere(work: Path, data: Path) -> Report:
    """Return the report on stress in WESAD, asked of the encoders that learnt from the pulses of other sets."""
    dataset = DATASETS["wesad_e4"]
    prepare_recordings(dataset.recordings(data / dataset.folder), work / "elsewhere" / "store")
    with Store.open(work / "elsewhere" / "store") as store:
        tables = {}
        for each in pulse().learners:
            recipe = at_window(load(work / "ppg" / "runs" / each.recipe), STRESS_S)
            cut = Cut(stride_s=STRESS_S, modalities=("ppg",))
            tables[each.recipe] = embed_to(work / "elsewhere" / f"{each.recipe}.parquet", recipe, store, cut=cut)
        report = evaluate(tables, ["wesad_e4_stress"], store=store)
    return replace(report, command="python docs/results/contrastive.py WORK (elsewhere)")


def pulse(seed: int = 0) -> Study:
    """Return who learns what from pulse waves, and what is asked."""
    return Study(
        seed=seed,
        learners=(
            learner("apple_contrastive", "ppg", seed, steps=500, window_s=BEAT_S),
            learner("papagei", "ppg", seed, steps=300, window_s=BEAT_S),
            learner("pulse_ppg", "ppg", seed, steps=300, batch_size=16, window_s=BEAT_S),
        ),
        questions=(
            question("troika", "ppg", BEAT_S, "troika_heart_rate"),
            question("bidmc", "ppg", BEAT_S, "bidmc_heart_rate"),
            question("ppg_bp", "ppg", 2.1, "ppg_bp_hypertension", "ppg_bp_age", "ppg_bp_systolic"),
            question("stress_predict", "ppg", STRESS_S, "stress_predict_stress"),
        ),
    )


def heart(seed: int = 0) -> Study:
    """Return who learns what from the electrocardiogram, and what is asked."""
    lead = {"modality": "ecg", "channels": 1, "rate_hz": 128.0, "window_s": BEAT_S}
    return Study(
        seed=seed,
        learners=(learner("apple_contrastive", "ecg", seed, steps=500, **lead),),
        questions=(
            question("cinc2017", "ecg", BEAT_S, "cinc2017_atrial_fibrillation", "cinc2017_rhythm"),
            question("mitdb", "ecg", BEAT_S, "mitdb_ventricular_beats"),
        ),
    )


def movement(seed: int = 0) -> Study:
    """Return who learns what from acceleration, and what is asked."""
    axes = {"modality": "acc", "channels": 3, "rate_hz": 32.0, "window_s": MOVE_S, "apart_s": MOVE_S}
    return Study(
        seed=seed,
        learners=(
            learner("relcon", "acc", seed, steps=500, batch_size=32, window_s=MOVE_S),
            learner("harnet", "acc", seed, steps=800, learning_rate=2e-3),
            learner("apple_contrastive", "acc", seed, steps=500, **axes),
        ),
        questions=(
            question("hapt", "acc", MOVE_S, "hapt_activity"),
            question("motionsense", "acc", MOVE_S, "motionsense_activity"),
            question("hmp", "acc", MOVE_S, "hmp_activity"),
        ),
    )


STUDIES = {"ppg": pulse, "ecg": heart, "acc": movement}


def learner(
    recipe: str,
    signal: str,
    seed: int,
    *,
    steps: int,
    batch_size: int = 64,
    learning_rate: float = 1e-3,
    **settings: Any,
) -> Learner:
    """Return a small preset with its training."""
    usual = TrainingConfig(
        seed=seed, steps=steps, warmup_steps=steps // 20, validation_share=0.0, checkpoint_every=steps, log_every=25
    )
    training = replace(usual, batch_size=batch_size, learning_rate=learning_rate)
    config = preset(RECIPES[recipe], "small", **settings)
    return Learner(recipe=recipe, config=config, training=training, modalities=(signal,))


def question(dataset: str, signal: str, window_s: float, *tasks: str) -> Question:
    """Return tasks of one data set, its windows side by side."""
    return Question(dataset=dataset, tasks=tasks, window_s=window_s, stride_s=window_s, modalities=(signal,))


def tell(stage: str, done: int, total: int, what: str) -> None:
    """Print how far the study is."""
    if done == total or done % 50 == 0:
        print(f"{stage}: {done}/{total} {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
