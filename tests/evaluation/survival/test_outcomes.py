import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.evaluation.survival.cohort import outcomes, write_csv
from tests.recordings import channel, ramp, recording
from wearfm.errors import BadConfiguration
from wearfm.evaluation.survival import FollowUp, Outcomes
from wearfm.store import Store

HEADER = "participant,outcome,time_days,event\n"


def refusal(tmp_path, text):
    path = tmp_path / "outcomes.csv"
    path.write_text(text)
    with pytest.raises(BadConfiguration) as refused:
        Outcomes.read(path)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_a_file_gives_what_was_written(tmp_path):
    written = outcomes(20, {"b": 1.0, "a": 0.0})
    read = Outcomes.read(write_csv(written, tmp_path / "o.csv"))
    assert read.names == ("a", "b")
    np.testing.assert_array_equal(read.participant, written.participant)
    np.testing.assert_array_equal(read.follow_up.time_days, written.follow_up.time_days)
    np.testing.assert_array_equal(read.follow_up.event, written.follow_up.event)


def test_parquet_with_booleans_and_names_of_digits_is_the_same(tmp_path):
    columns = {"participant": ["7", "8"], "outcome": ["401.1", "401.1"], "time_days": [3, 4], "event": [True, False]}
    pq.write_table(pa.table(columns), tmp_path / "o.parquet")
    (tmp_path / "o.csv").write_text(HEADER + "7,401.1,3,1\n8,401.1,4,0\n")
    for name in ("o.parquet", "o.csv"):
        read = Outcomes.read(tmp_path / name)
        assert read.participant.tolist() == ["7", "8"]
        assert read.names == ("401.1",)
        assert read.follow_up.event.tolist() == [True, False]


def test_each_outcome_comes_with_its_people():
    written = outcomes(5, {"b": 1.0, "a": 0.0})
    found = {name: (participant.tolist(), people.time_days) for name, participant, people in written.each()}
    assert list(found) == ["a", "b"]
    assert found["a"][0] == [f"p{n:04d}" for n in range(5)]
    np.testing.assert_array_equal(found["b"][1], written.follow_up.time_days[:5])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("participant,outcome,days\na,x,3\n", "lacks the columns time_days, event; an outcomes file has participant, outcome"),
        (HEADER + "a,x,-3,1\nb,x,2,0\n", "time_days of 1 rows is negative or missing; leave such rows out"),
        (HEADER + "a,x,,1\nb,x,2,0\n", "time_days of 1 rows is negative or missing"),
        (HEADER + "a,x,3,2\nb,x,2,0\n", "event of 1 rows is neither 0 (censored) nor 1 (it came)"),
        (HEADER + "a,x,3,1\na,x,4,0\n", "1 rows repeat a participant and outcome, first ('a', 'x'); keep one of each"),
        (HEADER + "a,x,soon,1\n", "column time_days holds string, not numbers"),
        (HEADER, "outcomes need one row or more"),
        ("", "is no outcomes file"),
    ],
)
def test_what_is_wrong_with_a_file_is_one_line(tmp_path, text, says):
    assert says in refusal(tmp_path, text)


def test_a_file_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(BadConfiguration, match="is no outcomes file"):
        Outcomes.read(tmp_path / "nowhere.csv")


def test_facts_of_a_store_are_outcomes(tmp_path):
    facts = {"time_days:stroke": 30.0, "event:stroke": 1.0, "time_days:alone": 3.0, "age_years": 50.0}
    store = Store.create(tmp_path / "store")
    store.commit(
        [
            recording("a", "1", channel(ramp(20)), **facts),
            recording("a", "2", channel(ramp(20, first=5)), **{**facts, "time_days:stroke": 23.0}),
            recording("b", "1", channel(ramp(20, first=9)), **{"time_days:stroke": 9.0, "event:stroke": 0.0}),
        ]
    )
    found = Outcomes.of_store(store)
    assert found.participant.tolist() == ["a", "b"]
    assert found.names == ("stroke",)
    assert found.follow_up.time_days.tolist() == [30.0, 9.0]
    assert found.follow_up.event.tolist() == [True, False]
    empty = Store.create(tmp_path / "empty")
    empty.commit([recording("a", "1", channel(ramp(20)))])
    with pytest.raises(BadConfiguration, match="the store has no facts time_days:<outcome>"):
        Outcomes.of_store(empty)


def test_columns_of_other_lengths_are_refused():
    with pytest.raises(BadConfiguration, match="with a participant, an outcome, a time and an event each"):
        Outcomes(
            participant=np.array(["a"]),
            outcome=np.array(["x", "y"]),
            follow_up=FollowUp(time_days=np.ones(1), event=np.ones(1, dtype=bool)),
        )
