"""Distillation from a teacher and a store to a student's checkpoint, by the function and by the verb."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.contracts.alternatives import CASES
from tests.contracts.cases.distillation import ANYTHING, MOTION, PULSE
from tests.toy import toy_store
from wearfm.cli import main
from wearfm.distilling import Distilled, distil, fitting
from wearfm.embeddings.extract import embed
from wearfm.errors import UnknownName
from wearfm.recipes import create
from wearfm.recipes.base import Recipe
from wearfm.recipes.distillation import Distillation, Teaching
from wearfm.recipes.weights import weight_hash
from wearfm.store import Store
from wearfm.training import TrainingConfig, load, train
from wearfm.training.checkpoint import read_provenance
from wearfm.windows.split import pseudonym
from wearfm.windows.view import View

TRAINING = TrainingConfig(seed=0, steps=2, batch_size=4, validation_share=0.0, workers=0, ema=0.5)
TEACHING = Teaching(still_g=None, hidden_size=16, projection_size=8)
PEOPLE = frozenset({"p0", "p1", "p2"})


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return toy_store(tmp_path_factory.mktemp("store"), seconds=36.0, rate_hz=64.0, channels={"ppg": 1, "acc": 3})


@pytest.fixture(scope="module")
def teacher_run(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A teacher that has seen p3."""
    run = tmp_path_factory.mktemp("teacher")
    config = replace(PULSE.config, apart_s=6.0)
    recipe = PULSE.build(seed=1).__class__(config, seed=1)
    train(recipe, View(store, participants=["p2", "p3"], modalities=["ppg"]), config=replace(TRAINING, batch_size=2), run=run)
    return run


@pytest.fixture(scope="module")
def made(store: Store, teacher_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Distilled:
    run = tmp_path_factory.mktemp("run")
    return distil(load(teacher_run), View(store, participants=PEOPLE), MOTION, run=run, training=TRAINING, teaching=TEACHING)


def test_the_students_checkpoint_is_the_student_of_the_run(store: Store, made: Distilled) -> None:
    whole, alone = load(made.summary.checkpoint), load(made.folder)
    assert isinstance(whole, Distillation)
    assert weight_hash(alone.state_dict()) == weight_hash(made.student.state_dict())
    assert (alone.name, alone.config) == (MOTION.name, MOTION.config)
    moving = View(store, modalities=["acc"])
    table, with_pulse = embed(alone, moving), embed(whole, store)
    assert torch.equal(torch.from_numpy(table.vector), torch.from_numpy(with_pulse.vector))


def test_the_teacher_stays_and_everybody_it_has_seen_is_remembered(teacher_run: Path, made: Distilled) -> None:
    teacher, whole = load(teacher_run), load(made.summary.checkpoint)
    assert isinstance(whole, Distillation)
    assert weight_hash(whole.teacher.state_dict()) == weight_hash(teacher.state_dict())
    assert load(made.folder).seen == {pseudonym(name) for name in PEOPLE | {"p3"}}


def test_card_and_provenance_name_the_teacher_and_the_patent(teacher_run: Path, made: Distilled) -> None:
    facts, card = read_provenance(made.folder), (made.folder / "card.md").read_text()
    expected = {"recipe": "apple_contrastive", "weight_hash": read_provenance(teacher_run)["weight_hash"]}
    assert (facts["recipe"], facts["teacher"], facts["step"]) == ("apple_contrastive", expected, 2)
    assert f"Taught by a frozen teacher: apple_contrastive, weights (sha256) `{expected['weight_hash']}`" in card
    assert "US 2025/0104861 A1" in card
    assert "3 x acc at 64 Hz" in card


def test_a_second_call_goes_on_and_writes_the_same_student(store: Store, teacher_run: Path, made: Distilled) -> None:
    again = distil(
        load(teacher_run),
        View(store, participants=PEOPLE),
        MOTION,
        run=made.summary.run,
        training=TRAINING,
        teaching=TEACHING,
    )
    assert weight_hash(again.student.state_dict()) == weight_hash(made.student.state_dict())
    assert load(again.folder).config == MOTION.config


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("apple_contrastive", {"modality": "acc", "channels": 3, "window_s": 6.0}),
        ("himae", {"modalities": ("acc",), "window_s": 6.0}),
        ("harnet", {"window_s": 6.0}),
    ],
)
def test_a_method_is_fitted_to_acceleration_and_to_the_teachers_windows(name: str, expected: dict[str, Any]) -> None:
    config = fitting(name, "small", teacher=_teacher()).config
    assert {key: getattr(config, key) for key in expected} == expected


def test_an_unknown_student_is_named() -> None:
    with pytest.raises(UnknownName, match="method 'harnett' is not known; did you mean 'harnet'"):
        fitting("harnett", "small", teacher=_teacher())
    with pytest.raises(UnknownName, match="preset of harnet 'smal'"):
        fitting("harnet", "smal", teacher=_teacher())


def _teacher() -> Recipe:
    return PULSE.build(seed=0)


@pytest.mark.slow
@pytest.mark.parametrize("student", [ANYTHING.name, "harnet"])
def test_other_methods_learn_too(store: Store, teacher_run: Path, tmp_path: Path, student: str) -> None:
    config = CASES[student].config(window_s=6.0, **({"rate_hz": 64.0} if student == ANYTHING.name else {}))
    method = replace(MOTION, name=student, config=config)
    made = distil(load(teacher_run), store, method, run=tmp_path, training=replace(TRAINING, ema=None), teaching=TEACHING)
    before = create(student)
    assert made.student.name == before.name
    assert embed(load(made.folder), View(store, modalities=["acc"])).vector.std() > 0


@pytest.mark.slow
def test_the_verb_trains_and_its_student_is_embedded(
    store: Store, teacher_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, table = tmp_path / "run", tmp_path / "t.parquet"
    words = ["--student", "apple_contrastive", "--student-preset=small", "--student.embedding-size", "72", "-o", str(run)]
    words += ["--student.repeats", "1", "1", "2", "--teaching.still-g", "None", "--teaching.hidden-size", "16"]
    words += ["--training.steps", "2", "--training.batch-size", "4", "--training.workers", "0"]
    words += ["--training.validation-share", "0"]
    assert main(["distil", str(teacher_run), str(store.path), *words, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["step"], shown["student"]) == (2, str(run / "student"))
    assert main(["distil", str(teacher_run), str(store.path), *words]) == 0
    assert f"student: {run / 'student'}" in capsys.readouterr().out
    assert load(run / "student").config.channels == 3
    assert main(["embed", str(run / "student"), str(store.path), "-o", str(table), "--modalities", "acc"]) == 0


def test_the_verb_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["distil", "--help"]) == 0
    assert "usage: wearfm distil TEACHER STORE" in capsys.readouterr().out
    assert main(["distil", "apple_contrastive", "nowhere"]) == 2
    assert "neither a checkpoint nor a run" in capsys.readouterr().err
