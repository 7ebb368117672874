"""Episodes are found or missed, alarms are right or false, and every figure can be counted by hand."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.recordings import channel, ramp, recording
from wearfm.errors import BadConfiguration
from wearfm.evaluation.episodes import Watch, effective_latency_s, tally, threshold_for
from wearfm.signals.recording import SECOND
from wearfm.signals.spans import Spans
from wearfm.store import Store
from wearfm.windows.contract import InputContract, Stream
from wearfm.windows.index import WindowIndex


def _watch(
    *episodes: tuple[int, float, float], recordings: int = 1, windows: int = 20, hop_s: float = 1.0, window_s: float = 2.0
) -> Watch:
    """Windows of 2 s, one a second, in every recording; episodes (recording, onset, stop) in seconds."""
    rows = np.array(episodes, dtype=np.float64).reshape(-1, 3)
    return Watch(
        recordings=recordings,
        recording=np.repeat(np.arange(recordings), windows),
        start_ns=np.tile(np.arange(windows) * round(hop_s * SECOND), recordings),
        window_s=window_s,
        episode=rows[:, 0].astype(np.int64),
        onset_ns=np.round(rows[:, 1] * SECOND).astype(np.int64),
        stop_ns=np.round(rows[:, 2] * SECOND).astype(np.int64),
    )


def _alarm(watch: Watch, *places: int) -> np.ndarray:
    alarm = np.zeros(len(watch.start_ns), dtype=bool)
    alarm[list(places)] = True
    return alarm


def test_an_episode_is_found_by_the_first_alarm_that_touches_it_and_the_delay_ends_with_that_window() -> None:
    watch = _watch((0, 5.0, 8.0), (0, 14.0, 15.0))
    found = tally(watch, _alarm(watch, 6, 7))
    assert (found.episodes.sum(), found.found.sum(), found.false_alarms.sum()) == (2, 1, 0)
    assert found.delay_s.sum() == 3.0  # window 6 ends at 8 s
    assert found.figures()["recall"] == 0.5


@pytest.mark.parametrize(("place", "is_hit"), [(2, False), (3, False), (4, True), (7, True), (8, False)])
def test_touching_is_sharing_time(place: int, is_hit: bool) -> None:
    watch = _watch((0, 5.0, 8.0))
    counted = tally(watch, _alarm(watch, place))
    assert (counted.found.sum(), counted.false_alarms.sum()) == (is_hit, not is_hit)


def test_a_run_of_wrong_windows_is_one_false_alarm_until_it_is_renewed() -> None:
    watch = _watch((0, 100.0, 101.0), windows=40)
    assert tally(watch, _alarm(watch, 0, 1, 2, 5)).false_alarms.sum() == 2
    assert tally(watch, _alarm(watch, *range(10))).false_alarms.sum() == 1
    assert tally(watch, _alarm(watch, *range(11))).false_alarms.sum() == 2  # the tenth second has begun


def test_runs_do_not_go_on_in_the_next_recording() -> None:
    watch = _watch(recordings=2, windows=5)
    assert tally(watch, _alarm(watch, 4, 5)).false_alarms.tolist() == [1, 1]


def test_hours_count_overlapping_windows_once_and_gaps_not() -> None:
    watch = _watch(windows=3599)
    assert watch.hours().tolist() == pytest.approx([1.0])
    apart = _watch(windows=10, hop_s=4.0)
    assert apart.hours().tolist() == pytest.approx([20 / 3600])


def test_a_gate_can_lose_an_episode_and_can_delay_one() -> None:
    watch = _watch((0, 5.0, 8.0), (0, 14.0, 15.0))
    alarm = _alarm(watch, 5, 6, 13)
    is_open = np.ones(20, dtype=bool)
    is_open[[5, 12, 13, 14]] = False
    free, gated = tally(watch, alarm), tally(watch, alarm, is_open=is_open)
    assert free.figures()["recall"] - gated.figures()["recall"] == 0.5
    assert gated.delay_s.sum() - 3.0 == 0.0  # the window after the one that was slept through
    assert gated.figures()["duty"] == pytest.approx(0.8)
    assert free.figures()["duty"] == 1.0


def test_the_threshold_keeps_to_the_stated_rate_and_is_the_lowest_that_does() -> None:
    watch = _watch((0, 5.0, 8.0), windows=39)  # 40 s watched
    score = np.zeros(39)
    score[[6, 15, 20, 30]] = [0.9, 0.8, 0.7, 0.6]
    an_alarm = 3600 / 40  # one in the time watched
    assert threshold_for(watch, score, false_alarms_per_h=an_alarm) == 0.8
    assert threshold_for(watch, score, false_alarms_per_h=2 * an_alarm) == 0.7
    assert threshold_for(watch, score, false_alarms_per_h=0.0) == 0.9
    assert threshold_for(watch, 1 - score, false_alarms_per_h=0.0) == np.inf


@given(st.lists(st.floats(0, 1), min_size=20, max_size=20), st.floats(0, 600))
def test_no_threshold_above_the_one_chosen_breaks_the_rate(scores: list[float], rate: float) -> None:
    watch, score = _watch((0, 5.0, 8.0)), np.array(scores)
    chosen = threshold_for(watch, score, false_alarms_per_h=rate)
    for threshold in {*score[score >= chosen].tolist(), np.inf}:
        assert tally(watch, score >= threshold).figures()["false_alarms_per_h"] <= rate + 1e-9


def test_the_interval_draws_units_and_holds_the_figure() -> None:
    watch = _watch(*((code, 5.0, 8.0) for code in range(8)), recordings=8)
    counted = tally(watch, _alarm(watch, *(20 * code + 6 for code in range(4))))  # found in four of eight
    drawn = counted.intervals(unit=np.arange(8), replicates=400, seed=0)["recall"]
    assert drawn.value == 0.5
    assert drawn.low == pytest.approx(0.125, abs=0.13)
    assert drawn.high == pytest.approx(0.875, abs=0.13)
    alone = counted.intervals(unit=np.zeros(8, dtype=np.int64), replicates=400, seed=0)["recall"]
    assert (alone.low, alone.high) == (0.5, 0.5)


def test_a_figure_without_anything_to_divide_by_is_not_a_number() -> None:
    watch = _watch()
    figures = tally(watch, _alarm(watch)).figures()
    assert np.isnan(figures["recall"])
    assert np.isnan(figures["delay_s"])
    assert figures["false_alarms_per_h"] == 0.0
    drawn = tally(watch, _alarm(watch)).intervals(unit=np.zeros(1, dtype=np.int64), replicates=100, seed=0)
    assert drawn["recall"].undefined == 1.0


def test_the_windows_of_an_index_become_a_watch(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "store")
    store.commit([recording(f"p{person}", "a", channel(ramp(10.0), modality="acc")) for person in range(3)])
    contract = InputContract(streams=(Stream(modality="acc", rate_hz=None),), window_s=2.0)
    index = WindowIndex.build(store, contract, stride_s=1.0).of_participants(["p0", "p2"])
    watch = Watch.of(index, {1: Spans.of([(0, SECOND)]), 2: Spans.of([(3 * SECOND, 4 * SECOND), (8 * SECOND, 9 * SECOND)])})
    assert watch.recordings == 2
    assert watch.episode.tolist() == [1, 1]  # the third recording is the second that is watched
    assert watch.onset_ns.tolist() == [3 * SECOND, 8 * SECOND]
    assert watch.hours().tolist() == pytest.approx([10 / 3600] * 2)
    empty = Watch.of(index.select(np.zeros(len(index), dtype=bool)), {})
    assert (empty.recordings, len(empty.episode)) == (0, 0)


def test_windows_out_of_order_are_refused() -> None:
    with pytest.raises(BadConfiguration, match="2 windows out of order"):
        Watch(
            recordings=1, recording=np.zeros(2, dtype=np.int64), start_ns=np.array([1, 0]), window_s=1.0,
            episode=np.zeros(0, dtype=np.int64), onset_ns=np.zeros(0, dtype=np.int64), stop_ns=np.zeros(0, dtype=np.int64),
        )  # fmt: skip
    with pytest.raises(BadConfiguration, match="0 scores"):
        threshold_for(_watch(windows=0), np.zeros(0), false_alarms_per_h=1.0)


def test_a_gate_that_sleeps_two_windows_in_three_saves_two_thirds_of_the_time() -> None:
    assert effective_latency_s(duty=1 / 3, model_s=0.9, gate_s=0.01) == pytest.approx(0.31)
