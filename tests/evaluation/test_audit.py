import numpy as np
import pytest

from tests.evaluation.cohort import WINDOWS, informative, is_ill, make_store, make_table, noise, people
from wearfm.errors import LeakyScheme
from wearfm.evaluation import audit
from wearfm.evaluation.alignment import align
from wearfm.evaluation.metrics import METRICS
from wearfm.evaluation.probes import Target
from wearfm.evaluation.task import StoreTruth

NUMBER = 24
PERSON = np.repeat(np.array(people(NUMBER)), WINDOWS)
CODE = np.repeat(np.arange(NUMBER), WINDOWS)
FOLD = CODE % 4
EVERYBODY = np.ones(len(CODE), dtype=bool)
ILL = Target(values=np.array([int(is_ill(n)) for n in CODE]), num_classes=2)


def test_a_person_on_two_sides_is_a_leak():
    fold = FOLD.copy()
    fold[0] = 3
    with pytest.raises(LeakyScheme, match=r"person 'p000' stands in two folds \(1 do\); give all rows of a person one fold"):
        audit.require_one_side(PERSON, fold)
    audit.require_one_side(PERSON, FOLD)


def test_the_same_raw_data_on_two_sides_is_a_leak():
    with pytest.raises(LeakyScheme, match="participants 'p000' and 'p001' hold the same raw data but stand in folds 0 and 1"):
        audit.require_distinct_data(PERSON, FOLD, {"p001": "p000"})
    audit.require_distinct_data(PERSON, FOLD, {"p004": "p000"})  # both in fold 0


def test_rows_of_nobody_known_are_a_leak(tmp_path):
    truth = StoreTruth(make_store(tmp_path / "store", number=4))
    rows = align({"t": make_table(noise(6), number=6)}).rows
    with pytest.raises(LeakyScheme, match=r"2 recordings of the table are not in the store, the first is \('p004', 'night'\)"):
        audit.require_known(rows, truth.known)


def test_copies_of_vectors_on_another_side_are_a_leak():
    vectors = noise(NUMBER).astype(np.float32)
    assert audit.require_no_twins(vectors, PERSON, FOLD).passed
    vectors[:WINDOWS] = vectors[WINDOWS : 2 * WINDOWS]  # p000 is p001
    with pytest.raises(LeakyScheme, match=r"8.3% of the vectors, the first of 'p000', have an exact copy on another side"):
        audit.require_no_twins(vectors, PERSON, FOLD)


def test_copies_within_a_side_and_in_a_collapsed_embedding_are_no_leak():
    vectors = noise(NUMBER).astype(np.float32)
    vectors[:WINDOWS] = vectors[4 * WINDOWS : 5 * WINDOWS]  # p000 is p004, in the same fold
    assert audit.require_no_twins(vectors, PERSON, FOLD).value == 0.0
    assert not audit.require_no_twins(np.ones_like(vectors), PERSON, FOLD).passed


def test_a_feature_that_is_the_label_is_a_leak():
    vectors = informative(NUMBER).astype(np.float32)
    audit.require_no_label_copy(vectors, ILL.values, "model")
    vectors[:, 5] = 3.0 - 2.0 * ILL.values
    with pytest.raises(LeakyScheme, match="feature 5 of 'model' is the label itself; remove it"):
        audit.require_no_label_copy(vectors, ILL.values, "model")


def test_a_feature_on_a_line_with_the_number_is_a_leak():
    vectors, ages = informative(NUMBER).astype(np.float32), CODE * 1.7 + 20
    audit.require_no_label_copy(vectors, ages, "model")
    vectors[:, 2] = -0.3 * ages + 4
    with pytest.raises(LeakyScheme, match="feature 2 of 'model' is the label itself"):
        audit.require_no_label_copy(vectors, ages, "model")


def test_a_collapsed_embedding_is_called_one():
    good = audit.look_for_collapse(noise(NUMBER).astype(np.float32), PERSON, seed=0)
    flat = audit.look_for_collapse(np.ones((len(PERSON), 8), dtype=np.float32), PERSON, seed=0)
    line = audit.look_for_collapse(np.outer(CODE + 1.0, np.ones(8)).astype(np.float32), PERSON, seed=0)
    assert audit.failures(good) == []
    assert [check.name for check in audit.failures(flat)] == ["dimensions in use", "near copies"]
    assert "collapsed" in audit.failures(line)[0].text


@pytest.mark.parametrize("vectors", [informative(NUMBER, noise=0.3), noise(NUMBER)])
def test_shuffled_labels_give_chance(vectors):
    check = audit.look_at_shuffled_labels(vectors, ILL, CODE, FOLD, judged=EVERYBODY, metric=METRICS["auroc"], seed=0)
    assert check.passed
    assert abs(check.value - 0.5) < 0.12


def test_shuffled_labels_uncover_a_split_within_persons():
    mixed = np.arange(len(CODE)) % 4  # windows of one person on all sides: who it is gives the label
    identity = np.eye(NUMBER)[CODE] + 0.01 * noise(NUMBER, width=NUMBER)
    check = audit.look_at_shuffled_labels(identity, ILL, CODE, mixed, judged=EVERYBODY, metric=METRICS["auroc"], seed=0)
    assert not check.passed
    assert check.value > 0.9
    assert check.text.endswith("something leaks")


def test_shuffled_numbers_give_the_error_of_the_mean():
    ages = Target(values=CODE * 1.7 + 20)
    check = audit.look_at_shuffled_labels(
        informative(NUMBER), ages, CODE, FOLD, judged=EVERYBODY, metric=METRICS["mae"], seed=0
    )
    assert check.passed
