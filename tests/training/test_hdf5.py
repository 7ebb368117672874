"""Keras weight files: both layouts, and none that leads out of itself or grows while it is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from torch import Tensor

from wearfm.errors import BadConfiguration, DamagedStore, MissingExtra
from wearfm.training import hdf5, read_foreign

STATE = {
    "dense/dense/kernel:0": np.arange(6, dtype=np.float32).reshape(2, 3),
    "dense/dense/bias:0": np.array([1.0, 2.0, 3.0], dtype=np.float32),
    "attention/query/kernel:0": np.ones((2, 3, 4), dtype=np.float32),
}


def write(path: Path, *, below: str = "") -> Path:
    """Write a file as Keras does: a group a layer, empty ones for layers without weights, attributes beside them."""
    with h5py.File(path, "w") as file:
        start = file.require_group(below) if below else file
        start.attrs["layer_names"] = ["inputs", "dense"]
        start.create_group("inputs")
        for name, value in STATE.items():
            start[name] = value
    return path


def is_state(found: dict[str, Tensor]) -> bool:
    return found.keys() == STATE.keys() and all(np.array_equal(found[name].numpy(), STATE[name]) for name in STATE)


@pytest.mark.parametrize("name", ["w.h5", "w.hdf5"])
@pytest.mark.parametrize("below", ["", "model_weights"])
def test_weights_are_found_at_the_root_and_inside_a_saved_model(tmp_path: Path, name: str, below: str) -> None:
    path = write(tmp_path / name, below=below)
    if below:
        with h5py.File(path, "a") as file:
            file["optimizer_weights/iteration:0"] = np.int64(7)
    assert is_state(read_foreign(path))


def test_a_key_names_another_group(tmp_path: Path) -> None:
    path = write(tmp_path / "w.h5", below="teacher")
    assert is_state(read_foreign(path, key="teacher"))
    with pytest.raises(BadConfiguration, match=r"key='student', but it has teacher; name one"):
        read_foreign(path, key="student")


def test_numbers_keep_their_type_in_the_order_of_this_machine(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file["half"] = np.array([1.5], dtype=">f2")
        file["count"] = np.array(3, dtype=">i8")
    found = read_foreign(tmp_path / "w.h5")
    assert (found["half"].dtype, found["half"].tolist()) == (torch.float16, [1.5])
    assert (found["count"].dtype, found["count"].item()) == (torch.int64, 3)


def _soft(file: Any) -> None:
    file["link"] = h5py.SoftLink("/dense/dense/bias:0")


def _external(file: Any) -> None:
    file["link"] = h5py.ExternalLink("elsewhere.h5", "/secret")


def _start_is_a_link(file: Any) -> None:
    file["model_weights"] = h5py.ExternalLink("elsewhere.h5", "/")


def _circle(file: Any) -> None:
    file["dense/again"] = file["dense"]


def _same_tensor_twice(file: Any) -> None:
    file["copy"] = file["dense/dense/bias:0"]


def _too_deep(file: Any) -> None:
    file["/".join("d" * 40)] = np.zeros(2)


def _bytes_of_another_file(file: Any) -> None:
    file.create_dataset("stolen", (4,), dtype="u1", external=[("secret.bin", 0, 4)])


def _view_of_another_file(file: Any) -> None:
    layout = h5py.VirtualLayout(shape=(4,), dtype="f4")
    layout[:] = h5py.VirtualSource("elsewhere.h5", "secret", shape=(4,))
    file.create_virtual_dataset("stolen", layout)


def _bomb(file: Any) -> None:
    file.create_dataset("zeros", (10**12,), dtype="f4", chunks=(10**6,))


def _compressed(file: Any) -> None:
    file.create_dataset("zeros", data=np.zeros(10**6), compression="gzip")


def _text(file: Any) -> None:
    file["note"] = "hello"


def _nothing(file: Any) -> None:
    file["empty"] = h5py.Empty("f4")


def _a_type(file: Any) -> None:
    file["kind"] = np.dtype("f4")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (_soft, "'link' is a SoftLink; ask for a file that holds the tensors itself"),
        (_external, "'link' is a ExternalLink; ask for a file"),
        (_start_is_a_link, "'model_weights' is a ExternalLink"),
        (_circle, "'dense/again' is there twice or too deep"),
        (_same_tensor_twice, "'dense/dense/bias:0' is there twice or too deep; ask for a file with each tensor once"),
        (_too_deep, "is there twice or too deep"),
        (_bytes_of_another_file, "'stolen' lies in another file; ask"),
        (_view_of_another_file, "'stolen' lies in another file; ask"),
        (_bomb, "'zeros' takes more bytes than are there; save the weights uncompressed"),
        (_compressed, "'zeros' takes more bytes than are there"),
        (_text, "'note' is no array of numbers; ask for a file with weights only"),
        (_nothing, "'empty' is no array of numbers"),
        (_a_type, "'kind' is no array of numbers"),
    ],
)
def test_files_that_are_not_what_they_seem_are_refused(tmp_path: Path, spoil: Any, reason: str) -> None:
    (tmp_path / "secret.bin").write_bytes(b"1234")
    with h5py.File(tmp_path / "elsewhere.h5", "w") as file:
        file["secret"] = np.ones(4, dtype=np.float32)
    path = write(tmp_path / "w.h5")
    with h5py.File(path, "a") as file:
        spoil(file)
    with pytest.raises(DamagedStore, match=reason):
        read_foreign(path)


def test_what_is_no_hdf5_file_says_so(tmp_path: Path) -> None:
    path = tmp_path / "w.h5"
    path.write_bytes(b"PK\3\4 not what the name says")
    with pytest.raises(DamagedStore, match=r"w.h5: no readable HDF5 file .*; fetch it again"):
        read_foreign(path)


def test_damaged_files_give_tensors_or_a_clear_error(tmp_path: Path) -> None:
    path = write(tmp_path / "w.h5")
    whole = path.read_bytes()
    generator = np.random.default_rng(1)
    refused = 0
    for number in range(150):
        damaged = bytearray(whole)
        for at in generator.integers(0, len(whole), 1 + number % 4):
            damaged[at] = int(generator.integers(256))
        path.write_bytes(damaged[: len(whole) if number % 3 else int(generator.integers(len(whole)))])
        try:
            assert all(isinstance(tensor, Tensor) for tensor in read_foreign(path).values())
        except DamagedStore:
            refused += 1
    assert refused > 30


def test_without_h5py_the_message_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> Any:
        raise ImportError(name) if name == "h5py" else AssertionError(name)

    path = write(tmp_path / "w.h5")
    monkeypatch.setattr(hdf5, "import_module", absent)
    with pytest.raises(MissingExtra, match=r"needs the package 'h5py'; install it with: pip install 'wearfm\[readers\]'"):
        read_foreign(path)
