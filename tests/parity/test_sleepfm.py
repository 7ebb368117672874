"""The clinical model: tokens, channel pooling, both contrasts and their gradients, against the original's numbers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from torch import nn

from tests.parity.oracle import Oracle, check, load, state
from wearfm.nn.backbones.post_norm import WideAttention
from wearfm.nn.torch_layers import pack
from wearfm.objectives.leave_one_out import Contrast, leave_one_out, pairwise
from wearfm.recipes.sleepfm import Channels, SleepFM, paper

pytestmark = pytest.mark.parity

CONTRASTS = {"leave_one_out": leave_one_out, "pairwise": pairwise}


@pytest.fixture(scope="module")
def oracle(oracle_folder: Path) -> Oracle:
    return load(oracle_folder, "sleepfm")


@pytest.fixture(scope="module")
def recipe(oracle: Oracle) -> SleepFM:
    return SleepFM.from_original(state(oracle, "base")).eval()


def _case(oracle: Oracle, case: str) -> tuple[SleepFM, Channels]:
    """Return the recipe for a case's windows, and the case; its signals come standardised, its mask marks padding."""
    signal, padded = oracle.input(f"base/{case}/x"), oracle.input(f"base/{case}/mask")
    recipe = SleepFM.from_original(state(oracle, "base"), window_s=signal.shape[2] / paper().rate_hz).eval()
    return recipe, Channels(signal, ~padded[..., None].expand(-1, -1, recipe.config.num_tokens))


class TestEncoder:
    def test_sizes_are_read_from_the_weights(self, oracle: Oracle, recipe: SleepFM) -> None:
        published = oracle.json["networks"]["base"]["config"]
        c = recipe.config
        assert (c.piece, c.width, c.heads, c.depth, c.dropout) == tuple(
            published[key] for key in ("patch_size", "embed_dim", "num_heads", "num_layers", "dropout")
        )
        assert published["pooling_head"] == c.heads
        assert published["in_channels"] == recipe.encoder.tokens.stages[0].conv.in_channels

    def test_the_number_of_parameters_is_the_published_one(self, oracle: Oracle) -> None:
        count = sum(parameter.numel() for parameter in SleepFM(paper()).encoder.parameters())
        assert count == oracle.json["networks"]["base"]["n_parameters"] == 4_831_656

    def test_every_norm_has_the_published_epsilon(self, oracle: Oracle, recipe: SleepFM) -> None:
        published = {float(text.rsplit(" ", 1)[1]) for text in oracle.json["networks"]["base"]["norm_eps"]}
        norms = [module for module in recipe.modules() if isinstance(module, nn.BatchNorm1d | nn.LayerNorm)]
        assert {module.eps for module in norms} == published

    def test_weights_go_out_as_they_came_in_with_or_without_the_prefix(self, oracle: Oracle, recipe: SleepFM) -> None:
        given = state(oracle, "base")
        returned = SleepFM.from_original({f"module.{key}": tensor for key, tensor in given.items()}).to_original()
        assert returned.keys() - given.keys() == {"temperature"}
        assert all(torch.equal(returned[key], tensor) for key, tensor in given.items())

    @torch.no_grad()
    def test_every_array_of_every_case_agrees(self, oracle: Oracle) -> None:
        cases = [match[1] for match in oracle.matches(r"base/(\w+)/x")]
        assert cases
        for case in cases:
            recipe, group = _case(oracle, case)
            encoder = recipe.encoder
            pieces = group.signal.unflatten(2, (-1, recipe.config.piece))
            found = {"tokens": encoder.tokens(pieces, torch.ones_like(group.measured))}
            pooled = encoder.pooled(encoder.tokens(pieces, group.measured), group.measured)
            encoded = encoder(group)
            found |= {"spatial": pooled.flatten(0, 1), "after_position_and_norm": encoder.placed(pooled)}
            found |= {"seq": encoded.tokens, "pooled": encoded.vector}
            compared = [match for match in oracle.matches(rf"base/{case}/(\w+)") if match[1] not in ("x", "mask")]
            assert {match[1] for match in compared} >= {"seq", "pooled"}
            for match in compared:
                check(oracle, match[0], found[match[1]])

    @torch.no_grad()
    def test_a_single_channel_slot_is_passed_on_untouched(self, oracle: Oracle) -> None:
        compared = oracle.matches(r"base/one_channel/(\w+)")
        assert {match[1] for match in compared} == {"pooled", "seq"}
        source = re.search(r"first channel of base/(\w+)/x", " ".join(oracle.what(match[0]) for match in compared))
        assert source is not None
        recipe, group = _case(oracle, source[1])
        encoded = recipe.encoder(Channels(group.signal[:, :1], group.measured[:, :1]))
        for match in compared:
            check(oracle, match[0], {"pooled": encoded.vector, "seq": encoded.tokens}[match[1]])

    def test_packed_projections_are_queries_keys_and_values(self) -> None:
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()
        ours = WideAttention(8, heads=2, head_width=4)
        names = {f"layer.attention.{key}": value for key, value in ours.state_dict().items() if not key.startswith("project")}
        packed = pack(names)
        layer.self_attn.load_state_dict(
            {
                "in_proj_weight": packed["layer.self_attn.in_proj_weight"],
                "in_proj_bias": packed["layer.self_attn.in_proj_bias"],
                "out_proj.weight": ours.project.weight.detach(),
                "out_proj.bias": ours.project.bias.detach(),
            }
        )
        x = torch.randn(2, 5, 8, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            torch.testing.assert_close(ours(x), layer.self_attn(x, x, x)[0])


class TestContrast:
    @pytest.mark.parametrize("kind", CONTRASTS)
    def test_loss_terms_answers_and_gradients_agree(self, oracle: Oracle, kind: str) -> None:
        vectors = oracle.input("contrastive/embeddings").requires_grad_()
        log_scale = oracle.input("contrastive/log_temperature").requires_grad_()
        found: Contrast = CONTRASTS[kind](vectors, log_scale)
        found.loss.backward()
        opposite = {"leave_one_out": lambda x: x.flip(1), "pairwise": lambda x: x.T}[kind]  # the original counts, beside each
        arrays = {  # term, the right answers of the opposite direction
            "loss": found.loss,
            "terms": found.terms,
            "correct": opposite(found.correct),
            "grad_embeddings": vectors.grad,
            "grad_log_temperature": log_scale.grad,
        }
        compared = oracle.matches(rf"contrastive/{kind}/(\w+)")
        assert {match[1] for match in compared} == set(arrays)
        for match in compared:
            check(oracle, match[0], arrays[match[1]])


def test_every_array_of_the_oracle_has_a_test_that_compares_it(oracle: Oracle) -> None:
    """Here, in test_sleep_staging.py and in test_sleep_risk.py; inputs are fed in there."""
    heads = r"staging/(logits|logits_float_mask|loss|loss_grad)|diagnosis_\w+/hazards|cox/(loss|grad)"
    compared = rf"base/\w+/\w+|contrastive/\w+/\w+|{heads}"
    outputs = {name for name, entry in oracle.json["arrays"].items() if entry["role"] != "input"}
    assert outputs
    assert outputs == {match[0] for match in oracle.matches(compared)} & outputs
