"""Outputs of the original models, as the oracle folders hold them: discovery, weights, slices, comparison.

A folder has one subfolder per model with `oracle.json` (what each array is) and `oracle.npz` (the arrays); its parent has
`weight_rule.py`, from which every weight follows by name, shape and seed. Nothing here knows a shape or a slice: all of
it is read from the JSON, so that another folder with other shapes, seeds and inputs passes or fails on its own terms.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

BRACKETS = re.compile(r"\[((?:\s*(?:\d*:\d*(?::\d*)?|\d+|\.\.\.)\s*,?)+)\]")  # "[:, 0, ::7]"
DIMS = re.compile(r"\bdims (::\d+)")  # a slice of the last axis
NAMED = re.compile(r"\b(channels|time) ::(\d+)")  # slices by the name of an axis of (B, C, T)
AXES = {"channels": 1, "time": 2}
TOKENS = re.compile(r"\btokens (\d+)\.\.(\d+)")  # first and last index on the axis before it


@dataclass(frozen=True)
class Oracle:
    """One model's folder. json: `oracle.json`. arrays: name -> array. rule: (name, shape, seed) -> float32 weights."""

    name: str
    json: Mapping[str, Any]
    arrays: Mapping[str, np.ndarray]
    rule: Callable[[str, tuple[int, ...], int], np.ndarray]

    def input(self, name: str) -> Tensor:
        """Return an array as a tensor of its stored type."""
        return torch.from_numpy(self.arrays[name])

    def what(self, name: str) -> str:
        """Return the description of an array."""
        return str(self.json["arrays"][name]["what"])

    def matches(self, pattern: str) -> list[re.Match[str]]:
        """Return the matches of a regular expression with the whole names of arrays, in the order of the JSON."""
        return [match for match in (re.fullmatch(pattern, name) for name in self.json["arrays"]) if match]


def load(folder: Path, model: str) -> Oracle:
    """Return the oracle of a model; skips the test, with the reason, if the folder does not have it."""
    path = folder / model
    if not (path / "oracle.json").is_file():
        pytest.skip(f"{folder} holds no oracle of {model}")
    specification = importlib.util.spec_from_file_location("weight_rule", folder.resolve().parent / "weight_rule.py")
    assert specification is not None
    assert specification.loader is not None
    rule = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(rule)
    with np.load(path / "oracle.npz") as stored:
        arrays = {name: stored[name] for name in stored.files}
    return Oracle(model, json.loads((path / "oracle.json").read_text()), arrays, rule.weights)


def state(oracle: Oracle, network: str) -> dict[str, Tensor]:
    """Return the state dict of a network under the weight rule, without the keys that the original computes itself."""
    description = oracle.json["networks"][network]
    tensors = {
        key: torch.from_numpy(oracle.rule(key, tuple(shape), oracle.json["seed"])).to(getattr(torch, dtype))
        for key, shape, dtype in description["state_dict"]
        if key not in description["computed"]
    }
    if not description["computed"]:
        assert fingerprint(tensors) == description["sha256_of_all_tensors"], f"weight rule of {oracle.name}/{network}"
    return tensors


def fingerprint(tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 over the raw bytes of all tensors in their order."""
    digest = hashlib.sha256()
    for tensor in tensors.values():
        digest.update(np.ascontiguousarray(tensor.numpy()).tobytes())
    return digest.hexdigest()


def thinned(what: str, tensor: Tensor) -> Tensor:
    """Return the part of a full tensor that a description names: "[:, ::8]", "dims ::4", "tokens 1..3", "time ::4"."""
    named = {AXES[axis]: slice(None, None, int(step)) for axis, step in NAMED.findall(what)}
    if named:
        return tensor[tuple(named.get(axis, slice(None)) for axis in range(tensor.ndim))]
    brackets = BRACKETS.search(what)
    if brackets:
        return tensor[tuple(_index(part) for part in brackets[1].split(","))]
    tokens, dims = TOKENS.search(what), DIMS.search(what)
    if tokens:
        tensor = tensor[..., int(tokens[1]) : int(tokens[2]) + 1, :]
    return tensor[..., _index(dims[1])] if dims else tensor


def check(oracle: Oracle, name: str, tensor: Tensor) -> None:
    """Assert that a full tensor agrees with a stored array, thinned as described, within the array's own tolerances."""
    entry, expected = oracle.json["arrays"][name], oracle.arrays[name]
    given = tensor.detach().cpu()
    if tuple(given.shape) != expected.shape:
        given = given.reshape(1) if given.ndim == 0 else thinned(entry["what"], given)
    assert tuple(given.shape) == expected.shape, f"{name}: shape {tuple(given.shape)}, stored {expected.shape}"
    values = given.numpy()
    if np.issubdtype(expected.dtype, np.floating):
        np.testing.assert_allclose(values, expected, rtol=entry["rtol"], atol=entry["atol"], err_msg=name)
    else:
        np.testing.assert_array_equal(values.astype(np.int64), expected.astype(np.int64), err_msg=name)


def _index(part: str) -> Any:
    """Return one entry of an index from its text."""
    text = part.strip()
    if text == "...":
        return Ellipsis
    if ":" not in text:
        return int(text)
    return slice(*(int(bound) if bound.strip() else None for bound in text.split(":")))
