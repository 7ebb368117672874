"""PAT: what enters, what gaps may not do, what is hidden, what attention maps show, whose weights it takes."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from wearfm.errors import BadConfiguration, IncompatibleWeights, UnknownName
from wearfm.nn.draws import Draws
from wearfm.nn.heads import MLPHead
from wearfm.recipes.base import at_window
from wearfm.recipes.pat import PAT, PATConfig, classifier_from_original, hours_of_week, pat_l, pat_m, pat_s, small
from wearfm.signals.minutes.features import MINUTE_HZ
from wearfm.windows.batch import Batch, Signal
from wearfm.windows.index import SECOND, UNDATED

MONDAY_NS = 4 * 86_400 * SECOND  # 1970-01-05, the first Monday there is


def tiny(**changes: Any) -> PATConfig:
    """A day of 24 patches of an hour, a few thousand weights."""
    sizes = {"window_s": 86_400.0, "patch": 60, "width": 16, "heads": 2, "head_width": 8, "mlp_width": 16}
    return replace(small(), **sizes | {"mask_share": 0.75} | changes)


def batch(rows: int = 3, *, minutes: int = 1440, seed: int = 0) -> Batch:
    """Skewed counts without gaps, from Monday at midnight."""
    generator = torch.Generator().manual_seed(seed)
    signal = (100 * torch.randn(rows, 1, minutes, generator=generator).exp()).round()
    stream = Signal(signal=signal, valid=torch.ones_like(signal, dtype=torch.bool), rate_hz=MINUTE_HZ)
    numbers = torch.arange(rows)
    return Batch(
        streams={"counts": stream},
        participant=numbers,
        recording=numbers,
        start_ns=numbers,
        local_ns=torch.full((rows,), MONDAY_NS),
    )


def with_valid(windows: Batch, valid: Tensor, *, filler: float = 0.0) -> Batch:
    stream = windows.streams["counts"]
    signal = torch.where(valid[:, None], stream.signal, filler)
    return replace(windows, streams={"counts": replace(stream, signal=signal, valid=valid[:, None])})


def gaps(rows: int = 3, minutes: int = 1440) -> Tensor:
    """Row 0 whole; row 1 without its second hour and ten minutes of its fourth; row 2 with its last two hours only."""
    valid = torch.ones(rows, minutes, dtype=torch.bool)
    valid[1, 60:120] = False
    valid[1, 200:210] = False
    valid[2, : minutes - 120] = False
    return valid


@pytest.fixture(scope="module")
def recipe() -> PAT:
    made = PAT(tiny()).eval()
    made.calibrate(iter([batch(20, seed=1)]))
    return made.requires_grad_(False)


@pytest.mark.parametrize(
    ("make", "linear", "conv"), [(pat_s, 274_720, 273_280), (pat_m, 993_440, 992_000), (pat_l, 1_984_192, 1_983_616)]
)
def test_the_encoders_have_as_many_parameters_as_published(make: Any, linear: int, conv: int) -> None:
    for embedding, count in (("linear", linear), ("conv", conv)):
        encoder = PAT(replace(make(), embedding=embedding)).encoder
        assert sum(parameter.numel() for parameter in encoder.parameters()) == count


def test_the_paper_hides_504_of_560_patches() -> None:
    assert (pat_m().num_patches, pat_m().num_seen) == (560, 56)
    assert (pat_l().num_patches, pat_l().num_seen) == (1120, 112)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"window_s": 90_000.0}, "window_s=90000: windows are whole days; use a multiple of 86400"),
        ({"patch": 7}, "patch=7: it does not divide the 1440 minutes of a window; use a divisor"),
        ({"width": 15}, "width=15: positions need an even number"),
        ({"mask_share": 0.99}, "mask_share=0.99: leave at least one of the 24 patches visible"),
        ({"heads": 0}, "heads=0: it must be at least 1"),
        ({"dropout": 1.0}, r"dropout=1: it must lie in \[0, 1\)"),
        ({"reach": 0.0}, "reach=0: it must be positive"),
    ],
)
def test_settings_that_cannot_work_say_why(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(BadConfiguration, match=message):
        tiny(**changes)


def test_names_that_are_not_known_are_refused() -> None:
    for field in ("scale", "embedding", "scored"):
        with pytest.raises(UnknownName, match=f"{field} 'colum' is not known"):
            tiny(**{field: "colum"})


def test_windows_of_another_length_or_rate_are_refused(recipe: PAT) -> None:
    with pytest.raises(BadConfiguration, match="windows of 1380 counts every 60 s; pat reads 1440, one a minute"):
        recipe.prepare(batch(minutes=1380))
    windows = batch()
    faster = replace(windows.streams["counts"], rate_hz=1 / 30)
    with pytest.raises(BadConfiguration, match="every 30 s"):
        recipe.prepare(replace(windows, streams={"counts": faster}))


def test_windows_start_at_midnight_and_counts_come_once_a_minute(recipe: PAT) -> None:
    (stream,) = recipe.input.streams
    assert (stream.modality, stream.channels, recipe.input.align_s) == ("counts", 1, 86_400.0)
    assert stream.rate_hz == pytest.approx(1 / 60)


# --- standardisation


def test_one_mean_and_deviation_of_all_measured_minutes() -> None:
    recipe, windows = PAT(tiny()), with_valid(batch(), gaps(), filler=1e9)
    recipe.calibrate(iter([windows.select(slice(0, 2)), windows.select(slice(2, 3))]))
    values = windows.streams["counts"].signal[:, 0][gaps()].double()
    assert recipe.mean.item() == pytest.approx(values.mean().item(), rel=1e-6)
    assert recipe.std.item() == pytest.approx(values.std(correction=0).item(), rel=1e-6)
    prepared = recipe.prepare(windows)
    assert not prepared.values[~gaps()].any()
    assert prepared.values[gaps()].mean().item() == pytest.approx(0, abs=1e-6)


def test_a_mean_and_deviation_for_each_minute_of_the_window() -> None:
    recipe, windows = PAT(tiny(scale="column")), batch(5)
    recipe.calibrate(iter([windows]))
    column = windows.streams["counts"].signal[:, 0, 77].double()
    assert recipe.mean[77].item() == pytest.approx(column.mean().item(), rel=1e-6)
    assert recipe.std[77].item() == pytest.approx(column.std(correction=0).item(), rel=1e-6)


def test_a_minute_that_tells_nothing_is_scaled_as_all_minutes_are() -> None:
    recipe, valid = PAT(tiny(scale="column")), torch.ones(5, 1440, dtype=torch.bool)
    valid[:, 7] = False
    windows = with_valid(batch(5), valid)
    windows.streams["counts"].signal[:, 0, 3] = 0.0  # everybody sleeps
    overall = PAT(tiny())
    for each in (recipe, overall):
        each.calibrate(iter([windows]))
    assert recipe.std[[3, 7]].tolist() == [overall.std.item()] * 2
    assert recipe.mean[[3, 7]].tolist() == [overall.mean.item()] * 2


# --- gaps


@pytest.mark.parametrize("filler", [math.nan, 1e9])
def test_what_stands_in_a_gap_cannot_move_a_bit(recipe: PAT, filler: float) -> None:
    plain, spoilt = with_valid(batch(), gaps()), with_valid(batch(), gaps(), filler=filler)
    assert torch.equal(recipe.embed(plain).vector, recipe.embed(spoilt).vector)
    assert torch.equal(recipe.attention(plain), recipe.attention(spoilt))
    assert torch.equal(recipe.loss(plain, Draws(0)).total, recipe.loss(spoilt, Draws(0)).total)
    assert torch.equal(recipe.series(plain).values, recipe.series(spoilt).values)


def test_a_missing_patch_is_as_if_the_encoder_had_only_the_others(recipe: PAT) -> None:
    windows = with_valid(batch(), gaps()).select(slice(1, 2))
    values, _ = recipe.prepare(windows)
    others = torch.tensor([[n for n in range(24) if n != 1]])
    alone = recipe.encoder(values, torch.ones(1, 24, dtype=torch.bool), kept=others)
    torch.testing.assert_close(recipe.embed(windows).vector, alone.mean(dim=1))


def test_a_patch_with_some_minutes_counts_and_is_at_its_mean_in_the_others(recipe: PAT) -> None:
    filled = with_valid(batch(), gaps(), filler=recipe.mean.item())
    valid = gaps()
    valid[1, 200:210] = True
    whole = replace(filled, streams={"counts": replace(filled.streams["counts"], valid=valid[:, None])})
    torch.testing.assert_close(recipe.embed(filled).vector[1], recipe.embed(whole).vector[1])


def test_a_week_without_a_minute_gives_zeros(recipe: PAT) -> None:
    windows = with_valid(batch(), torch.zeros(3, 1440, dtype=torch.bool), filler=math.nan)
    assert not recipe.embed(windows).vector.any()
    assert not recipe.attention(windows).any()
    assert recipe.loss(windows, Draws(0)).total == 0


# --- masks


def test_each_week_shows_a_quarter_of_what_was_measured_in_it(recipe: PAT) -> None:
    measured = recipe.measured(gaps())
    assert measured.sum(dim=1).tolist() == [24, 23, 2]
    mask = recipe.draw_mask(measured, Draws(0))
    assert mask.kept.shape == (3, 6)
    seen = ~mask.hidden
    assert seen.sum(dim=1).tolist() == [6, 6, 1]  # 2 - round(1.5), but one at least
    assert not (seen & ~measured).any()
    for row in range(3):
        assert set(seen[row].nonzero()[:, 0].tolist()) <= set(mask.kept[row].tolist())


def test_masks_differ_between_weeks_unless_the_batch_shares_one(recipe: PAT) -> None:
    everything = torch.ones(8, 24, dtype=torch.bool)
    own = recipe.draw_mask(everything, Draws(0)).hidden
    shared = PAT(tiny(is_mask_shared=True)).draw_mask(everything, Draws(0)).hidden
    assert len(own.unique(dim=0)) == 8
    assert len(shared.unique(dim=0)) == 1


def test_two_ranks_draw_the_masks_of_one() -> None:
    everything = torch.ones(4, 24, dtype=torch.bool)
    for is_shared in (False, True):
        recipe = PAT(tiny(is_mask_shared=is_shared))
        whole = recipe.draw_mask(everything, Draws(3, step=5, first=0, rows=4, total=4)).hidden
        half = recipe.draw_mask(everything[:2], Draws(3, step=5, first=2, rows=2, total=4)).hidden
        assert torch.equal(half, whole[2:])


def test_a_seen_patch_is_decoded_at_its_place() -> None:
    """With an encoder and a decoder that only pass on, the output stands where the input stood; as released, elsewhere."""
    for is_misplaced in (False, True):
        recipe = PAT(tiny(is_misplaced=is_misplaced)).eval().requires_grad_(False)
        order, seen = torch.tensor([[5, 2, *(n for n in range(24) if n not in (2, 5))]]), torch.zeros(1, 24, dtype=torch.bool)
        seen[0, [2, 5]] = True
        mask = recipe.mask_of(order, seen=seen, count=2)
        tokens = torch.cat([torch.tensor([[5.0, 2.0]]), torch.full((1, 22), -1.0)], dim=1).gather(1, mask.restore)
        places = {int(token): place for place, token in enumerate(tokens[0].tolist()) if token >= 0}
        assert places == ({5: 0, 2: 1} if is_misplaced else {5: 5, 2: 2})


def test_the_loss_counts_hidden_patches_only_if_told() -> None:
    windows = with_valid(batch(), gaps())
    for scored in ("all", "hidden"):
        recipe = PAT(tiny(scored=scored)).eval()
        recipe.calibrate(iter([windows]))
        made = recipe.loss(windows, Draws(0))
        values, valid = recipe.prepare(windows)
        mask = recipe.draw_mask(recipe.measured(valid), Draws(0))
        guess = recipe.reconstruct(values, mask)
        errors = [
            (guess[b, t] - values[b, t]).item() ** 2
            for b in range(3)
            for t in range(1440)
            if valid[b, t] and (scored == "all" or mask.hidden[b, t // 60])
        ]
        assert made.total.item() == pytest.approx(sum(errors) / len(errors), rel=1e-5)


def test_dropout_acts_in_training_only() -> None:
    recipe, windows = PAT(tiny(dropout=0.5)), batch()
    noisy, plain = recipe.train().loss(windows, Draws(0)).total, recipe.eval().loss(windows, Draws(0)).total
    assert noisy != plain
    assert plain == PAT(tiny(dropout=0.0)).train().loss(windows, Draws(0)).total
    assert torch.equal(recipe.features(windows), recipe.embed(windows).vector)
    assert not torch.equal(recipe.features(windows, Draws(0)), recipe.embed(windows).vector)


# --- filling in


def test_a_patch_with_a_hidden_minute_is_hidden_whole(recipe: PAT) -> None:
    windows = batch()
    one, whole = torch.zeros(3, 1, 1440, dtype=torch.bool), torch.zeros(3, 1, 1440, dtype=torch.bool)
    one[1, 0, 130], whole[1, 0, 120:180] = True, True
    assert torch.equal(recipe.fill(windows, one), recipe.fill(windows, whole))
    assert not torch.equal(recipe.fill(windows, one)[1], recipe.fill(windows, torch.zeros_like(one))[1])


def test_counts_that_are_filled_in_are_not_negative_and_within_reach(recipe: PAT) -> None:
    guess = recipe.fill(batch(), torch.ones(3, 1, 1440, dtype=torch.bool))
    assert guess.shape == (3, 1, 1440)
    assert guess.min() >= 0
    assert guess.max() <= recipe.mean.item() + recipe.config.reach * recipe.std.item()
    torch.testing.assert_close(guess[0], guess[2])  # nothing is seen, so nothing tells the weeks apart


def test_the_series_are_counts_a_minute(recipe: PAT) -> None:
    series = recipe.series(with_valid(batch(), gaps()))
    assert (series.names, series.units, series.step_s, series.block) == (("counts",), ("count",), 60, 60)
    assert torch.equal(series.values[0, 0], batch().streams["counts"].signal[0, 0])
    assert torch.equal(series.valid[:, 0], gaps())


# --- attention


def test_attention_of_the_patches_sums_to_one_and_gaps_get_none(recipe: PAT) -> None:
    windows = with_valid(batch(), gaps())
    attention = recipe.attention(windows)
    assert attention.shape == (3, 1440)
    assert not attention[~gaps()].any()
    by_patch = attention.reshape(3, 24, 60).amax(dim=2)
    torch.testing.assert_close(by_patch.sum(dim=1), torch.ones(3))
    torch.testing.assert_close(attention[0].reshape(24, 60), by_patch[0][:, None].expand(24, 60))


def test_attention_is_what_the_last_block_weighs() -> None:
    recipe = PAT(tiny(depth=2)).eval().requires_grad_(False)
    values, _ = recipe.prepare(batch())
    first, last = recipe.encoder.blocks
    tokens = first(recipe.encoder.embed(recipe.by_patch(values)) + recipe.encoder.positions)
    weights = last.attention.attention(tokens)  # (B, heads, queries, keys)
    expected = weights.sum(dim=2).mean(dim=1) / 24
    torch.testing.assert_close(recipe.attention(batch()), recipe.by_minute(expected))


def test_hours_of_the_week_follow_the_wearers_clock() -> None:
    values, valid = torch.arange(1440.0).expand(2, -1), torch.ones(2, 1440, dtype=torch.bool)
    valid[0, :60] = False
    valid[1, :] = False
    valid[1, 30:32] = True
    wednesday = MONDAY_NS + 2 * 86_400 * SECOND
    local_ns = torch.tensor([wednesday - 3600 * SECOND, MONDAY_NS + 7 * 86_400 * SECOND])
    table = hours_of_week(values, valid=valid, local_ns=local_ns)
    assert table.shape == (7, 24)
    assert table[0, 0] == 30.5  # minutes 30 and 31 of a Monday, a week later
    assert table[2, 0] == 89.5  # the window began on Tuesday at 23
    assert table[1, 23].isnan()
    assert table.isfinite().sum() == 24


def test_windows_without_a_clock_have_no_hours() -> None:
    with pytest.raises(BadConfiguration, match="has no hour of the week; give its recording a zone"):
        hours_of_week(torch.zeros(1, 60), valid=torch.ones(1, 60, dtype=torch.bool), local_ns=torch.tensor([UNDATED]))


# --- weights


def test_an_encoder_alone_is_enough_and_its_sizes_are_read(recipe: PAT) -> None:
    original = recipe.to_original()
    alone = {name: value for name, value in original.items() if not name.startswith(("decoder", "mask_layer"))}
    again = PAT.from_original(alone, window_s=86_400.0)
    assert (again.config.patch, again.config.width, again.config.heads, again.config.head_width) == (60, 16, 2, 8)
    ours = recipe.encoder.state_dict()
    assert all(torch.equal(value, ours[name]) for name, value in again.encoder.state_dict().items())


def test_half_a_decoder_is_an_error_that_names_the_rest(recipe: PAT) -> None:
    original = recipe.to_original()
    del original["decoder_dense/decoder_dense/bias:0"]
    with pytest.raises(IncompatibleWeights, match=r"missing .*decoder_dense/decoder_dense/bias:0"):
        PAT.from_original(original, window_s=86_400.0)


def test_misshapen_weights_are_named_in_the_layout_of_their_file(recipe: PAT) -> None:
    original = recipe.to_original()
    name = "encoder_layer_1_transformer/encoder_layer_1_attention/attention_output/kernel:0"
    original[name] = original[name].flatten(0, 1)
    with pytest.raises(IncompatibleWeights) as raised:
        PAT.from_original(original, window_s=86_400.0)
    assert dict(raised.value.shapes) == {name: ((16, 16), (2, 8, 16))}


def test_a_convolution_takes_its_patch_from_the_decoder_or_the_depth() -> None:
    sizes = {"window_s": 86_400.0, "patch": 30, "width": 16, "heads": 2, "head_width": 8, "mlp_width": 16}
    again = PAT.from_original(PAT(tiny(embedding="conv", patch=30)).to_original(), window_s=86_400.0)
    assert again.config == replace(pat_s(), embedding="conv", **sizes)
    deep = PAT(tiny(embedding="conv", depth=4)).to_original()
    alone = {name: value for name, value in deep.items() if not name.startswith(("decoder", "mask_layer"))}
    assert PAT.from_original(alone, window_s=86_400.0).config.patch == 9


def test_a_classifier_is_an_encoder_and_a_head(recipe: PAT) -> None:
    original = recipe.to_original()
    whole = {name: value for name, value in original.items() if not name.startswith(("decoder", "mask_layer"))}
    head = MLPHead(16, out=1, hidden=5)
    whole |= {
        "dense_128/dense_128/kernel:0": head.inner.weight.detach().T,
        "dense_128/dense_128/bias:0": head.inner.bias.detach(),
        "output/output/kernel:0": head.outer.weight.detach().T,
        "output/output/bias:0": head.outer.bias.detach(),
    }
    encoder, again = classifier_from_original(whole, window_s=86_400.0)
    vector = recipe.embed(batch()).vector
    torch.testing.assert_close(again(vector), head(vector))
    assert torch.equal(encoder.encoder.blocks[0].norm2.bias, recipe.encoder.blocks[0].norm2.bias)
    with pytest.raises(IncompatibleWeights, match=r"left over .*dense_128/dense_128/bias:0"):
        PAT.from_original(whole, window_s=86_400.0)


def test_the_same_encoder_reads_windows_of_other_lengths(recipe: PAT) -> None:
    longer = at_window(recipe, 2 * 86_400.0)
    assert longer.embed(batch(minutes=2880)).vector.shape == (3, 16)
    with pytest.raises(IncompatibleWeights, match="mean"):
        at_window(PAT(tiny(scale="column")), 2 * 86_400.0)
