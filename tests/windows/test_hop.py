"""Differential hops balance classes, keep to the cap, and look at nobody's labels but the training side's."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.recordings import channel, ramp, recording
from wearfm.errors import BadConfiguration, LeakyScheme
from wearfm.store import Store
from wearfm.windows.contract import InputContract, Stream
from wearfm.windows.hop import dense_stride, every, hop, solve
from wearfm.windows.index import SECOND, WindowIndex
from wearfm.windows.view import View

WINDOW_S = 4.0


def _index(folder: Path, *, seconds: float = 124.0, people: int = 2, stride_s: float = 0.5) -> WindowIndex:
    store = Store.create(folder)
    store.commit([recording(f"p{person}", "a", channel(ramp(seconds), modality="acc")) for person in range(people)])
    contract = InputContract(streams=(Stream(modality="acc", rate_hz=None),), window_s=WINDOW_S)
    return WindowIndex.build(View(store), contract, stride_s=stride_s)


def _hop_by_hand(times: list[float], labels: list[str], *, window_s: float, stride_s: float, cap: float) -> list[int]:
    """Walk one recording: each class has a clock of its own that runs only while the class does."""
    seconds = {label: labels.count(label) * stride_s for label in labels}
    chosen = []
    for label in sorted(seconds):
        wait = max(window_s * seconds[label] / max(seconds.values()), (1 - cap) * window_s)
        clock, due = 0.0, 0.0
        for row, _ in enumerate(times):
            if labels[row] != label:
                continue
            if clock > due - stride_s + 1e-9:
                chosen.append(row)
                due += wait
            clock += stride_s
    return sorted(chosen)


def test_the_hops_make_the_counts_equal_and_stop_at_the_cap() -> None:
    assert solve(np.array([300.0, 100.0]), window_s=3.0, common_s=3.0, cap=0.9).tolist() == pytest.approx([3.0, 1.0])
    assert solve(np.array([300.0, 150.0]), window_s=4.0, common_s=1.0, cap=0.9).tolist() == pytest.approx([1.0, 0.5])
    assert solve(np.array([300.0, 3.0]), window_s=4.0, common_s=4.0, cap=0.9).tolist() == pytest.approx([4.0, 0.4])
    with pytest.raises(BadConfiguration, match=r"cap=1: windows that overlap whole never move on"):
        solve(np.array([1.0]), window_s=4.0, common_s=4.0, cap=1.0)
    with pytest.raises(BadConfiguration, match=r"common_s=0.2: hops below 0.4 s overlap by more than 90%; raise it"):
        solve(np.array([1.0]), window_s=4.0, common_s=0.2, cap=0.9)


def test_every_class_gives_as_many_windows(tmp_path: Path) -> None:
    index = _index(tmp_path / "s", people=1)  # 241 windows, one each half second
    labels = np.where(np.arange(len(index)) % 60 < 12, "freeze", "walk")
    rows = hop(index, labels, training=["p0"])
    chosen = labels[rows]
    assert (chosen == "walk").sum() == pytest.approx((chosen == "freeze").sum(), abs=1)
    assert (chosen == "walk").sum() == -(-(labels == "walk").sum() // 8)  # 8 half seconds: windows that touch


def test_the_common_class_may_overlap_too(tmp_path: Path) -> None:
    index = _index(tmp_path / "s", people=1)
    labels = np.where(np.arange(len(index)) % 60 < 20, "freeze", "walk")
    chosen = labels[hop(index, labels, training=["p0"], common_s=2.0)]
    assert (chosen == "walk").sum() == -(-(labels == "walk").sum() // 4)
    assert (chosen == "freeze").sum() == pytest.approx((chosen == "walk").sum(), abs=1)


def test_it_is_the_algorithm_with_loops(tmp_path: Path) -> None:
    index = _index(tmp_path / "s", people=1, seconds=64.0)
    labels = np.array(["walk"] * 40 + ["freeze"] * 10 + ["walk"] * 30 + ["freeze"] * 5 + ["walk"] * 36)
    times = (index.start_ns / SECOND).tolist()
    by_hand = _hop_by_hand(times, labels.tolist(), window_s=WINDOW_S, stride_s=0.5, cap=0.9)
    rows = hop(index, labels, training=["p0"])
    assert len(rows) == len(by_hand)
    assert np.abs(rows - by_hand).max() <= 1  # a fraction of a step is rounded down here, up there


@pytest.fixture(scope="module")
def one_person(tmp_path_factory: pytest.TempPathFactory) -> WindowIndex:
    return _index(tmp_path_factory.mktemp("hop") / "s", people=1)


@settings(max_examples=40, deadline=None)
@given(freezing=st.lists(st.booleans(), min_size=241, max_size=241), cap=st.sampled_from([0.0, 0.5, 0.9]))
def test_no_two_windows_of_a_class_share_more_than_the_cap(freezing: list[bool], cap: float, one_person: WindowIndex) -> None:
    index, labels = one_person, np.array(freezing)
    rows = hop(index, labels, training=["p0"], cap=cap)
    assert len(set(rows.tolist())) == len(rows)
    for value in (False, True):
        start_s = index.start_ns[rows[labels[rows] == value]] / SECOND
        assert (np.diff(start_s) >= (1 - cap) * WINDOW_S - 1e-6).all()


def test_labels_of_others_are_never_used(tmp_path: Path) -> None:
    index = _index(tmp_path / "s")
    labels = np.zeros(len(index), dtype=np.int64)
    with pytest.raises(LeakyScheme, match=r"participants \['p1'\] are not on the training side.*`every`"):
        hop(index, labels, training=["p0"])
    mine = index.of_participants(["p0"])
    rows = hop(mine, np.zeros(len(mine), dtype=np.int64), training=["p0"])
    assert len(rows) == 31  # windows of 4 s that touch, in 124 s


def test_one_hop_for_all_starts_anew_in_every_recording(tmp_path: Path) -> None:
    index = _index(tmp_path / "s", seconds=10.0)  # starts 0, 0.5 ... 6 in two recordings
    rows = every(index, hop_s=2.0)
    assert (index.start_ns[rows] / SECOND).tolist() == [0, 2, 4, 6, 0, 2, 4, 6]
    assert every(index.select(np.zeros(len(index), dtype=bool)), hop_s=1.0).tolist() == []


def test_the_stride_is_read_off_the_index(tmp_path: Path) -> None:
    assert dense_stride(_index(tmp_path / "s", seconds=10.0)) == 0.5
    with pytest.raises(BadConfiguration, match="no recording has two windows"):
        dense_stride(_index(tmp_path / "t", seconds=4.0))


def test_labels_and_windows_go_together(tmp_path: Path) -> None:
    index = _index(tmp_path / "s", seconds=10.0)
    with pytest.raises(BadConfiguration, match="3 labels for 26 windows"):
        hop(index, np.zeros(3), training=["p0", "p1"])
