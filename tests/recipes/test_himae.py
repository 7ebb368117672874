"""HiMAE: scaling, masks, loss, resolutions, gaps, filling in, whose weights it takes."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from wearfm.errors import BadConfiguration, IncompatibleWeights, UnknownName
from wearfm.nn.draws import Draws
from wearfm.recipes.himae import HiMAE, HiMAEConfig, ecg, hz25, paper, ppg_ecg, small
from wearfm.windows.batch import Batch, Signal


def tiny(**changes: Any) -> HiMAEConfig:
    """Three levels of a few channels on 40 samples."""
    return replace(small(), rate_hz=20.0, window_s=2.0, widths=(4, 6, 8), level=2, **changes)


def batch(config: HiMAEConfig, rows: int = 4, *, seed: int = 0) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    streams = {}
    for name in config.modalities:
        signal = torch.randn(rows, 1, config.length, generator=generator).cumsum(dim=2)
        streams[name] = Signal(signal=signal, valid=torch.ones_like(signal, dtype=torch.bool), rate_hz=config.rate_hz)
    numbers = torch.arange(rows)
    return Batch(streams=streams, participant=numbers, recording=numbers, start_ns=numbers, local_ns=numbers)


def of(values: list[float], *, gaps: tuple[int, ...] = (), rate_hz: float = 20.0) -> Batch:
    """One window of PPG with these samples; not valid in the gaps, where the samples must not matter."""
    signal = torch.tensor(values)[None, None]
    valid = torch.ones_like(signal, dtype=torch.bool)
    valid[..., list(gaps)] = False
    zero = torch.zeros(1, dtype=torch.int64)
    stream = Signal(signal=signal, valid=valid, rate_hz=rate_hz)
    return Batch(streams={"ppg": stream}, participant=zero, recording=zero, start_ns=zero, local_ns=zero)


def test_the_released_network_has_its_published_size() -> None:
    recipe = HiMAE(paper())
    assert sum(p.numel() for p in recipe.parameters()) == 1_245_953
    assert sum(p.numel() for p in recipe.encoder.parameters()) == 700_672
    assert len(recipe.state_dict()) == 148
    assert sum(p.numel() for p in HiMAE(small()).parameters()) == 312_577


@pytest.mark.parametrize(("make", "lengths"), [(paper, [500, 250, 125, 63, 32]), (hz25, [125, 63, 32, 16, 8])])
@torch.no_grad()
def test_every_level_has_half_the_positions_of_the_one_before(make: Any, lengths: list[int]) -> None:
    recipe = HiMAE(make()).eval()
    signal, _ = recipe.prepare(batch(make(), 1))
    assert [each.shape[2] for each in recipe.encode(signal)] == lengths
    assert recipe.reconstruct(signal, None).shape == signal.shape


def test_channels_are_scaled_by_their_valid_samples_only() -> None:
    recipe = HiMAE(tiny())
    values = [10.0, 14.0, 99.0, 12.0] + [10.0] * 36
    signal, _ = recipe.prepare(of(values, gaps=(2,)))
    assert signal[0, 0, :4].tolist() == [-1.0, 1.0, 0.0, 0.0]


@pytest.mark.parametrize("values", [[5.0] * 40, [5.0] * 39 + [5.0 + 5e-7]])
def test_a_channel_that_does_not_move_becomes_zeros(values: list[float]) -> None:
    assert not HiMAE(tiny()).prepare(of(values)).signal.any()


def test_four_fifths_of_the_patches_are_hidden_in_every_window_anew() -> None:
    recipe = HiMAE(paper())
    hidden = recipe.draw_mask(3, Draws(seed=1), device=torch.device("cpu"))
    patches = hidden.view(3, 200, 5)
    assert torch.equal(patches.any(dim=2), patches.all(dim=2))
    assert patches[..., 0].sum(dim=1).tolist() == [160, 160, 160]
    assert not torch.equal(hidden[0], hidden[1])


def test_the_network_never_sees_what_is_hidden() -> None:
    recipe = HiMAE(tiny()).eval()
    signal, _ = recipe.prepare(batch(tiny()))
    hidden = recipe.draw_mask(4, Draws(seed=1), device=torch.device("cpu"))
    other = torch.where(hidden, 0.5, signal)
    assert torch.equal(recipe.reconstruct(signal, hidden), recipe.reconstruct(other, hidden))


def test_the_loss_is_the_mean_over_hidden_samples_that_were_measured() -> None:
    config = tiny()
    recipe, windows = HiMAE(config).eval(), batch(config, 2)
    windows.streams["ppg"].valid[0, 0, 3:11] = False
    made = recipe.loss(windows, Draws(seed=1)).total

    signal, valid = recipe.prepare(windows)
    hidden = recipe.draw_mask(2, Draws(seed=1), device=torch.device("cpu"))
    guess = recipe.reconstruct(signal, hidden)
    errors = [
        (guess[row, 0, t] - signal[row, 0, t]).item() ** 2
        for row in range(2)
        for t in range(40)
        if hidden[row, 0, t] and valid[row, 0, t]
    ]
    assert made.item() == pytest.approx(sum(errors) / len(errors), rel=1e-5)


def test_windows_without_signal_do_not_reach_the_batch_norms() -> None:
    config = tiny()
    windows = batch(config, 4)
    windows.streams["ppg"].valid[2:] = False
    whole, half = HiMAE(config).train(), HiMAE(config).train()
    whole.loss(windows, Draws(seed=1, first=0, rows=4, total=4))
    half.loss(windows.select(slice(0, 2)), Draws(seed=1, first=0, rows=2, total=4))
    for one, other in zip(whole.buffers(), half.buffers(), strict=True):
        torch.testing.assert_close(one, other)


def test_a_batch_without_any_signal_costs_nothing_and_breaks_nothing() -> None:
    config = tiny()
    recipe, windows = HiMAE(config).train(), batch(config, 2)
    windows.streams["ppg"].valid[:] = False
    loss = recipe.loss(windows, Draws(seed=1)).total
    loss.backward()
    assert loss.item() == 0.0
    assert all(p.grad is not None and not p.grad.any() for p in recipe.parameters())
    assert all(buffer.isfinite().all() for buffer in recipe.buffers())


@torch.no_grad()
def test_each_level_is_the_mean_of_its_map_and_all_of_them_stand_side_by_side() -> None:
    windows = batch(tiny())
    recipe, every = HiMAE(tiny()).eval(), HiMAE(replace(tiny(), level=-1)).eval()
    maps = recipe.encode(recipe.prepare(windows).signal)
    for each, vector in zip(maps, recipe.levels(windows), strict=True):
        torch.testing.assert_close(vector, each.mean(dim=2))
    assert torch.equal(recipe.embed(windows).vector, recipe.levels(windows)[2])
    assert torch.equal(every.embed(windows).vector, torch.cat(recipe.levels(windows), dim=1))
    assert (recipe.embedding_size, every.embedding_size) == (8, 18)


@torch.no_grad()
def test_positions_without_a_valid_sample_are_left_out_of_the_mean() -> None:
    recipe, windows = HiMAE(tiny()).eval(), batch(tiny(), 1)
    windows.streams["ppg"].valid[0, 0, 16:] = False
    maps = recipe.encode(recipe.prepare(windows).signal)
    for each, vector, seen in zip(maps, recipe.levels(windows), (8, 4, 2), strict=True):
        torch.testing.assert_close(vector, each[..., :seen].mean(dim=2))


@torch.no_grad()
def test_a_window_without_signal_has_zeros_at_every_level() -> None:
    recipe, windows = HiMAE(tiny()).eval(), batch(tiny(), 1)
    windows.streams["ppg"].valid[:] = False
    assert not any(vector.any() for vector in recipe.levels(windows))
    assert not recipe.frames(windows).any()


@torch.no_grad()
def test_frames_are_the_positions_of_a_level_in_their_order() -> None:
    recipe, windows = HiMAE(tiny()).eval(), batch(tiny(), 2)
    maps = recipe.encode(recipe.prepare(windows).signal)
    assert torch.equal(recipe.frames(windows), maps[2].transpose(1, 2))
    every = HiMAE(replace(tiny(), level=-1)).eval().frames(windows)
    assert every.shape == (2, 5, 18)  # 20, 10 and 5 positions
    torch.testing.assert_close(every[:, 0, :4], maps[0][..., :4].mean(dim=2))


def test_embedding_uses_running_statistics_and_leaves_the_mode_alone() -> None:
    recipe, windows = HiMAE(tiny()), batch(tiny())
    recipe.loss(windows, Draws(seed=1))
    before = [buffer.clone() for buffer in recipe.buffers()]
    training = recipe.train().embed(windows).vector
    assert recipe.training
    assert torch.equal(training, recipe.eval().embed(windows).vector)
    assert all(torch.equal(one, other) for one, other in zip(before, recipe.buffers(), strict=True))


@torch.no_grad()
def test_what_is_filled_in_lies_between_the_visible_samples_in_their_unit() -> None:
    config = replace(tiny(), modalities=("ppg", "ecg"))
    recipe, windows = HiMAE(config).eval(), batch(config)
    series = recipe.series(windows)
    assert (series.names, series.units, series.step_s, series.block) == (("ppg", "ecg"), ("au", "mV"), 0.05, 5)
    torch.testing.assert_close(series.values[:, 1:], windows.streams["ecg"].signal)
    hidden = torch.zeros_like(series.valid)
    hidden[:, 0, 7:19] = True
    guess, seen = recipe.fill(windows, hidden), series.values[:, 0][:, [*range(7), *range(19, 40)]]
    assert (guess[:, 0] >= seen.amin(dim=1, keepdim=True)).all()
    assert (guess[:, 0] <= seen.amax(dim=1, keepdim=True)).all()


@torch.no_grad()
def test_hidden_samples_do_not_set_the_scale() -> None:
    recipe = HiMAE(tiny()).eval()
    quiet, loud = [float(t % 4) for t in range(40)], [float(t % 4) for t in range(40)]
    loud[20] = 1e6
    hidden = torch.zeros(1, 1, 40, dtype=torch.bool)
    hidden[..., 20] = True
    assert torch.equal(recipe.fill(of(quiet), hidden), recipe.fill(of(loud), hidden))


@torch.no_grad()
def test_without_movement_the_level_is_the_guess_and_without_signal_zero() -> None:
    recipe, hidden = HiMAE(tiny()).eval(), torch.zeros(1, 1, 40, dtype=torch.bool)
    hidden[..., 1:] = True
    assert recipe.fill(of([7.0] * 40), hidden).unique().tolist() == [7.0]
    assert not recipe.fill(of([7.0] * 40), torch.ones_like(hidden)).any()


@pytest.mark.slow
def test_it_learns_to_fill_in_a_wave_better_than_its_mean() -> None:
    config = tiny()
    generator = torch.Generator().manual_seed(0)

    def waves(rows: int) -> Batch:
        phase = torch.rand(rows, 1, 1, generator=generator) * 2 * math.pi
        signal = torch.sin(torch.arange(40) * (2 * math.pi / 20) + phase) + 5
        stream = Signal(signal=signal, valid=torch.ones_like(signal, dtype=torch.bool), rate_hz=20.0)
        numbers = torch.arange(rows)
        return Batch(streams={"ppg": stream}, participant=numbers, recording=numbers, start_ns=numbers, local_ns=numbers)

    recipe = HiMAE(replace(config, mask_share=0.5)).train()
    optimiser = torch.optim.AdamW(recipe.parameters(), lr=1e-2)
    for step in range(150):
        optimiser.zero_grad()
        recipe.loss(waves(32), Draws(seed=0, step=step)).total.backward()
        optimiser.step()
    windows, hidden = waves(16), recipe.draw_mask(16, Draws(seed=3), device=torch.device("cpu"))
    truth = recipe.series(windows).values
    with torch.no_grad():
        error = (recipe.eval().fill(windows, hidden) - truth)[hidden].square().mean()
    assert error < 0.5 * (truth - truth.mean(dim=2, keepdim=True))[hidden].square().mean()


def original(config: HiMAEConfig, *, prefix: str = "") -> dict[str, Tensor]:
    return {prefix + key: value for key, value in HiMAE(config, seed=3).to_original().items()}


@pytest.mark.parametrize("prefix", ["", "model."])
@pytest.mark.parametrize("make", [small, ppg_ecg])
def test_published_weights_tell_their_sizes_and_return_whole(make: Any, prefix: str) -> None:
    state = original(make(), prefix=prefix)
    recipe = HiMAE.from_original(state, rate_hz=make().rate_hz)
    assert recipe.config == replace(make())
    again = recipe.to_original()
    assert all(torch.equal(again[key.removeprefix("model.")], value) for key, value in state.items())


def test_weights_of_another_modality_are_named_by_the_caller() -> None:
    assert HiMAE.from_original(original(ecg()), modalities=("ecg",)).config == ecg()


def test_weights_that_do_not_fit_are_listed_under_their_own_names() -> None:
    state = original(paper(), prefix="model.")
    del state["model.encoder_layers.0.main_path.0.weight"]
    state["model.final_deconv.bias"] = torch.zeros(3)
    state["model.zebra"] = torch.zeros(1)
    with pytest.raises(IncompatibleWeights) as caught:
        HiMAE.from_original(state)
    assert caught.value.missing == ("encoder_layers.0.main_path.0.weight",)
    assert caught.value.unexpected == ("zebra",)
    assert caught.value.shapes == {"final_deconv.bias": ((3,), (1,))}


def test_construction_is_a_function_of_the_seed() -> None:
    first, second, third = (HiMAE(tiny(), seed=seed).state_dict() for seed in (4, 4, 5))
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert not torch.equal(first["last.weight"], third["last.weight"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"level": 5}, "level=5: choose 0 to 4, or -1 for all levels"),
        ({"window_s": 10.01}, "window_s=10.01 at 100 Hz has 1001 samples: patches of 5 must fill it"),
        ({"window_s": 0.2}, "has 20 samples: 5 levels divide time by 32; use a longer window or fewer widths"),
        ({"kernel": 4}, "kernel=4: symmetric padding needs an odd kernel"),
        ({"modalities": ("ppg", "ppg")}, "name at least one, each once"),
        ({"mask_share": 1.0}, "mask_share=1: something must be hidden and something seen"),
    ],
)
def test_settings_that_cannot_work_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(BadConfiguration, match=message):
        replace(paper(), **changes)


def test_an_unknown_modality_is_refused() -> None:
    with pytest.raises(UnknownName, match="modality 'pgg' is not known; did you mean 'ppg'"):
        replace(paper(), modalities=("pgg",))


def test_batches_of_something_else_are_refused() -> None:
    recipe = HiMAE(tiny())
    with pytest.raises(BadConfiguration, match="a batch of ecg; himae was made for ppg: set modalities"):
        recipe.prepare(batch(replace(tiny(), modalities=("ecg",))))
    with pytest.raises(BadConfiguration, match="ppg of 1 channels, 40 samples at 25 Hz; himae was made for 1, 40 at 20 Hz"):
        recipe.prepare(of([0.0] * 40, rate_hz=25.0))
