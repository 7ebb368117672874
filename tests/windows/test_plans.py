from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.recordings import channel, ramp, recording
from wearfm.errors import BadConfiguration
from wearfm.store import Store
from wearfm.windows.contract import InputContract, Stream
from wearfm.windows.index import SECOND, WindowIndex
from wearfm.windows.pairs import Candidates, SameParticipant, Simultaneous
from wearfm.windows.sample import Balanced, Shuffled

CONTRACT = InputContract(streams=(Stream(modality="ppg", rate_hz=None),), window_s=2.0)


@pytest.fixture
def index(tmp_path: Path) -> WindowIndex:
    """Four people: 1, 6, 20 and 20 windows; the last one's in two recordings, a day apart."""
    store = Store.create(tmp_path)
    store.commit(
        [
            recording("a", "1", channel(ramp(2))),
            recording("b", "1", channel(ramp(12, first=1))),
            recording("c", "1", channel(ramp(40, first=2))),
            recording("d", "1", channel(ramp(20, first=3))),
            recording("d", "2", channel(ramp(20, first=4), start_s=86400)),
        ]
    )
    return WindowIndex.build(store, CONTRACT)


def test_shuffled_shows_every_window_once() -> None:
    plan = Shuffled(100, seed=1)
    assert sorted(plan.draw(2, np.arange(100)).ravel().tolist()) == list(range(100))


def test_balanced_gives_everybody_the_same(index: WindowIndex) -> None:
    windows = Balanced(index, seed=0).draw(0, np.arange(40)).ravel()
    assert np.bincount(index.participant[windows]).tolist() == [10, 10, 10, 10]


def test_pairs_are_two_windows_of_one_person_far_apart(index: WindowIndex) -> None:
    plan = SameParticipant(index, seed=0, apart_s=10.0)
    pairs = plan.draw(0, np.arange(500))
    person = index.participant[pairs]
    assert (person[:, 0] == person[:, 1]).all()
    apart = np.abs(index.timeline[pairs[:, 0]] - index.timeline[pairs[:, 1]]) / SECOND
    assert apart.min() >= 10.0


def test_pairs_leave_out_and_count_people_without_a_pair(index: WindowIndex) -> None:
    assert SameParticipant(index, seed=0, apart_s=10.0).left_out == 1
    assert SameParticipant(index, seed=0, apart_s=30.0).left_out == 2
    with pytest.raises(BadConfiguration, match="1 participants have two windows 3600 s apart"):
        SameParticipant(index, seed=0, apart_s=3600.0)


def test_nobody_is_twice_in_a_round_of_pairs(index: WindowIndex) -> None:
    plan = SameParticipant(index, seed=3, apart_s=4.0)
    for first in range(0, 30, 3):
        people = index.participant[plan.draw(1, np.arange(first, first + 3))[:, 0]]
        assert len(set(people.tolist())) == 3


def test_every_far_partner_is_as_likely_as_the_other(index: WindowIndex) -> None:
    plan = SameParticipant(index, seed=0, apart_s=2.0)
    pairs = plan.draw(0, np.arange(60_000))
    chosen = pairs[index.participant[pairs[:, 0]] == 1]
    first = int(np.flatnonzero(index.participant == 1)[0])
    counts = np.zeros((6, 6))
    np.add.at(counts, (chosen[:, 0] - first, chosen[:, 1] - first), 1)
    assert np.diag(counts).sum() == 0
    share = counts[~np.eye(6, dtype=bool)] / counts.sum()
    assert np.abs(share - 1 / 30).max() < 0.005


def test_a_sample_is_a_function_of_its_number(index: WindowIndex) -> None:
    for plan in (Shuffled(len(index), seed=5), Balanced(index, seed=5), SameParticipant(index, seed=5, apart_s=2.0)):
        whole = plan.draw(4, np.arange(20))
        assert plan.draw(4, np.array([17, 2])).tolist() == whole[[17, 2]].tolist()
        assert plan.draw(5, np.arange(20)).tolist() != whole.tolist()


class TestCandidates:
    """Anchors with other windows of the same person around them."""

    def test_they_are_different_windows_of_the_same_person_nearby(self, index: WindowIndex) -> None:
        plan = Candidates(index, seed=3, count=4, within_s=10.0)
        drawn = plan.draw(1, np.arange(len(plan)))
        assert drawn.shape == (len(plan), 5)
        assert all(len(set(row)) == 5 for row in drawn.tolist())
        assert (index.participant[drawn] == index.participant[drawn[:, :1]]).all()
        assert (np.abs(index.timeline[drawn] - index.timeline[drawn[:, :1]]) <= 10 * SECOND).all()

    def test_every_window_with_enough_around_it_is_anchor_once_and_the_rest_is_counted(self, index: WindowIndex) -> None:
        plan = Candidates(index, seed=3, count=5, within_s=6.0)
        anchors = plan.draw(0, np.arange(len(plan)))[:, 0]
        times = index.timeline // SECOND
        around = [((np.abs(times - times[row]) <= 6) & (index.participant == index.participant[row])).sum() - 1
                  for row in range(len(index))]  # fmt: skip
        assert sorted(anchors.tolist()) == [row for row, number in enumerate(around) if number >= 5]
        assert plan.left_out == sum(number < 5 for number in around)

    def test_all_candidates_come_up(self, index: WindowIndex) -> None:
        plan = Candidates(index, seed=0, count=1, within_s=4.0)
        partners: dict[int, set[int]] = {}
        for epoch in range(40):
            for anchor, partner in plan.draw(epoch, np.arange(len(plan))).tolist():
                partners.setdefault(anchor, set()).add(partner)
        middle = next(
            row for row in partners if index.participants[index.participant[row]] == "c" and index.start_ns[row] == 20 * SECOND
        )
        assert {int(index.start_ns[row] // SECOND) for row in partners[middle]} == {16, 18, 22, 24}

    def test_a_draw_does_not_depend_on_its_neighbours(self, index: WindowIndex) -> None:
        plan = Candidates(index, seed=3, count=3, within_s=20.0)
        whole = plan.draw(2, np.arange(20))
        assert (plan.draw(2, np.array([13, 4])) == whole[[13, 4]]).all()
        assert (plan.draw(3, np.arange(20)) != whole).any()

    def test_too_few_around_every_window_is_named(self, index: WindowIndex) -> None:
        with pytest.raises(BadConfiguration, match=r"no window has 30 others of its participant within 10 s; lower the number"):
            Candidates(index, seed=0, count=30, within_s=10.0)


def test_simultaneous_pairs_are_every_window_once_and_nobody_twice_in_a_round(index: WindowIndex) -> None:
    plan = Simultaneous(index, seed=2)
    windows = plan.draw(3, np.arange(len(plan))).ravel()
    assert sorted(windows.tolist()) == list(range(len(index)))
    people = index.participant[windows]
    assert sorted(people[:4].tolist()) == [0, 1, 2, 3]
    assert [sorted(people[first : first + 3].tolist()) for first in range(4, 19, 3)] == [[1, 2, 3]] * 5
    assert [sorted(people[first : first + 2].tolist()) for first in range(19, 47, 2)] == [[2, 3]] * 14
    assert plan.draw(3, np.array([40, 7])).tolist() == windows[[40, 7]][:, None].tolist()
    assert plan.draw(4, np.arange(len(plan))).ravel().tolist() != windows.tolist()


def test_simultaneous_pairs_leave_out_and_count_what_moves(index: WindowIndex) -> None:
    motion = np.linspace(0.0, 1.0, len(index)).astype(np.float32)
    plan = Simultaneous(index.with_targets(motion=motion), seed=0, still_g=0.5)
    assert sorted(plan.draw(0, np.arange(len(plan))).ravel().tolist()) == np.flatnonzero(motion <= 0.5).tolist()
    assert plan.left_out == int((motion > 0.5).sum())
    with pytest.raises(BadConfiguration, match=r"still_g=0.5, but the index does not know.*or set still_g=None"):
        Simultaneous(index, seed=0, still_g=0.5)
    with pytest.raises(BadConfiguration, match=r"0 of 47 windows move at most 0.1 g.*raise still_g"):
        Simultaneous(index.with_targets(motion=motion + 1), seed=0, still_g=0.1)


@given(seed=st.integers(0, 2**31), taught=st.sets(st.sampled_from(["b", "c", "d"]), min_size=2), epoch=st.integers(0, 5))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_pair_crosses_the_split(index: WindowIndex, seed: int, taught: set[str], epoch: int) -> None:
    side = index.of_participants(taught)
    plans = (
        SameParticipant(side, seed=seed, apart_s=2.0),
        Candidates(side, seed=seed, count=3, within_s=3600.0),
        Simultaneous(side, seed=seed),
    )
    for plan in plans:
        drawn = plan.draw(epoch, np.arange(len(plan)))
        names = np.array(side.participants)[side.participant[drawn]]
        assert set(names.ravel().tolist()) <= taught
        assert (names == names[:, :1]).all(), "a group is one participant"
