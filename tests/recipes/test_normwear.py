"""NormWear: what enters, what gaps may not do, what pretraining learns from, whose weights it takes."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from wearfm.errors import BadConfiguration, IncompatibleWeights, UnknownName
from wearfm.nn.draws import Draws
from wearfm.recipes import create, import_original
from wearfm.recipes.normwear import (
    MASKS,
    NormWear,
    NormWearConfig,
    original_name,
    paper,
    small,
)
from wearfm.signals.conditioning import condition
from wearfm.windows.batch import Batch, Signal


def tiny(**changes: Any) -> NormWearConfig:
    """A network of a few thousand weights on short windows; the original's layout."""
    sizes = {"length": 100, "plane_rows": 99, "width": 64, "depth": 3, "heads": 1, "mlp_width": 32}
    decoder = {"decoder_width": 64, "decoder_depth": 1, "decoder_heads": 1, "decoder_mlp_width": 32, "decoder_hidden": 8}
    return replace(paper(), **sizes | decoder | {"window_s": 100 / 65} | changes)


def batch(rows: int = 3, *, samples: int = 100, seed: int = 0, rate_hz: float = 65.0, **channels: int) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    streams = {}
    for name, count in (channels or {"ppg": 1, "acc": 3}).items():
        signal = torch.randn(rows, count, samples, generator=generator).cumsum(dim=2)
        streams[name] = Signal(signal=signal, valid=torch.ones_like(signal, dtype=torch.bool), rate_hz=rate_hz)
    numbers = torch.arange(rows)
    return Batch(streams=streams, participant=numbers, recording=numbers, start_ns=numbers, local_ns=numbers)


def with_gaps(full: Batch, filler: float) -> Batch:
    """Windows with a hole, a short end, an absent channel, an absent modality, and whatever stands there."""
    valid = {name: stream.valid.clone() for name, stream in full.streams.items()}
    valid["ppg"][0, 0, 40:50] = False
    valid["acc"][1, :, 80:] = False
    valid["acc"][2, 1] = False
    valid["ppg"][2] = False
    streams = {
        name: replace(stream, valid=valid[name], signal=torch.where(valid[name], stream.signal, filler))
        for name, stream in full.streams.items()
    }
    return replace(full, streams=streams)


@pytest.fixture(scope="module")
def recipe() -> NormWear:
    return NormWear(tiny()).eval()


def test_modalities_become_channels_in_the_order_of_their_names(recipe: NormWear) -> None:
    windows = batch(acc=3, ppg=1, eda=2)
    turned = replace(windows, streams=dict(reversed(windows.streams.items())))
    prepared = recipe.prepare(windows)
    assert prepared.signal.shape == (3, 6, 100)
    assert torch.equal(prepared.signal, recipe.prepare(turned).signal)
    alone = recipe.prepare(replace(windows, streams={"ppg": windows.streams["ppg"]}))
    assert torch.equal(prepared.signal[:, 5:], alone.signal)


def test_prepared_channels_have_mean_size_one(recipe: NormWear) -> None:
    prepared = recipe.prepare(batch())
    torch.testing.assert_close(prepared.signal.abs().mean(dim=2), torch.ones(3, 4))


def test_a_wrong_rate_is_refused(recipe: NormWear) -> None:
    with pytest.raises(BadConfiguration, match="ppg comes at 64 Hz; normwear reads 65 Hz: resample it first"):
        recipe.prepare(batch(rate_hz=64.0, ppg=1))


@torch.no_grad()
def test_what_stands_in_a_gap_cannot_move_a_bit(recipe: NormWear) -> None:
    zero, far, unknown = (recipe.embed(with_gaps(batch(), filler)) for filler in (0.0, 1e6, math.nan))
    for other in (far, unknown):
        assert torch.equal(zero.vector, other.vector)
        assert torch.equal(zero.channels, other.channels)
        assert torch.equal(zero.tokens, other.tokens)
    assert zero.vector.isfinite().all()


@torch.no_grad()
def test_an_absent_channel_is_as_if_it_had_never_been(recipe: NormWear) -> None:
    windows = with_gaps(batch(), math.nan).select(slice(2, 3))
    acc = windows.streams["acc"]
    left = replace(acc, signal=acc.signal[:, [0, 2]], valid=acc.valid[:, [0, 2]])
    torch.testing.assert_close(
        recipe.embed(windows).vector, recipe.embed(replace(windows, streams={"acc": left})).vector, rtol=0, atol=1e-5
    )


@torch.no_grad()
def test_a_window_of_the_batch_is_embedded_as_if_alone(recipe: NormWear) -> None:
    windows = with_gaps(batch(), 0.0)
    together = recipe.embed(windows).vector
    for row in range(3):
        alone = recipe.embed(windows.select(slice(row, row + 1))).vector[0]
        torch.testing.assert_close(alone, together[row], rtol=0, atol=1e-5)


@torch.no_grad()
def test_the_masked_path_without_gaps_is_the_plain_one(recipe: NormWear, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = recipe.embed(batch())
    monkeypatch.setattr(torch.compiler, "is_exporting", lambda: True)
    torch.testing.assert_close(recipe.embed(batch()).vector, plain.vector, rtol=0, atol=2e-5)  # convolution, not Fourier


@torch.no_grad()
def test_a_window_without_any_sample_gives_zeros_and_no_nan(recipe: NormWear) -> None:
    windows = batch(ppg=1)
    nothing = replace(windows.streams["ppg"], valid=torch.zeros(3, 1, 100, dtype=torch.bool))
    assert not recipe.embed(replace(windows, streams={"ppg": nothing})).vector.any()


@torch.no_grad()
@pytest.mark.parametrize("samples", [10, 64, 101, 250])
def test_any_length_and_any_number_of_channels(recipe: NormWear, samples: int) -> None:
    made = recipe.embed(batch(2, samples=samples, acc=samples % 5 + 1))
    assert made.vector.shape == (2, 64)
    assert made.tokens.shape[3] == 64
    assert made.vector.isfinite().all()


def test_a_window_shorter_than_a_patch_is_refused(recipe: NormWear) -> None:
    with pytest.raises(BadConfiguration, match="a window of 9 samples is shorter than a patch of 9 steps; use a longer one"):
        recipe.encode(torch.zeros(1, 1, 9))


@torch.no_grad()
def test_channels_may_come_in_any_order(recipe: NormWear) -> None:
    signal, order = recipe.prepare(batch()).signal, [2, 0, 3, 1]
    tokens = recipe.encode(signal).tokens
    torch.testing.assert_close(recipe.encode(signal[:, order]).tokens, tokens[:, order], rtol=0, atol=1e-5)


@torch.no_grad()
def test_channels_meet_in_the_fusion_layers_only() -> None:
    signal = torch.randn(1, 2, 100, generator=torch.Generator().manual_seed(0))
    other = torch.stack([signal[:, 0], signal[:, 1].flip(1)], dim=1)
    for depth, meets in ((1, True), (3, True)):
        recipe = NormWear(tiny(depth=depth))
        moved = (recipe.encode(signal).tokens - recipe.encode(other).tokens)[0, 0].abs()
        assert (moved[0].max() > 1e-4) == meets
        assert (moved[1:].max() > 1e-4) == (depth > 1)  # patches learn of the other channel one layer later


@torch.no_grad()
def test_vectors_are_pooled_as_configured() -> None:
    windows = batch()
    made = {}
    for pooling in ("mean", "cls"):
        for channels in ("average", "concatenate"):
            recipe = NormWear(tiny(pooling=pooling, channel_pooling=channels)).eval()
            made[pooling, channels] = recipe.embed(windows)
            assert recipe.embedding_size == (64 if channels == "average" else None)
    tokens = made["mean", "average"].tokens
    torch.testing.assert_close(made["mean", "average"].vector, tokens.mean(dim=(1, 2)))
    torch.testing.assert_close(made["cls", "average"].vector, tokens[:, :, 0].mean(dim=1))
    torch.testing.assert_close(made["mean", "concatenate"].vector, tokens.mean(dim=2).flatten(1))
    torch.testing.assert_close(made["cls", "concatenate"].vector, tokens[:, :, 0].flatten(1))


def test_channels_that_are_missing_cannot_be_concatenated() -> None:
    recipe = NormWear(tiny(channel_pooling="concatenate"))
    with pytest.raises(BadConfiguration, match=r'window 2 lacks channel 1; .* use channel_pooling="average"'):
        recipe.embed(with_gaps(batch(), 0.0))


@pytest.mark.parametrize("mask", MASKS)
def test_masks_hide_what_the_paper_says(mask: str) -> None:
    recipe = create("normwear", preset="small", plane_rows=387, num_scales=65, patch=(9, 5), **MASKS[mask])
    assert isinstance(recipe, NormWear)
    drawn = recipe.draw_mask(4, Draws(seed=1), gaps=None, device=torch.device("cpu"))
    assert drawn.kept.shape[1] == {"structured": 17 * 6, "unstructured": 111, "time": 8 * 13, "scale": 43 * 2}[mask]
    assert not torch.equal(drawn.hidden[0], drawn.hidden[1])


@pytest.mark.parametrize("channels", [1, 3, 4, 6])
@pytest.mark.parametrize("decoder_channels", [1, 4])
def test_any_number_of_channels_trains(channels: int, decoder_channels: int) -> None:
    recipe = NormWear(tiny(decoder_channels=decoder_channels, time_share=0.3))
    recipe.loss(batch(acc=channels), Draws(seed=1)).total.backward()
    assert [name for name, p in recipe.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_the_loss_does_not_see_into_gaps() -> None:
    losses, gradients = [], []
    for filler in (0.0, math.nan):
        recipe = NormWear(tiny(decoder_channels=1))
        loss = recipe.loss(with_gaps(batch(), filler), Draws(seed=1)).total
        loss.backward()
        losses.append(loss)
        gradients.append(torch.cat([p.grad.flatten() for p in recipe.parameters()]))
    assert torch.equal(*losses)
    assert torch.equal(*gradients)
    assert gradients[0].isfinite().all()


def test_absent_channels_leave_no_trace_in_training() -> None:
    windows = batch(ppg=1)
    acc = batch(acc=2).streams["acc"]
    absent = replace(acc, valid=torch.zeros_like(acc.valid))
    results = []
    for streams in (windows.streams, {**windows.streams, "zzz": absent}):
        recipe = NormWear(tiny(decoder_channels=1, time_share=0.0, scale_share=0.0))
        loss = recipe.loss(replace(windows, streams=streams), Draws(seed=1)).total
        results.append((loss.detach(), recipe.decoder.channel_norm.running_var.clone()))
    torch.testing.assert_close(results[0], results[1])


@pytest.mark.slow
def test_it_learns_what_it_does_not_see() -> None:
    recipe, windows = NormWear(tiny(decoder_channels=1, time_share=0.3)), batch(8, ppg=1)
    optimiser = torch.optim.AdamW(recipe.parameters(), lr=3e-3)
    losses = []
    for _ in range(50):
        loss = recipe.loss(windows, Draws(seed=1)).total
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.2 * losses[0]


def test_hidden_patches_are_not_computed() -> None:
    recipe, seen = NormWear(tiny()), []
    hook = recipe.encoder.layers[0].register_forward_hook(lambda _layer, _inputs, output: seen.append(output.shape[1]))
    recipe.loss(batch(), Draws(seed=0))
    hook.remove()
    assert seen == [1 + 4 * 6]  # of 11 x 13 patches: [CLS], 4 time steps, 6 scales


def test_a_window_too_short_for_the_decoder_is_refused(recipe: NormWear) -> None:
    with pytest.raises(BadConfiguration, match="a window of 90 samples; the decoder returns 100: use a longer window_s"):
        recipe.loss(batch(samples=90), Draws(seed=0))


def original_state(**changes: Any) -> dict[str, Tensor]:
    return NormWear(tiny(**changes), seed=3).to_original()


@pytest.mark.parametrize("wrapped", [False, True])
def test_original_weights_return_whole(wrapped: bool) -> None:
    state = original_state(decoder_channels=2)
    recipe = import_original("normwear", {"model": state} if wrapped else state)
    assert isinstance(recipe, NormWear)
    assert recipe.config == tiny(
        decoder_channels=2, scalogram="scipy", preprocess="none", window_s=6.0
    )  # read from the shapes; the rest as documented
    again = recipe.to_original()
    assert again.keys() == state.keys()
    assert all(torch.equal(again[key], state[key]) for key in state)


def test_the_released_layout_is_the_paper_preset() -> None:
    with torch.device("meta"):
        recipe = NormWear(paper())
    state = {original_name(key): value for key, value in recipe.state_dict().items()}
    assert len(state) == 261
    assert sum(value.numel() for value in state.values()) == 136_116_425
    assert state["encoder_blocks.10.cls_fusion.mlp.fc2.weight"].shape == (768, 3072)
    assert state["spatial_recon.conv1.weight"].shape == (384, 2048, 1)


def test_weights_that_do_not_fit_are_listed_under_their_own_names() -> None:
    state = original_state()
    del state["encoder_blocks.1.variate_encoder.attn.qkv.weight"]
    state["encoder_blocks.0.cls_fusion.norm1.weight"] = torch.zeros(5)
    state["zebra"] = torch.zeros(1)
    with pytest.raises(IncompatibleWeights) as caught:
        NormWear.from_original(state)
    assert caught.value.missing == ("encoder_blocks.1.variate_encoder.attn.qkv.weight",)
    assert caught.value.unexpected == ("zebra",)
    assert caught.value.shapes == {"encoder_blocks.0.cls_fusion.norm1.weight": ((5,), (64,))}


def test_foreign_weights_are_refused_with_a_list() -> None:
    with pytest.raises(IncompatibleWeights, match=r"left over \(1\): zebra"):
        NormWear.from_original({"zebra": torch.zeros(1)})


def test_construction_is_a_function_of_the_seed_and_leaves_the_global_state_alone() -> None:
    before = torch.get_rng_state()
    first, second, third = (NormWear(tiny(), seed=seed).state_dict() for seed in (4, 4, 5))
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert not torch.equal(first["encoder.class_token"], third["encoder.class_token"])


def test_settings_that_cannot_work_are_refused() -> None:
    with pytest.raises(UnknownName, match="preprocess of normwear 'hous' is not known; did you mean 'house'"):
        replace(small(), preprocess="hous")
    with pytest.raises(BadConfiguration, match="planes of 5 x 32 hold no patch of"):
        replace(small(), plane_rows=5)
    with pytest.raises(BadConfiguration, match="widths 130 and 64: positions need multiples of 4"):
        replace(small(), width=130)


def test_the_original_preprocessing_leaves_gaps_and_constants_at_zero() -> None:
    recipe = NormWear(tiny(preprocess="original"))
    windows = with_gaps(batch(), math.nan)
    windows.streams["acc"].signal[0, 0] = 5.0
    prepared = recipe.prepare(windows)
    assert prepared.signal.isfinite().all()
    assert not prepared.signal[~prepared.valid].any()
    full = batch(ppg=1)
    expected = condition(full.streams["ppg"].signal[:, 0].double().numpy(), 65.0)
    np.testing.assert_allclose(recipe.prepare(full).signal[:, 0], expected, atol=1e-6)


@pytest.mark.slow
@torch.no_grad()
def test_it_exports_with_gaps() -> None:
    class Vector(torch.nn.Module):
        def __init__(self, recipe: NormWear) -> None:
            super().__init__()
            self.recipe = recipe

        def forward(self, signal: Tensor, valid: Tensor) -> Tensor:
            rows = torch.zeros(len(signal), dtype=torch.int64)
            stream = Signal(signal=signal, valid=valid, rate_hz=65.0)
            batch = Batch(streams={"ppg": stream}, participant=rows, recording=rows, start_ns=rows, local_ns=rows)
            return self.recipe.embed(batch).vector

    module, windows = Vector(NormWear(tiny()).eval()), with_gaps(batch(), 0.0).streams["acc"]
    exported = torch.export.export(module, (windows.signal, windows.valid)).module()
    torch.testing.assert_close(
        exported(windows.signal, windows.valid), module(windows.signal, windows.valid), rtol=0, atol=2e-5
    )  # convolution, not Fourier


def test_series_are_all_channels_in_their_own_units() -> None:
    recipe = NormWear(tiny()).eval()
    windows = with_gaps(batch(samples=102), math.nan)
    series = recipe.series(windows)
    assert series.names == ("acc", "acc 2", "acc 3", "ppg")
    assert series.units == ("g", "g", "g", "au")
    assert (series.step_s, series.block) == (1 / 65, 9)
    assert series.values.shape == series.valid.shape == (3, 4, 100)
    assert torch.equal(series.valid[:, 3:], windows.streams["ppg"].valid[..., :100])
    assert not series.values[~series.valid].any()


@torch.no_grad()
@pytest.mark.parametrize(("decoder_channels", "channels"), [(1, 3), (4, 4), (4, 1), (4, 3), (4, 6)])
def test_any_number_of_channels_is_filled_in(decoder_channels: int, channels: int) -> None:
    recipe, windows = NormWear(tiny(decoder_channels=decoder_channels)).eval(), batch(acc=channels)
    hidden = torch.zeros(3, channels, 100, dtype=torch.bool)
    hidden[:, 0, 30:50] = True
    guess = recipe.fill(windows, hidden)
    assert guess.shape == hidden.shape
    assert guess.isfinite().all()
    moved = replace(windows.streams["acc"], signal=windows.streams["acc"].signal.masked_fill(hidden, 1e6))
    assert torch.equal(guess, recipe.fill(replace(windows, streams={"acc": moved}), hidden))


@torch.no_grad()
def test_what_is_filled_in_moves_with_level_line_and_size_of_what_is_seen() -> None:
    recipe, windows = NormWear(tiny(decoder_channels=1)).eval(), batch(ppg=1)
    hidden = torch.zeros(3, 1, 100, dtype=torch.bool)
    hidden[..., 40:60] = True
    signal = windows.streams["ppg"].signal
    other = replace(windows.streams["ppg"], signal=5 * signal + 2 * torch.arange(100) / 100 + 70)
    guess, moved = recipe.fill(windows, hidden), recipe.fill(replace(windows, streams={"ppg": other}), hidden)
    torch.testing.assert_close(moved, 5 * guess + 2 * torch.arange(100) / 100 + 70, rtol=1e-3, atol=1e-2)  # fits of float32


@torch.no_grad()
def test_the_line_is_not_drawn_beyond_what_was_seen() -> None:
    recipe = NormWear(tiny(decoder_channels=1)).eval()
    windows = batch(1, ppg=1)
    windows.streams["ppg"].signal[:] = torch.arange(100.0)
    hidden = torch.zeros(1, 1, 100, dtype=torch.bool)
    hidden[..., 10:] = True
    assert recipe.fill(windows, hidden)[0, 0, -1] < 20
    assert not recipe.fill(windows, torch.ones_like(hidden)).any()


def test_filling_in_leaves_a_training_network_as_it_is() -> None:
    recipe, windows = NormWear(tiny(decoder_channels=1)).train(), batch(ppg=1)
    before = recipe.decoder.channel_norm.running_mean.clone()
    guess = recipe.fill(windows, torch.zeros(3, 1, 100, dtype=torch.bool))
    assert recipe.training
    assert torch.equal(before, recipe.decoder.channel_norm.running_mean)
    assert torch.equal(guess, recipe.eval().fill(windows, torch.zeros(3, 1, 100, dtype=torch.bool)))
