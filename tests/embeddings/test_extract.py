from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from tests.recordings import channel, recording
from tests.toy import Toy, small
from wearfm.embeddings import extract
from wearfm.embeddings.embedder import Embedder
from wearfm.embeddings.extract import Cut, embed, embed_to
from wearfm.embeddings.handmade import statistics_table
from wearfm.embeddings.table import EmbeddingTable
from wearfm.errors import BadConfiguration
from wearfm.signals.statistics import STATISTICS
from wearfm.store import Store


@pytest.fixture
def toy() -> Toy:
    return Toy(small(), seed=0)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Six people; 20 s, 21 s ... of pulse at 8 Hz, the last one with a gap, and one with acceleration only."""
    generator = np.random.default_rng(0)
    recordings = []
    for number in range(6):
        wave = np.sin(np.arange(8 * (20 + number)) * (0.5 + 0.1 * number)) + 0.1 * generator.standard_normal(8 * (20 + number))
        gaps = [(38, 62)] if number == 5 else []
        recordings.append(recording(f"p{number}", "1", channel(wave.astype(np.float32), rate_hz=8.0, gaps=gaps)))
    shaking = generator.standard_normal(80).astype(np.float32)
    recordings.append(recording("p9", "1", channel(shaking, name="acc", modality="acc", rate_hz=8.0)))
    created = Store.create(tmp_path / "store")
    created.commit(recordings)
    return created


def _assert_same(one: EmbeddingTable, other: EmbeddingTable, *, atol: float = 0.0) -> None:
    assert one.participant.tolist() == other.participant.tolist()
    assert one.start_ns.tolist() == other.start_ns.tolist()
    np.testing.assert_allclose(one.vector, other.vector, rtol=0, atol=atol)


def test_every_second_is_in_a_row_or_counted(toy: Toy, store: Store) -> None:
    table = embed(toy, store)
    per_person = {name: int((table.participant == name).sum()) for name in sorted(set(table.participant.tolist()))}
    assert per_person == {"p0": 10, "p1": 11, "p2": 11, "p3": 12, "p4": 12, "p5": 12}
    assert table.header.skipped["recording without ppg"] == pytest.approx(10.0)
    assert table.header.skipped["less than 25% of the window valid"] == pytest.approx(2.0)


def test_batch_size_and_threads_do_not_matter(toy: Toy, store: Store) -> None:
    whole = embed(toy, store, batch_size=64)
    _assert_same(whole, embed(toy, store, batch_size=1), atol=1e-5)
    _assert_same(whole, embed(toy, store, batch_size=7), atol=1e-5)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2 if threads == 1 else 1)
        _assert_same(whole, embed(toy, store), atol=1e-5)
    finally:
        torch.set_num_threads(threads)


def test_arrays_give_what_a_store_gives(toy: Toy, store: Store) -> None:
    wave = store.read(store.recordings()[2].id).channels[0].physical()
    from_store = embed(toy, store, cut=Cut(participants=["p2"]))
    from_array = embed(toy, wave, rate_hz=8.0, modality="ppg")
    np.testing.assert_array_equal(from_array.vector, from_store.vector)


def test_arrays_may_have_holes(toy: Toy) -> None:
    wave = np.sin(np.arange(160) * 0.7)
    wave[20:24] = np.nan
    assert np.isfinite(embed(toy, wave, rate_hz=8.0, modality="ppg").vector).all()


def test_an_array_needs_its_rate_and_modality(toy: Toy) -> None:
    with pytest.raises(BadConfiguration, match="says neither its rate nor what it measures"):
        embed(toy, np.zeros(100))


def test_nothing_that_fits_is_an_error_with_reasons(toy: Toy, store: Store) -> None:
    with pytest.raises(BadConfiguration, match=r"no window of 2 s with ppg for toy: recording without ppg \(10\.0 s\)"):
        embed(toy, store, cut=Cut(participants=["p9"]))


def test_a_file_holds_what_embed_returns(toy: Toy, store: Store, tmp_path: Path) -> None:
    written = embed_to(tmp_path / "t.parquet", toy, store)
    _assert_same(written, embed(toy, store))
    _assert_same(written, EmbeddingTable.read(tmp_path / "t.parquet"))
    assert not (tmp_path / "t.parquet.parts").exists()


def test_finished_parts_are_kept(toy: Toy, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extract, "PART", 20)
    stopped_at = 2

    def stop(done: int, total: int, what: str) -> None:
        if done > 20 * stopped_at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        embed_to(tmp_path / "t.parquet", toy, store, progress=stop)
    parts = sorted((tmp_path / "t.parquet.parts").iterdir())
    assert len(parts) == stopped_at
    times = [part.stat().st_mtime_ns for part in parts]
    steps: list[int] = []

    def watch(done: int, total: int, what: str) -> None:
        steps.append(done)
        assert [part.stat().st_mtime_ns for part in parts] == times

    _assert_same(embed_to(tmp_path / "t.parquet", toy, store, progress=watch), embed(toy, store))
    assert steps[:3] == [0, 20, 40]
    assert steps[-1] == 68


def test_parts_of_other_weights_are_not_taken(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extract, "PART", 20)

    def stop(done: int, total: int, what: str) -> None:
        if done > 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        embed_to(tmp_path / "t.parquet", Toy(small(), seed=1), store, progress=stop)
    other = Toy(small(), seed=2)
    _assert_same(embed_to(tmp_path / "t.parquet", other, store), embed(other, store))


def test_embedding_leaves_the_recipe_as_it_was(toy: Toy, store: Store) -> None:
    toy.train()
    embed(toy, store)
    assert toy.training


def test_statistics_are_made_of_the_same_windows(toy: Toy, store: Store) -> None:
    control, table = statistics_table(store, toy.input), embed(toy, store)
    assert control.vector.shape == (len(table), len(STATISTICS))
    assert control.start_ns.tolist() == table.start_ns.tolist()
    assert control.participant.tolist() == table.participant.tolist()


def test_the_embedder_sits_in_a_pipeline(toy: Toy) -> None:
    generator = np.random.default_rng(0)
    fast = generator.integers(0, 2, size=60)
    phase = generator.uniform(0, 6, size=(60, 1))
    waves = np.sin(np.arange(48) * np.where(fast, 1.4, 0.6)[:, None] + phase)
    pipeline = make_pipeline(Embedder(toy, rate_hz=8.0, modality="ppg"), LogisticRegression())
    twin = clone(pipeline)
    assert twin.fit(waves, fast).predict(waves).shape == (60,)
    vectors = twin[0].transform(waves)
    assert vectors.shape == (60, 4)
    np.testing.assert_allclose(vectors, twin[0].transform(waves[:, None, :]))


def test_a_row_without_any_sample_is_named(toy: Toy) -> None:
    waves = np.zeros((3, 32))
    waves[1] = np.nan
    with pytest.raises(BadConfiguration, match="row 1 has no window"):
        Embedder(toy, rate_hz=8.0, modality="ppg").fit(waves).transform(waves)
