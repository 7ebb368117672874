"""kill -9 at any moment of an extraction costs only the open part, and the table has the same bytes in the end."""

import hashlib
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.killing import kill_at_random, num_kills, run_to_end
from tests.recordings import channel, recording
from wearfm.embeddings.table import EmbeddingTable
from wearfm.store import Store


@pytest.mark.kill
@pytest.mark.slow
def test_a_killed_extraction_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    store = Store.create(tmp_path / "store")
    waves = generator.standard_normal((20, 8 * 60)).astype(np.float32)
    store.commit([recording(f"p{n:02d}", "1", channel(wave, rate_hz=8.0)) for n, wave in enumerate(waves)])

    def command(table: Path) -> list[str]:
        return [sys.executable, "-m", "tests.embeddings.killed", str(store.path), str(table)]

    def content(table: Path) -> str:
        return hashlib.sha256(table.read_bytes()).hexdigest()

    work_s = run_to_end(command(tmp_path / "undisturbed.parquet"))
    expected = content(tmp_path / "undisturbed.parquet")
    tables = [tmp_path / "0.parquet"]
    finished_parts: dict[str, int] = {}

    def inspect(_: int) -> None:
        parts = Path(f"{tables[-1]}.parts")
        if tables[-1].exists():
            assert content(tables[-1]) == expected
            if not parts.exists():
                tables.append(tmp_path / f"{len(tables)}.parquet")
            return
        found = sorted(parts.glob("*.parquet")) if parts.exists() else []
        assert len(found) >= finished_parts.get(str(parts), 0)
        finished_parts[str(parts)] = len(found)
        for part in found:
            assert len(EmbeddingTable.read(part)) == 8

    tries = num_kills()
    landed = kill_at_random(lambda _: command(tables[-1]), tries=tries, seed=5, work_s=work_s, after_each=inspect)
    assert landed > tries // 3
    run_to_end(command(tables[-1]))
    assert content(tables[-1]) == expected
    assert sorted(path.name for path in tmp_path.glob("*.parts")) == []
