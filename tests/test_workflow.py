"""A risk table from a store and its embedding, with the baselines that come along."""

import numpy as np
import pytest

import wearfm
from tests.evaluation.survival.cohort import outcomes, people, write_csv
from tests.recordings import channel, recording
from tests.toy import Toy, small
from wearfm.embeddings.controls import controls, handmade
from wearfm.embeddings.extract import embed
from wearfm.embeddings.table import EmbeddingTable, Header
from wearfm.evaluation.survival import Outcomes
from wearfm.store import Store

NUMBER = 80


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Store:
    generator = np.random.default_rng(0)
    made = Store.create(tmp_path_factory.mktemp("risk") / "store")
    made.commit(
        [
            recording(name, "night", channel(generator.integers(-99, 99, 640, dtype=np.int16), rate_hz=64.0), sex="FM"[n % 2])
            for n, name in enumerate(people(NUMBER))
        ]
    )
    return made


def test_hand_made_statistics_and_demographics_come_with_a_store(store, tmp_path) -> None:
    table = embed(Toy(small()), store)
    path = write_csv(outcomes(NUMBER, {"illness": 0.0}), tmp_path / "outcomes.csv")
    risks = wearfm.assess_risk(table, path, store=store, bootstrap=100)
    assert [score.model for score in risks.rows[0].scores] == ["toy", "hand-made statistics", "demographics"]
    alone = wearfm.assess_risk(table, Outcomes.read(path), bootstrap=100)
    assert [score.model for score in alone.rows[0].scores] == ["toy"]
    assert alone.rows[0].scores[0].c_index == risks.rows[0].scores[0].c_index


def test_hand_made_statistics_are_those_of_the_controls(store) -> None:
    table = embed(Toy(small()), store)
    (name, made), *others = handmade(table, store).items()
    assert not others
    np.testing.assert_array_equal(made.vector, controls(table, store)[name].vector)


def test_vectors_that_do_not_say_what_a_window_is_have_none(store) -> None:
    bare = EmbeddingTable(
        participant=np.array(["p0000"]),
        recording=np.array(["night"]),
        start_ns=np.zeros(1, dtype=np.int64),
        duration_s=np.ones(1),
        vector=np.ones((1, 2), dtype=np.float32),
        header=Header(recipe="mine"),
    )
    assert handmade(bare, store) == {}
