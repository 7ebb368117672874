"""Distillation: a pretrained teacher, a student that reads other signals, and the student as a checkpoint of its own.

teacher ── frozen ──┐
store ── windows in which both sides are measured ── train ──▶ run ──▶ run/student, for recordings without the teacher's

"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from wearfm.recipes.base import Recipe, preset
from wearfm.recipes.distillation import ACCELERATION, CAUTION, Distillation, Teaching
from wearfm.recipes.method import Method
from wearfm.recipes.methods import METHODS
from wearfm.recipes.weights import weight_hash
from wearfm.training import TrainingConfig, TrainingSummary, load, train
from wearfm.training.checkpoint import read_provenance, save_alone
from wearfm.training.log import Progress
from wearfm.windows.source import Source

STUDENT = "student"  # folder of the student inside the run's
AXES = 3


@dataclass(frozen=True, kw_only=True, eq=False)
class Distilled:
    """What came of a distillation. student: alone, in evaluation mode. folder: its checkpoint. summary: of the run."""

    student: Recipe
    folder: Path
    summary: TrainingSummary


def distil(
    teacher: Recipe,
    store: Source,
    student: Method,
    *,
    run: str | Path,
    training: TrainingConfig,
    teaching: Teaching | None = None,
    progress: Progress | None = None,
) -> Distilled:
    """Teach a student what a frozen teacher reads in the same windows; return the student, also kept in `run/student`.

    store: recordings with the signals of both sides; a `View` gives some people only. student: a method and its config, see
    `fitting`. The student's checkpoint stands for itself: `load`, `embed` and `finetune` take it, and it remembers whom the
    teacher and it have seen.
    """
    recipe = Distillation.of(teacher, student, seed=training.seed, **asdict(teaching or Teaching()))
    summary = train(recipe, store, config=training, run=run, progress=progress)
    learnt = load(summary.checkpoint)  # the averages, and whole, however it was trained
    assert isinstance(learnt, Distillation)
    alone, folder = learnt.distilled(), Path(run) / STUDENT
    if os.environ.get("RANK", "0") == "0":  # under torchrun one process writes for all
        save_alone(folder, alone, provenance=_provenance(summary, alone, teacher))
    return Distilled(student=alone, folder=folder, summary=summary)


def fitting(name: str, preset_name: str, *, teacher: Recipe) -> Method:
    """Return a preset of a method for three axes of acceleration in windows as long as the teacher's.

    As far as the method has such settings; what a method fixes stays, and the recipe refuses what does not go together.
    """
    config = preset(METHODS[name], preset_name) if name in METHODS else None
    wanted: dict[str, Any] = {
        "modality": ACCELERATION, "modalities": (ACCELERATION,), "channels": AXES, "window_s": teacher.input.window_s,
    }  # fmt: skip
    known = {f.name: getattr(config, f.name) for f in fields(config)} if config is not None else {}
    changes = {key: value for key, value in wanted.items() if isinstance(known.get(key), type(value))}
    return Method(name=name, config=replace(config, **changes) if config is not None else None)


def _provenance(summary: TrainingSummary, student: Recipe, teacher: Recipe) -> dict[str, Any]:
    """Return where a student comes from: the facts of its run, the teacher, and what its card must say."""
    facts = read_provenance(summary.checkpoint)
    taught_by = {"recipe": teacher.name, "weight_hash": weight_hash(teacher.state_dict())}
    kept = {key: facts[key] for key in ("training", "data", "signal_hours", "metrics", "step")}
    notes = [
        f"Taught by a frozen teacher: {teacher.name}, weights (sha256) `{taught_by['weight_hash']}`. {CAUTION}",
    ]
    return {**kept, "seen": sorted(student.seen), "teacher": taught_by, "notes": notes}
