"""LSM-2: what a token is, what each mask may hide, what gaps may not do, and days filled in physical units."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.recordings import channel, recording
from wearfm.errors import BadConfiguration, UnknownName
from wearfm.nn import gather
from wearfm.nn.draws import Draws
from wearfm.recipes.base import at_window
from wearfm.recipes.lsm2 import LSM2, LSM2Config, artificial_mask, paper, small
from wearfm.signals.minutes.features import MINUTE_HZ, feature_number
from wearfm.signals.recording import SECOND
from wearfm.store import Store
from wearfm.windows.batch import Batch, Signal
from wearfm.windows.index import WindowIndex
from wearfm.windows.load import load

FEATURES = ("hr", "steps", "temp")
TOKENS = 12  # of each signal: two hours of ten minutes


def tiny(**changes: Any) -> LSM2Config:
    sizes = {"width": 16, "depth": 2, "heads": 2, "mlp_width": 32, "decoder_width": 16, "decoder_mlp_width": 16}
    return replace(small(), **{"features": FEATURES, "window_s": 7200.0, "patch": 10} | sizes | changes)


def batch(rows: int = 4, *, seed: int = 0, features: tuple[str, ...] = FEATURES, minutes: int = 120) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    level = {"hr": (70.0, 10.0), "steps": (20.0, 8.0), "temp": (32.0, 1.0)}
    streams = {
        name: Signal(
            signal=level[name][0] + level[name][1] * torch.randn(rows, 1, minutes, generator=generator),
            valid=torch.ones(rows, 1, minutes, dtype=torch.bool),
            rate_hz=MINUTE_HZ,
        )
        for name in features
    }
    number = torch.arange(rows)
    return Batch(streams=streams, participant=number, recording=number, start_ns=number, local_ns=number)


def without(full: Batch, name: str, rows: slice, minutes: slice) -> Batch:
    """The same windows with minutes of one feature missing."""
    stream = full.streams[name]
    valid = stream.valid.clone()
    valid[rows, :, minutes] = False
    lost = replace(stream, valid=valid, signal=torch.where(valid, stream.signal, 0.0))
    return replace(full, streams={**full.streams, name: lost})


def calibrated(**changes: Any) -> LSM2:
    recipe = LSM2(tiny(**changes)).eval()
    recipe.calibrate(iter([batch(8, seed=seed) for seed in (5, 6)]))
    return recipe


def masks_of(config: LSM2Config, *, rows: int = 200, seed: int = 0) -> Tensor:
    """Artificial masks as (rows, S, P)."""
    noise = LSM2(config).draw(rows, Draws(seed=seed), device=torch.device("cpu"))
    return artificial_mask(config, noise).reshape(rows, *config.grid)


def test_the_published_day_has_3744_tokens_of_ten_minutes() -> None:
    assert paper().grid == (26, 144)


def test_a_token_is_ten_minutes_of_one_signal_in_z_scores() -> None:
    recipe, windows = calibrated(), batch()
    values = recipe.prepare(windows).values
    steps = windows.streams["steps"].signal[2, 0, 30:40]
    torch.testing.assert_close(values[2, TOKENS + 3], (steps - recipe.mean[1]) / recipe.std[1])


def test_calibration_takes_mean_and_deviation_over_measured_minutes() -> None:
    windows = without(batch(), "hr", slice(0, 2), slice(0, 60))
    recipe = LSM2(tiny())
    recipe.calibrate(iter([windows]))
    stream = windows.streams["hr"]
    known = stream.signal[stream.valid]
    torch.testing.assert_close(recipe.mean[0], known.mean())
    torch.testing.assert_close(recipe.std[0], known.std(correction=0))


def test_a_feature_that_is_never_there_keeps_neutral_statistics_and_counts_as_missing() -> None:
    windows = batch(features=("hr", "temp"))
    recipe = LSM2(tiny()).eval()
    recipe.calibrate(iter([windows]))
    assert (recipe.mean[1].item(), recipe.std[1].item()) == (0.0, 1.0)
    assert not recipe.prepare(windows).observed[:, TOKENS : 2 * TOKENS].any()
    assert recipe.embed(windows).channels[:, 1].abs().max() == 0


def test_signals_keep_their_places_in_a_subset() -> None:
    all_features, some = LSM2(replace(tiny(), features=tuple(paper().features))), LSM2(tiny())
    table = all_features.encoder.positions.reshape(26, TOKENS, -1)
    assert torch.equal(some.encoder.positions.reshape(3, TOKENS, -1), table[[feature_number(name) for name in FEATURES]])


def test_the_tokens_strategy_hides_single_tokens_in_their_share() -> None:
    hidden = masks_of(tiny(strategies=("tokens",), token_share=0.8))
    assert abs(hidden.float().mean() - 0.8) < 0.02
    assert hidden.any(dim=1).all(dim=1).float().mean() < 1


def test_the_times_strategy_hides_all_signals_at_once() -> None:
    hidden = masks_of(tiny(strategies=("times",)))
    assert torch.equal(hidden.any(dim=1), hidden.all(dim=1))
    assert abs(hidden.float().mean() - 0.5) < 0.03


def test_the_signals_strategy_hides_signals_all_day() -> None:
    hidden = masks_of(tiny(strategies=("signals",)))
    assert torch.equal(hidden.any(dim=2), hidden.all(dim=2))
    assert abs(hidden.float().mean() - 0.5) < 0.08


def test_each_window_gets_one_strategy_and_all_come_equally_often() -> None:
    noise = LSM2(tiny()).draw(600, Draws(seed=0), device=torch.device("cpu"))
    one = {name: artificial_mask(tiny(strategies=(name,)), noise) for name in ("tokens", "times", "signals")}
    chosen = (3 * noise.strategy[:, 0]).long()
    expected = torch.stack(list(one.values()))[chosen, torch.arange(600)]
    assert torch.equal(artificial_mask(tiny(), noise), expected)
    assert all(abs(count - 200) < 40 for count in chosen.bincount().tolist())


def test_masked_tokens_are_dropped_first_and_the_budget_is_fixed() -> None:
    recipe, tokens = LSM2(tiny(dropped=0.5)), 3 * TOKENS
    inherited = torch.zeros(2, tokens, dtype=torch.bool)
    inherited[0, :30] = True
    noise = recipe.draw(2, Draws(seed=0), device=inherited.device)._replace(
        strategy=torch.tensor([[0.4], [0.4]]), times=torch.ones(2, TOKENS)
    )
    masks = recipe.mask(inherited, noise)
    assert not masks.artificial.any()
    assert (~masks.budget.hidden).sum(dim=1).tolist() == [18, 18]
    assert torch.equal(masks.seen[0], ~inherited[0])
    assert masks.seen[1].sum() == 18


def test_no_token_carries_loss_that_is_missing_or_seen() -> None:
    recipe = LSM2(tiny())
    inherited = torch.rand(50, 3 * TOKENS, generator=torch.Generator().manual_seed(1)) < 0.5
    masks = recipe.mask(inherited, recipe.draw(50, Draws(seed=0), device=inherited.device))
    assert masks.scored.any()
    assert not (masks.scored & (inherited | masks.seen)).any()


@pytest.mark.parametrize("gap", [0.0, 0.6, 1.0])
@pytest.mark.parametrize("dropped", [0.0, 0.5, 0.75])
def test_packing_changes_neither_loss_nor_gradient(gap: float, dropped: float) -> None:
    windows = batch(6)
    lost = torch.rand(6, 3, TOKENS, generator=torch.Generator().manual_seed(1)) < gap
    for number, name in enumerate(FEATURES):
        stream = windows.streams[name]
        valid = ~lost[:, number : number + 1].repeat_interleave(10, dim=2)
        windows = replace(windows, streams={**windows.streams, name: replace(stream, valid=valid)})

    def run(pack: bool) -> list[Tensor]:
        recipe = LSM2(tiny(pack=pack, dropped=dropped))
        recipe.calibrate(iter([batch(8)]))
        loss = recipe.loss(windows, Draws(seed=0)).total
        loss.backward()
        return [loss.detach(), *(torch.zeros_like(p) if p.grad is None else p.grad for p in recipe.parameters())]

    for packed, masked in zip(run(pack=True), run(pack=False), strict=True):
        torch.testing.assert_close(packed, masked, rtol=1e-4, atol=1e-6)  # sums of another shape run in another order


def test_processes_with_unequal_gaps_average_to_the_loss_of_the_whole_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe, windows, counts = LSM2(tiny()), batch(), []
    for name in FEATURES[:2]:
        windows = without(windows, name, slice(0, 2), slice(None))
    monkeypatch.setattr(gather, "gather_rows", lambda own: counts.append(own) or own)
    whole = recipe.loss(windows, Draws(seed=0)).total
    monkeypatch.setattr(gather, "gather_rows", lambda _own: counts[0])  # what both processes would hear of
    halves = [
        recipe.loss(windows.select(slice(first, first + 2)), Draws(seed=0, first=first, rows=2, total=4)).total
        for first in (0, 2)
    ]
    torch.testing.assert_close((halves[0] + halves[1]) / 2, whole)


@pytest.mark.parametrize("pack", [True, False])
def test_half_precision_gives_nearly_the_same_loss(pack: bool) -> None:
    recipe, windows = calibrated(pack=pack), without(batch(), "hr", slice(0, 1), slice(0, 70))
    plain = recipe.loss(windows, Draws(seed=0)).total
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = recipe.loss(windows, Draws(seed=0)).total
    assert half.dtype == torch.float32
    torch.testing.assert_close(half, plain, rtol=0.02, atol=0.0)  # eight bits of mantissa


def test_what_goes_through_the_encoder_is_logged() -> None:
    windows, shares = batch(), {}
    for pack in (True, False):
        shares[pack] = LSM2(tiny(pack=pack)).loss(windows, Draws(seed=0)).parts["encoded_share"].item()
    assert shares[False] == 0.5
    assert 0 < shares[True] < 0.5


def test_a_gap_of_one_minute_takes_its_token_away() -> None:
    windows = without(batch(), "temp", slice(1, 2), slice(57, 58))
    wider = without(batch(), "temp", slice(1, 2), slice(50, 60))
    recipe = calibrated()
    assert torch.equal(recipe.embed(windows).vector, recipe.embed(wider).vector)
    assert not torch.equal(recipe.embed(windows).vector[1], recipe.embed(batch()).vector[1])


def test_a_lower_threshold_keeps_tokens_with_some_missing_minutes_and_never_scores_those() -> None:
    windows = without(batch(), "temp", slice(1, 2), slice(57, 58))
    recipe = calibrated(min_observed=0.5, strategies=("tokens",), token_share=1.0)
    assert not torch.equal(
        recipe.embed(windows).vector[1], recipe.embed(without(batch(), "temp", slice(1, 2), slice(50, 60))).vector[1]
    )
    values, observed = recipe.prepare(windows)
    guess = recipe.reconstruct(values, torch.zeros_like(observed[..., 0]))
    by_hand = (guess - values).square()[observed].mean()
    torch.testing.assert_close(recipe.loss(windows, Draws(seed=0)).total, by_hand)


def test_a_day_without_anything_is_the_zero_vector() -> None:
    windows = batch()
    for name in FEATURES:
        windows = without(windows, name, slice(2, 3), slice(None))
    embedded = calibrated().embed(windows)
    assert embedded.vector[2].abs().max() == 0
    assert embedded.vector[[0, 1, 3]].abs().sum(dim=1).min() > 0


def test_a_batch_without_any_stream_is_all_gap() -> None:
    recipe, empty = calibrated(), replace(batch(), streams={})
    assert torch.equal(recipe.embed(empty).vector, torch.zeros(4, 16))
    assert recipe.loss(empty, Draws(seed=0)).total.item() == 0
    assert torch.isfinite(recipe.fill(empty, torch.zeros(4, 3, 120, dtype=torch.bool))).all()


def test_frames_are_ten_minutes_each_and_average_to_the_embedding_of_a_full_window() -> None:
    recipe, windows = calibrated(), batch()
    frames = recipe.frames(windows)
    assert frames.shape == (4, TOKENS, 16)
    torch.testing.assert_close(frames.mean(dim=1), recipe.embed(windows).vector)
    lost = windows
    for name in FEATURES:
        lost = without(lost, name, slice(0, 1), slice(30, 40))
    assert recipe.frames(lost)[0, 3].abs().max() == 0


def test_features_carry_a_gradient_into_the_encoder_and_none_into_the_decoder() -> None:
    recipe = calibrated().train()
    recipe.features(batch()).sum().backward()
    assert recipe.encoder.patches.weight.grad is not None
    assert all(parameter.grad is None for parameter in recipe.decoder.parameters())


def test_an_exported_graph_masks_what_it_cannot_pack(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe, windows = calibrated(), without(batch(), "hr", slice(0, 1), slice(0, 70))
    for name in FEATURES:
        windows = without(windows, name, slice(2, 3), slice(None))
    packed = recipe.embed(windows).vector
    monkeypatch.setattr(torch.compiler, "is_exporting", lambda: True)
    torch.testing.assert_close(recipe.embed(windows).vector, packed, rtol=1e-4, atol=1e-5)  # other order of sums


def test_filled_days_keep_what_is_visible_and_stay_physical() -> None:
    recipe, windows = calibrated(), without(batch(), "hr", slice(0, 1), slice(0, 30))
    with torch.no_grad():
        recipe.decoder.predict.bias.fill_(-20.0)  # twenty deviations below the mean
    series = recipe.series(windows)
    hidden = torch.zeros_like(series.valid)
    hidden[:, 1, 40:80] = True
    filled = recipe.fill(windows, hidden)
    shown = series.valid & ~hidden
    assert torch.equal(filled[shown], series.values[shown])
    assert (filled[:, 1, 40:80] == 0).all()
    assert (filled[0, 0, :30] == 20.0).all()
    assert series.units == ("1/min", "count", "degC")
    assert (series.step_s, series.block) == (60.0, 10)


def test_guesses_are_in_the_unit_of_the_feature() -> None:
    recipe = calibrated()
    with torch.no_grad():
        recipe.decoder.predict.weight.zero_()
        recipe.decoder.predict.bias.fill_(1.0)
    filled = recipe.fill(batch(), torch.ones(4, 3, 120, dtype=torch.bool))
    torch.testing.assert_close(filled[0, :, 0], recipe.mean + recipe.std)


def test_the_ablation_counts_gaps_as_measured_means() -> None:
    windows = without(batch(), "temp", slice(1, 2), slice(50, 60))
    filled = calibrated(gaps="filled")
    values, observed = filled.prepare(windows)
    assert observed.all()
    assert values[1, 2 * TOKENS + 5].abs().max() == 0
    assert not torch.equal(filled.embed(windows).vector[1], calibrated().embed(windows).vector[1])


def test_weights_serve_windows_of_another_length() -> None:
    recipe = calibrated()
    longer = at_window(recipe, 14400.0)
    assert torch.equal(longer.mean, recipe.mean)
    assert longer.embed(batch(minutes=240)).vector.shape == (4, 16)


def test_days_start_at_local_midnight_and_partial_ones_count(tmp_path: Path) -> None:
    evening_s = 18 * 3600.0
    beats = channel(np.full(1440, 70.0), name="hr", modality="hr", rate_hz=MINUTE_HZ, start_s=evening_s)
    steps = channel(np.zeros(1440), name="steps", modality="steps", rate_hz=MINUTE_HZ, start_s=evening_s)
    recipe = LSM2(tiny(window_s=86_400.0))
    with Store.create(tmp_path / "store") as store:
        store.commit([replace(recording("p", "a", beats, steps), clock="local")])
        index = WindowIndex.build(store, recipe.input)
        series = recipe.series(load(store, index, np.arange(len(index))))
    assert index.start_ns.tolist() == [0, 86_400 * SECOND]
    assert series.valid[:, 0].sum(dim=1).tolist() == [360, 1080]
    assert not series.valid[:, 2].any()


def test_windows_of_another_rate_or_length_are_refused() -> None:
    with pytest.raises(BadConfiguration, match=r"hr comes as 1 x 240 samples .* one channel of 120 minutes"):
        LSM2(tiny()).embed(batch(minutes=240))
    windows = batch()
    wrong = replace(windows, streams={"hr": replace(windows.streams["hr"], rate_hz=1.0)})
    with pytest.raises(BadConfiguration, match="at 1 Hz"):
        LSM2(tiny()).embed(wrong)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"features": ()}, "name at least one"),
        ({"features": ("hr", "hr")}, "each once"),
        ({"strategies": ()}, "name at least one"),
        ({"window_s": 7260.0}, "tokens of 10 minutes must fill a window"),
        ({"patch": 0}, "must fill a window"),
        ({"token_share": 0.0}, "token_share=0: give a share above 0"),
        ({"min_observed": 1.5}, "min_observed=1.5: give a share"),
        ({"dropped": 1.0}, "dropped=1: the encoder needs tokens"),
        ({"width": 18}, "width=18: positions need a multiple of 4"),
    ],
)
def test_impossible_settings_say_what_to_change(change: dict[str, Any], message: str) -> None:
    with pytest.raises(BadConfiguration, match=message):
        tiny(**change)


@pytest.mark.parametrize(
    ("change", "name"), [({"features": ("pulse",)}, "pulse"), ({"strategies": ("days",)}, "days"), ({"gaps": "kept"}, "kept")]
)
def test_unknown_names_are_refused(change: dict[str, Any], name: str) -> None:
    with pytest.raises(UnknownName, match=name):
        tiny(**change)


def test_no_weights_were_published() -> None:
    with pytest.raises(BadConfiguration, match="no weights of lsm2 were published"):
        LSM2.from_original({})
