"""Time to the next beat: right on a metronome, unknown where it must be, and bounded in memory."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.recordings import channel, recording
from wearfm.errors import BadConfiguration
from wearfm.store import Store
from wearfm.windows import beats
from wearfm.windows.beats import measure_next_beat
from wearfm.windows.contract import InputContract, Stream
from wearfm.windows.index import WindowIndex

RATE_HZ, WINDOW_S = 64.0, 4.0
INTERVAL_S, FIRST_S = 0.8, 0.3


def _pulse(seconds: float, *, rate_hz: float = RATE_HZ, interval_s: float = INTERVAL_S) -> NDArray[np.float32]:
    """Bumps 0.1 s wide at 0.3, 1.1, 1.9 ... s."""
    phase = (np.arange(round(seconds * rate_hz)) / rate_hz - FIRST_S + interval_s / 2) % interval_s - interval_s / 2
    return np.exp(-0.5 * (phase / 0.1) ** 2).astype(np.float32)


def _complexes(seconds: float, *, rate_hz: float) -> NDArray[np.float32]:
    """R waves 12 ms wide at the same times."""
    phase = (np.arange(round(seconds * rate_hz)) / rate_hz - FIRST_S + INTERVAL_S / 2) % INTERVAL_S - INTERVAL_S / 2
    return np.exp(-0.5 * (phase / 0.012) ** 2).astype(np.float32)


def _index(
    folder: Path, samples: NDArray[np.float32], *, modality: str = "ppg", rate_hz: float = RATE_HZ, stride_s: float = 0.5,
    gaps: list[tuple[int, int]] | None = None, target_hz: float | None = None,
) -> tuple[Store, WindowIndex]:  # fmt: skip
    store = Store.create(folder)
    store.commit([recording("p", "a", channel(samples, modality=modality, rate_hz=rate_hz, gaps=gaps or []))])
    stream = Stream(modality=modality, rate_hz=target_hz or rate_hz, channels=1)
    contract = InputContract(streams=(stream,), window_s=WINDOW_S, min_valid=0.5)
    return store, WindowIndex.build(store, contract, stride_s=stride_s)


def _ends_s(index: WindowIndex) -> NDArray[np.float64]:
    return (index.start_ns - index.start_ns[0]) / 1e9 + WINDOW_S


def _expected(ends_s: NDArray[np.float64]) -> NDArray[np.float64]:
    return (FIRST_S - ends_s) % INTERVAL_S


@pytest.mark.parametrize(("rate_hz", "target_hz"), [(64.0, 64.0), (128.0, 64.0)])
def test_on_a_metronome_the_next_pulse_comes_when_it_must(tmp_path: Path, rate_hz: float, target_hz: float) -> None:
    samples = _pulse(60, rate_hz=rate_hz)
    store, index = _index(tmp_path / "s", samples, rate_hz=rate_hz, target_hz=target_hz)
    wait_s = measure_next_beat(store, index, modality="ppg", horizon_s=1.5)
    assert wait_s.dtype == np.float32
    assert wait_s.shape == (len(index),) == (113,)
    ends_s = _ends_s(index)
    inner = ends_s < 58
    apart = np.abs(wait_s - _expected(ends_s))[inner]
    assert np.minimum(apart, INTERVAL_S - apart).max() <= 1.01 / 64  # one sample, which may put a beat behind the end or before
    assert (apart < 0.1).mean() > 0.9


def test_on_a_metronome_the_next_r_peak_comes_when_it_must(tmp_path: Path) -> None:
    store, index = _index(tmp_path / "s", _complexes(60, rate_hz=128.0), modality="ecg", rate_hz=128.0, stride_s=0.37)
    wait_s = measure_next_beat(store, index, modality="ecg", horizon_s=1.0)
    ends_s = _ends_s(index)
    inner = ends_s < 57
    apart = np.abs(wait_s - _expected(ends_s))[inner]
    assert np.minimum(apart, INTERVAL_S - apart).max() <= 1.01 / 128
    assert np.isfinite(wait_s[inner]).all()


def test_a_horizon_shorter_than_the_wait_gives_none(tmp_path: Path) -> None:
    store, index = _index(tmp_path / "s", _pulse(60))
    far, near = (measure_next_beat(store, index, modality="ppg", horizon_s=s) for s in (1.5, 0.4))
    inner = _ends_s(index) < 57
    assert np.isfinite(far[inner]).all()
    assert np.array_equal(np.isnan(near[inner]), far[inner] > 0.4)
    np.testing.assert_allclose(near[inner][np.isfinite(near[inner])], far[inner][far[inner] <= 0.4], atol=1.01 / 64)


def test_behind_the_recording_and_behind_a_gap_nothing_is_known(tmp_path: Path) -> None:
    gap = (1300, 1306)  # 20.3 s: between the beats at 20.3 and 21.1 s
    store, index = _index(tmp_path / "s", _pulse(40), gaps=[gap], stride_s=0.25)
    wait_s = measure_next_beat(store, index, modality="ppg", horizon_s=2.0)
    ends_s = _ends_s(index)
    before = (ends_s <= gap[0] / RATE_HZ) & (ends_s > gap[0] / RATE_HZ - 0.5)
    across = before & (ends_s + np.nan_to_num(wait_s, nan=9.0) > gap[0] / RATE_HZ)
    assert across.any()
    assert np.isnan(wait_s[across]).all()
    assert np.isfinite(wait_s[(ends_s > 22) & (ends_s < 37)]).all()
    assert np.isnan(wait_s[ends_s == 40.0]).all()


def test_a_flat_line_has_no_next_beat(tmp_path: Path) -> None:
    store, index = _index(tmp_path / "s", np.zeros(64 * 30, dtype=np.float32))
    assert np.isnan(measure_next_beat(store, index, modality="ppg", horizon_s=1.5)).all()


def test_blocks_do_not_change_the_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, index = _index(tmp_path / "s", _pulse(60))
    whole = measure_next_beat(store, index, modality="ppg", horizon_s=1.5)
    monkeypatch.setattr(beats, "_TOGETHER", 7)
    assert np.array_equal(measure_next_beat(store, index, modality="ppg", horizon_s=1.5), whole, equal_nan=True)
    some = np.array([30, 3, 77])
    assert np.array_equal(measure_next_beat(store, index.select(some), modality="ppg", horizon_s=1.5), whole[some])


def test_no_window_has_no_beat_and_what_has_none_is_refused(tmp_path: Path) -> None:
    store, index = _index(tmp_path / "s", _pulse(20))
    nothing = index.select(np.zeros(len(index), dtype=bool))
    assert measure_next_beat(store, nothing, modality="ppg", horizon_s=1.0).tolist() == []
    with pytest.raises(BadConfiguration, match="acc has no beats that can be found; choose one of ppg, ecg"):
        measure_next_beat(store, index, modality="acc", horizon_s=1.0)
    with pytest.raises(BadConfiguration, match="windows of ppg have no ecg; name one that they have"):
        measure_next_beat(store, index, modality="ecg", horizon_s=1.0)
    with pytest.raises(BadConfiguration, match="horizon_s=0: the next beat is behind the window"):
        measure_next_beat(store, index, modality="ppg", horizon_s=0.0)
