"""kill -9 at any moment costs only open work."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.killing import kill_at_random, num_kills, run_to_end
from tests.preparation import toy_files
from tests.preparation.toy_files import write_file
from tests.store.strategies import bits
from wearfm.store import Store

PROGRAM = str(Path(toy_files.__file__))


def command(source: Path, store: Path, workers: int) -> list[str]:
    return [sys.executable, PROGRAM, str(source), str(store), str(workers)]


@pytest.mark.slow
@pytest.mark.kill
@pytest.mark.parametrize("workers", [1, 2])
def test_a_kill_at_any_moment_loses_nothing_committed(tmp_path, workers):
    source = tmp_path / "raw"
    for k in range(12):
        write_file(source / f"p{k:02}.toy", "day", "night", seed=2 * k, samples=200_000)
    whole = tmp_path / "whole"
    work_s = run_to_end(command(source, whole, workers))
    expected = Store.open(whole).fingerprint()
    everything = {(row.participant, row.name): bits(Store.open(whole).read(row.id)) for row in Store.open(whole).recordings()}

    def check(number: int) -> None:
        folder = tmp_path / f"try {number}"
        with Store.create(folder) as store:
            assert store.verify() == []
            for row in store.recordings():
                assert bits(store.read(row.id)) == everything[row.participant, row.name]
            committed = {source.source for source in store.sources()}
        run_to_end(command(source, folder, workers))
        with Store.open(folder) as store:
            assert store.fingerprint() == expected
            assert store.verify() == []
            assert store.sweep() == []
            assert committed <= {source.source for source in store.sources()}
            assert all(json.loads(source.summary)["outcome"] == "prepared" for source in store.sources())

    share = num_kills() * 4 // 5  # two workers take three times as long to start
    tries = max(1, share if workers == 1 else num_kills() - share)
    landed = kill_at_random(
        lambda number: command(source, tmp_path / f"try {number}", workers),
        tries=tries,
        seed=workers,
        work_s=work_s,
        after_each=check,
    )
    assert landed >= tries // 3
