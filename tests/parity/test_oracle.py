"""The reader of oracle folders: slices are read from text and wrong numbers are found."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.parity.oracle import Oracle, check, thinned


def _oracle(array: np.ndarray, what: str) -> Oracle:
    entry = {"what": what, "rtol": 1e-4, "atol": 1e-5}
    return Oracle("toy", {"seed": 1, "arrays": {"a/x": entry}}, {"a/x": array}, lambda *_: array)


@pytest.mark.parametrize(
    ("what", "index"),
    [
        ("planes: [:, :, ::7, ::4] of (2, 3, 14, 8) = (sample, channel)", np.s_[:, :, ::7, ::4]),
        ("value of table[0, ::2]", np.s_[0, ::2]),
        ("CLS of layer 0..11, dims ::4", np.s_[..., ::4]),
        ("tokens 1..3 after layer 0..11, dims ::4", np.s_[..., 1:4, ::4]),
        ("[:, 1:3]", np.s_[:, 1:3]),
        ("all of (2, 3)", np.s_[...]),
    ],
)
def test_a_description_names_its_slice(what: str, index: object) -> None:
    full = torch.arange(2 * 3 * 14 * 8).view(2, 3, 14, 8)
    assert torch.equal(thinned(what, full), full[index])


def test_a_wrong_number_is_found() -> None:
    full = torch.arange(6.0)
    oracle = _oracle(full[::2].numpy(), "every second, [::2]")
    check(oracle, "a/x", full)
    with pytest.raises(AssertionError, match="a/x"):
        check(oracle, "a/x", full + 1e-3)


def test_integers_must_be_equal_whatever_their_width() -> None:
    oracle = _oracle(np.array([0, 1], dtype=np.uint8), "1 = masked")
    check(oracle, "a/x", torch.tensor([False, True]))
    with pytest.raises(AssertionError, match="a/x"):
        check(oracle, "a/x", torch.tensor([1, 1]))


def test_a_wrong_shape_is_named() -> None:
    with pytest.raises(AssertionError, match=r"a/x: shape \(3,\), stored \(2,\)"):
        check(_oracle(np.zeros(2, np.float32), "all"), "a/x", torch.zeros(3))
