import numpy as np

from wearfm.evaluation.baselines import demographics
from wearfm.evaluation.task import Rows
from wearfm.signals.recording import Events

FACTS = {"a": {"age_years": 20.0, "sex": "F"}, "b": {"age_years": 40.0, "sex": "M"}, "c": {"sex": "F"}}


class Known:
    def facts(self, participant, recording):
        return FACTS.get(participant, {})

    def events(self, participant, recording, kind):
        return Events.of()


ROWS = Rows(participant=np.array(["a", "b", "c"]), recording=np.array(["r"] * 3), start_ns=np.arange(3), duration_s=np.ones(3))


def test_numbers_keep_their_value_and_say_where_they_are_missing():
    features, used = demographics(ROWS, Known(), ("age_years",))
    assert used == ("age_years",)
    np.testing.assert_array_equal(features, [[20.0, 0.0], [40.0, 0.0], [30.0, 1.0]])


def test_text_becomes_one_column_a_value():
    features, _ = demographics(ROWS, Known(), ("sex",))
    np.testing.assert_array_equal(features, [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])


def test_facts_that_nobody_has_are_not_used():
    features, used = demographics(ROWS, Known(), ("bmi_kg_m2",))
    assert features.shape == (3, 0)
    assert used == ()
