"""wearfm demo: the whole way, on a simulated cohort or on real recordings."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from wearfm.cli import terminal
from wearfm.errors import BadConfiguration

if TYPE_CHECKING:
    from wearfm.store import Store
    from wearfm.study import Study, Watch


REAL = ("bidmc", "hapt", "ppg_bp")  # the data sets that --data looks for


@dataclass(frozen=True, kw_only=True)
class Options:
    """Prepare, pretrain, embed, evaluate, report: on a simulated cohort, or with --data on real recordings.

    Interrupted, the same command goes on where it stopped.
    """

    data: Path | None = None
    """A folder with open data sets (ppg/ppg_bp, har/hapt, ppg/bidmc, or the data sets' own folders by these names)."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"])] = Path("demo")
    """Where everything goes: store, runs, tables, report."""
    seed: int = 0
    """Of everything that is random."""
    fresh: bool = False
    """Remove what an earlier demo left in the output folder first."""
    json: bool = False
    """Print the report as JSON."""


def run(words: Sequence[str]) -> int:
    """Run the verb."""
    options = terminal.parse(Options, "demo", words)
    if options.fresh and (options.output / "store").is_dir():
        shutil.rmtree(options.output)
    from wearfm.study import run_study

    started = time.monotonic()
    with terminal.stages() as watch:
        store, study = _real(options, watch) if options.data else _simulated(options, watch)
        with store:
            command = " ".join(["wearfm", "demo", *(["--data", "DATA"] if options.data else []), f"--seed {options.seed}"])
            report = run_study(study, store, options.output, watch=watch, command=command)
    page = options.output / "report" / "report.html"
    if options.json:
        terminal.emit(report.to_json())
        return 0
    terminal.say(report.summary())
    terminal.say(f"\nreport: {page}  ({terminal.duration(time.monotonic() - started)})")
    return 0


def _simulated(options: Options, watch: Watch) -> tuple[Store, Study]:
    """Return a simulated cohort's store and the study on it."""
    from wearfm.preparation import prepare_recordings
    from wearfm.store import Store
    from wearfm.synthetic import Cohort, CohortConfig

    config = CohortConfig(num_participants=60, num_sessions=2, session_hours=1.0, modalities=("ppg", "acc"))
    path = options.output / "store"
    prepare_recordings(
        Cohort(config, options.seed).recordings(),
        path,
        total=config.num_participants * config.num_sessions,
        progress=partial(watch, "simulate"),
    )
    return Store.open(path), simulated_study(options.seed)


def simulated_study(seed: int) -> Study:
    """Return the study of the embedded default."""
    from wearfm.recipes import RECIPES
    from wearfm.recipes.base import preset
    from wearfm.study import Learner, Question, Study
    from wearfm.training import TrainingConfig

    def training(steps: int, batch_size: int) -> TrainingConfig:
        return TrainingConfig(
            seed=seed, steps=steps, batch_size=batch_size, warmup_steps=steps // 20, validate_every=steps, checkpoint_every=100
        )

    modalities = ("ppg", "acc")
    return Study(
        seed=seed,
        learners=(
            Learner(
                recipe="normwear",
                config=preset(RECIPES["normwear"], "small"),
                training=training(400, 64),
                modalities=modalities,
            ),
            Learner(
                recipe="apple_contrastive",
                config=preset(RECIPES["apple_contrastive"], "small"),
                training=training(400, 64),
                modalities=("ppg",),
            ),
        ),
        questions=(
            Question(
                dataset="synthetic",
                tasks=(
                    "synthetic_activity",
                    "synthetic_heart_rate",
                    "synthetic_atrial_fibrillation",
                    "synthetic_hypertension",
                    "synthetic_age",
                ),
                window_s=8.0,
                stride_s=96.0,
                modalities=modalities,
            ),
        ),
    )


def _real(options: Options, watch: Watch) -> tuple[Store, Study]:
    """Return a store of the real data sets under a folder and the study on them."""
    from wearfm.datasets import DATASETS
    from wearfm.preparation import prepare_recordings
    from wearfm.store import Store

    assert options.data is not None
    path, found = options.output / "store", []
    for dataset in (DATASETS[name] for name in REAL):
        folder = next((f for f in (options.data / dataset.folder, options.data / dataset.name) if f.is_dir()), None)
        if folder is None:
            continue
        found.append(dataset.name)
        stage = f"prepare {dataset.name}"
        prepare_recordings(dataset.recordings(folder), path, progress=partial(watch, stage))
    if not found:
        places = ", ".join(DATASETS[name].folder for name in REAL)
        raise BadConfiguration(f"{options.data} holds none of {places}; name the folder above them")
    return Store.open(path), real_study(options.seed, found)


def real_study(seed: int, datasets: Sequence[str]) -> Study:
    """Return the study of PPG-BP, HAPT and BIDMC, with the questions of the data sets that are there."""
    from wearfm.study import Question, Study

    simulated = simulated_study(seed)
    normwear, contrastive = simulated.learners
    questions = (
        Question(
            dataset="ppg_bp",
            tasks=(
                "ppg_bp_hypertension",
                "ppg_bp_diabetes",
                "ppg_bp_age",
                "ppg_bp_bmi",
                "ppg_bp_systolic",
                "ppg_bp_diastolic",
            ),
            window_s=2.0,
            stride_s=2.0,
            modalities=("ppg",),
        ),
        Question(dataset="hapt", tasks=("hapt_activity",), window_s=2.56, stride_s=2.56, modalities=("acc", "gyro")),
        Question(
            dataset="bidmc",
            tasks=("bidmc_heart_rate", "bidmc_breathing_rate"),
            window_s=8.0,
            stride_s=8.0,
            modalities=("ppg", "ecg"),
        ),
    )
    return Study(
        seed=seed,
        learners=(
            replace(normwear, modalities=("ppg", "ecg", "acc", "gyro")),
            replace(contrastive, config=replace(contrastive.config, window_s=2.0, apart_s=2.0)),
        ),
        questions=tuple(question for question in questions if question.dataset in datasets),
    )
