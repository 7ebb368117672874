import numpy as np

from tests.evaluation.cohort import WINDOWS, age, informative, is_ill, noise
from wearfm.evaluation.few_shot import ROWS_A_PERSON, curves
from wearfm.evaluation.metrics import METRICS
from wearfm.evaluation.probes import Target

NUMBER = 30
PERSON = np.repeat(np.arange(NUMBER), WINDOWS)
FOLD = PERSON % 5
EVERYBODY = np.ones(len(PERSON), dtype=bool)
ILL = Target(values=np.array([int(is_ill(n)) for n in PERSON]), num_classes=2)


def drawn(vectors, target=ILL, *, metric="auroc", seed=0, draws=10):
    return curves(vectors, target, PERSON, FOLD, judged=EVERYBODY, metric=METRICS[metric], draws=draws, seed=seed)


def test_more_people_help_a_model_that_knows_and_none_that_does_not():
    knows, guesses = drawn({"knows": informative(NUMBER, noise=0.5), "guesses": noise(NUMBER)})
    assert knows.people == (2, 4, 8, 16, 24)
    assert knows.value[-1] > max(knows.value[0], 0.9)
    assert abs(guesses.value[-1] - 0.5) < 0.15
    assert all(low <= value <= high for low, value, high in zip(knows.low, knows.value, knows.high, strict=True))


def test_errors_fall_with_people():
    ages = Target(values=np.array([age(n) for n in PERSON]))
    (curve,) = drawn({"knows": informative(NUMBER)}, ages, metric="mae")
    assert curve.value[-1] < curve.value[0]


def test_the_same_seed_draws_the_same_people():
    vectors = {"knows": informative(NUMBER)}
    assert drawn(vectors) == drawn(vectors)
    assert drawn(vectors) != drawn(vectors, seed=1)


def test_all_people_leave_no_choice():
    (curve,) = drawn({"knows": informative(NUMBER)})
    assert curve.low[-1] == curve.high[-1] == curve.value[-1]


def test_numbers_of_people_without_two_classes_are_left_out():
    rare = Target(values=(PERSON < 2).astype(np.int64), num_classes=2)
    (curve,) = drawn({"knows": informative(NUMBER)}, rare, draws=3)
    alone = Target(values=(PERSON < 1).astype(np.int64), num_classes=2)
    (none,) = drawn({"knows": informative(NUMBER)}, alone, draws=3)
    assert curve.people
    assert none.people == ()  # the fold of the only ill person has no second class to learn from


def test_a_person_with_many_windows_gives_no_more_than_the_others():
    person = np.concatenate((np.zeros(500, dtype=np.int64), PERSON + 1))
    from wearfm.evaluation.few_shot import _few_rows

    rows = _few_rows(person, np.random.default_rng(0))
    assert (person[rows] == 0).sum() == ROWS_A_PERSON
    assert (person[rows] == 1).sum() == WINDOWS
