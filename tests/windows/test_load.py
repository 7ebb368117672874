from pathlib import Path

import numpy as np
import pytest
import torch

from tests.recordings import channel, ramp, recording
from wearfm.errors import BadConfiguration
from wearfm.store import Store
from wearfm.windows.contract import ANY, InputContract, Stream
from wearfm.windows.index import WindowIndex
from wearfm.windows.load import Loader, load
from wearfm.windows.sample import Shuffled


def _contract(rate_hz: float | None = None, *, modality: str = "ppg", min_valid: float = 1.0) -> InputContract:
    return InputContract(streams=(Stream(modality=modality, rate_hz=rate_hz),), window_s=2.0, min_valid=min_valid)


def _store(path: Path, *recordings) -> Store:
    store = Store.create(path)
    store.commit(recordings)
    return store


def test_samples_arrive_in_physical_units(tmp_path: Path) -> None:
    store = _store(tmp_path, recording("a", "1", channel(ramp(6), scale=0.5)))
    batch = load(store, WindowIndex.build(store, _contract()), np.array([2, 0]))
    assert batch.streams["ppg"].signal[0, 0].tolist() == (np.arange(40, 60) * 0.5).tolist()
    assert batch.streams["ppg"].signal[1, 0].tolist() == (np.arange(20) * 0.5).tolist()
    assert batch.streams["ppg"].valid.all()
    assert batch.start_ns.tolist() == [4_000_000_000, 0]


def test_gaps_are_zero_and_not_valid(tmp_path: Path) -> None:
    store = _store(tmp_path, recording("a", "1", channel(ramp(2, first=1), gaps=[(5, 8)])))
    stream = load(store, WindowIndex.build(store, _contract(min_valid=0.5)), np.array([0])).streams["ppg"]
    assert (~stream.valid[0, 0]).nonzero().ravel().tolist() == [5, 6, 7]
    assert stream.signal[0, 0, 5:8].tolist() == [0.0, 0.0, 0.0]


def test_missing_channels_are_not_valid(tmp_path: Path) -> None:
    acc = [channel(ramp(2), name=f"acc {a}", modality="acc", scale=0.1) for a in "xyz"]
    store = _store(tmp_path, recording("a", "1", channel(ramp(2))), recording("b", "1", *acc))
    index = WindowIndex.build(store, _contract(modality=ANY, min_valid=0.1))
    batch = load(store, index, np.arange(2))
    assert batch.streams["acc"].valid.any(dim=2).tolist() == [[False] * 3, [True] * 3]
    assert batch.streams["ppg"].valid.any(dim=2).tolist() == [[True], [False]]
    assert batch.seconds == pytest.approx(2.0 + 3 * 2.0)


@pytest.mark.parametrize("rate_hz", [5.0, 6.5, 13.0, 20.0])
def test_cutting_and_resampling_commute(tmp_path: Path, rate_hz: float) -> None:
    """A window is the same piece of the wave wherever it was cut."""
    time_s = np.arange(0, 60, 0.1)
    wave = np.sin(2 * np.pi * 0.8 * time_s)
    store = _store(tmp_path, recording("a", "1", channel(wave.astype(np.float32))))
    index = WindowIndex.build(store, _contract(rate_hz))
    stream = load(store, index, np.arange(10, 20)).streams["ppg"]
    assert stream.rate_hz == rate_hz
    at = np.arange(round(2.0 * rate_hz)) / rate_hz
    for row, window in enumerate(range(10, 20)):
        expected = np.sin(2 * np.pi * 0.8 * (at + 2.0 * window))
        np.testing.assert_allclose(stream.signal[row, 0].numpy(), expected, atol=2e-3)  # pass-band ripple of the kernel


def test_different_rates_of_one_modality_need_a_rate(tmp_path: Path) -> None:
    slow, fast = channel(ramp(4)), channel(ramp(4, rate_hz=20.0), rate_hz=20.0)
    store = _store(tmp_path, recording("a", "1", slow), recording("b", "1", fast))
    index = WindowIndex.build(store, _contract())
    with pytest.raises(BadConfiguration, match="rates 10, 20 Hz"):
        load(store, index, np.arange(len(index)))
    resampled = WindowIndex.build(store, _contract(10.0))
    assert load(store, resampled, np.arange(len(resampled))).streams["ppg"].signal.shape == (4, 1, 20)


def _batches(loader: Loader, epoch: int, first: int = 0) -> list[torch.Tensor]:
    return [batch.streams["ppg"].signal for batch in loader.epoch(epoch, first)]


@pytest.fixture
def parts(tmp_path: Path) -> dict[str, object]:
    store = _store(tmp_path, *(recording(str(n), "1", channel(ramp(24, first=240 * n))) for n in range(5)))
    index = WindowIndex.build(store, _contract())
    return {"store": store, "index": index, "plan": Shuffled(len(index), seed=1)}


def test_workers_do_not_change_the_batches(parts) -> None:
    alone = _batches(Loader(**parts, batch_size=8), epoch=3)
    assert len(alone) == 7
    for workers in (1, 2, 3):
        together = _batches(Loader(**parts, batch_size=8, workers=workers), epoch=3)
        assert all(torch.equal(a, b) for a, b in zip(alone, together, strict=True))


def test_ranks_share_the_batch(parts) -> None:
    whole = _batches(Loader(**parts, batch_size=8), epoch=0)
    halves = [_batches(Loader(**parts, batch_size=8, rank=rank, world=2), epoch=0) for rank in (0, 1)]
    for number, batch in enumerate(whole):
        assert torch.equal(batch, torch.cat([half[number] for half in halves]))


def test_an_epoch_can_be_entered_anywhere(parts) -> None:
    loader = Loader(**parts, batch_size=8, workers=2)
    assert torch.equal(_batches(loader, 1)[4], _batches(loader, 1, first=4)[0])


def test_a_loader_can_be_left_early(parts) -> None:
    for batch in Loader(**parts, batch_size=8, workers=2).epoch(0):
        assert len(batch) == 8
        break


def test_batches_that_cannot_be_are_refused(parts) -> None:
    with pytest.raises(BadConfiguration, match="exceeds the 60 samples"):
        Loader(**parts, batch_size=61)
    with pytest.raises(BadConfiguration, match="multiple of the 2 processes"):
        Loader(**parts, batch_size=7, world=2)
