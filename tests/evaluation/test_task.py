from dataclasses import replace

import numpy as np
import pytest

from tests.evaluation.cohort import AGE, ILLNESS, make_store
from wearfm.errors import BadConfiguration, UnknownName
from wearfm.evaluation.task import Published, Rows, StoreTruth


def test_rows_are_grouped_by_recording_in_sorted_order():
    rows = Rows(
        participant=np.array(["b", "a", "b", "a"]),
        recording=np.array(["1", "2", "1", "1"]),
        start_ns=np.arange(4),
        duration_s=np.ones(4),
    )
    assert [(p, r, n.tolist()) for p, r, n in rows.recordings()] == [("a", "1", [3]), ("a", "2", [1]), ("b", "1", [0, 2])]
    assert list(rows.select(np.zeros(4, dtype=bool)).recordings()) == []


def test_the_store_knows_facts_and_events(tmp_path):
    truth = StoreTruth(make_store(tmp_path / "store", number=3))
    assert truth.facts("p001", "night")["age_years"] == 27.0
    assert truth.facts("nobody", "night") == {}
    assert len(truth.events("p001", "night", "activity")) == 6
    assert len(truth.events("p001", "night", "other")) == 0
    assert len(truth.events("nobody", "night", "activity")) == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"metric": "mae"}, "task 'toy_illness' is binary, but mae judges regression tasks"),
        ({"positive": "sick"}, "a binary task needs two classes, one of them positive"),
        ({"classes": ("well", "ill", "unsure")}, "a binary task needs two classes"),
        ({"min_participants": 2}, "accepts 2 participants; three folds need at least 3"),
    ],
)
def test_a_task_that_cannot_work_is_refused(change, message):
    with pytest.raises(BadConfiguration, match=message):
        replace(ILLNESS, **change)


def test_an_unknown_metric_is_refused():
    with pytest.raises(UnknownName, match="metric 'maee' is not known; did you mean 'mae'"):
        replace(AGE, metric="maee")


def test_a_published_figure_that_does_not_match_says_why():
    with pytest.raises(BadConfiguration, match="say why in why_not"):
        Published(model="m", metric="auroc", value=0.9, protocol="rows, not people", matches=False)
