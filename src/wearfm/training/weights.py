"""Weight files: ours, which are safetensors, and those of others, which are opened without running their code."""

from __future__ import annotations

import json
import pickle
import struct
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from wearfm.errors import BadConfiguration, DamagedStore
from wearfm.store.disk import failures_named
from wearfm.training.hdf5 import read_hdf5

_LONGEST_HEADER = 16 << 20  # bytes; a hundred thousand tensors need less
_BROKEN = (
    pickle.UnpicklingError, RuntimeError, OSError, EOFError, ValueError, TypeError, KeyError, IndexError, AttributeError,
    AssertionError, OverflowError, MemoryError, UnicodeError, struct.error, zipfile.BadZipFile,
)  # fmt: skip


def write_weights(path: Path, state: Mapping[str, Tensor]) -> None:
    """Write tensors as safetensors; tensors that share memory are written each."""
    plain = {name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format) for name, tensor in state.items()}
    with failures_named(path, size=sum(tensor.nbytes for tensor in plain.values())):
        try:
            safetensors.torch.save_file(plain, path)
        except SafetensorError as error:
            raise OSError(str(error)) from error


def read_weights(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a safetensors file; DamagedStore if it is not one."""
    _refuse_bomb(path)
    try:
        state: dict[str, Tensor] = safetensors.torch.load_file(path)
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise DamagedStore(f"{path}: no readable safetensors file ({error}); restore it") from error
    return state


def read_foreign(path: str | Path, *, key: str | None = None) -> dict[str, Tensor]:
    """Return the state dict in somebody else's .safetensors, .pt, .pth or .h5 file, without running code from it.

    key: which entry holds the weights where there are several; None takes the only entry that holds tensors. Tensors of an
    .h5 file are named by the path of their data set and keep the layout of Keras: see `training.hdf5`.
    """
    path = Path(path)
    if not path.is_file():
        raise BadConfiguration(f"{path} is no file; give the path of a .safetensors, .pt, .pth or .h5 file")
    if path.suffix == ".safetensors":
        return read_weights(path)
    if path.suffix in (".h5", ".hdf5"):
        return read_hdf5(path, key=key)
    if path.suffix not in (".pt", ".pth", ".ckpt", ".bin"):
        known = ".safetensors, .pt, .pth, .ckpt, .bin, .h5 or .hdf5"
        raise BadConfiguration(f"{path} has the ending {path.suffix!r}; weights end in {known}")
    _refuse_inflated(path)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Detected pickle protocol")  # opened safely or refused below
            content = torch.load(path, map_location="cpu", weights_only=True)
    except _BROKEN as error:
        reason = str(error).partition("\n")[0][:200]
        raise DamagedStore(f"{path}: more or less than plain tensors ({reason}); ask for a safetensors file") from error
    return _state_dict(content, path=path, key=key)


def _state_dict(content: Any, *, path: Path, key: str | None) -> dict[str, Tensor]:
    """Return the mapping of names to tensors inside what a training script saved."""
    if _is_state(content) and key is None:
        return dict(content)
    found = {name: value for name, value in content.items() if _is_state(value)} if isinstance(content, Mapping) else {}
    if key is None and len(found) == 1:
        return dict(next(iter(found.values())))
    if key not in found:
        names = ", ".join(sorted(map(str, found))) or "none"
        raise BadConfiguration(f"{path}: key={key!r}, but the entries that hold weights are: {names}; name one of them")
    return dict(found[key])


def _is_state(value: Any) -> bool:
    return (
        isinstance(value, Mapping)
        and len(value) > 0
        and all(isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in value.items())
    )


def _refuse_inflated(path: Path) -> None:
    """Raise DamagedStore for an archive with compressed entries: torch never writes them, and a few bytes become many."""
    if not zipfile.is_zipfile(path):
        return
    try:
        with zipfile.ZipFile(path) as archive:
            inflated = [entry.filename for entry in archive.infolist() if entry.compress_type != zipfile.ZIP_STORED]
    except _BROKEN as error:
        raise DamagedStore(f"{path}: no readable archive ({error}); restore it") from error
    if inflated:
        raise DamagedStore(f"{path}: entry {inflated[0]!r} is compressed, as torch never does; ask for a safetensors file")


def _refuse_bomb(path: Path) -> None:
    """Raise DamagedStore for a header that is longer than its file, or too long to be one, before anybody parses it."""
    if path.is_symlink() or not path.is_file():
        raise DamagedStore(f"{path}: is missing or a link; restore the file itself")
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
        length = int.from_bytes(start, "little")
        if len(start) < 8 or length > min(size - 8, _LONGEST_HEADER):
            raise DamagedStore(
                f"{path}: the header claims {length} of {size} bytes; it is no whole safetensors file: restore it"
            )
        header = file.read(length)
    try:
        json.loads(header)
    except (ValueError, RecursionError) as error:
        raise DamagedStore(f"{path}: the header is no JSON ({error}); restore it") from error
