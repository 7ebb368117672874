"""LSM: the image, what a gap becomes, which patches are hidden, and what is filled in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from wearfm.errors import BadConfiguration, IncompatibleWeights, UnknownName
from wearfm.nn.draws import Draws
from wearfm.nn.masking import Mask, keep
from wearfm.nn.positions import sincos_grid
from wearfm.recipes.base import at_window
from wearfm.recipes.lsm import LSM, MASKS, LSMConfig, interpolate, paper, small, vit_base
from wearfm.signals.minutes.features import LSM_FEATURES, MINUTE_HZ
from wearfm.windows.batch import Batch, Signal

FEATURES = ("steps", "hr", "temp")  # third, first and fifth column of patches


def tiny(**changes: Any) -> LSMConfig:
    sizes = {"width": 16, "depth": 2, "heads": 2, "mlp_width": 16}
    decoder = {"decoder_width": 8, "decoder_depth": 1, "decoder_heads": 2, "decoder_mlp_width": 8}
    return replace(LSMConfig(), **sizes | decoder | {"features": FEATURES, "window_s": 6000.0, "hidden_share": 0.5} | changes)


def make(seed: int = 0, **changes: Any) -> LSM:
    return LSM(tiny(**changes), seed=seed).eval()


def batch(*names: str, rows: int = 4, minutes: int = 100, seed: int = 0, rate_hz: float = MINUTE_HZ) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    streams = {}
    for name in names or FEATURES:
        signal = 70 + 10 * torch.randn(rows, 1, minutes, generator=generator)
        streams[name] = Signal(signal=signal, valid=torch.ones_like(signal, dtype=torch.bool), rate_hz=rate_hz)
    number = torch.arange(rows)
    return Batch(streams=streams, participant=number, recording=number, start_ns=number, local_ns=number)


def without(windows: Batch, name: str, start: int, stop: int) -> Batch:
    """The same windows with a gap in one feature."""
    stream = windows.streams[name]
    valid = stream.valid.clone()
    valid[..., start:stop] = False
    return replace(windows, streams={**windows.streams, name: replace(stream, valid=valid)})


def draws(rows: int = 4, step: int = 0) -> Draws:
    return Draws(seed=3, step=step, first=0, rows=rows, total=rows)


def nothing(recipe: LSM, windows: Batch) -> Tensor:
    return torch.zeros_like(recipe.series(windows).valid)


def grid_of(recipe: LSM, mask: Mask) -> Tensor:
    """(B, rows, columns) bool, what is hidden."""
    return mask.hidden.reshape(-1, *recipe.config.grid)


# --- the image


def test_the_image_of_the_paper_is_thirty_by_six_patches() -> None:
    assert paper().minutes == 300
    assert paper().grid == (30, 6)
    assert paper().places == list(range(26))


def test_features_stand_at_their_place_in_the_registry_whatever_the_order_of_the_config() -> None:
    config = tiny()
    assert config.groups == [0, 2, 4]  # 5 features a column: hr is number 0, steps number 10, temp number 23
    assert config.places == [5, 0, 13]
    assert tiny(features=("hr", "counts"), patch=(10, 13)).places == [0, 13 + 26 % 13]


def test_a_subset_keeps_the_positions_of_the_whole() -> None:
    whole = sincos_grid(10, 6, 16).reshape(10, 6, 16)
    table = make().encoder.positions.table.reshape(10, 3, 16)
    assert torch.equal(table, whole[:, [0, 2, 4]])


def test_tiles_lead_back_to_the_series() -> None:
    recipe, series = make(), torch.randn(2, 3, 100, generator=torch.Generator().manual_seed(1))
    assert recipe._tiles(series).shape == (2, 30, 50)
    assert torch.equal(recipe._series(recipe._tiles(series)), series)
    assert recipe._tiles(torch.ones(1, 3, 100)).sum() == 300  # padded features are never counted


def test_an_absent_stream_is_one_of_which_nothing_is_valid() -> None:
    recipe, windows = make(), batch()
    absent = replace(windows, streams={name: s for name, s in windows.streams.items() if name != "hr"})
    emptied = without(windows, "hr", 0, 100)
    assert torch.equal(recipe.embed(absent).vector, recipe.embed(emptied).vector)
    assert torch.equal(recipe.loss(absent, draws()).total, recipe.loss(emptied, draws()).total)


def test_another_rate_and_another_length_are_refused() -> None:
    with pytest.raises(BadConfiguration, match=r"steps comes as 1 x 100 samples at 1 Hz; lsm reads 1 x 100, one a minute"):
        make().prepare(batch(rate_hz=1.0))
    with pytest.raises(BadConfiguration, match="1 x 90 samples"):
        make().prepare(batch(minutes=90))


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"features": ("heart",)}, UnknownName, "minute feature"),
        ({"features": ()}, BadConfiguration, "name one at least"),
        ({"features": ("hr", "hr")}, BadConfiguration, "each once"),
        (
            {"window_s": 6060.0},
            BadConfiguration,
            "window_s=6060 is no whole number of patches of 10 min; use a multiple of 600",
        ),
        ({"width": 18}, BadConfiguration, "multiples of 4"),
        ({"hidden_share": 0.0}, BadConfiguration, "hidden_share=0 shows 30 of 30 patches"),
        ({"hidden_share": 0.99}, BadConfiguration, "some must be shown"),
        ({"mask_random": 0.0}, BadConfiguration, "one must be positive"),
        ({"mask_sensor": -1.0}, BadConfiguration, "none may be negative"),
        ({"constants": "mine"}, UnknownName, "constants of lsm"),
        ({"positions": "none"}, UnknownName, "positions of lsm"),
        (
            {"constants": "published", "features": ("hr", "enmo")},
            BadConfiguration,
            r"no constants were published of \['enmo'\]",
        ),
    ],
)
def test_a_config_that_cannot_be_is_refused(changes: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        tiny(**changes)


def test_weights_of_others_are_refused() -> None:
    with pytest.raises(BadConfiguration, match="no weights of lsm were published"):
        LSM.from_original({})


# --- standardising and gaps


def test_constants_are_learnt_from_what_was_measured() -> None:
    recipe, windows = make(), without(batch(rows=30), "hr", 0, 50)
    recipe.calibrate(iter([windows.select(slice(0, 7)), windows.select(slice(7, 30))]))
    hr = windows.streams["hr"].signal[:, 0, 50:]
    torch.testing.assert_close(recipe.mean[1], hr.mean())
    torch.testing.assert_close(recipe.std[1], hr.std(correction=0))
    image, valid = recipe.prepare(windows)
    measured = image[:, 1][valid[:, 1]]
    assert abs(measured.mean()) < 1e-5
    assert abs(measured.std(correction=0) - 1) < 1e-5


def test_published_constants_are_there_from_the_start_and_stay() -> None:
    recipe = make(constants="published")
    assert recipe.calibration_windows == 0
    assert recipe.mean.tolist() == pytest.approx([LSM_FEATURES[name].mean for name in FEATURES])
    assert recipe.std.tolist() == pytest.approx([LSM_FEATURES[name].std for name in FEATURES])
    assert paper().constants == "published"
    assert vit_base() == replace(paper(), constants="learnt")


def test_short_gaps_become_straight_lines_and_all_others_the_mean() -> None:
    signal = torch.tensor([9.0, 1.0, 9.0, 9.0, 4.0, 9.0, 9.0, 9.0, 8.0, 9.0])
    known = torch.tensor([False, True, False, False, True, False, False, False, True, False])
    assert interpolate(signal, known, longest=2).tolist() == [0, 1, 2, 3, 4, 0, 0, 0, 8, 0]
    assert interpolate(signal, known, longest=3).tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 0]
    assert not interpolate(signal, torch.zeros(10, dtype=torch.bool), longest=9).any()


def test_a_gap_of_sixty_minutes_is_a_line_and_of_sixty_one_is_not() -> None:
    recipe = make(interpolated_min=60)
    assert recipe.prepare(without(batch(), "hr", 20, 80)).image[:, 1, 20:80].all()
    assert not recipe.prepare(without(batch(), "hr", 20, 81)).image[:, 1, 20:81].any()


@torch.no_grad()
def test_what_is_hidden_does_not_leak_through_the_interpolation_of_its_neighbours() -> None:
    recipe, eaten = make(**MASKS["forecast"]), []
    recipe.encoder.patches.register_forward_hook(lambda *given: eaten.append(given[-1]))
    windows = without(batch(), "hr", 45, 55)  # a gap across the border of what is shown
    louder = {name: replace(s, signal=s.signal + 100 * (torch.arange(100) >= 50)) for name, s in windows.streams.items()}
    for each in (windows, replace(windows, streams=louder)):
        recipe.loss(each, draws())
    assert torch.equal(eaten[0], eaten[1])


@torch.no_grad()
def test_a_hidden_minute_that_was_not_measured_is_no_target() -> None:
    recipe = make(**MASKS["forecast"])
    windows = without(without(without(batch(), "hr", 50, 100), "steps", 50, 100), "temp", 50, 100)
    loss = recipe.loss(windows, draws())
    assert loss.total == 0
    assert loss.parts["interpolation"] == 0


# --- masks


def test_every_scheme_hides_the_same_number_of_patches() -> None:
    for name, weights in MASKS.items():
        recipe = make(hidden_share=0.8, **weights)
        assert grid_of(recipe, recipe.draw_mask(50, draws(50))).sum(dim=(1, 2)).tolist() == [24] * 50, name


def test_each_scheme_hides_what_its_name_says() -> None:
    hidden = {}
    for name, weights in MASKS.items():
        recipe = make(hidden_share=0.6, **weights)
        hidden[name] = grid_of(recipe, recipe.draw_mask(40, draws(40)))
    assert hidden["forecast"][:, 4:].all()
    whole_times, whole_sensors = hidden["temporal"].all(dim=2), hidden["sensor"].all(dim=1)
    assert whole_times.sum(dim=1).tolist() == [6] * 40
    assert whole_sensors.sum(dim=1).tolist() == [1] * 40  # 18 patches: one column of 10 and 8 of another
    assert set(hidden["sensor"].sum(dim=1).flatten().tolist()) == {0, 8, 10}
    assert (hidden["random"].all(dim=2).sum(dim=1) == 6).sum() < 4
    of_temporal = hidden["mixture"].all(dim=2).sum(dim=1) == 6
    of_sensor = hidden["mixture"].all(dim=1).any(dim=1)
    assert of_temporal.any()
    assert of_sensor.any()
    assert not (of_temporal | of_sensor).all()


def test_schemes_come_as_often_as_they_weigh() -> None:
    recipe = make(hidden_share=0.6, mask_random=0.0, mask_sensor=3.0, mask_forecast=1.0)
    hidden = grid_of(recipe, recipe.draw_mask(4000, draws(4000)))
    assert abs(hidden[:, 4:].all(dim=(1, 2)).float().mean() - 0.25) < 0.03


def test_a_window_is_masked_the_same_way_on_one_rank_and_on_two() -> None:
    recipe = make(**MASKS["mixture"])
    whole = recipe.draw_mask(8, draws(8)).hidden
    parts = [recipe.draw_mask(4, Draws(seed=3, first=first, rows=4, total=8)).hidden for first in (0, 4)]
    assert torch.equal(torch.cat(parts), whole)


# --- embedding and filling in


@torch.no_grad()
def test_frames_are_the_parts_of_the_embedding_in_the_order_of_time() -> None:
    recipe, windows = make(depth=0), batch()  # without attention a part knows only itself
    frames = recipe.frames(windows)
    assert frames.shape == (4, 10, 16)
    torch.testing.assert_close(frames.mean(dim=1), recipe.embed(windows).vector)
    moved = {name: replace(s, signal=s.signal + 100 * (torch.arange(100) // 10 == 7)) for name, s in windows.streams.items()}
    differs = (recipe.frames(replace(windows, streams=moved)) - frames).abs().amax(dim=2) > 1e-6
    assert differs.tolist() == [[number == 7 for number in range(10)]] * 4


@torch.no_grad()
def test_patches_without_a_measured_minute_are_left_out_of_the_embedding() -> None:
    recipe, windows = make(), without(batch(), "hr", 0, 100)
    embedded = recipe.embed(windows)
    columns = embedded.tokens.reshape(4, 10, 3, 16)
    torch.testing.assert_close(embedded.vector, columns[:, :, 1:].mean(dim=(1, 2)))


@torch.no_grad()
def test_filling_is_decoding_from_what_is_shown() -> None:
    recipe, windows = make(), batch()
    shown = torch.rand(4, 30, generator=torch.Generator().manual_seed(5)) > 0.6
    mask = keep(12, torch.ones_like(shown), noise=shown.float())
    hidden = recipe._cells(mask.hidden)
    series = recipe.series(windows)
    image = interpolate(series.values, ~hidden, longest=recipe.config.interpolated_min)
    decoded = recipe._series(recipe.reconstruct(image, mask))
    decoded[:, 0].clamp_(min=0)
    torch.testing.assert_close(recipe.fill(windows, hidden), torch.where(hidden, decoded, series.values))


@torch.no_grad()
def test_one_hidden_minute_hides_its_patch_and_nothing_else_is_guessed() -> None:
    recipe, windows = make(), batch()
    hidden = nothing(recipe, windows)
    hidden[0, 1, 34] = True
    guess, series = recipe.fill(windows, hidden), recipe.series(windows)
    assert (guess != series.values).nonzero().tolist() == [[0, 1, 34]]
    far = replace(windows.streams["hr"], signal=windows.streams["hr"].signal + 1000 * hidden[:, 1:2])
    assert torch.equal(recipe.fill(replace(windows, streams={**windows.streams, "hr": far}), hidden), guess)


@torch.no_grad()
def test_gaps_are_imputed_unless_they_are_asked_for() -> None:
    recipe, windows = make(), without(batch(), "hr", 40, 50)
    series = recipe.series(windows)
    imputed, filled = recipe.fill(windows, nothing(recipe, windows)), recipe.fill(windows, ~series.valid)
    ends = series.values[:, 1, [39, 50]]
    torch.testing.assert_close(imputed[:, 1, 45], ends[:, 0] + (ends[:, 1] - ends[:, 0]) * 6 / 11)
    assert not torch.isclose(filled[:, 1, 40:50], imputed[:, 1, 40:50]).any()
    assert torch.equal(filled[series.valid], series.values[series.valid])


@torch.no_grad()
def test_guesses_are_in_physical_units_and_sums_never_negative() -> None:
    recipe, windows = make(features=("steps", "acc_sleep", "hr")), batch("steps", "acc_sleep", "hr")
    recipe.mean.fill_(-1000.0)
    guess = recipe.fill(windows, ~nothing(recipe, windows))
    assert torch.equal(guess[:, :2], torch.zeros(4, 2, 100))
    assert (guess[:, 2] < -900).all()
    assert recipe.series(windows).units[::2] == ("count", "1/min")


@torch.no_grad()
def test_a_longer_window_needs_no_other_weights_unless_positions_are_learnt() -> None:
    recipe = make()
    longer = at_window(recipe, 12_000.0)
    assert longer.embed(batch(minutes=200)).tokens.shape == (4, 60, 16)
    with pytest.raises(IncompatibleWeights, match=r"positions\.bias"):
        at_window(make(positions="learnt"), 12_000.0)


@pytest.mark.slow
def test_after_training_hidden_heart_rate_is_read_off_the_steps() -> None:
    """Heart rate is 60 plus steps: a random walk in time, so that its own past says little of an hour later."""
    generator = torch.Generator().manual_seed(0)

    def windows() -> Batch:
        pace = torch.randint(0, 40, (64, 1, 10), generator=generator).float().repeat_interleave(10, dim=2)
        full = batch("steps", "hr", rows=64)
        signals = {"steps": pace, "hr": 60 + pace}
        return replace(full, streams={name: replace(full.streams[name], signal=signal) for name, signal in signals.items()})

    recipe = LSM(tiny(features=("steps", "hr"), width=32, decoder_width=16, mlp_width=64, **MASKS["sensor"]), seed=0)
    recipe.calibrate(iter([windows()]))
    optimiser = torch.optim.Adam(recipe.parameters(), lr=3e-3)
    for step in range(300):
        optimiser.zero_grad()
        recipe.loss(windows(), draws(64, step)).total.backward()
        optimiser.step()
    unseen = windows()
    hidden = nothing(recipe, unseen)
    hidden[:, 1] = True
    with torch.no_grad():
        error = (recipe.eval().fill(unseen, hidden) - recipe.series(unseen).values)[hidden].abs().mean()
    assert error < 4  # beats per minute, of a range of 40; the mean is 10 off


class Door(torch.nn.Module):
    """Tensors in, embedding out: what an exporter sees."""

    def __init__(self, recipe: LSM) -> None:
        super().__init__()
        self.recipe = recipe

    def forward(self, signal: Tensor, valid: Tensor) -> Tensor:
        number = torch.arange(signal.shape[0])
        streams = {
            name: Signal(signal=signal[:, c : c + 1], valid=valid[:, c : c + 1], rate_hz=MINUTE_HZ)
            for c, name in enumerate(self.recipe.config.features)
        }
        windows = Batch(streams=streams, participant=number, recording=number, start_ns=number, local_ns=number)
        return self.recipe.embed(windows).vector


@pytest.mark.slow
@torch.no_grad()
def test_standardising_imputing_and_encoding_export_for_any_number_of_windows() -> None:
    door, rows = Door(make()), torch.export.Dim("rows", min=2, max=64)
    signal = torch.randn(4, 3, 100, generator=torch.Generator().manual_seed(0))
    valid = torch.ones_like(signal, dtype=torch.bool)
    valid[:, 0, 10:30] = False
    exported = torch.export.export(door, (signal, valid), dynamic_shapes=({0: rows}, {0: rows})).module()
    torch.testing.assert_close(exported(signal[:3], valid[:3]), door(signal[:3], valid[:3]))


def test_presets_differ_in_size_only_and_small_is_small() -> None:
    sizes = {name: make_config() for name, make_config in LSM.presets().items() if name != "paper"}
    for config in sizes.values():
        assert (config.features, config.patch, config.hidden_share) == (tuple(LSM_FEATURES), (10, 5), 0.8)
    assert sum(p.numel() for p in LSM(small()).parameters()) < 1_000_000
