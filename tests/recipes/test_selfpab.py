"""SelfPAB: gaps, one accelerometer or two, what is filled in, and what it refuses."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from wearfm.errors import BadConfiguration, UnknownName
from wearfm.nn.draws import Draws
from wearfm.nn.masking import last_block
from wearfm.recipes.base import at_window
from wearfm.recipes.selfpab import Noise, SelfPAB, SelfPABConfig, alter, medium, merge, mono, one_sensor, small
from wearfm.windows.batch import Batch, Signal

TINY = replace(small(), sensors=2, rate_hz=10.0, window_s=8.0, width=16, depth=2, heads=2, mlp_width=16)  # 15 frames, 6 bins
OTHER = replace(TINY, target="other")


def batch(config: SelfPABConfig, *, rows: int = 4, seed: int = 0, signal: Tensor | None = None) -> Batch:
    shape = (rows, config.channels, round(config.rate_hz * config.window_s))
    made = torch.randn(shape, generator=torch.Generator().manual_seed(seed)) if signal is None else signal
    stream = Signal(signal=made, valid=torch.ones(shape, dtype=torch.bool), rate_hz=config.rate_hz)
    number = torch.arange(rows)
    return Batch(streams={config.modality: stream}, participant=number, recording=number, start_ns=number, local_ns=number)


def without(given: Batch, *place: slice | int) -> Batch:
    """Return the batch with a gap at a place of (B, C, T)."""
    stream = given.streams["acc"]
    valid = stream.valid.clone()
    valid[place] = False
    return replace(given, streams={"acc": replace(stream, valid=valid, signal=torch.where(valid, stream.signal, 0.0))})


def with_channels(given: Batch, channels: slice) -> Batch:
    stream = given.streams["acc"]
    part = replace(stream, signal=stream.signal[:, channels], valid=stream.valid[:, channels])
    return replace(given, streams={"acc": part})


class TestConfig:
    def test_sizes_of_the_presets(self) -> None:
        assert (medium().frames, small().frames, small().time_blocks, small().features) == (59, 19, 1, 78)
        assert (mono().branches, mono().features, OTHER.branches) == (2, 78, 2)
        assert [sum(p.numel() for p in SelfPAB(config).parameters()) for config in (medium(), small())] == [3_199_310, 417_614]

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"sensors": 3}, "sensors=3: a window has 1 or 2 accelerometers"),
            ({"width": 1501}, "width=1501: use a multiple of twice the 6 heads"),
            ({"dropout": 1.0}, r"dropout=1: it must lie in \[0, 1\)"),
            ({"hop_s": 0.001}, "hop_s=0.001: at 50 Hz a hop needs at least 0.02 s"),
            ({"window_s": 2.0}, "window_s=2 has 3 frames: hiding 1 blocks of 3 frames needs more: use a longer window"),
            ({"frame_s": 0.08}, "frame_s=0.08 has 3 frequencies: hiding 1 bands of 3 needs more: use longer frames"),
        ],
    )
    def test_what_cannot_work_is_refused_with_the_remedy(self, change: dict[str, float], message: str) -> None:
        with pytest.raises(BadConfiguration, match=message):
            SelfPABConfig(**change)  # type: ignore[arg-type]

    def test_names_are_checked(self) -> None:
        with pytest.raises(UnknownName, match="target 'mono' is not known"):
            SelfPABConfig(target="mono")
        with pytest.raises(UnknownName, match="modality 'accel' is not known"):
            SelfPABConfig(modality="accel")


class TestInput:
    def test_batches_that_do_not_fit_say_what_to_change(self) -> None:
        recipe = SelfPAB(TINY)
        with pytest.raises(BadConfiguration, match=r"windows of 3 channels and 80 samples at 10 Hz; .* 6 and 80 at 10 Hz"):
            recipe.prepare(with_channels(batch(TINY), slice(0, 3)))
        with pytest.raises(BadConfiguration, match="a batch of acc; this recipe reads gyro: set modality"):
            SelfPAB(replace(TINY, modality="gyro")).prepare(batch(TINY))

    def test_a_missing_sample_takes_the_frames_of_its_channel_only(self) -> None:
        values, known = SelfPAB(TINY).prepare(without(batch(TINY), 1, 4, 27))  # in frames 20..29 and 25..34: numbers 4 and 5
        assert known[1, :, 4].tolist() == [n not in (4, 5) for n in range(15)]
        assert known.sum() == 4 * 15 * 6 - 2
        assert not values[1, 4:6, 4].any()

    def test_frames_without_any_channel_change_no_other_and_are_in_no_mean(self) -> None:
        recipe, given = SelfPAB(TINY).eval(), batch(TINY)
        gone = without(given, slice(None), slice(None), slice(30, 50))
        with torch.no_grad():
            tokens, seen = recipe.frames(gone), recipe.prepare(gone).known.any(dim=2)
            vector = recipe.embed(gone).vector
        assert seen[0].tolist() == [n not in range(5, 10) for n in range(15)]
        torch.testing.assert_close(vector, tokens[:, seen[0]].mean(dim=1))

    def test_calibration_is_the_mean_over_measured_frames(self) -> None:
        recipe = SelfPAB(TINY)
        batches = [without(batch(TINY, seed=seed), 0, 2, slice(0, 40)) for seed in (0, 1)]
        recipe.calibrate(iter(batches))
        plain = SelfPAB(TINY)
        made = [plain.prepare(each) for each in batches]
        values, known = (torch.cat(parts) for parts in zip(*made, strict=True))
        for channel in (0, 2):
            there = values[:, :, channel][known[:, :, channel]]  # (frames, F)
            torch.testing.assert_close(recipe.mean.view(6, 6)[channel], there.mean(dim=0))
            torch.testing.assert_close(recipe.std.view(6, 6)[channel], there.std(dim=0, correction=0))


class TestTask:
    def test_copies_are_of_the_clean_window_and_the_later_block_stays(self) -> None:
        config = replace(TINY, time_block=3)
        values = torch.arange(15.0)[None, :, None, None].expand(1, 15, 6, 6)
        noise = Noise(
            kind=torch.tensor([0.85]),
            band=torch.tensor([0.95]),
            to=torch.tensor([[2, 4]]),
            source=torch.tensor([[4, 9]]),
            bands=torch.tensor([[0]]),
        )
        altered, changed = alter(values, noise, config=config)
        assert altered[0, :, 0, 0].tolist() == [0, 1, 4, 5, 9, 10, 11, 7, 8, 9, 10, 11, 12, 13, 14]
        assert changed[0, :, 3, 5].tolist() == [n in range(2, 7) for n in range(15)]

    def test_the_last_block_that_covers_a_place(self) -> None:
        assert last_block(torch.tensor([[3, 0, 2]]), size=2, length=6).tolist() == [[1, 1, 2, 2, 0, -1]]
        assert last_block(torch.zeros(1, 0, dtype=torch.int64), size=2, length=3).tolist() == [[-1, -1, -1]]

    def test_one_sensor_says_what_the_other_measured(self) -> None:
        recipe, given = SelfPAB(OTHER).eval(), batch(OTHER, rows=64)
        shown, target = recipe._task(recipe.prepare(given), Draws(seed=0))
        first, second = recipe.prepare(given).halves()
        is_second = (shown.values == second.values).flatten(1).all(dim=1)
        assert 20 < int(is_second.sum()) < 44
        assert torch.equal(target.values, torch.where(is_second[:, None, None, None], first.values, second.values))

    def test_a_sensor_that_is_not_there_is_no_target(self) -> None:
        recipe = SelfPAB(OTHER).eval()
        alone = without(batch(OTHER), slice(None), slice(3, 6))
        shown, target = recipe._task(recipe.prepare(alone), Draws(seed=0))
        assert (shown.known.flatten(1).any(dim=1) ^ target.known.flatten(1).any(dim=1)).all()
        whole, half = (recipe.loss(given, Draws(seed=0)).parts["masked_share"] for given in (batch(OTHER), alone))
        assert 0 < half < whole

    def test_dropout_is_drawn_in_training_only(self) -> None:
        recipe, given = SelfPAB(replace(TINY, dropout=0.5)), batch(TINY)
        losses = [recipe.train(mode).loss(given, Draws(seed=0)).total.item() for mode in (True, False, False)]
        assert losses[0] != losses[1] == losses[2]
        plain, dropped = recipe.features(given), recipe.features(given, Draws(seed=0))
        assert torch.equal(plain, recipe.embed(given).vector)
        assert not torch.equal(plain, dropped)

    def test_one_sensor_alone_cannot_be_trained_to_say_what_the_other_measured(self) -> None:
        recipe = SelfPAB(replace(OTHER, sensors=1))
        given = with_channels(batch(OTHER), slice(0, 3))
        message = 'sensors=1: one accelerometer says what the other measured; use windows with sensors=2, or target="same"'
        with pytest.raises(BadConfiguration, match=message):
            recipe.loss(given, Draws(seed=0))
        with pytest.raises(BadConfiguration, match=message):
            recipe.fill(given, torch.zeros_like(recipe.series(given).valid))


class TestEmbedding:
    def test_frames_are_those_of_the_window(self) -> None:
        assert SelfPAB(TINY).eval().frames(batch(TINY)).shape == (4, 15, 16)

    @pytest.mark.parametrize(
        ("kind", "expected"), [("mean", [2.0, 1.0]), ("max", [3.0, 1.0]), ("concatenate", [1.0, 3.0, 1.0, 0.0])]
    )
    def test_two_accelerometers_become_one(self, kind: str, expected: list[float]) -> None:
        tokens = torch.tensor([[[[1.0], [1.0]], [[3.0], [9.0]]]])  # (1, 2, 2, 1)
        seen = torch.tensor([[[True, True], [True, False]]])
        assert merge(tokens, seen, kind=kind).flatten().tolist() == expected
        assert not merge(tokens, ~(seen | True), kind=kind).any()

    @torch.no_grad()
    def test_one_of_two_is_embedded_as_it_was_within_the_pair(self) -> None:
        recipe, given = SelfPAB(replace(OTHER, merge="concatenate")), batch(OTHER)
        recipe.calibrate(iter([batch(OTHER, seed=9)]))
        recipe.eval().seen = frozenset({"somebody"})
        pair = recipe.embed(given).vector
        for number in (0, 1):
            single = one_sensor(recipe, number)
            alone = with_channels(given, slice(3 * number, 3 * number + 3))
            torch.testing.assert_close(single.embed(alone).vector, pair[:, 16 * number : 16 * number + 16])
            assert single.seen == recipe.seen
        with pytest.raises(BadConfiguration, match='sensor 0 of 2, target="same": one of two is read with target="other" only'):
            one_sensor(SelfPAB(TINY), 0)

    def test_windows_may_be_longer_than_in_training(self) -> None:
        longer = at_window(SelfPAB(TINY), 20.0)
        assert longer.frames(batch(longer.config)).shape == (4, 39, 16)


class TestFilling:
    def test_series_are_amplitudes_in_g(self) -> None:
        time_s = torch.arange(80) / 10
        wave = 1.0 + 0.7 * torch.cos(2 * math.pi * 3 * time_s)
        series = SelfPAB(TINY).series(batch(TINY, rows=1, signal=wave.expand(1, 6, 80)))
        assert series.names[:7] == (
            "acc 0 0 Hz",
            "acc 0 1 Hz",
            "acc 0 2 Hz",
            "acc 0 3 Hz",
            "acc 0 4 Hz",
            "acc 0 5 Hz",
            "acc 1 0 Hz",
        )
        assert (series.values.shape, set(series.units), series.step_s) == ((1, 36, 15), {"g"}, 0.5)
        torch.testing.assert_close(series.values[0, 0], torch.ones(15))
        torch.testing.assert_close(series.values[0, 3], torch.full((15,), 0.7))

    @torch.no_grad()
    def test_without_an_opinion_the_guess_is_the_mean_of_the_training_side(self) -> None:
        recipe = SelfPAB(TINY).eval()
        given = batch(TINY, seed=5)
        recipe.calibrate(iter([given]))
        recipe.predict.weight.zero_()
        guess = recipe.fill(given, torch.ones_like(recipe.series(given).valid))
        expected = recipe.series(given).values.mean(dim=(0, 2))
        torch.testing.assert_close(guess, expected[None, :, None].expand(guess.shape))

    @torch.no_grad()
    def test_a_hidden_number_hides_alone(self) -> None:
        recipe, given = SelfPAB(TINY).eval(), batch(TINY)
        hidden = torch.zeros_like(recipe.series(given).valid)
        hidden[0, 7, 3] = True
        values = recipe.prepare(given).values.clone()
        values[0, 3, 1, 1] = 0.0  # series 7 is frequency 1 of channel 1
        expected = recipe.predict(recipe.encoder(values, torch.ones(4, 15, dtype=torch.bool))).clamp(min=0)
        guess = recipe.fill(given, hidden)
        torch.testing.assert_close(guess[0, 7, 3], expected[0, 3, 7] * 0.4)  # 4 / 10 samples

    @torch.no_grad()
    def test_what_one_accelerometer_measured_is_guessed_from_the_other_alone(self) -> None:
        recipe, given = SelfPAB(OTHER).eval(), batch(OTHER)
        moved = given.streams["acc"].signal.clone()
        moved[:, 3:] += torch.randn(4, 3, 80, generator=torch.Generator().manual_seed(8))
        other = replace(given, streams={"acc": replace(given.streams["acc"], signal=moved)})
        nothing = torch.zeros_like(recipe.series(given).valid)
        one, two = recipe.fill(given, nothing), recipe.fill(other, nothing)
        assert torch.equal(one[:, 18:], two[:, 18:])
        assert not torch.equal(one[:, :18], two[:, :18])
