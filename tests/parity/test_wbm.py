"""WBM: no weights of Apple's were released, and the open re-implementation needs CUDA; so the sheet is written again.

The whole forward pass, from minutes to the projection, with loops and in float64, under the names of OpenMHC's weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.special import erf
from torch import Tensor

from wearfm.errors import BadConfiguration, IncompatibleWeights, UnknownName
from wearfm.recipes.wbm import OPENMHC_VARIABLES, WBM, WBMConfig, openmhc, paper
from wearfm.windows.batch import Batch, Signal

Floats = NDArray[np.float64]
SHRUNK = {
    "variables": ("steps", "hr", "asleep"), "unscaled": ("asleep",), "window_s": 9 * 3600.0, "align_s": 3600.0,
    "apart_s": 3600.0, "width": 8, "depth": 2, "states": 3, "head_width": 4, "mlp_width": 12, "hidden_size": 10,
    "projection_size": 5, "heads": 2,
}  # fmt: skip
STATISTICS = {"steps": (300.0, 250.0), "hr": (70.0, 12.0)}
EXACT = {"rtol": 1e-10, "atol": 1e-10}  # float64


def linear(x: Floats, w: Mapping[str, Floats], name: str) -> Floats:
    return w[f"{name}.weight"] @ x + w.get(f"{name}.bias", np.zeros(1))


def norm(x: Floats, w: Mapping[str, Floats], name: str) -> Floats:
    centred = x - x.mean()
    return centred / np.sqrt((centred**2).mean() + 1e-5) * w[f"{name}.weight"] + w[f"{name}.bias"]


def gelu(x: Floats) -> Floats:
    return x * (1 + erf(x / np.sqrt(2))) / 2


def silu(x: Floats) -> Floats:
    return x / (1 + np.exp(-x))


def mamba(tokens: list[Floats], w: Mapping[str, Floats], name: str) -> list[Floats]:
    """The recurrence of Dao & Gu 2024, head by head and step by step."""
    heads, inner = len(w[f"{name}.D"]), w[f"{name}.out_proj.weight"].shape[1]
    states = (w[f"{name}.conv1d.weight"].shape[0] - inner) // 2
    size = inner // heads
    state, past, out = np.zeros((heads, size, states)), [], []
    for token in tokens:
        made = linear(token, w, f"{name}.in_proj")
        gate, moving, dt = made[:inner], made[inner : 2 * inner + 2 * states], made[2 * inner + 2 * states :]
        past.append(moving)
        seen = w[f"{name}.conv1d.bias"].copy()
        for back in range(min(4, len(past))):
            seen += w[f"{name}.conv1d.weight"][:, 0, 3 - back] * past[-1 - back]
        seen = silu(seen)
        y = np.zeros(inner)
        for head in range(heads):
            step = np.log1p(np.exp(dt[head] + w[f"{name}.dt_bias"][head]))
            x = seen[head * size : (head + 1) * size]
            keep = np.exp(-np.exp(w[f"{name}.A_log"][head]) * step)
            state[head] = keep * state[head] + step * np.outer(x, seen[inner : inner + states])
            y[head * size : (head + 1) * size] = state[head] @ seen[inner + states :] + w[f"{name}.D"][head] * x
        gated = y * silu(gate)
        out.append(linear(gated / np.sqrt((gated**2).mean() + 1e-5) * w[f"{name}.norm.weight"], w, f"{name}.out_proj"))
    return out


def both(tokens: list[Floats], w: Mapping[str, Floats], name: str) -> list[Floats]:
    forth, back = mamba(tokens, w, f"{name}.fwd"), mamba(tokens[::-1], w, f"{name}.bwd")[::-1]
    return [linear(np.concatenate(pair), w, f"{name}.proj") for pair in zip(forth, back, strict=True)]


def post_norm_layer(tokens: list[Floats], w: Mapping[str, Floats], name: str) -> list[Floats]:
    """Names and order of OpenMHC."""
    out = []
    for token, mixed in zip(tokens, both(tokens, w, name), strict=True):
        x = norm(token + mixed, w, f"{name}.norm1")
        out.append(norm(x + linear(gelu(linear(x, w, f"{name}.ffn.0")), w, f"{name}.ffn.3"), w, f"{name}.norm2"))
    return out


def pre_norm_layer(tokens: list[Floats], w: Mapping[str, Floats], name: str) -> list[Floats]:
    mixed = both([norm(token, w, f"{name}.norm1") for token in tokens], w, f"{name}.mix")
    return [token + more for token, more in zip(tokens, mixed, strict=True)]


def hours_by_hand(batch: Batch, row: int, config: WBMConfig) -> list[Floats]:
    """Values, then flags, hour by hour: sums of steps, means of the others, z-scores, 0 and 1 where nothing is."""
    out = []
    for hour in range(config.hours):
        values, flags = [], []
        for name in config.variables:
            stream = batch.streams[name]
            minutes = [m for m in range(60 * hour, 60 * hour + 60) if stream.valid[row, 0, m]]
            known = [float(stream.signal[row, 0, m]) for m in minutes]
            mean, std = STATISTICS.get(name, (0.0, 1.0))
            value = sum(known) if name == "steps" else sum(known) / max(len(known), 1)
            values.append((value - mean) / std if known else 0.0)
            flags.append(0.0 if known else 1.0)
        out.append(np.array(values + flags))
    return out


def batch_of_weeks(config: WBMConfig, *, rows: int = 4) -> Batch:
    """Minutes with gaps: single ones, whole hours, and no sleep at all in the last row."""
    generator = np.random.default_rng(0)
    streams = {}
    for name, (low, high) in zip(config.variables, ((0, 20), (50, 120), (0, 1)), strict=True):
        shape = (rows, 1, 60 * config.hours)
        valid = generator.uniform(size=shape) < 0.8
        valid[0, 0, 60:120] = False
        valid[-1] &= name != "asleep"
        signal = np.where(valid, generator.uniform(low, high, shape), 0.0).astype(np.float32)
        streams[name] = Signal(signal=torch.from_numpy(signal), valid=torch.from_numpy(valid), rate_hz=1 / 60)
    codes = torch.arange(rows)
    return Batch(streams=streams, participant=codes // 2, recording=codes, start_ns=codes, local_ns=codes * 0, group_size=2)


def shaken(config: WBMConfig) -> WBM:
    """A recipe in float64 with no weight at 0 or 1."""
    recipe = WBM(config, seed=1).double().eval()
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in recipe.student.parameters():
            parameter += 0.1 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
        for place, (mean, std) in enumerate(STATISTICS.values()):
            recipe.mean[place], recipe.std[place] = mean, std
    return recipe


def numpy_of(state: Mapping[str, Tensor]) -> dict[str, Floats]:
    return {name: tensor.double().numpy() for name, tensor in state.items()}


def test_the_open_construction_is_the_sheet_written_again() -> None:
    config = replace(openmhc(), **SHRUNK, tokenizer_hidden=6)
    recipe = shaken(config)
    batch, w = batch_of_weeks(config), numpy_of(recipe.to_original(prefix=""))
    embedded = recipe.embed(batch)
    ours, projected = recipe.student(recipe.prepare(batch))
    assert torch.equal(ours, embedded.vector)
    for row in range(len(batch)):
        hours = hours_by_hand(batch, row, config)
        tokens = [linear(gelu(linear(hour, w, "tokenizer.fc1")), w, "tokenizer.fc2") for hour in hours]
        for layer in range(config.depth):
            tokens = post_norm_layer(tokens, w, f"backbone.{layer}")
        vector = np.mean(tokens, axis=0)
        hidden = gelu(norm(linear(vector, w, "proj_head.0"), w, "proj_head.1"))
        out = linear(gelu(norm(linear(hidden, w, "proj_head.4"), w, "proj_head.5")), w, "proj_head.8")
        torch.testing.assert_close(embedded.vector[row], torch.from_numpy(vector), rtol=1e-6, atol=1e-6)  # minutes: float32
        torch.testing.assert_close(projected[row], torch.from_numpy(out), rtol=1e-6, atol=1e-6)  # minutes: float32


@pytest.mark.parametrize("removed", [[], [0, 3, 4, 8]], ids=["whole", "thinned"])
def test_the_papers_construction_is_written_again_with_hours_dropped_from_the_sequence(removed: list[int]) -> None:
    """One linear token, the hour of the week, pre-norm layers, a last norm; dropped hours are not there at all."""
    config = replace(paper(), **SHRUNK)
    recipe = shaken(config)
    batch, w = batch_of_weeks(config), numpy_of(recipe.student.state_dict())
    prepared = recipe.prepare(batch)
    visible = torch.ones(len(batch), config.hours, dtype=torch.bool)
    visible[:, removed] = False
    vector, projected = recipe.student(prepared, visible)
    for row in range(len(batch)):
        tokens = []
        for place in range(config.hours):
            if place in removed:
                continue
            hour = (72 + place) % 168  # Thursday, 1970-01-01 00:00, is 72 hours after Monday
            waves = [hour * 10000.0 ** (-i / 4) for i in range(4)]
            position = np.array([*np.sin(waves), *np.cos(waves)]).astype(np.float32)  # the table is float32
            tokens.append(linear(prepared.values[row, place].numpy(), w, "tokenizer.fc1") + position)
        for layer in range(config.depth):
            tokens = pre_norm_layer(tokens, w, f"backbone.{layer}")
        by_hand = np.mean([norm(token, w, "norm") for token in tokens], axis=0)
        torch.testing.assert_close(vector[row], torch.from_numpy(by_hand), **EXACT)
        out = linear(np.maximum(linear(by_hand, w, "head.layers.0"), 0), w, "head.layers.1")
        torch.testing.assert_close(projected[row], torch.from_numpy(out), **EXACT)


def test_the_names_are_those_of_the_published_file() -> None:
    """4 layers of two directions with 8 tensors each, proj, two norms, two linear maps; tokenizer and head."""
    shapes = {name: tuple(tensor.shape) for name, tensor in WBM(openmhc()).to_original().items()}
    assert len(OPENMHC_VARIABLES) == 19
    assert shapes["model.tokenizer.fc1.weight"] == (64, 38)
    assert shapes["model.tokenizer.fc2.weight"] == (256, 64)
    assert shapes["model.backbone.3.bwd.in_proj.weight"] == (1160, 256)
    assert shapes["model.backbone.0.proj.weight"] == (256, 512)
    assert shapes["model.backbone.0.ffn.0.weight"] == (1024, 256)
    assert shapes["model.backbone.0.ffn.3.weight"] == (256, 1024)
    assert [shapes[f"model.proj_head.{n}.weight"] for n in (0, 1, 4, 5, 8)] == [
        (1024, 256), (1024,), (256, 1024), (256,), (128, 256),
    ]  # fmt: skip
    assert len(shapes) == 4 * (2 * 8 + 5 * 2) + 4 + 10


@pytest.mark.parametrize("prefix", ["model.", "encoder.", ""])
def test_weights_come_back_under_any_of_the_prefixes_with_statistics_and_without_a_head(prefix: str) -> None:
    config = replace(openmhc(), **SHRUNK, tokenizer_hidden=6)
    recipe = shaken(config).float()
    known = {name: getattr(config, name) for name in ("variables", "unscaled", "window_s", "align_s", "apart_s")}
    state = recipe.to_original(prefix=prefix)
    again = WBM.from_original(state, **known, statistics=STATISTICS)
    assert all(torch.equal(tensor, again.student.state_dict()[name]) for name, tensor in recipe.student.state_dict().items())
    assert all(torch.equal(tensor, again.teacher.state_dict()[name]) for name, tensor in recipe.student.state_dict().items())
    assert (again.mean.tolist(), again.std.tolist()) == ([300.0, 70.0], [250.0, 12.0])
    batch = batch_of_weeks(config)
    assert torch.equal(again.eval().embed(batch).vector, recipe.embed(batch).vector)
    headless = {name: tensor for name, tensor in state.items() if "proj_head" not in name}
    encoder = WBM.from_original(headless, **known, statistics=STATISTICS).eval()
    assert torch.equal(encoder.embed(batch).vector, recipe.embed(batch).vector)


def test_what_does_not_fit_is_listed() -> None:
    config = replace(openmhc(), **SHRUNK, tokenizer_hidden=6)
    known = {name: getattr(config, name) for name in ("variables", "unscaled", "window_s", "align_s", "apart_s")}
    state = WBM(config).to_original()
    with pytest.raises(IncompatibleWeights, match=r"backbone\.1\.bwd\.A_log"):
        WBM.from_original({k: v for k, v in state.items() if k != "model.backbone.1.bwd.A_log"}, **known)
    with pytest.raises(IncompatibleWeights, match=r"encoder\.tokenizer"):
        WBM.from_original({**state, "encoder.tokenizer.fc1.weight": torch.zeros(1)}, **known)
    with pytest.raises(IncompatibleWeights, match=r"tokenizer\.fc1\.weight"):
        WBM.from_original(state)  # 19 variables
    with pytest.raises(UnknownName, match="variable that is z-scored 'asleep'"):
        WBM.from_original(state, **known, statistics={"asleep": (0.0, 1.0)})
    with pytest.raises(BadConfiguration, match="mamba2 with two_layers has no published names"):
        WBM(replace(paper(), **SHRUNK)).to_original()
