import numpy as np
import pytest

from wearfm.errors import BadConfiguration
from wearfm.evaluation.labels import (
    event_label,
    event_match,
    event_mean,
    event_present,
    fact,
    fact_above,
    fact_in,
    of_dataset,
)
from wearfm.evaluation.task import Rows
from wearfm.signals.recording import SECOND, Events

NAN = float("nan")


class Known:
    """A truth of one dictionary and one list of events."""

    def __init__(self, facts=None, events=()):
        self._facts, self._events = facts or {}, Events.of(events)

    def facts(self, participant, recording):
        return self._facts.get(participant, {})

    def events(self, participant, recording, kind):
        return self._events.of_kind(kind)


def windows(*starts_s, duration_s=10.0, participant="a"):
    return Rows(
        participant=np.full(len(starts_s), participant),
        recording=np.full(len(starts_s), "r"),
        start_ns=np.array([round(s * SECOND) for s in starts_s], dtype=np.int64),
        duration_s=np.full(len(starts_s), duration_s),
    )


def people(*names):
    return Rows(
        participant=np.array(names),
        recording=np.full(len(names), "r"),
        start_ns=np.arange(len(names)),
        duration_s=np.ones(len(names)),
    )


def event(start_s, stop_s, label="", value=NAN, kind="k"):
    return (kind, round(start_s * SECOND), round((stop_s - start_s) * SECOND), label, value)


def test_numeric_facts_are_numbers_and_missing_ones_nan():
    found = fact("age_years")(people("a", "b", "c"), Known({"a": {"age_years": 30.0}, "c": {"age_years": NAN}}))
    np.testing.assert_array_equal(found, [30.0, NAN, NAN])


def test_text_facts_are_text_and_missing_ones_empty():
    found = fact("sex")(people("a", "b"), Known({"a": {"sex": "F"}}))
    assert found.tolist() == ["F", ""]


def test_a_threshold_is_strict():
    truth = Known({"a": {"age_years": 50.0}, "b": {"age_years": 51.0}})
    assert fact_above("age_years", 50)(people("a", "b", "c"), truth).tolist() == ["no", "yes", ""]


def test_a_threshold_of_text_is_refused():
    with pytest.raises(BadConfiguration, match="fact 'sex' is 'F'; a threshold needs a number: use fact_in for text"):
        fact_above("sex", 1)(people("a"), Known({"a": {"sex": "F"}}))


def test_values_outside_the_mapping_are_missing():
    truth = Known({"a": {"sex": "F"}, "b": {"sex": "?"}})
    assert fact_in("sex", {"F": "female", "M": "male"})(people("a", "b", "c"), truth).tolist() == ["female", "", ""]


def test_the_label_that_covers_most_of_the_window_wins():
    truth = Known(events=[event(0, 6, "walk"), event(6, 20, "run")])
    assert event_label("k", min_share=0.5)(windows(0, 2, 5, 15), truth).tolist() == ["walk", "run", "run", "run"]


def test_a_window_that_is_not_covered_enough_has_no_label():
    truth = Known(events=[event(0, 6, "walk")])
    assert event_label("k", min_share=0.5)(windows(0, 1, 2, 20), truth).tolist() == ["walk", "walk", "", ""]


def test_overlapping_events_of_one_label_count_once():
    truth = Known(events=[event(0, 4, "walk"), event(0, 4, "walk")])
    assert event_label("k", min_share=0.5)(windows(0), truth).tolist() == [""]


def test_mapped_labels_are_joined_before_counting():
    truth = Known(events=[event(0, 3, "N2"), event(3, 6, "N3"), event(6, 10, "W")])
    label = event_label("k", min_share=0.5, mapping={"N2": "sleep", "N3": "sleep"})
    assert label(windows(0), truth).tolist() == ["sleep"]


@pytest.mark.parametrize("share", [0.0, 1.5])
def test_a_share_must_be_a_share(share):
    with pytest.raises(BadConfiguration, match="must be above 0 and at most 1"):
        event_label("k", min_share=share)


def mean_by_hand(events, start_s, stop_s):
    overlap = [max(0.0, min(stop_s, b) - max(start_s, a)) for a, b, _ in events]
    return sum(w * v for w, (_, _, v) in zip(overlap, events, strict=True)) / sum(overlap) if sum(overlap) else NAN


def test_event_means_are_weighted_by_overlap():
    generator = np.random.default_rng(0)
    bouts = [
        (a, a + d, v)
        for a, d, v in zip(generator.uniform(0, 80, 30), generator.uniform(1, 9, 30), generator.normal(60, 9, 30), strict=True)
    ]
    truth = Known(events=[event(a, b, value=v) for a, b, v in bouts])
    starts = [0.0, 12.5, 33.0, 70.0, 95.0, 200.0]
    expected = [mean_by_hand(bouts, s, s + 10.0) for s in starts]
    np.testing.assert_allclose(event_mean("k")(windows(*starts), truth), expected, rtol=1e-6)


def test_events_without_duration_weigh_the_same_and_belong_to_the_window_they_start():
    truth = Known(
        events=[event(1, 1, value=60.0), event(9, 9, value=70.0), event(10, 10, value=99.0), event(11, 11, value=NAN)]
    )
    np.testing.assert_array_equal(event_mean("k")(windows(0, 10, 20), truth), [65.0, 99.0, NAN])


def test_labels_of_another_data_set_are_missing():
    truth = Known({"one:a": {"age_years": 30.0}, "two:a": {"age_years": 40.0}})
    np.testing.assert_array_equal(of_dataset("two", fact("age_years"))(people("one:a", "two:a"), truth), [NAN, 40.0])


def match_by_hand(events, start_s, stop_s):
    shares = []
    for a, b, _ in events:
        shared = max(0.0, min(stop_s, b) - max(start_s, a))
        shares.append(shared / ((b - a) + (stop_s - start_s) - shared))
    best = [v for share, (_, _, v) in zip(shares, events, strict=True) if share > 0 and share > max(shares) - 1e-9]
    return sum(best) / len(best) if best else NAN


OVERLAPPING = [(2.0 * k, 2.0 * k + 8.0, 60.0 + k**2) for k in range(12)]


def test_a_window_as_long_as_a_reference_has_the_value_of_the_one_it_matches():
    truth = Known(events=[event(a, b, value=v) for a, b, v in OVERLAPPING])
    found = event_match("k")(windows(0, 6, 6.4, 22, 31, duration_s=8.0), truth)
    np.testing.assert_array_equal(found, [60.0, 69.0, 69.0, 181.0, NAN])


def test_windows_of_other_lengths_average_the_references_that_match_as_well():
    truth = Known(events=[event(a, b, value=v) for a, b, v in OVERLAPPING])
    np.testing.assert_allclose(event_match("k")(windows(4, duration_s=12.0), truth), [np.mean([64.0, 69.0, 76.0])])
    np.testing.assert_allclose(event_match("k")(windows(6.5, duration_s=1.0), truth), [np.mean([60.0, 61.0, 64.0, 69.0])])


@pytest.mark.parametrize("duration_s", [1.0, 8.0, 11.0])
def test_matches_are_those_found_by_hand(duration_s):
    truth = Known(events=[event(a, b, value=v) for a, b, v in [*OVERLAPPING, (5.0, 30.0, 10.0), (7.0, 7.5, 20.0)]])
    bouts = [*OVERLAPPING, (5.0, 30.0, 10.0), (7.0, 7.5, 20.0)]
    starts = np.random.default_rng(3).uniform(-20, 40, 40).round(3)
    expected = [match_by_hand(bouts, s, s + duration_s) for s in starts]
    np.testing.assert_allclose(event_match("k")(windows(*starts, duration_s=duration_s), truth), expected)


def test_an_event_is_present_in_the_window_in_which_it_begins():
    truth = Known(events=[event(5, 5, "V"), event(7, 7, "N"), event(20, 20, "F")])
    found = event_present("k", {"V", "F"})(windows(0, 5, 6, 10, 20, 21), truth)
    assert found.tolist() == ["yes", "yes", "no", "no", "yes", "no"]


def test_nothing_is_said_of_a_recording_without_annotations():
    truth = Known(events=[event(5, 5, "V", kind="other")])
    assert event_present("k", {"V"})(windows(0, 5), truth).tolist() == ["", ""]
