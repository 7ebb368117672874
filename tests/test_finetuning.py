"""Fine-tuning from a store and a task to a report: who teaches, who is judged, and what is compared."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.recordings import channel, recording
from wearfm.errors import BadConfiguration
from wearfm.evaluation.labels import fact, fact_in
from wearfm.evaluation.task import Task
from wearfm.finetuning import TUNED, Head, finetune, lessons
from wearfm.recipes import create
from wearfm.recipes.base import Recipe
from wearfm.recipes.supervised import Supervised
from wearfm.store import Store
from wearfm.training import TrainingConfig, load
from wearfm.windows.split import pseudonym

RATE_HZ = 64.0
TRAINING = TrainingConfig(
    seed=0, steps=30, batch_size=8, learning_rate=1e-2, validation_share=0.0, workers=0, log_every=10, weight_decay=0.0
)
FAST = Task(
    name="fast", question="Is the pulse fast?", dataset="toy", kind="binary", level="participant", metric="auroc",
    label=fact_in("pace", {"slow": "no", "fast": "yes"}), classes=("yes", "no"), positive="yes",
)  # fmt: skip
RATE = Task(
    name="rate", question="How fast is the pulse?", dataset="toy", kind="regression", level="participant", metric="mae",
    label=fact("rate_hz"), unit="1/s",
)  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Twelve people of 24 s, half of them with a pulse of about 1 Hz and half of about 3 Hz, and one without a label."""
    generator = np.random.default_rng(0)
    time_s = np.arange(round(24 * RATE_HZ)) / RATE_HZ
    recordings = []
    for person in range(13):
        rate_hz = (3.0 if person % 2 else 1.0) + generator.uniform(0.0, 0.5)
        wave = np.sin(2 * np.pi * rate_hz * time_s) + 0.3 * generator.standard_normal(len(time_s))
        facts = {"pace": "fast" if person % 2 else "slow", "rate_hz": rate_hz} if person < 12 else {}
        recordings.append(recording(f"toy:{person:02d}", "a", channel(wave.astype(np.float32), rate_hz=RATE_HZ), **facts))
    made = Store.create(tmp_path_factory.mktemp("store"))
    made.commit(recordings)
    return made


@pytest.fixture
def method() -> Recipe:
    return create("himae", window_s=4.0, widths=(4, 8, 16, 16, 16))


def test_nobody_teaches_and_is_judged(store: Store, method: Recipe) -> None:
    lesson = lessons(method, store, FAST, seed=0)
    people = {f"toy:{person:02d}" for person in range(12)}
    assert lesson.teachers | lesson.judged == people
    assert not lesson.teachers & lesson.judged
    assert len(lesson.judged) in (4, 5, 6)
    assert lesson.classes == ("no", "yes")
    owners = [lesson.index.participants[code] for code in lesson.index.participant]
    assert [int(name[-1]) % 2 for name in owners] == lesson.index.targets["label"].tolist()
    assert set(owners) == lesson.teachers


def test_people_seen_in_pretraining_teach_and_all_others_are_judged(store: Store, method: Recipe) -> None:
    method.seen = frozenset(pseudonym(f"toy:{person:02d}") for person in range(5))
    lesson = lessons(method, store, FAST, seed=0)
    assert lesson.teachers == {f"toy:{person:02d}" for person in range(5)}
    with pytest.raises(BadConfiguration, match="'toy:01' was seen in pretraining; judge people whom it has not seen"):
        lessons(method, store, FAST, seed=0, test=["toy:01"])


def test_the_people_to_judge_can_be_named(store: Store, method: Recipe) -> None:
    assert lessons(method, store, FAST, seed=0, test=["toy:00", "toy:01"]).judged == {"toy:00", "toy:01"}
    with pytest.raises(BadConfiguration, match="0 of 12 participants would be judged; both sides need people"):
        lessons(method, store, FAST, seed=0, test=["toy:12"])
    judged = [f"toy:{person:02d}" for person in range(0, 12, 2)]
    with pytest.raises(BadConfiguration, match="class 'no' has no window among the 6 teachers; judge other people"):
        finetune(method, store, FAST, run="unused", training=TRAINING, test=judged)


def test_a_task_without_labels_in_the_store_is_named(store: Store, method: Recipe) -> None:
    other = replace(FAST, label=fact_in("mood", {"good": "yes"}))
    with pytest.raises(BadConfiguration, match="task 'fast' has no label for any window of himae"):
        lessons(method, store, other, seed=0)


@pytest.mark.slow
def test_classes_are_learnt_and_judged_on_others_beside_the_frozen_encoder(
    store: Store, method: Recipe, tmp_path: Path
) -> None:
    report = finetune(
        method, store, FAST, run=tmp_path, training=TRAINING, head=Head(hidden=8, encoder_rate=1.0), bootstrap=100
    )
    (result,) = report.results
    scores = {score.model: score.interval.value for score in result.scores}
    assert list(scores)[:2] == [TUNED, "himae, frozen"]
    assert {"hand-made statistics", "random weights"} <= set(scores)
    assert scores[TUNED] == 1.0
    assert result.participants + result.teachers == 12
    tuned = load(tmp_path)
    assert isinstance(tuned, Supervised)
    assert {pseudonym(name) for name in lessons(method, store, FAST, seed=0).teachers} == tuned.seen


@pytest.mark.slow
def test_numbers_are_learnt_in_their_unit(store: Store, method: Recipe, tmp_path: Path) -> None:
    longer = replace(TRAINING, steps=100, learning_rate=3e-3)
    report = finetune(method, store, RATE, run=tmp_path, training=longer, head=Head(encoder_rate=1.0), bootstrap=100)
    scores = {score.model: score.interval.value for score in report.results[0].scores}
    assert scores[TUNED] < 0.5 < scores["training mean"]
