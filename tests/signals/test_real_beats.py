"""Beats on real hearts: R peaks against cardiologists, pulse rates against a monitor."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from wearfm.signals.heart import heart_rate, intervals
from wearfm.signals.peaks import find_pulse_peaks, find_r_peaks, find_r_peaks_by_rules, refine
from wearfm.signals.quality import quality
from wearfm.signals.spans import Spans

pytestmark = [pytest.mark.real, pytest.mark.slow]

BEATS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 25, 34, 35, 38)  # WFDB codes of annotations that are beats
TOLERANCE = 54  # 150 ms at 360 Hz, ANSI/AAMI EC57


def _ecg(path: Path) -> np.ndarray:
    """First signal of a two-channel WFDB format 212 file of the MIT-BIH database, mV."""
    packed = np.fromfile(path, dtype=np.uint8).reshape(-1, 3).astype(np.int32)
    raw = packed[:, 0] | (packed[:, 1] & 15) << 8
    return (np.where(raw > 2047, raw - 4096, raw) - 1024) / 200


def _annotated(path: Path) -> np.ndarray:
    """Sample numbers of the beats of a WFDB annotation file."""
    words = np.fromfile(path, dtype="<u2").tolist()
    beats, sample, place = [], 0, 0
    while words[place]:
        code, step = words[place] >> 10, words[place] & 1023
        place += 1
        if code == 59:  # a long step follows in two words
            sample += (words[place] << 16) + words[place + 1]
            place += 2
        elif code == 63:  # text follows
            place += (step + 1) // 2
        elif code < 59:
            sample += step
            if code in BEATS:
                beats.append(sample)
    return np.array(beats)


def _matches(first: np.ndarray, second: np.ndarray) -> int:
    """Number of one-to-one pairs within the tolerance, both ascending."""
    pairs = i = j = 0
    while i < len(first) and j < len(second):
        if abs(first[i] - second[j]) <= TOLERANCE:
            pairs, i, j = pairs + 1, i + 1, j + 1
        elif first[i] < second[j]:
            i += 1
        else:
            j += 1
    return pairs


@pytest.mark.parametrize("finder", [find_r_peaks, find_r_peaks_by_rules])
def test_r_peaks_are_where_the_cardiologists_saw_them(data_folder: Path, finder: object) -> None:
    found = total = pairs = 0
    for path in sorted((data_folder / "ecg" / "mitdb").glob("*.dat")):
        if path.stem == "207":  # minutes of ventricular flutter, in which no beats are annotated
            continue
        signal = _ecg(path)[None]
        beats = finder(signal, np.ones(signal.shape, dtype=bool), rate_hz=360.0).sample  # type: ignore[operator]
        annotated = _annotated(path.with_suffix(".atr"))
        hits = _matches(annotated, beats)
        assert hits / len(annotated) > 0.985, f"sensitivity of {path.stem}"
        assert hits / len(beats) > 0.985, f"precision of {path.stem}"
        found, total, pairs = found + len(beats), total + len(annotated), pairs + hits
    assert pairs / total > 0.997
    assert pairs / found > 0.997


def test_an_inverted_lead_gives_the_same_beats(data_folder: Path) -> None:
    signal = _ecg(data_folder / "ecg" / "mitdb" / "101.dat")[None]
    valid = np.ones(signal.shape, dtype=bool)
    upright, inverted = (find_r_peaks(side * signal, valid, rate_hz=360.0).sample for side in (1, -1))
    assert np.array_equal(upright, inverted)


def test_most_windows_of_clean_records_are_good(data_folder: Path) -> None:
    for name in ("101", "106", "109", "115", "118", "230"):
        windows = _ecg(data_folder / "ecg" / "mitdb" / f"{name}.dat")[:648_000].reshape(-1, 3600)
        assert quality(windows, rate_hz=360.0, modality="ecg").good.mean() > 0.9, name


def _table(path: Path) -> np.ndarray:
    text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return np.genfromtxt(text.decode().splitlines(), delimiter=",", names=True)


def test_pulse_rates_agree_with_the_monitor(data_folder: Path) -> None:
    errors = []
    for path in sorted((data_folder / "ppg" / "bidmc").glob("*_Signals.csv.gz")):
        pleth = _table(path)["PLETH"]
        valid = np.isfinite(pleth)
        beats = find_pulse_peaks(np.where(valid, pleth, 0.0)[None], valid[None], rate_hz=125.0).sample
        series = intervals(refine(pleth, beats), valid=Spans.from_mask(valid), rate_hz=125.0)
        monitor = _table(Path(str(path).replace("_Signals.csv.gz", "_Numerics.csv")))
        rate = heart_rate(series, start_s=monitor["Time_s"] - 5, window_s=10.0)
        known = np.isfinite(rate) & (monitor["PULSE"] > 0)
        errors.append(np.mean(np.abs(rate[known] - monitor["PULSE"][known])))
        assert np.isfinite(rate).mean() > 0.97, path.name
    assert np.median(errors) < 1.5
    assert np.mean(errors) < 2.0
