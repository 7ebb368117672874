"""The store is the same for every engine, any number of workers, and whoever dies on the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.preparation.toy_files import read_and_die_once, read_file, write_file
from wearfm.preparation import PreparationSummary, prepare, work
from wearfm.store import Store


@pytest.fixture
def raw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Eight files in many units; one name is taken twice, one file is torn."""
    monkeypatch.setattr(work, "UNIT_BYTES", 100)
    for k in range(6):
        write_file(tmp_path / "raw" / f"p{k}.toy", "day", "night", seed=2 * k)
    write_file(tmp_path / "raw" / "z" / "p1.toy", "night", seed=77)
    torn = write_file(tmp_path / "raw" / "p6.toy", "day", seed=50)
    torn.write_text(torn.read_text() + "\nbroken")
    return tmp_path / "raw"


def content(store: Path) -> tuple[str, list[Any]]:
    opened = Store.open(store)
    assert opened.verify() == []
    assert opened.sweep() == []
    return opened.fingerprint(), opened.sources()


def plain(summary: PreparationSummary) -> Any:
    return [(fate.source, fate.outcome, fate.reason, fate.tally) for fate in summary.sources]


@pytest.mark.slow
def test_ray_makes_the_store_that_one_process_makes(cluster: Any, raw: Path, tmp_path: Path) -> None:
    alone = prepare([raw], tmp_path / "alone", workers=1, read=read_file)
    steps: list[tuple[int, int, str]] = []
    by_ray = prepare(
        [raw], tmp_path / "ray", workers=2, engine="ray", read=read_file, progress=lambda *step: steps.append(step)
    )
    assert plain(by_ray) == plain(alone)
    assert content(tmp_path / "ray") == content(tmp_path / "alone")
    assert [done for done, _, _ in steps] == list(range(1, 9))
    again = prepare([raw], tmp_path / "ray", workers=2, engine="ray", read=read_file)
    assert (again.prepared, again.skipped, len(again.refused)) == (0, 6, 2)
    assert content(tmp_path / "ray") == content(tmp_path / "alone")


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["processes", "ray"])
def test_a_worker_that_is_killed_changes_nothing(
    engine: Any, raw: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if engine == "ray":
        request.getfixturevalue("cluster")
    alone = prepare([raw], tmp_path / "alone", workers=1, read=read_file)
    summary = prepare([raw], tmp_path / "store", workers=2, engine=engine, read=read_and_die_once)
    assert (tmp_path / "died").exists()
    assert plain(summary) == plain(alone)
    assert content(tmp_path / "store")[0] == content(tmp_path / "alone")[0]


def test_many_tiny_sources_are_shared_out_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "UNIT_SOURCES", 3)
    for k in range(7):
        write_file(tmp_path / f"p{k}.toy", "day", seed=k)
    sources = work.divide([work.SourceFile(path=path, label=path.name, size=1) for path in sorted(tmp_path.iterdir())])
    assert [(first, len(some)) for first, some in sources] == [(0, 3), (3, 3), (6, 1)]


def test_a_store_that_a_worker_cannot_see_is_named(tmp_path: Path) -> None:
    blind = work.Work(store=tmp_path / "elsewhere", read=read_file, participant_from="file", is_here=False)
    with pytest.raises(work.BadConfiguration, match="put it, and the sources, where all of them see it under the same name"):
        blind(work.Unit(first=0, sources=()))
