from dataclasses import replace

import numpy as np
import pytest

from tests.evaluation.cohort import AGE, ILLNESS, STATE, WINDOWS, informative, make_store, make_table
from wearfm.errors import BadConfiguration, IncompatibleTable
from wearfm.evaluation.alignment import align, raise_to_level
from wearfm.evaluation.labels import fact
from wearfm.evaluation.task import StoreTruth

NUMBER = 8


@pytest.fixture
def truth(tmp_path):
    return StoreTruth(make_store(tmp_path / "store", number=NUMBER))


@pytest.fixture
def table():
    return make_table(informative(NUMBER), number=NUMBER)


def test_tables_meet_on_the_windows_that_all_have(table):
    other = table.select(np.arange(len(table))[::-1][3:])  # other order, three windows fewer
    aligned = align({"one": table, "other": other})
    assert len(aligned.rows) == len(table) - 3
    assert aligned.dropped == {"one": 3, "other": 0}
    np.testing.assert_array_equal(aligned.features["one"], aligned.features["other"])


def test_tables_without_a_common_window_are_refused(table):
    later = replace(table, start_ns=table.start_ns + 1)
    with pytest.raises(IncompatibleTable, match="tables one, later share no window; embed them from the same store"):
        align({"one": table, "later": later})


def test_a_window_twice_is_refused(table):
    with pytest.raises(IncompatibleTable, match="table 'one' has 1 windows twice"):
        align({"one": table.select(np.array([0, 0, 1]))})


def test_windows_are_averaged_to_participants(table, truth):
    units = raise_to_level(ILLNESS, align({"one": table}), truth, {})
    assert len(units) == NUMBER
    assert units.windows == NUMBER * WINDOWS
    assert units.classes == ("well", "ill")
    assert units.labels.tolist() == [1, 0] * (NUMBER // 2)
    np.testing.assert_allclose(units.features["one"][2], table.vector[2 * WINDOWS : 3 * WINDOWS].mean(axis=0), rtol=1e-5)


def test_windows_stay_windows(table, truth):
    units = raise_to_level(STATE, align({"one": table}), truth, {})
    assert len(units) == len(table)
    assert units.labels[:WINDOWS].tolist() == [0, 1, 2, 0, 1, 2]


def test_recordings_of_one_person_stay_apart(table, truth):
    renamed = replace(table, recording=np.where(np.arange(len(table)) % 2, "night", "other"))
    units = raise_to_level(replace(AGE, level="recording"), align({"one": renamed}), truth, {})
    assert len(units) == NUMBER  # "other" is not in the store and has no label
    assert units.dropped == {"no label": NUMBER * WINDOWS // 2}


def test_missing_and_unasked_labels_are_dropped_and_counted(table, truth):
    two = replace(STATE, classes=("rest", "walk"))
    units = raise_to_level(two, align({"one": table}), truth, {})
    assert units.dropped == {"label not asked for": NUMBER * 2}
    assert len(units) == NUMBER * 4


def test_ids_of_one_person_share_it(table, truth):
    units = raise_to_level(ILLNESS, align({"one": table}), truth, {"p003": "p001"})
    assert units.person.tolist()[:4] == ["p000", "p001", "p002", "p001"]
    assert units.rows.participant.tolist()[3] == "p003"


def test_text_where_numbers_are_asked_for_is_refused(table, truth):
    with pytest.raises(BadConfiguration, match="task 'toy_age' asks for numbers, but a label is 'M'"):
        raise_to_level(replace(AGE, label=fact("sex")), align({"one": table}), truth, {})


def test_one_label_a_window_is_demanded(table, truth):
    with pytest.raises(BadConfiguration, match="gave 2 labels for 48 windows"):
        raise_to_level(replace(AGE, label=lambda *_: np.zeros(2)), align({"one": table}), truth, {})
