from pathlib import Path

import numpy as np
import pytest

from tests.recordings import channel, ramp, recording
from wearfm.errors import BadConfiguration
from wearfm.store import Store
from wearfm.windows.contract import ANY, InputContract, Stream
from wearfm.windows.index import SECOND, WindowIndex
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
