"""LTA2V: tokens of epochs, local attention, the clock, what is hidden, and series of epochs as they come."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from wearfm.errors import BadConfiguration, UnknownName
from wearfm.nn.backbones.transformer import Attention
from wearfm.nn.draws import Draws
from wearfm.nn.initial import xavier
from wearfm.recipes.base import at_window
from wearfm.recipes.lta2v import LTA2V, LocalAttention, LTA2VConfig, epochs, hide, paper, small
from wearfm.signals.recording import SECOND
from wearfm.windows.batch import Batch, Signal
from wearfm.windows.index import UNDATED

NIGHT_NS = 1_700_258_400 * SECOND  # 2023-11-17 22:00
TINY = replace(
    small(), rate_hz=8.0, window_s=48.0, epoch_s=4.0, width=16, depth=2, heads=2, mlp_width=16, reach=2, harmonics=4,
    global_tokens=2, block_shortest=2, block_longest=4, band_block=1,
)  # fmt: skip
WATCH = replace(epochs(), window_s=600.0, width=16, depth=2, heads=2, mlp_width=16, reach=4, block_shortest=2, block_longest=5)


def batch(config: LTA2VConfig, *, rows: int = 4, seed: int = 0, local_ns: int = NIGHT_NS) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    streams = {}
    for name, count in zip(config.modalities, config.channels, strict=True):
        shape = (rows, count, config.num_tokens * config.epoch)
        low = {"counts": 0.0, "hr": 60.0}.get(name, -1.0)
        signal = low + 2 * torch.rand(shape, generator=generator)
        streams[name] = Signal(signal=signal, valid=torch.ones(shape, dtype=torch.bool), rate_hz=config.rate_hz)
    number = torch.arange(rows)
    starts = torch.full((rows,), local_ns)
    return Batch(streams=streams, participant=number, recording=number, start_ns=number, local_ns=starts)


def without(given: Batch, name: str, *place: slice | int) -> Batch:
    """Return the batch with a gap at a place of (B, C, T) of a stream."""
    stream = given.streams[name]
    valid = stream.valid.clone()
    valid[place] = False
    gone = replace(stream, valid=valid, signal=torch.where(valid, stream.signal, 0.0))
    return replace(given, streams={**given.streams, name: gone})


class TestConfig:
    def test_a_day_has_2880_tokens_and_a_night_of_a_watch_960(self) -> None:
        assert (paper().num_tokens, paper().features, paper().epoch) == (2880, (26, 12), 1500)
        assert (epochs().num_tokens, epochs().features, epochs().epoch) == (960, (2, 1), 1)
        assert (paper().bands, epochs().bands, replace(epochs(), modalities=("hr",), channels=(1,)).bands) == (1, 1, 0)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"channels": (3, 1)}, r"channels=\(3, 1\): give one count for each of \('acc',\)"),
            ({"epoch_s": 0.01}, "epoch_s=0.01 has 0.32 samples at 32 Hz: an epoch needs a whole number"),
            ({"epoch_s": 0.5}, 'frame_s=1, hop_s=0.5: an epoch holds no such frame: tokens="samples"'),
            ({"window_s": 902.0}, "window_s=902: use a multiple of 5 s"),
            ({"width": 36}, "width=36: use a multiple of twice the 4 heads"),
            ({"reach": 0}, "reach=0: local attention needs a neighbour"),
            ({"global_tokens": 0}, "global_tokens=0: one at least"),
            ({"block_longest": 180}, "blocks of 4 to 180 tokens: they must rise and be shorter than the 180 tokens"),
            ({"share_lowest": 0.5}, "shares 0.5 to 0.4: they must rise between 0 and 1"),
        ],
    )
    def test_what_cannot_work_is_refused_with_the_remedy(self, change: dict[str, float], message: str) -> None:
        with pytest.raises(BadConfiguration, match=message):
            replace(small(), **change)  # type: ignore[arg-type]

    def test_names_are_checked(self) -> None:
        with pytest.raises(UnknownName, match="clock of lta2v 'hours' is not known; known: calendar, day, none"):
            LTA2VConfig(clock="hours")

    def test_totals_are_asked_for_at_their_own_rate_and_series_may_be_absent(self) -> None:
        streams = LTA2V(WATCH).input.streams
        assert [(s.modality, s.rate_hz, s.is_optional) for s in streams] == [("counts", 1 / 30, True), ("hr", 1 / 30, True)]
        assert not LTA2V(TINY).input.streams[0].is_optional


class TestTokens:
    def test_a_steady_wave_has_its_amplitude_and_no_deviation(self) -> None:
        time_s = torch.arange(48 * 8) / 8
        wave = 1.0 + 0.7 * torch.cos(2 * math.pi * 2 * time_s)
        given = batch(TINY, rows=1)
        stream = replace(given.streams["acc"], signal=wave.expand(1, 3, -1).contiguous())
        series = LTA2V(TINY).series(replace(given, streams={"acc": stream}))
        assert (series.values.shape, series.step_s, set(series.units)) == ((1, 30, 12), 4.0, {"g"})
        means = series.values[0, series.names.index("acc 1 mean 2 Hz")], series.values[0, series.names.index("acc 1 mean 0 Hz")]
        torch.testing.assert_close(torch.stack(means), torch.tensor([[0.7], [1.0]]).expand(2, 12))
        assert series.values[0, series.names.index("acc 1 std 2 Hz")].max() < 1e-6

    def test_mean_and_deviation_are_over_the_measured_frames_of_an_epoch(self) -> None:
        given = without(batch(TINY, rows=1), "acc", 0, 1, slice(40, 44))  # two of the second epoch's seven frames are not whole
        signal = given.streams["acc"].signal[0, 1, 32:64].numpy().astype(np.float64)
        hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(8) / 8)
        frames = [signal[start : start + 8] for start in (0, 12, 16, 20, 24)]
        swing = [abs(np.fft.rfft(hann * frame)[1]) * 4 / 8 for frame in frames]
        series = LTA2V(replace(TINY, epoch_valid=0.3)).series(given)
        made = [float(series.values[0, series.names.index(f"acc 1 {kind} 1 Hz"), 1]) for kind in ("mean", "std")]
        assert made == pytest.approx([np.mean(swing), np.std(swing)], rel=1e-4)

    def test_an_epoch_with_too_few_measured_frames_is_missing_in_its_channel_alone(self) -> None:
        given = without(batch(TINY), "acc", 2, 1, slice(34, 62))
        known = LTA2V(TINY).prepare(given).known  # (B, N, K, P)
        assert not known[2, 1, :, 2:4].any()
        assert known.sum() == known.numel() - 2 * 5

    def test_no_epoch_tells_of_another(self) -> None:
        recipe, given = LTA2V(TINY), batch(TINY)
        signal = given.streams["acc"].signal.clone()
        signal[:, :, 64:96] += 1.0  # the third
        moved = replace(given, streams={"acc": replace(given.streams["acc"], signal=signal)})
        apart = (recipe.prepare(given).values != recipe.prepare(moved).values).flatten(2).any(dim=2)
        assert apart[0].tolist() == [n == 2 for n in range(12)]

    def test_what_is_absent_is_masked_and_what_is_there_still_counts(self) -> None:
        recipe, given = LTA2V(WATCH).eval(), batch(WATCH)
        only = replace(given, streams={"counts": given.streams["counts"]})
        gone = without(given, "hr", slice(None))
        one, other = recipe.prepare(only), recipe.prepare(gone)
        assert one.known.flatten(2).sum(dim=2).unique().tolist() == [1]
        assert torch.equal(one.values, other.values)
        assert torch.equal(recipe.embed(only).vector, recipe.embed(gone).vector)

    def test_batches_that_do_not_fit_say_what_to_change(self) -> None:
        with pytest.raises(
            BadConfiguration, match=r"acc: windows of 3 channels and 384 samples at 8 Hz; .* made for 6 and 384"
        ):
            LTA2V(replace(TINY, channels=(6,))).prepare(batch(TINY))


class TestClock:
    def test_only_the_time_of_day_and_the_day_matter(self) -> None:
        recipe = LTA2V(TINY).eval()
        starts = (NIGHT_NS, NIGHT_NS + 40 * 86_400 * SECOND, NIGHT_NS + 3600 * SECOND)
        one, later, shifted = (recipe.embed(batch(TINY, local_ns=start)).vector for start in starts)
        assert torch.equal(one, later)
        assert not torch.equal(one, shifted)

    def test_the_calendar_knows_the_month(self) -> None:
        recipe = LTA2V(replace(TINY, clock="calendar")).eval()
        one, later = (recipe.embed(batch(TINY, local_ns=NIGHT_NS + days * 86_400 * SECOND)).vector for days in (0, 28))
        assert not torch.equal(one, later)

    def test_without_a_clock_no_time_matters(self) -> None:
        recipe = LTA2V(replace(TINY, clock="none")).eval()
        one, other, unknown = (recipe.embed(batch(TINY, local_ns=ns)).vector for ns in (NIGHT_NS, 5, UNDATED))
        assert torch.equal(one, other)
        assert torch.equal(one, unknown)

    def test_a_shifted_clock_is_another_time(self) -> None:
        recipe, shifted = LTA2V(TINY).eval(), LTA2V(replace(TINY, clock_shift_s=3600.0)).eval()
        at_eleven = recipe.embed(batch(TINY, local_ns=NIGHT_NS + 3600 * SECOND)).vector
        assert torch.equal(shifted.embed(batch(TINY)).vector, at_eleven)

    @pytest.mark.parametrize("clock", ["day", "calendar"])
    def test_an_unknown_time_adds_nothing(self, clock: str) -> None:
        recipe = LTA2V(replace(TINY, clock=clock)).eval()
        dated, undated = (recipe.prepare(batch(TINY, local_ns=ns)) for ns in (NIGHT_NS, UNDATED))
        assert not recipe.encoder.clock(undated).any()
        assert recipe.encoder.clock(dated).any(dim=2).all()
        assert torch.isfinite(recipe.embed(batch(TINY, local_ns=UNDATED)).vector).all()

    def test_the_middle_of_an_epoch_is_its_time(self) -> None:
        middle = LTA2V(TINY).prepare(batch(TINY)).middle_ns[0] - NIGHT_NS
        assert (middle // SECOND).tolist() == [2 + 4 * n for n in range(12)]


class TestLocalAttention:
    @pytest.mark.parametrize(("length", "reach", "leaders"), [(17, 3, 2), (12, 4, 1), (5, 8, 3), (9, 1, 1)])
    def test_it_is_full_attention_behind_a_band(self, length: int, reach: int, leaders: int) -> None:
        local = LocalAttention(8, heads=2, reach=reach, leaders=leaders)
        full = Attention(8, heads=2)
        xavier(local, torch.Generator().manual_seed(0))
        full.load_state_dict(local.state_dict())
        generator = torch.Generator().manual_seed(1)
        tokens = torch.randn(3, leaders + length, 8, generator=generator)
        visible = torch.rand(3, leaders + length, generator=generator) < 0.6
        visible[:, :leaders] = True
        visible[2, leaders:] = False
        mask = torch.zeros(3, leaders + length, leaders + length, dtype=torch.bool)
        for row in range(3):
            for i in range(leaders + length):
                for j in range(leaders + length):
                    is_near = i < leaders or j < leaders or abs(i - j) <= reach
                    mask[row, i, j] = is_near and visible[row, j]
        torch.testing.assert_close(local(tokens, visible), full(tokens, mask))
        torch.testing.assert_close(local(tokens), full(tokens, mask.any(dim=0, keepdim=True) | self.near(mask, reach, leaders)))

    def near(self, mask: Tensor, reach: int, leaders: int) -> Tensor:
        place = torch.arange(mask.shape[1])
        near = (place[:, None] - place).abs() <= reach
        return (near | (place[:, None] < leaders) | (place < leaders)).expand(3, -1, -1)

    def test_far_tokens_reach_each_other_through_the_leaders_only(self) -> None:
        config = replace(TINY, window_s=240.0, depth=1)  # 60 tokens, two to each side, one layer
        recipe, given = LTA2V(config).eval(), batch(config)
        signal = given.streams["acc"].signal.clone()
        signal[:, :, :32] += 1.0  # the first epoch
        moved = replace(given, streams={"acc": replace(given.streams["acc"], signal=signal)})
        apart = (recipe.frames(given) != recipe.frames(moved)).any(dim=2)[0]
        assert apart.tolist() == [n <= 2 for n in range(60)]
        deep = LTA2V(replace(config, depth=2)).eval()
        assert (deep.frames(given) != deep.frames(moved)).any(dim=2).all()

    def test_with_a_reach_beyond_the_window_local_is_full(self) -> None:
        local, full = (LTA2V(replace(TINY, attention=kind, reach=12)).eval() for kind in ("local", "full"))
        given = without(batch(TINY), "acc", slice(None), slice(None), slice(100, 200))
        torch.testing.assert_close(local.frames(given), full.frames(given))


class TestHiding:
    def test_the_share_is_reached_and_at_most_one_block_too_much(self) -> None:
        config = replace(paper(), band_probability=0.0)
        with torch.device("meta"):
            recipe = LTA2V(config)
        recipe.mean = torch.zeros(1)
        noise = recipe.draw(200, Draws(seed=0))
        hidden = hide(noise, config=config)[:, :, 0, 0].sum(dim=1) / 2880
        wanted = 0.15 + 0.25 * noise.share
        assert (hidden >= wanted).all()
        assert (hidden < wanted + 60 / 2880).all()

    def test_gaps_are_not_in_the_loss(self) -> None:
        recipe, given = LTA2V(TINY).eval(), batch(TINY)
        whole, half = (recipe.loss(g, Draws(seed=0)) for g in (given, without(given, "acc", slice(2), slice(None))))
        assert 0 < half.parts["masked_share"] < whole.parts["masked_share"]


class TestFilling:
    @torch.no_grad()
    @pytest.mark.parametrize("config", [TINY, WATCH, replace(WATCH, scale="linear")], ids=["spectra", "log", "linear"])
    def test_without_an_opinion_the_guess_is_the_mean_of_the_training_side(self, config: LTA2VConfig) -> None:
        recipe, given = LTA2V(config).eval(), batch(config, seed=5)
        recipe.calibrate(iter([given]))
        recipe.predict.weight.zero_()
        values = recipe.series(given).values
        guess = recipe.fill(given, torch.ones_like(values, dtype=torch.bool))
        scaled = values.log1p().mean(dim=(0, 2)).expm1() if config.scale == "log" else values.mean(dim=(0, 2))
        torch.testing.assert_close(guess, scaled[None, :, None].expand(guess.shape))

    @torch.no_grad()
    def test_a_guess_is_a_value_that_a_body_can_have(self) -> None:
        recipe, given = LTA2V(WATCH).eval(), batch(WATCH)
        for bias, expected in ((-100.0, [0.0, 20.0]), (100.0, [1e7, 300.0])):
            recipe.predict.bias.fill_(bias)
            guess = recipe.fill(given, recipe.series(given).valid)
            assert guess.amax(dim=(0, 2)).tolist() == guess.amin(dim=(0, 2)).tolist() == expected

    def test_series_of_epochs_are_the_samples(self) -> None:
        config = replace(WATCH, epoch_s=60.0)  # two samples a token
        recipe, given = LTA2V(config), batch(config)
        series = recipe.series(given)
        assert (series.names, series.units, series.step_s) == (("counts 0", "hr 0"), ("count", "1/min"), 30.0)
        assert torch.equal(series.values, torch.cat([given.streams["counts"].signal, given.streams["hr"].signal], dim=1))
        hidden = torch.rand(series.values.shape, generator=torch.Generator().manual_seed(0)) < 0.5
        assert torch.equal(recipe._to_series(recipe._from_series(hidden)), hidden)


class TestWindows:
    def test_frames_are_the_epochs(self) -> None:
        assert LTA2V(TINY).eval().frames(batch(TINY)).shape == (4, 12, 16)

    def test_windows_may_be_longer_than_in_training(self) -> None:
        longer = at_window(LTA2V(TINY), 96.0)
        assert longer.frames(batch(longer.config)).shape == (4, 24, 16)
