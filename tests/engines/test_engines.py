"""Results come in the order of the units, from any engine, and whatever dies on the way."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from tests.engines.jobs import DieOnce, process, refuse, square
from wearfm.engines import choose, cluster, order
from wearfm.engines.order import in_order
from wearfm.errors import BadConfiguration, BadRecording, MissingExtra, UnknownName, WearfmError


class Diary:
    """A pool that does nothing until it is asked for a result, and writes down what it was given."""

    def __init__(self) -> None:
        self.given: list[int] = []

    def submit(self, unit: int) -> int:
        self.given.append(unit)
        return unit

    def take(self, handle: int) -> int:
        return -handle


def test_huge_units_begin_first_and_results_keep_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order, "HUGE_BYTES", 100)
    pool = Diary()
    results = list(in_order(pool, [1, 2, 3, 4, 5], sizes=[1, 1, 100, 1, 900]))
    assert pool.given == [5, 3, 1, 2, 4]
    assert results == [-1, -2, -3, -4, -5]


def test_no_more_is_in_work_than_may_lie_staged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order, "AHEAD_BYTES", 10)
    monkeypatch.setattr(order, "_UNIT_BYTES", 4)
    pool = Diary()
    results = in_order(pool, [1, 2, 3, 4, 5, 6], sizes=[1, 5, 1, 30, 1, 1])
    seen = []
    for _ in results:
        seen.append(list(pool.given))
    assert seen[0] == [1, 2, 3]
    assert seen[-1] == [1, 2, 3, 4, 5, 6]
    assert [len(given) for given in seen] == [3, 4, 4, 4, 6, 6]


def test_there_may_be_nothing_to_do() -> None:
    assert list(in_order(Diary(), [], sizes=[])) == []


@pytest.mark.slow
def test_processes_square(tmp_path: Path) -> None:
    engine = choose("processes", workers=2)
    assert list(engine.run(square, range(7), sizes=[1] * 7)) == [0, 1, 4, 9, 16, 25, 36]
    with pytest.raises(BadRecording, match=r"1\.edf: torn"):
        list(engine.run(refuse, [1, 2], sizes=[1, 1]))


@pytest.mark.slow
def test_a_process_that_dies_is_replaced_and_changes_nothing(tmp_path: Path) -> None:
    engine = choose("processes", workers=2)
    assert list(engine.run(DieOnce(tmp_path, once=2), range(6), sizes=[1] * 6)) == [0, 1, 4, 9, 16, 25]
    assert (tmp_path / "seen 2").exists()


@pytest.mark.slow
def test_work_that_always_kills_its_process_is_given_up(tmp_path: Path) -> None:
    results = choose("processes", workers=2).run(DieOnce(tmp_path, always=1), range(3), sizes=[1] * 3)
    assert next(results) == 0
    with pytest.raises(WearfmError, match="died 3 times over the same work; all that was committed is kept"):
        next(results)


@pytest.mark.slow
def test_ray_squares(cluster: Any) -> None:
    engine = choose("ray", workers=2)
    assert list(engine.run(square, range(7), sizes=[1] * 7)) == [0, 1, 4, 9, 16, 25, 36]
    assert len(set(engine.run(process, range(20), sizes=[1] * 20))) <= 4
    with pytest.raises(BadRecording, match=r"1\.edf: torn") as refused:
        list(engine.run(refuse, [1, 2], sizes=[1, 1]))
    assert type(refused.value) is BadRecording
    assert cluster.is_initialized()


@pytest.mark.slow
def test_a_worker_of_ray_that_is_killed_changes_nothing(cluster: Any, tmp_path: Path) -> None:
    engine = choose("ray", workers=2)
    assert list(engine.run(DieOnce(tmp_path, once=2), range(6), sizes=[1] * 6)) == [0, 1, 4, 9, 16, 25]
    assert (tmp_path / "seen 2").exists()


@pytest.mark.slow
def test_leaving_early_leaves_nothing_behind(cluster: Any) -> None:
    results = choose("ray", workers=2).run(square, range(50), sizes=[1] * 50)
    assert next(results) == 0
    results.close()
    assert cluster.is_initialized()


def test_mistakes_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnknownName, match="engine 'rya' is not known; did you mean 'ray'"):
        choose("rya", workers=1)
    with pytest.raises(BadConfiguration, match="workers 0 must be at least 1"):
        choose("ray", workers=0)
    with pytest.raises(BadConfiguration, match="add --engine ray"):
        choose("processes", workers=1, address="head:6379")
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtra, match=r"pip install 'wearfm\[ray\]'"):
        choose("ray", workers=1)


def test_a_cluster_that_is_not_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    class Nowhere:
        @staticmethod
        def is_initialized() -> bool:
            return False

        @staticmethod
        def init(*, address: str, **_: Any) -> None:
            raise ConnectionError(f"no one answers at {address}")

    monkeypatch.setattr(cluster, "_ray", lambda: Nowhere)
    with pytest.raises(BadConfiguration, match=r"no Ray cluster at head:1 \(no one answers.*start one with ray start --head"):
        list(choose("ray", workers=2, address="head:1").run(square, [1], sizes=[1]))
