from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.recordings import channel, ramp, recording
from wearfm.errors import BadConfiguration
from wearfm.store import Store
from wearfm.windows.contract import ANY, InputContract, Stream
from wearfm.windows.index import SECOND, UNDATED, WindowIndex
from wearfm.windows.load import load
from wearfm.windows.view import View

PPG = InputContract(streams=(Stream(modality="ppg", rate_hz=None),), window_s=4.0)


def _store(path: Path, *recordings) -> Store:
    store = Store.create(path)
    store.commit(recordings)
    return store


def _seconds(index: WindowIndex) -> list[float]:
    return (index.start_ns / SECOND).tolist()


def test_windows_touch_and_the_rest_is_counted(tmp_path: Path) -> None:
    index = WindowIndex.build(_store(tmp_path, recording("a", "1", channel(ramp(10)))), PPG)
    assert _seconds(index) == [0.0, 4.0]
    assert index.skipped == {"end of the recording, shorter than a window": pytest.approx(2.0)}


def test_a_last_window_can_end_with_the_recording(tmp_path: Path) -> None:
    index = WindowIndex.build(_store(tmp_path, recording("a", "1", channel(ramp(10)))), PPG, tail="overlap")
    assert _seconds(index) == [0.0, 4.0, 6.0]
    assert index.skipped == {}


def test_windows_do_not_touch_gaps_unless_the_contract_allows(tmp_path: Path) -> None:
    store = _store(tmp_path, recording("a", "1", channel(ramp(12), gaps=[(50, 60)])))
    assert _seconds(WindowIndex.build(store, PPG)) == [0.0, 8.0]
    assert WindowIndex.build(store, PPG).skipped == {"less than 100% of the window valid": pytest.approx(4.0)}
    tolerant = InputContract(streams=PPG.streams, window_s=4.0, min_valid=0.7)
    assert _seconds(WindowIndex.build(store, tolerant)) == [0.0, 4.0, 8.0]


def test_rows_do_not_depend_on_the_order_of_commits(tmp_path: Path) -> None:
    recordings = [recording(p, n, channel(ramp(8, first=i))) for i, (p, n) in enumerate([("b", "1"), ("a", "2"), ("a", "1")])]
    forward, backward = Store.create(tmp_path / "f"), Store.create(tmp_path / "b")
    for one in recordings:
        forward.commit([one])
    for one in reversed(recordings):
        backward.commit([one])
    first, second = WindowIndex.build(forward, PPG), WindowIndex.build(backward, PPG)
    assert first.participants == second.participants == ("a", "b")
    assert first.recordings == second.recordings == ("1", "2", "1")
    assert first.recording.tolist() == second.recording.tolist()


def test_streams_that_are_missing_are_counted(tmp_path: Path) -> None:
    both = InputContract(streams=(Stream(modality="ppg", rate_hz=None), Stream(modality="ecg", rate_hz=None)), window_s=4.0)
    ecg = channel(ramp(8), name="ECG", modality="ecg", scale=0.001)
    store = _store(tmp_path, recording("a", "1", channel(ramp(8)), ecg), recording("b", "1", channel(ramp(8))))
    index = WindowIndex.build(store, both)
    assert [index.participants[p] for p in index.participant] == ["a", "a"]
    assert index.skipped == {"recording without ecg": pytest.approx(8.0)}


def test_named_streams_share_their_time(tmp_path: Path) -> None:
    both = InputContract(streams=(Stream(modality="ppg", rate_hz=None), Stream(modality="ecg", rate_hz=None)), window_s=4.0)
    ecg = channel(ramp(8), name="ECG", modality="ecg", scale=0.001, start_s=3.0)
    index = WindowIndex.build(_store(tmp_path, recording("a", "1", channel(ramp(8)), ecg)), both)
    assert _seconds(index) == [3.0]
    assert sum(index.skipped.values()) == pytest.approx(3 + 3 + 1)


def test_any_modality_takes_all_there_is(tmp_path: Path) -> None:
    contract = InputContract(streams=(Stream(modality=ANY, rate_hz=None),), window_s=4.0, min_valid=0.1)
    acc = [channel(ramp(8), name=f"acc {a}", modality="acc", scale=0.01) for a in "xyz"]
    index = WindowIndex.build(_store(tmp_path, recording("a", "1", channel(ramp(8)), *acc)), contract)
    assert {kind: layout.channel.shape for kind, layout in index.layouts.items()} == {"acc": (1, 3), "ppg": (1, 1)}
    only = WindowIndex.build(View(Store.open(tmp_path), modalities=["ppg"]), contract)
    assert list(only.layouts) == ["ppg"]


def test_a_recording_shorter_than_a_window_gives_one_with_a_missing_end(tmp_path: Path) -> None:
    store = _store(tmp_path, recording("a", "1", channel(ramp(3))))
    assert len(WindowIndex.build(store, PPG)) == 0
    tolerant = InputContract(streams=PPG.streams, window_s=4.0, min_valid=0.5)
    assert _seconds(WindowIndex.build(store, tolerant)) == [0.0]


def test_participants_can_be_chosen(tmp_path: Path) -> None:
    store = _store(tmp_path, recording("a", "1", channel(ramp(8))), recording("b", "1", channel(ramp(8))))
    assert WindowIndex.build(View(store, participants={"b"}), PPG).participants == ("b",)
    assert len(WindowIndex.build(store, PPG).of_participants({"b"})) == 2


def test_no_stride_and_no_window_are_refused(tmp_path: Path) -> None:
    store = _store(tmp_path, recording("a", "1", channel(ramp(8))))
    with pytest.raises(BadConfiguration, match="must be positive"):
        WindowIndex.build(store, PPG, stride_s=0.0)


def test_every_second_is_in_a_window_or_counted(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    for number in range(20):
        seconds = float(generator.integers(5, 200)) / 2
        gap = sorted(generator.integers(0, int(seconds * 10), size=2).tolist())
        store = _store(tmp_path / str(number), recording("a", "1", channel(ramp(seconds), gaps=[(gap[0], gap[1])])))
        index = WindowIndex.build(store, PPG)
        assert len(index) * 4.0 + sum(index.skipped.values()) == pytest.approx(seconds, abs=1e-6)


def test_a_view_of_strangers_is_refused(tmp_path: Path) -> None:
    store = _store(tmp_path, recording("a", "1", channel(ramp(8))))
    with pytest.raises(BadConfiguration, match="participant 'z' is not in the store"):
        View(store, participants=["a", "z"])


def test_a_view_has_a_fingerprint_of_its_own(tmp_path: Path) -> None:
    store = _store(tmp_path, recording("a", "1", channel(ramp(8))), recording("b", "1", channel(ramp(8))))
    prints = {
        View(store).fingerprint(),
        View(store, participants=["a"]).fingerprint(),
        View(store, modalities=["ppg"]).fingerprint(),
    }
    assert len(prints) == 3
    assert store.fingerprint() in prints


class TestOptionalStreams:
    """A recipe takes what there is of its streams, and a recording without any is counted."""

    CONTRACT = InputContract(
        streams=tuple(Stream(modality=name, rate_hz=None, channels=1, is_optional=True) for name in ("hr", "steps")),
        window_s=4.0,
        min_valid=0.25,
    )

    def test_a_recording_with_one_of_them_gives_windows_and_one_with_none_is_counted(self, tmp_path: Path) -> None:
        pulse = channel(ramp(8, first=50), name="HR", modality="hr")
        store = _store(tmp_path, recording("a", "1", pulse), recording("b", "1", channel(ramp(8))))
        index = WindowIndex.build(store, self.CONTRACT)
        assert [index.participants[p] for p in index.participant] == ["a", "a"]
        assert list(index.layouts) == ["hr"]
        assert index.skipped == {"recording without any stream that is asked for": pytest.approx(8.0)}

    def test_windows_cover_what_any_of_them_covers(self, tmp_path: Path) -> None:
        pulse = channel(ramp(8, first=50), name="HR", modality="hr")
        steps = channel(ramp(8), name="steps", modality="steps", start_s=4.0)
        index = WindowIndex.build(_store(tmp_path, recording("a", "1", pulse, steps)), self.CONTRACT)
        assert _seconds(index) == [0.0, 4.0, 8.0]

    def test_a_needed_stream_beside_them_decides_where_windows_lie(self, tmp_path: Path) -> None:
        pulse = channel(ramp(8, first=50), name="HR", modality="hr")
        steps = channel(ramp(8), name="steps", modality="steps", start_s=4.0)
        streams = (Stream(modality="hr", rate_hz=None), Stream(modality="steps", rate_hz=None, is_optional=True))
        contract = InputContract(streams=streams, window_s=4.0, min_valid=0.25)
        index = WindowIndex.build(_store(tmp_path, recording("a", "1", pulse, steps)), contract)
        assert _seconds(index) == [0.0, 4.0]


def test_totals_at_another_rate_are_not_there_and_counted(tmp_path: Path) -> None:
    counts = channel(ramp(120, rate_hz=1 / 30), name="counts", modality="counts", rate_hz=1 / 30)
    store = _store(tmp_path, recording("a", "1", counts))
    streams = (
        Stream(modality="counts", rate_hz=1 / 60, is_optional=True),
        Stream(modality="hr", rate_hz=1 / 60, is_optional=True),
    )
    index = WindowIndex.build(store, InputContract(streams=streams, window_s=60.0))
    assert (len(index), list(index.layouts)) == (0, [])
    assert index.skipped["counts at 0.0333333 Hz: totals cannot be resampled"] == pytest.approx(120.0)
    fitting = InputContract(streams=(Stream(modality="counts", rate_hz=1 / 30),), window_s=60.0)
    assert len(WindowIndex.build(store, fitting)) == 2


class TestAlignment:
    """Windows that start at multiples of a time on the wall clock."""

    CONTRACT = InputContract(streams=(Stream(modality="ppg", rate_hz=None),), window_s=4.0, min_valid=0.5, align_s=4.0)

    def test_the_first_window_may_begin_before_the_recording_and_the_last_end_after_it(self, tmp_path: Path) -> None:
        index = WindowIndex.build(_store(tmp_path, recording("a", "1", channel(ramp(8), start_s=1.0))), self.CONTRACT)
        assert _seconds(index) == [0.0, 4.0]  # [8, 12) holds one of four seconds
        assert index.skipped == {"less than 50% of the window valid": pytest.approx(4.0)}

    def test_a_zone_moves_the_grid(self, tmp_path: Path) -> None:
        moved = replace(recording("a", "1", channel(ramp(8), start_s=1.0)), utc_offset_s=3)
        index = WindowIndex.build(_store(tmp_path, moved), self.CONTRACT)
        assert _seconds(index) == [1.0, 5.0]
        assert (index.local_ns(np.arange(2)) / SECOND).tolist() == [4.0, 8.0]

    def test_a_clock_of_unknown_zone_has_no_local_time(self, tmp_path: Path) -> None:
        index = WindowIndex.build(_store(tmp_path, recording("a", "1", channel(ramp(8)))), self.CONTRACT)
        assert index.local_ns(np.arange(2)).tolist() == [UNDATED, UNDATED]
        local = replace(recording("b", "1", channel(ramp(8, first=5))), clock="local")
        index = WindowIndex.build(_store(tmp_path / "local", local), self.CONTRACT)
        assert (index.local_ns(np.arange(2)) / SECOND).tolist() == [0.0, 4.0]

    def test_a_stride_off_the_grid_is_refused(self, tmp_path: Path) -> None:
        store = _store(tmp_path, recording("a", "1", channel(ramp(8))))
        with pytest.raises(BadConfiguration, match=r"stride_s=3; windows start at multiples of 4 s"):
            WindowIndex.build(store, self.CONTRACT, stride_s=3.0)


def test_targets_stay_with_their_windows_and_reach_the_batch(tmp_path: Path) -> None:
    store = _store(tmp_path, recording("a", "1", channel(ramp(12))), recording("b", "1", channel(ramp(12, first=3))))
    index = WindowIndex.build(store, PPG)
    labelled = index.with_targets(label=np.arange(6))
    assert labelled.of_participants({"b"}).targets["label"].tolist() == [3, 4, 5]
    batch = load(store, labelled, np.array([4, 0]))
    assert batch.targets["label"].tolist() == [4, 0]
    assert batch.select(slice(1, 2)).targets["label"].tolist() == [0]
