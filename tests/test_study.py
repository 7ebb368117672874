"""A study judges only people that no learner has seen, and takes up what an interrupted one has left."""

import json
from pathlib import Path

import pytest

from tests.recordings import channel, ramp, recording
from wearfm.embeddings.table import EmbeddingTable
from wearfm.errors import BadConfiguration
from wearfm.preparation import prepare_recordings
from wearfm.recipes import RECIPES
from wearfm.recipes.base import preset
from wearfm.store import Store
from wearfm.study import Learner, Question, Study, run_study, split_people
from wearfm.synthetic import Cohort, CohortConfig
from wearfm.training import TrainingConfig
from wearfm.windows.split import pseudonym


def _study() -> Study:
    training = TrainingConfig(seed=0, steps=2, batch_size=4, workers=0, validation_share=0.0)
    learners = tuple(
        Learner(recipe=name, config=preset(RECIPES[name], "small"), training=training, modalities=("ppg",))
        for name in ("normwear", "apple_contrastive")
    )
    question = Question(dataset="synthetic", tasks=("synthetic_heart_rate",), window_s=8.0, stride_s=30.0, modalities=("ppg",))
    return Study(learners=learners, questions=(question,), seed=0)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("study") / "store"
    cohort = Cohort(CohortConfig(num_participants=15, num_sessions=2, session_hours=0.1, modalities=("ppg",)), seed=0)
    prepare_recordings(cohort.recordings(), folder)
    return Store.open(folder)


@pytest.mark.slow
def test_nobody_is_judged_whom_a_learner_has_seen(store: Store, tmp_path: Path) -> None:
    stages: list[str] = []

    def watch(stage: str, done: int, total: int, what: str) -> None:
        stages.append(stage)

    report = run_study(_study(), store, tmp_path, watch=watch)
    split = json.loads((tmp_path / "split.json").read_text())
    assert (len(split["train"]), len(split["test"])) == (9, 6)
    table = EmbeddingTable.read(tmp_path / "tables" / "synthetic-normwear.parquet")
    assert set(table.header.seen) == {pseudonym(name) for name in split["train"]}
    (result,) = report.results
    assert (result.participants, result.teachers) == (6, 9)
    assert [score.model for score in result.scores] == [
        "normwear",
        "apple_contrastive",
        "hand-made statistics",
        "random weights",
        "demographics",
        "training mean",
    ]
    assert (tmp_path / "report" / "report.html").exists()
    assert set(stages) >= {"pretrain normwear", "embed synthetic with apple_contrastive", "judge synthetic"}

    again = run_study(_study(), store, tmp_path, watch=lambda *_: None)
    assert again.fingerprint == report.fingerprint


def test_every_data_set_gives_people_to_both_sides(tmp_path: Path) -> None:
    store = Store.create(tmp_path)
    names = [f"{dataset}:{number}" for dataset in ("one", "two") for number in range(10)]
    store.commit([recording(name, "1", channel(ramp(20, first=100 * n))) for n, name in enumerate(names)])
    split = split_people(store, seed=0)
    for dataset in ("one", "two"):
        assert sum(name.startswith(dataset) for name in split.test) == 4
        assert sum(name.startswith(dataset) for name in split.train) == 6


def test_too_few_people_are_no_study(tmp_path: Path) -> None:
    store = Store.create(tmp_path)
    store.commit([recording("one:1", "1", channel(ramp(20)))])
    with pytest.raises(BadConfiguration, match="1 participants; a study needs at least 5"):
        split_people(store, seed=0)
