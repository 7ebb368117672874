import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wearfm.errors import BadConfiguration
from wearfm.evaluation import folds


@given(st.lists(st.sampled_from([f"p{n}" for n in range(12)]), min_size=20, max_size=60), st.integers(3, 5), st.integers(0, 3))
def test_all_rows_of_a_person_are_in_one_fold(names, k, seed):
    person = np.array(names)
    if len(set(names)) < k:
        return
    fold = folds.assign(person, np.zeros(len(person), dtype=int).astype(str), k=k, seed=seed)
    assert set(fold.tolist()) == set(range(k))
    assert all(len(set(fold[person == name].tolist())) == 1 for name in set(names))


def test_every_fold_gets_its_share_of_every_class():
    person = np.array([f"p{n}" for n in range(20)])
    ill = np.array(["ill" if n < 5 else "well" for n in range(20)])
    fold = folds.assign(person, ill, k=5, seed=0)
    assert sorted(fold[ill == "ill"].tolist()) == [0, 1, 2, 3, 4]


def test_numbers_are_balanced_by_quarters():
    person = np.array([f"p{n}" for n in range(8)])
    assert folds.strata(np.arange(8.0), person).tolist() == ["0", "0", "1", "1", "2", "2", "3", "3"]


@pytest.mark.parametrize("k", [2, 21])
def test_too_few_or_too_many_folds_are_refused(k):
    with pytest.raises(BadConfiguration, match=f"folds={k}: the inner choice of the penalty needs 3"):
        folds.assign(np.array(["a", "b", "c"]), np.array(["", "", ""]), k=k, seed=0)


def test_more_folds_than_persons_are_refused():
    with pytest.raises(BadConfiguration, match="4 folds of 3 persons"):
        folds.assign(np.array(["a", "b", "c"]), np.array(["", "", ""]), k=4, seed=0)


@pytest.mark.parametrize(("rows", "times"), [(10, 10), (60, 4), (200, 1), (50_000, 1)])
def test_few_rows_are_dealt_more_often(rows, times):
    assert folds.repeats(rows) == times
