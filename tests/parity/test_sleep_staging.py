"""The staging head: scores with the mask as it should be and as it was trained, the loss and its gradient."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tests.parity.oracle import Oracle, check, load, state
from wearfm.nn.backbones.post_norm import WideAttention
from wearfm.recipes.sleep_staging import Head, SleepStaging, SleepStagingConfig, paper, stage_error
from wearfm.recipes.sleepfm import SleepFMConfig

pytestmark = pytest.mark.parity


@pytest.fixture(scope="module")
def oracle(oracle_folder: Path) -> Oracle:
    return load(oracle_folder, "sleepfm")


def _head(oracle: Oracle) -> Head:
    """Return the published head for nights as long as the oracle's: one window of as many tokens."""
    base = SleepFMConfig(window_s=oracle.arrays["heads/x"].shape[2] * 5.0)
    settings = {"base": base, "night_s": base.window_s}
    return SleepStaging.from_original(state(oracle, "staging"), **settings).eval().head


def _inputs(oracle: Oracle) -> tuple[Tensor, Tensor]:
    return oracle.input("heads/x"), ~oracle.input("heads/mask")


def test_sizes_are_read_from_the_weights_and_the_rest_is_the_preset_s(oracle: Oracle) -> None:
    published, c = oracle.json["networks"]["staging"]["config"], _head(oracle).config
    assert (c.base.width, c.heads, c.depth, len(c.stages), c.dropout) == tuple(
        published[key] for key in ("embed_dim", "num_heads", "num_layers", "num_classes", "dropout")
    )
    assert published["pooling_head"] == c.heads
    assert paper().num_tokens <= published["max_seq_length"]
    assert (c.hidden, c.layers, c.mlp_width) == (64, 1, 2048)


def test_the_number_of_parameters_and_the_epsilon_of_norms_are_the_published_ones(oracle: Oracle) -> None:
    network = oracle.json["networks"]["staging"]
    head = SleepStaging(paper()).head
    assert sum(p.numel() for p in head.parameters()) == network["n_parameters"] == 1_286_277
    assert {m.eps for m in head.modules() if isinstance(m, nn.LayerNorm)} == {
        float(text.rsplit(" ", 1)[1]) for text in network["norm_eps"]
    }


def test_weights_go_out_as_they_came_in_with_or_without_the_prefix(oracle: Oracle) -> None:
    given = state(oracle, "staging")
    returned = SleepStaging.from_original({f"module.{key}": value for key, value in given.items()}).to_original()
    assert {key for key in returned if not key.startswith("base.")} == set(given)
    assert all(torch.equal(returned[key], value) for key, value in given.items())


@torch.no_grad()
def test_scores_agree(oracle: Oracle) -> None:
    check(oracle, "staging/logits", _head(oracle)(*_inputs(oracle)))


@torch.no_grad()
def test_scores_with_the_mask_that_training_uses_agree(oracle: Oracle, monkeypatch: pytest.MonkeyPatch) -> None:
    """The published loop ADDS its 0/1 mask to the scores of the temporal layer: padding is looked at a little more."""
    head, (tokens, there) = _head(oracle), _inputs(oracle)
    added = (~there[:, 0]).float()[:, None, None]  # (B, 1, 1, N)

    def forward(self: WideAttention, x: Tensor, visible: Tensor | None = None, draws: object = None) -> Tensor:
        query, key, value = (self._split(layer(x)) for layer in (self.query, self.key, self.value))
        scores = query @ key.transpose(2, 3) / key.shape[3] ** 0.5 + added
        return self.project((scores.softmax(dim=3) @ value).transpose(1, 2).flatten(2))

    for block in head.blocks:
        monkeypatch.setattr(block.attention, "forward", forward.__get__(block.attention))
    found = head(tokens, there)
    check(oracle, "staging/logits_float_mask", found)
    assert not torch.allclose(found, oracle.input("staging/logits"), atol=1e-3)


def test_the_loss_and_its_gradient_agree(oracle: Oracle) -> None:
    scores, label = oracle.input("staging/loss_logits").requires_grad_(), oracle.input("staging/labels")
    counted = ~oracle.input("heads/mask")[:, 0]
    weight = torch.tensor(SleepStagingConfig(base=SleepFMConfig()).stage_weight)
    error = stage_error(scores, label, counted, weight=weight)
    error.backward()
    check(oracle, "staging/loss", error)
    check(oracle, "staging/loss_grad", scores.grad)


def test_every_array_of_the_head_is_compared_above(oracle: Oracle) -> None:
    outputs = {match[1] for match in oracle.matches(r"staging/(\w+)")}
    assert outputs == {"logits", "logits_float_mask", "labels", "loss_logits", "loss", "loss_grad"}
