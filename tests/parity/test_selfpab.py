"""The released model: sizes and names, its network built from torch's own layers, and its masking written as loops.

Nobody could obtain the weights (they lie in Git LFS), so there is no stored output to compare with.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from wearfm.errors import BadConfiguration, IncompatibleWeights
from wearfm.nn.draws import Draws
from wearfm.nn.heads import MLPHead
from wearfm.nn.positions import sincos_in_turn
from wearfm.objectives.reconstruction import masked_l1
from wearfm.recipes.selfpab import SelfPAB, SelfPABConfig, alter, mono, paper
from wearfm.windows.batch import Batch, Signal

SMALL = {"rate_hz": 10.0, "window_s": 8.0, "heads": 2}  # frames of 10 samples: 6 frequencies, 36 features


class Original(nn.Module):
    """The network as it is described, from torch's own transformer layers and under the names of its checkpoint."""

    def __init__(self, features: int, *, width: int, depth: int, heads: int, mlp_width: int) -> None:
        super().__init__()
        self.emb = nn.ModuleDict({"lin_proj_layer": nn.Linear(features, width), "pos_encoder": nn.Module()})
        self.emb["pos_encoder"].register_buffer("pe", table(10_000, width)[None])
        layer = nn.TransformerEncoderLayer(width, heads, mlp_width, dropout=0.1, batch_first=True)
        self.transformer_encoder = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)
        self.prediction_head = nn.ModuleDict({"mlp": nn.ModuleDict({"out_layer": nn.Linear(width, features)})})

    def forward(self, frames: Tensor) -> Tensor:
        return self.transformer_encoder(self.emb["lin_proj_layer"](frames) + self.emb["pos_encoder"].pe[:, : frames.shape[1]])


def table(count: int, width: int) -> Tensor:
    """sin in even columns, cos in odd ones, in float32 throughout, as such tables usually are."""
    place = torch.arange(count, dtype=torch.float32)[:, None]
    angles = place * torch.exp(torch.arange(0, width, 2, dtype=torch.float32) * (-math.log(10_000.0) / width))
    return torch.stack([angles.sin(), angles.cos()], dim=2).flatten(1)


def original(features: int = 36) -> Original:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        network = Original(features, width=16, depth=2, heads=2, mlp_width=24)
    generator = torch.Generator().manual_seed(6)
    for parameter in network.parameters():  # norms and biases must not be 1 and 0
        parameter.data += 0.1 * torch.randn(parameter.shape, generator=generator)
    return network.eval()


def windows(config: SelfPABConfig, rows: int = 3) -> Batch:
    shape = (rows, config.channels, round(config.rate_hz * config.window_s))
    signal = torch.randn(shape, generator=torch.Generator().manual_seed(7))
    stream = Signal(signal=signal, valid=torch.ones(shape, dtype=torch.bool), rate_hz=config.rate_hz)
    number = torch.arange(rows)
    return Batch(streams={"acc": stream}, participant=number, recording=number, start_ns=number, local_ns=number)


class TestSizes:
    @pytest.mark.parametrize(("config", "count"), [(paper(), 61_107_848), (mono(), 60_873_770)], ids=["SelfPAB", "Mono"])
    def test_the_number_of_parameters_is_the_published_one(self, config: SelfPABConfig, count: int) -> None:
        with torch.device("meta"):
            recipe = SelfPAB(config)
        assert sum(p.numel() for p in recipe.parameters()) == count

    def test_five_minutes_have_599_frames_of_156_features(self) -> None:
        config = paper()
        assert (config.frames, config.features, mono().features) == (599, 156, 78)
        assert (config.time_blocks, config.frames - config.time_block) == (29, 596)
        assert (config.bands, config.bins - config.band_block) == (1, 23)

    @pytest.mark.slow
    def test_names_and_shapes_are_those_of_the_checkpoint(self) -> None:
        with torch.device("meta"):
            shapes = {key: tuple(tensor.shape) for key, tensor in SelfPAB(paper()).to_original().items()}
        layer = {
            "self_attn.in_proj_weight": (4500, 1500),
            "self_attn.in_proj_bias": (4500,),
            "self_attn.out_proj.weight": (1500, 1500),
            "self_attn.out_proj.bias": (1500,),
            "linear1.weight": (2048, 1500),
            "linear1.bias": (2048,),
            "linear2.weight": (1500, 2048),
            "linear2.bias": (1500,),
        } | {f"norm{number}.{kind}": (1500,) for number in (1, 2) for kind in ("weight", "bias")}
        expected = {f"transformer_encoder.layers.{n}.{key}": shape for n in range(4) for key, shape in layer.items()} | {
            "emb.lin_proj_layer.weight": (1500, 156),
            "emb.lin_proj_layer.bias": (1500,),
            "emb.pos_encoder.pe": (1, 10_000, 1500),
            "prediction_head.mlp.out_layer.weight": (156, 1500),
            "prediction_head.mlp.out_layer.bias": (156,),
        }
        assert shapes == expected

    def test_the_published_head_is_the_head_of_the_house(self) -> None:
        head = MLPHead(1500, hidden=1028, out=12, dropout=0.0)  # Linear(1500, 1028), ReLU, Linear(1028, 12)
        assert sum(p.numel() for p in head.parameters()) == 1500 * 1028 + 1028 + 1028 * 12 + 12
        assert head(torch.zeros(2, 599, 1500)).shape == (2, 599, 12)


class TestNetwork:
    @torch.no_grad()
    def test_tokens_and_guess_are_those_of_torch_layers(self) -> None:
        network = original()
        recipe = SelfPAB.from_original(network.state_dict(), **SMALL).eval()
        frames, visible = recipe.prepare(windows(recipe.config)).values, torch.ones(3, 15, dtype=torch.bool)
        tokens = network(frames.flatten(2))
        torch.testing.assert_close(recipe.encoder(frames, visible), tokens, rtol=1e-4, atol=1e-5)
        out = network.prediction_head["mlp"]["out_layer"]
        torch.testing.assert_close(recipe.predict(recipe.encoder(frames, visible)), out(tokens), rtol=1e-4, atol=1e-5)

    @torch.no_grad()
    def test_frames_that_may_not_be_seen_are_torchs_padding(self) -> None:
        network = original()
        recipe = SelfPAB.from_original(network.state_dict(), **SMALL).eval()
        frames, visible = recipe.prepare(windows(recipe.config)).values, torch.ones(3, 15, dtype=torch.bool)
        visible[1, 4:9] = False
        embedded = network.emb["lin_proj_layer"](frames.flatten(2)) + network.emb["pos_encoder"].pe[:, :15]
        expected = network.transformer_encoder(embedded, src_key_padding_mask=~visible)
        ours = recipe.encoder(frames, visible)
        torch.testing.assert_close(ours[visible], expected[visible], rtol=1e-4, atol=1e-5)

    def test_a_lightning_checkpoint_is_its_state_dict(self) -> None:
        state = original().state_dict()
        bare, wrapped = (SelfPAB.from_original(given, **SMALL) for given in (state, {"state_dict": state, "epoch": 49}))
        assert all(torch.equal(one, other) for one, other in zip(bare.parameters(), wrapped.parameters(), strict=True))

    def test_half_the_features_mean_that_one_sensor_predicts_the_other(self) -> None:
        recipe = SelfPAB.from_original(original(18).state_dict(), **SMALL)
        assert (recipe.config.target, recipe.config.sensors, recipe.config.features) == ("other", 2, 18)

    def test_constants_of_standardisation_may_come_along(self) -> None:
        mean, std = np.linspace(0, 1, 36), np.linspace(1, 2, 36)
        recipe = SelfPAB.from_original(original().state_dict(), **SMALL, mean=mean, std=std)
        torch.testing.assert_close(recipe.mean, torch.tensor(mean, dtype=torch.float32))
        torch.testing.assert_close(recipe.std, torch.tensor(std, dtype=torch.float32))
        with pytest.raises(BadConfiguration, match="mean of 78 numbers; the windows have 36 features"):
            SelfPAB.from_original(original().state_dict(), **SMALL, mean=[0.0] * 78)

    def test_another_table_of_positions_is_refused(self) -> None:
        state = original().state_dict()
        state["emb.pos_encoder.pe"] = torch.zeros(1, 10_000, 16)
        with pytest.raises(BadConfiguration, match=r"emb\.pos_encoder\.pe holds no sines and cosines in turn"):
            SelfPAB.from_original(state, **SMALL)

    def test_a_misshapen_tensor_is_named_as_the_original_names_it(self) -> None:
        state = original().state_dict()
        state["transformer_encoder.layers.1.linear2.weight"] = torch.zeros(3, 3)
        with pytest.raises(IncompatibleWeights, match=r"layers\.1\.linear2\.weight is \(3, 3\), expected \(16, 24\)"):
            SelfPAB.from_original(state, **SMALL)

    def test_positions_are_sines_and_cosines_in_turn(self) -> None:
        torch.testing.assert_close(sincos_in_turn(10_000, 16), table(10_000, 16), rtol=0, atol=2e-3)  # float32 angles there
        torch.testing.assert_close(sincos_in_turn(600, 1500), table(600, 1500), rtol=0, atol=1e-4)


class TestMasking:
    """`alter` against loops over windows, blocks and frames, written from the description."""

    def by_hand(self, values: Tensor, noise: dict[str, list], config: SelfPABConfig) -> tuple[Tensor, Tensor]:
        out, mask = values.clone(), torch.zeros_like(values, dtype=torch.bool)
        for row in range(len(values)):
            kind = noise["kind"][row]
            for block, start in enumerate(noise["to"][row]):
                for step in range(config.time_block):
                    if kind < 0.8:
                        out[row, start + step] = 0
                        mask[row, start + step] = True
                    elif kind < 0.9:
                        out[row, start + step] = values[row, noise["source"][row][block] + step]
                        mask[row, start + step] = True
            if noise["band"][row] < 0.9:
                for start in noise["bands"][row]:
                    for step in range(config.band_block):
                        out[row, :, :, start + step] = 0
                        mask[row, :, :, start + step] = True
        return out, mask

    @pytest.mark.parametrize("config", [paper(), replace(paper(), window_s=30.0, band_share=0.5)], ids=["paper", "short"])
    def test_it_is_what_the_loops_do(self, config: SelfPABConfig) -> None:
        with torch.device("meta"):
            recipe = SelfPAB(config)
        recipe.mean = torch.zeros(1)  # where draws go
        noise = recipe.draw(40, Draws(seed=1))
        values = torch.randn(40, config.frames, 6, 26, generator=torch.Generator().manual_seed(2))
        altered, changed = alter(values, noise, config=config)
        expected, mask = self.by_hand(values, {name: part.tolist() for name, part in noise._asdict().items()}, config)
        kinds = torch.bucketize(noise.kind.contiguous(), torch.tensor([0.8, 0.9]))
        assert set(kinds.tolist()) == {0, 1, 2}  # zeroed, copied, left
        assert torch.equal(altered, expected)
        assert torch.equal(changed, mask)

    def test_blocks_start_anywhere_but_never_twice_at_one_place(self) -> None:
        with torch.device("meta"):
            recipe = SelfPAB(paper())
        recipe.mean = torch.zeros(1)
        noise = recipe.draw(200, Draws(seed=3))
        assert all(len(set(starts)) == 29 for starts in noise.to.tolist())
        assert set(noise.to.flatten().tolist()) == set(range(596))  # the last frame is never altered, as published
        assert set(noise.bands.flatten().tolist()) == set(range(23))
        assert not torch.equal(noise.to, noise.source)

    def test_the_masked_error_is_a_mean_of_means(self) -> None:
        generator = torch.Generator().manual_seed(4)
        guess, target = (torch.randn(3, 4, 5, generator=generator) for _ in range(2))
        mask = torch.rand(3, 4, 5, generator=generator) < 0.3
        mask[1] = False
        total = 0.0
        for row in range(3):
            off = [
                abs(float(g) - float(t))
                for g, t, m in zip(*(x[row].flatten() for x in (guess, target, mask)), strict=True)
                if m
            ]
            total += sum(off) / max(len(off), 1)
        torch.testing.assert_close(float(masked_l1(guess, target, mask=mask)), total / 3, rtol=1e-6, atol=0)

    def test_what_is_not_counted_moves_neither_value_nor_gradient(self) -> None:
        guess = torch.zeros(1, 3, requires_grad=True)
        mask = torch.tensor([[True, False, True]])
        error = masked_l1(guess, torch.tensor([[1.0, float("nan"), -3.0]]), mask=mask)
        error.backward()
        assert error.item() == 2.0
        assert guess.grad is not None
        assert guess.grad.tolist() == [[-0.5, 0.0, 0.5]]
