"""Tiny containers of arrays: acceleration and PPG at 4 Hz with times in seconds, and the mapping beside them."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import scipy.io

TIME = np.array([1_700_000_000.0, 1_700_000_000.25, 1_700_000_000.75, 1_700_000_001.0])  # the sample at 0.5 s is missing
ACC = np.array([[1, 10, 100], [2, 20, 200], [3, 30, 300], [4, 40, 400]], dtype=np.int16)  # a column for each axis
PPG = np.array([0.5, 0.25, np.nan, 0.125])


def write_hdf5(folder: Path) -> Path:
    """Groups, a compound type, a text and a vector of labels."""
    path = folder / "session.h5"
    with h5py.File(path, "w") as file:
        file["wrist/acc"] = ACC
        file["wrist/time"] = TIME
        file["finger"] = np.rec.fromarrays([PPG, np.arange(4, dtype=np.uint8)], names="ppg,quality")
        file["label"] = np.array(["rest", "rest", "walk", "walk"], dtype="S4")
        file["about"] = "made by hand"
    _map(path, "wrist/acc[:, {}]", "wrist/time", "finger/ppg", "label")
    return path


def write_mat(folder: Path) -> Path:
    """A structure with fields, as MATLAB 5 to 7 write it, packed."""
    path = folder / "session.mat"
    fields = {"Acc": ACC, "Time": TIME[:, None], "Ppg": PPG[None, :], "Label": np.array([1, 1, 2, 2], dtype=np.uint8)}
    scipy.io.savemat(path, {"data": {"LowerBack": fields}, "name": "S01"}, do_compression=True)
    content = path.read_bytes()
    path.write_bytes(b"MATLAB 5.0 MAT-file, written by hand".ljust(116) + content[116:])
    back = "data/LowerBack"
    _map(path, back + "/Acc[:, {}]", f"{back}/Time", "data.LowerBack.Ppg", f"{back}/Label")
    return path


def write_mat_7_3(folder: Path) -> Path:
    """The same as MATLAB 7.3 writes it: HDF5 behind a text, sides in the other order."""
    path = folder / "session.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        file["data/LowerBack/Acc"] = ACC.T
        file["data/LowerBack/Time"] = TIME[None, :]
        file["data/LowerBack/Ppg"] = PPG[:, None]
        file["data/LowerBack/Label"] = np.array([[1, 1, 2, 2]], dtype=np.uint8)
        file["#refs#/a"] = np.zeros(9)
    with path.open("r+b") as raw:
        raw.write(b"MATLAB 7.3 MAT-file, written by hand".ljust(124) + b"\x00\x02IM")
    back = "data/LowerBack"
    _map(path, back + "/Acc[:, {}]", f"{back}/Time", "data.LowerBack.Ppg", f"{back}/Label")
    return path


def write_npz(folder: Path) -> Path:
    """Three arrays and one of objects that nothing may open."""
    path = folder / "session.npz"
    labels = np.array(["rest", "rest", "walk", "walk"])
    np.savez_compressed(path, acc=ACC, t=TIME, ppg=PPG, label=labels, objects=np.array([{}], dtype=object))
    _map(path, "acc[:, {}]", "t", "ppg", "label")
    return path


def write_npy(folder: Path) -> Path:
    """Acceleration alone, a row for each axis, at a fixed rate."""
    path = folder / "session.npy"
    np.save(path, np.ascontiguousarray(ACC.T))
    channels = {f"array[{row}, :]": {"modality": "acc", "unit": "mg", "axis": axis} for row, axis in enumerate("xyz")}
    mapping = {"participant": "P7", "rate_hz": 4, "start": "2024-05-01T10:00:00+02:00", "channels": channels}
    path.with_name("session.npy.json").write_text(json.dumps(mapping))
    return path


def _map(path: Path, acc: str, time: str, ppg: str, label: str) -> None:
    channels = {acc.format(k): {"modality": "acc", "unit": "mg", "axis": axis, "name": axis} for k, axis in enumerate("xyz")}
    mapping = {
        "participant": "P7",
        "time": {"column": time, "unit": "s"},
        "channels": {**channels, ppg: {"modality": "ppg", "name": "ppg"}},
        "events": {label: {"kind": "activity"}},
    }
    path.with_name(path.name + ".json").write_text(json.dumps(mapping))
