import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wearfm.errors import BadConfiguration, LeakyScheme
from wearfm.windows.split import Split, folds, hold_out, leave_one_out, persons_of

people = st.lists(st.text("abcdef0123", min_size=1, max_size=6), min_size=2, max_size=60)


@given(names=people, seed=st.integers(0, 1000))
def test_nobody_is_on_two_sides(names: list[str], seed: int) -> None:
    split = hold_out(names, seed=seed, test=0.3, validation=0.2)
    assert split.train | split.validation | split.test == set(names)
    assert len(split.train) + len(split.validation) + len(split.test) == len(set(names))


@given(names=people, more=people, seed=st.integers(0, 1000))
def test_adding_participants_moves_nobody(names: list[str], more: list[str], seed: int) -> None:
    before = hold_out(names, seed=seed, test=0.3)
    after = hold_out(names + more, seed=seed, test=0.3)
    assert before.test <= after.test
    assert before.train <= after.train


def test_shares_are_met_on_average() -> None:
    split = hold_out([str(n) for n in range(5000)], seed=1, test=0.2, validation=0.1)
    assert abs(len(split.test) / 5000 - 0.2) < 0.02
    assert abs(len(split.validation) / 5000 - 0.1) < 0.02


def test_a_person_on_two_sides_is_an_error() -> None:
    with pytest.raises(LeakyScheme, match=r"participants \['b'\] stand on two sides"):
        Split(train=frozenset("ab"), validation=frozenset(), test=frozenset("b"))


def test_impossible_shares_are_refused() -> None:
    with pytest.raises(BadConfiguration, match="leave some for training"):
        hold_out(["a", "b"], seed=0, test=0.6, validation=0.4)


@given(names=people, k=st.integers(2, 6), seed=st.integers(0, 99))
def test_all_rows_of_a_person_share_a_fold(names: list[str], k: int, seed: int) -> None:
    if len(set(names)) < 2:
        return
    fold = folds(names, k=k, seed=seed)
    assert {n: set(fold[np.array(names) == n].tolist()) for n in names} == {n: {int(fold[names.index(n)])} for n in names}
    sizes = np.bincount([int(fold[names.index(n)]) for n in sorted(set(names))], minlength=k)
    assert sizes.max() - sizes.min() <= 1


def test_strata_are_spread_over_the_folds() -> None:
    names = [f"p{n}" for n in range(40)]
    ill = [n % 4 == 0 for n in range(40)]
    fold = folds(names, k=5, seed=0, stratify=ill)
    assert np.bincount(fold[np.array(ill)], minlength=5).tolist() == [2] * 5


def test_hashed_folds_never_move() -> None:
    names = [f"p{n}" for n in range(200)]
    few, all_of_them = folds(names[:100], k=5, seed=3, balanced=False), folds(names, k=5, seed=3, balanced=False)
    assert few.tolist() == all_of_them[:100].tolist()


def test_two_ids_of_one_person_stay_together() -> None:
    persons = persons_of([("a", "hash1"), ("b", "hash2"), ("c", "hash1"), ("d", "hash2"), ("c", "hash3")])
    assert persons == {"a": "a", "b": "b", "c": "a", "d": "b"}
    fold = folds(["a", "b", "c", "d"], k=2, seed=0, persons=persons)
    assert fold[0] == fold[2]
    assert fold[1] == fold[3]
    split = hold_out(["a", "b", "c", "d"], seed=5, test=0.5, persons=persons)
    assert ("a" in split.test) == ("c" in split.test)


def test_chains_of_shared_data_are_one_person() -> None:
    assert set(persons_of([("a", "1"), ("b", "1"), ("b", "2"), ("c", "2")]).values()) == {"a"}


def test_leave_one_out_has_a_fold_for_everybody() -> None:
    assert leave_one_out(["b", "a", "b", "c"]).tolist() == [1, 0, 1, 2]


def test_one_participant_cannot_be_folded() -> None:
    with pytest.raises(BadConfiguration, match="at least 2"):
        folds(["a", "a"], k=2, seed=0)
