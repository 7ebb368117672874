"""The table has the same bytes for every engine, any number of workers, and whoever dies on the way."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.recordings import channel, recording
from tests.toy import Toy, small
from wearfm.embeddings import extract
from wearfm.embeddings.extract import embed, embed_to
from wearfm.recipes.base import Embedded
from wearfm.store import Store


class Mortal(Toy):
    """A toy whose process is killed at its first batch while `mark` is not there."""

    mark: Path

    def embed(self, batch: Any) -> Embedded:
        if not self.mark.exists():
            self.mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().embed(batch)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(extract, "PART", 20)
    waves = np.random.default_rng(0).standard_normal((6, 8 * 30)).astype(np.float32)
    created = Store.create(tmp_path / "store")
    created.commit([recording(f"p{n}", "1", channel(wave, rate_hz=8.0)) for n, wave in enumerate(waves)])
    return created


@pytest.mark.slow
def test_the_engine_changes_no_byte(cluster: Any, store: Store, tmp_path: Path) -> None:
    toy, steps = Toy(small(), seed=0), list[int]()
    embed_to(tmp_path / "one.parquet", toy, store, workers=1)
    embed_to(tmp_path / "two.parquet", toy, store, workers=2, progress=lambda done, *_: steps.append(done))
    embed_to(tmp_path / "ray.parquet", toy, store, workers=2, engine="ray")
    tables = {path.stem: path.read_bytes() for path in tmp_path.glob("*.parquet")}
    assert tables["one"] == tables["two"] == tables["ray"]
    assert steps[-1] == 90
    assert steps == sorted(steps)
    assert list(tmp_path.glob("*.parts")) == []
    np.testing.assert_allclose(embed_to(tmp_path / "here.parquet", toy, store).vector, embed(toy, store).vector, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["processes", "ray"])
def test_a_worker_that_is_killed_changes_nothing(
    engine: Any, store: Store, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if engine == "ray":
        request.getfixturevalue("cluster")
    mortal = Mortal(small(), seed=0)
    mortal.mark = tmp_path / "died"
    embed_to(tmp_path / "killed.parquet", mortal, store, workers=2, engine=engine)
    assert mortal.mark.exists()
    embed_to(tmp_path / "alive.parquet", mortal, store, workers=1)
    assert (tmp_path / "killed.parquet").read_bytes() == (tmp_path / "alive.parquet").read_bytes()
