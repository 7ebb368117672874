"""The layout of Keras: numbers that compute the same stand where they belong."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from wearfm.errors import IncompatibleWeights
from wearfm.nn.keras import Entry, take_from_keras, to_keras


def noise(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


def as_keras(value: Tensor, *shape: int) -> Tensor:
    return to_keras({"w": value}, {"w": Entry(name="k", shape=shape)})["k"]


def test_a_dense_kernel_is_multiplied_from_the_right() -> None:
    weight, x = noise(5, 3), noise(7, 3)
    torch.testing.assert_close(x @ as_keras(weight, 3, 5), F.linear(x, weight))


def test_heads_of_a_query_are_an_axis() -> None:
    weight, bias, x = noise(2 * 4, 3), noise(2 * 4), noise(7, 3)
    theirs = torch.einsum("nd,dhw->nhw", x, as_keras(weight, 3, 2, 4)) + as_keras(bias, 2, 4)
    torch.testing.assert_close(theirs, F.linear(x, weight, bias).reshape(7, 2, 4))


def test_heads_of_a_projection_are_an_axis() -> None:
    weight, x = noise(3, 2 * 4), noise(7, 2, 4)
    theirs = torch.einsum("nhw,hwd->nd", x, as_keras(weight, 2, 4, 3))
    torch.testing.assert_close(theirs, F.linear(x.flatten(1), weight))


def test_a_filter_runs_over_time_first() -> None:
    weight, x = noise(5, 2, 3), noise(1, 2, 3)
    theirs = torch.einsum("bck,kco->bo", x, as_keras(weight, 3, 2, 5))
    torch.testing.assert_close(theirs, F.conv1d(x, weight)[..., 0])


@pytest.mark.parametrize(
    ("shape", "theirs"), [((4,), (4,)), ((4,), (2, 2)), ((6, 4), (4, 2, 3)), ((5, 2, 3), (3, 2, 5)), ((1, 1, 3), (3, 1, 1))]
)
def test_there_and_back_is_the_same(shape: tuple[int, ...], theirs: tuple[int, ...]) -> None:
    own, entries = {"w": torch.zeros(shape)}, {"w": Entry(name="k", shape=theirs)}
    value = noise(*shape)
    take_from_keras(own, to_keras({"w": value}, entries), entries=entries, what="it")
    assert torch.equal(own["w"], value)


def test_all_that_does_not_fit_is_listed_and_nothing_is_copied() -> None:
    own = {"a": torch.zeros(3, 2), "b": torch.zeros(3), "c": torch.zeros(3)}
    entries = {"a": Entry(name="A", shape=(2, 3)), "b": Entry(name="B", shape=(3,)), "c": Entry(name="C", shape=(3,))}
    with pytest.raises(
        IncompatibleWeights, match=r"do not fit it. missing \(1\): C. left over \(1\): D. wrong shape \(1\): A is"
    ):
        take_from_keras(own, {"A": torch.ones(3, 2), "B": torch.ones(3), "D": torch.ones(1)}, entries=entries, what="it")
    assert not own["b"].any()
