"""Foreign weight files are opened without running what is in them."""

import pickle
import struct
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from wearfm.errors import BadConfiguration, DamagedStore
from wearfm.training import read_foreign
from wearfm.training.weights import read_weights, write_weights

STATE = {"a.weight": torch.arange(6.0).reshape(2, 3), "a.bias": torch.zeros(2)}


def _same(found: dict[str, Tensor]) -> bool:
    return found.keys() == STATE.keys() and all(torch.equal(found[name], STATE[name]) for name in STATE)


@pytest.mark.parametrize("name", ["w.pt", "w.pth", "w.ckpt", "w.bin"])
@pytest.mark.parametrize(
    "wrap", [dict, OrderedDict, lambda s: {"model": s, "epoch": 3}, lambda s: {"state_dict": s, "lr": 0.1}]
)
def test_state_dicts_are_found_in_what_training_scripts_save(tmp_path: Path, name: str, wrap: Any) -> None:
    torch.save(wrap(STATE), tmp_path / name)
    assert _same(read_foreign(tmp_path / name))


def test_safetensors_are_read(tmp_path: Path) -> None:
    save_file(STATE, tmp_path / "w.safetensors")
    assert _same(read_foreign(tmp_path / "w.safetensors"))


def test_tied_weights_are_written_each(tmp_path: Path) -> None:
    write_weights(
        tmp_path / "w.safetensors", {"one": STATE["a.weight"], "other": STATE["a.weight"], "part": STATE["a.weight"][:, 1]}
    )
    found = read_weights(tmp_path / "w.safetensors")
    assert torch.equal(found["other"], STATE["a.weight"])
    assert torch.equal(found["part"], torch.tensor([1.0, 4.0]))


def test_several_entries_need_a_key(tmp_path: Path) -> None:
    torch.save({"student": STATE, "teacher": STATE}, tmp_path / "w.pt")
    with pytest.raises(BadConfiguration, match="key=None, but the entries that hold weights are: student, teacher; name one"):
        read_foreign(tmp_path / "w.pt")
    assert _same(read_foreign(tmp_path / "w.pt", key="teacher"))


class Hostile:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("ran-hostile-code"),))


def test_code_in_a_pickle_never_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"model": STATE, "hook": Hostile()}, "w.pt")
    with pytest.raises(DamagedStore, match="more or less than plain tensors"):
        read_foreign("w.pt")
    Path("raw.pt").write_bytes(pickle.dumps(Hostile()))
    with pytest.raises(DamagedStore, match="more or less than plain tensors"):
        read_foreign("raw.pt")
    assert not Path("ran-hostile-code").exists()


@pytest.mark.parametrize(
    ("header", "length"),
    [
        (b"{}", 2**63),  # the header claims more than there is
        (b"{}", 10**9),
        (b"{" * 1000, 1000),
        (b"[" * 100_000, 100_000),  # nested deeper than any parser likes
        (b'{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,99999999]}}', 61),
        (b'{"a":{"dtype":"F32","shape":[1000000000,1000000000],"data_offsets":[0,4]}}', 73),
        (b'{"a":{"dtype":"F99","shape":[1],"data_offsets":[0,4]}}', 54),
        (b"\xff\xfe", 2),
        (b"", 0),
    ],
)
def test_header_bombs_are_refused(tmp_path: Path, header: bytes, length: int) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(struct.pack("<Q", length) + header + b"\0\0\0\0")
    with pytest.raises(DamagedStore):
        read_foreign(path)


def test_an_archive_with_compressed_entries_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data/0", b"\0" * 10_000_000)
    assert path.stat().st_size < 20_000
    with pytest.raises(DamagedStore, match="is compressed, as torch never does"):
        read_foreign(path)


@pytest.mark.parametrize("name", ["w.pt", "w.safetensors"])
def test_damaged_files_give_tensors_or_a_clear_error(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    torch.save(STATE, path) if name == "w.pt" else save_file(STATE, path)
    whole = path.read_bytes()
    generator = np.random.default_rng(1)
    refused = 0
    for number in range(150):
        damaged = bytearray(whole)
        for at in generator.integers(0, len(whole), 1 + number % 4):
            damaged[at] = int(generator.integers(256))
        path.write_bytes(damaged[: len(whole) if number % 3 else int(generator.integers(len(whole)))])
        try:
            found = read_foreign(path)
            assert all(isinstance(tensor, Tensor) for tensor in found.values())
        except (DamagedStore, BadConfiguration):
            refused += 1
    assert refused > 30


def test_what_is_no_weight_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="is no file"):
        read_foreign(tmp_path)
    (tmp_path / "w.pkl").write_bytes(b"")
    with pytest.raises(BadConfiguration, match=r"has the ending '.pkl'"):
        read_foreign(tmp_path / "w.pkl")
    torch.save([1, 2], tmp_path / "w.pt")
    with pytest.raises(BadConfiguration, match="the entries that hold weights are: none"):
        read_foreign(tmp_path / "w.pt")
    with pytest.raises(DamagedStore, match="is missing or a link"):
        read_weights(tmp_path / "absent.safetensors")
