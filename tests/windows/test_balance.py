"""Groups of windows take turns, whatever their size, and nothing but the counter decides which window comes."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.recordings import channel, ramp, recording
from wearfm.errors import BadConfiguration, UnknownName
from wearfm.store import Store
from wearfm.windows.balance import grouped, in_turn
from wearfm.windows.contract import InputContract, Stream
from wearfm.windows.index import WindowIndex
from wearfm.windows.pairs import SameParticipant
from wearfm.windows.plan import Plan
from wearfm.windows.sample import Shuffled

CONTRACT = InputContract(streams=(Stream(modality="ppg", rate_hz=None),), window_s=1.0)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """18 windows of device A on the wrist, 4 of device B on the wrist, 2 of device B on the finger; one person each."""
    made = Store.create(tmp_path / "store")
    for who, seconds, device, placement in (("a", 18, "A", "wrist"), ("b", 4, "B", "wrist"), ("c", 2, "B", "finger")):
        one = recording(who, "r", replace(channel(ramp(seconds)), placement=placement))
        made.commit([replace(one, device=device)])
    return made


def shuffled(part: WindowIndex) -> Plan:
    return Shuffled(len(part), seed=5)


@pytest.mark.parametrize(
    ("column", "names", "sizes"),
    [
        ("device", ("A", "B"), [18, 6]),
        ("placement", ("finger", "wrist"), [2, 22]),
        ("rate_hz", ("10",), [24]),
        ("participant", ("a", "b", "c"), [18, 4, 2]),
    ],
)
def test_windows_are_grouped_by_what_is_known_of_them(
    store: Store, column: str, names: tuple[str, ...], sizes: list[int]
) -> None:
    groups = grouped(store, WindowIndex.build(store, CONTRACT), column)
    assert groups.names == names
    assert np.bincount(groups.code).tolist() == sizes


def test_groups_take_turns_and_each_window_of_a_group_comes_equally_often(store: Store) -> None:
    index = WindowIndex.build(store, CONTRACT)
    groups = grouped(store, index, "device")
    plan = in_turn(index, groups, shuffled, seed=1)
    assert (len(plan), plan.group_size) == (24, 1)
    drawn = np.concatenate([plan.draw(epoch, np.arange(24)) for epoch in range(3)])[:, 0]
    assert np.bincount(groups.code[drawn]).tolist() == [36, 36]
    assert set(Counter(drawn[groups.code[drawn] == 1].tolist()).values()) == {6}
    assert set(Counter(drawn[groups.code[drawn] == 0].tolist()).values()) == {2}


def test_a_sample_depends_on_its_number_alone(store: Store) -> None:
    index = WindowIndex.build(store, CONTRACT)
    plan = in_turn(index, grouped(store, index, "placement"), shuffled, seed=1)
    whole = plan.draw(2, np.arange(24))
    for number in (0, 5, 23):
        assert plan.draw(2, np.array([number])).tolist() == [whole[number].tolist()]
    assert not np.array_equal(whole, plan.draw(3, np.arange(24)))


def test_pairs_stay_inside_a_group(store: Store) -> None:
    extra = recording("d", "r", replace(channel(ramp(8)), placement="finger"))
    store.commit([replace(extra, device="B")])
    index = WindowIndex.build(store, CONTRACT)
    groups = grouped(store, index, "placement")
    plan = in_turn(index, groups, lambda part: SameParticipant(part, seed=3, apart_s=1.0), seed=1)
    pairs = plan.draw(0, np.arange(len(plan)))
    assert pairs.shape == (len(plan), 2)
    assert (groups.code[pairs[:, 0]] == groups.code[pairs[:, 1]]).all()
    assert (index.participant[pairs[:, 0]] == index.participant[pairs[:, 1]]).all()


def test_a_group_that_a_method_cannot_draw_from_is_named(store: Store) -> None:
    index = WindowIndex.build(store, CONTRACT)
    groups = grouped(store, index, "device")
    with pytest.raises(BadConfiguration, match=r"windows with 'A' alone: 1 participants .*or leave the balance out"):
        in_turn(index, groups, lambda part: SameParticipant(part, seed=3, apart_s=1.0), seed=1)


def test_an_unknown_property_offers_the_nearest(store: Store) -> None:
    with pytest.raises(UnknownName, match="'devise' is not known; did you mean 'device'"):
        grouped(store, WindowIndex.build(store, CONTRACT), "devise")
