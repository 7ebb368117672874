"""The hybrid: what the encoder sees, its four parts, what a weight of 0 leaves out, and that each part can be learnt."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.recordings import channel, recording
from tests.toy import toy_batch
from wearfm.augment import KINDS
from wearfm.errors import BadConfiguration, UnknownName
from wearfm.nn.draws import Draws
from wearfm.recipes import hybrid
from wearfm.recipes.base import at_window
from wearfm.recipes.hybrid import Hybrid, HybridConfig, normalise_patches, paper, pretext, small, standardise_columns
from wearfm.store import Store
from wearfm.training import TrainingConfig, train
from wearfm.training.log import read_log
from wearfm.windows.batch import Batch, Signal
from wearfm.windows.index import WindowIndex
from wearfm.windows.pairs import SameParticipant
from wearfm.windows.sample import Shuffled

TINY = replace(
    small(), rate_hz=32.0, window_s=4.0, apart_s=4.0, patch=8, width=32, depth=2, heads=2, mlp_width=64, decoder_width=16,
    decoder_mlp_width=32, hidden_size=32, projection_size=16,
)  # fmt: skip
NETWORKS = {"reconstruction": "decoder", "contrast": "projector", "corruption": "corruption", "beat": "beat"}
COMPUTED = {"reconstruction": "reconstruction_error", "contrast": "info_nce", "corruption": "corrupt"}
NOTHING = {f"{part}_weight": 0.0 for part in NETWORKS}
PATCHES = 16


def only(part: str, **changes: Any) -> HybridConfig:
    return replace(TINY, **{**NOTHING, f"{part}_weight": 1.0, **changes})


def all_parts(**changes: Any) -> HybridConfig:
    return replace(TINY, **{"corruption_weight": 0.1, "beat_weight": 0.5, "koleo_weight": 0.1, **changes})


def pulses(rows: int, *, seed: int = 0, group_size: int = 2, has_gaps: bool = False) -> Batch:
    """Return pulse waves at 55 to 100 beats a minute, a person for each group, which know when the next beat comes."""
    generator = torch.Generator().manual_seed(seed)

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(rows, 1, generator=generator)

    interval_s, width_s = uniform(0.6, 1.1), uniform(0.08, 0.13)
    first_s = interval_s * uniform(0, 1)

    def away_s(time_s: Tensor) -> Tensor:
        return (time_s - first_s + interval_s / 2) % interval_s - interval_s / 2

    away = away_s(torch.arange(128) / 32)
    wave = torch.exp(-0.5 * (away / width_s) ** 2) + 0.4 * torch.exp(-0.5 * ((away - 0.3 * interval_s) / (1.5 * width_s)) ** 2)
    signal = (wave + 0.02 * torch.randn(rows, 128, generator=generator))[:, None]
    valid = torch.ones_like(signal, dtype=torch.bool)
    if has_gaps:
        valid[::2, :, 40:72] = False
    number = torch.arange(rows)
    return Batch(
        streams={"ppg": Signal(signal=torch.where(valid, signal, 0.0), valid=valid, rate_hz=32.0)},
        participant=number // group_size,
        recording=number,
        start_ns=number,
        local_ns=number,
        group_size=group_size,
        targets={"next_beat_s": ((first_s - 4.0) % interval_s)[:, 0]},
    )


def _gradients(recipe: Hybrid, batch: Batch) -> dict[str, Tensor | None]:
    recipe.zero_grad()
    recipe.loss(batch, Draws(0)).total.backward()
    return {name: parameter.grad for name, parameter in recipe.named_parameters()}


def _refuse(*_: Any, **__: Any) -> None:
    raise AssertionError("computed")


class TestConfig:
    def test_sizes_are_the_stated_ones(self) -> None:
        def count(config: HybridConfig) -> int:
            return sum(parameter.numel() for parameter in Hybrid(config).parameters())

        assert (count(paper()), count(pretext()), count(small())) == (10_111_120, 10_377_366, 183_152)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"contrast_weight": -1.0}, "contrast_weight=-1: a weight is 0 or more"),
            ({**NOTHING, "koleo_weight": 1.0}, "nothing is learnt; set one besides koleo_weight above 0"),
            ({"patch": 7}, "window_s=4 at 32 Hz: patches of 7 must fill it"),
            ({"width": 30}, "width=30: positions need a multiple of 4"),
            ({"channels": 0}, "channels=0: give at least 1"),
            ({"mask_share": 1.0}, "mask_share=1: something must be hidden and something seen"),
            ({"min_valid": 0.0}, "min_valid=0: a window needs samples"),
            ({"horizon_s": 0.0}, "horizon_s=0: must be positive"),
            ({"modality": "acc", "beat_weight": 1.0}, "acc has no beats that can be found; choose one of ppg, ecg"),
        ],
    )
    def test_what_cannot_work_is_refused(self, changes: dict[str, Any], message: str) -> None:
        with pytest.raises(BadConfiguration, match=message):
            replace(TINY, **changes)

    def test_an_unknown_choice_is_refused(self) -> None:
        with pytest.raises(UnknownName, match="pooled"):
            replace(TINY, pooled="hidden")

    def test_other_modalities_need_no_beats(self) -> None:
        recipe = Hybrid(replace(TINY, modality="acc", channels=3, corruption_weight=0.1))
        batch = toy_batch(8, seed=0, channels={"acc": 3}, length=128, rate_hz=32.0, group_size=2)
        assert torch.isfinite(recipe.loss(batch, Draws(0)).total)
        embedded = recipe.embed(batch)
        assert embedded.channels is not None
        assert embedded.channels.shape == (8, 3, 32)
        assert recipe.frames(batch).shape == (8, PATCHES, 32)


class TestView:
    def test_half_of_the_measured_moments_are_hidden_in_all_channels_and_a_gap_is_neither_seen_nor_hidden(self) -> None:
        recipe = Hybrid(replace(TINY, channels=2))
        batch = toy_batch(30, seed=0, channels={"ppg": 2}, length=128, rate_hz=32.0, group_size=2, has_gaps=False)
        valid = batch.streams["ppg"].valid.clone()
        valid[0::3, 0, 16:32] = False  # patches 2 and 3 of one channel
        valid[1::3, :, :100] = False  # all before the middle of patch 12
        valid[2] = False
        batch = replace(batch, streams={"ppg": replace(batch.streams["ppg"], valid=valid)})
        view = recipe.view(recipe.prepare(batch), Draws(0))
        observed = valid.reshape(30, 2 * PATCHES, 8).any(dim=2)
        assert not (view.seen & view.hidden).any()
        assert torch.equal(view.seen | view.hidden, observed)
        hidden, seen = (flags.reshape(30, 2, PATCHES) for flags in (view.hidden, view.seen))
        assert not (hidden[:, 0] & seen[:, 1]).any()
        assert hidden.any(dim=1).sum(dim=1)[0::3].tolist() == [8] * 10
        assert hidden.any(dim=1).sum(dim=1)[1::3].tolist() == [2] * 10
        assert not observed[2].any()

    def test_a_single_measured_moment_is_seen(self) -> None:
        recipe, batch = Hybrid(replace(TINY, mask_share=0.9)), pulses(2)
        valid = torch.zeros_like(batch.streams["ppg"].valid)
        valid[..., 50] = True
        batch = replace(batch, streams={"ppg": replace(batch.streams["ppg"], valid=valid)})
        view = recipe.view(recipe.prepare(batch), Draws(0))
        assert view.seen.sum(dim=1).tolist() == [1, 1]
        assert not view.hidden.any()

    def test_the_encoder_sees_augmented_windows_and_the_target_is_the_plain_one(self) -> None:
        loud = {"scale": 1.0, "scale_deviation": 0.5, "noise": 1.0, "warp_magnitude": 1.0}
        recipe, batch = Hybrid(only("reconstruction", **loud)), pulses(8)
        prepared, draws = recipe.prepare(batch), Draws(0)
        view = recipe.view(prepared, draws)
        assert not torch.equal(view.signal, prepared.signal)
        with torch.no_grad():
            guess = recipe._guess(recipe.encode(view.signal, view.seen))
        scored = view.hidden[..., None].expand(-1, -1, 8)
        expected = (guess - prepared.signal.reshape(8, PATCHES, 8)).square()[scored].mean()
        torch.testing.assert_close(recipe.loss(batch, Draws(0)).parts["reconstruction"], expected)

    def test_a_hidden_patch_is_not_looked_at(self) -> None:
        recipe, batch = Hybrid(all_parts()), pulses(8)
        prepared = recipe.prepare(batch)
        view = recipe.view(prepared, Draws(0))
        poisoned = torch.where(view.seen.repeat_interleave(8, dim=1)[:, None], view.signal, torch.nan)
        assert torch.equal(recipe.encode(poisoned, view.seen).vector, recipe.encode(view.signal, view.seen).vector)


class TestParts:
    def test_all_parts_are_logged_unweighted_and_add_up_to_the_total(self) -> None:
        config = all_parts()
        loss = Hybrid(config).loss(pulses(16, has_gaps=True), Draws(0))
        names = {"reconstruction", "contrast", "koleo", "corruption", "beat"}
        assert set(loss.parts) == names | {
            "corruption_accuracy", "beat_error_s", "beat_known", "effective_rank", "uniformity", "dispersion_between"
        }  # fmt: skip
        assert config.weights.keys() == names
        torch.testing.assert_close(loss.total, sum(weight * loss.parts[name] for name, weight in config.weights.items()))
        other = Hybrid(replace(config, contrast_weight=3.0)).loss(pulses(16, has_gaps=True), Draws(0))
        assert all(torch.equal(other.parts[name], loss.parts[name]) for name in loss.parts)

    @pytest.mark.parametrize(("part", "function"), COMPUTED.items())
    def test_a_part_that_is_off_has_no_network_and_is_not_computed(
        self, part: str, function: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        everything, batch = Hybrid(all_parts()), pulses(8)
        recipe = Hybrid(all_parts(**{f"{part}_weight": 0.0}))
        missing = dict(everything.named_parameters()).keys() - dict(recipe.named_parameters()).keys()
        assert missing
        assert all(name.startswith(f"{NETWORKS[part]}.") for name in missing)
        monkeypatch.setattr(hybrid, function, _refuse)
        loss = recipe.loss(batch, Draws(0))
        assert part not in loss.parts
        with pytest.raises(AssertionError, match="computed"):
            everything.loss(batch, Draws(0))

    def test_without_the_next_beat_no_target_is_asked_for(self) -> None:
        recipe = Hybrid(all_parts(beat_weight=0.0))
        assert recipe.beat is None
        assert "beat" not in recipe.loss(replace(pulses(8), targets={}), Draws(0)).parts

    def test_koleo_of_weight_0_is_not_computed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(hybrid, "koleo", _refuse)
        assert "koleo" not in Hybrid(all_parts(koleo_weight=0.0)).loss(pulses(8), Draws(0)).parts
        with pytest.raises(AssertionError, match="computed"):
            Hybrid(all_parts()).loss(pulses(8), Draws(0))

    @pytest.mark.parametrize(
        ("changes", "passes"),
        [
            ({"corruption_weight": 0.0}, 2),
            ({}, 3),
            ({"pooled": "visible", "corruption_weight": 0.0}, 1),
            ({"pooled": "visible"}, 2),
            ({**NOTHING, "koleo_weight": 0.0, "reconstruction_weight": 1.0}, 1),
            ({**NOTHING, "koleo_weight": 0.0, "contrast_weight": 1.0}, 1),
        ],
    )
    def test_the_encoder_runs_no_more_often_than_the_parts_need(self, changes: dict[str, Any], passes: int) -> None:
        recipe, calls = Hybrid(all_parts(**changes)), list[int]()
        recipe.encoder.register_forward_hook(lambda *_: calls.append(1))
        recipe.loss(pulses(8), Draws(0))
        assert len(calls) == passes

    def test_contrast_does_not_see_what_all_windows_have_in_common(self) -> None:
        vectors = torch.randn(8, 5, generator=torch.Generator().manual_seed(0))
        made = standardise_columns(vectors)
        torch.testing.assert_close(made.mean(dim=0), torch.zeros(5))
        torch.testing.assert_close(made.std(dim=0, correction=0), torch.ones(5), rtol=1e-3, atol=1e-3)
        torch.testing.assert_close(standardise_columns(3 * vectors + torch.arange(5.0)), made, rtol=1e-3, atol=1e-3)

    def test_windows_of_one_participant_are_never_negatives(self) -> None:
        recipe, batch = Hybrid(only("contrast")), pulses(4)
        together = recipe.loss(replace(batch, participant=torch.zeros(4, dtype=torch.int64)), Draws(0))
        assert float(together.parts["contrast"]) == pytest.approx(0.0, abs=1e-6)
        assert recipe.loss(batch, Draws(0)).parts["contrast"] > 0.1

    def test_contrast_needs_pairs_and_says_so(self) -> None:
        with pytest.raises(BadConfiguration, match=r"groups of 1; contrast needs pairs.*contrast_weight=0"):
            Hybrid(TINY).loss(replace(pulses(4), group_size=1), Draws(0))
        assert torch.isfinite(Hybrid(only("reconstruction")).loss(replace(pulses(4), group_size=1), Draws(0)).total)

    def test_patch_normalised_targets_have_mean_0_and_deviation_1_over_what_is_valid(self) -> None:
        generator = torch.Generator().manual_seed(0)
        patches, valid = 5 + 3 * torch.randn(2, 3, 50, generator=generator), torch.ones(2, 3, 50, dtype=torch.bool)
        valid[0, 0, :20], valid[1] = False, False
        made = normalise_patches(torch.where(valid, patches, 1e6), valid)
        inside = made[0, 0, 20:]
        assert float(inside.mean()) == pytest.approx(0, abs=1e-5)
        assert float(inside.std(correction=0)) == pytest.approx(1, abs=1e-4)
        assert (made[~valid] == 0).all()


class TestBeat:
    def test_a_batch_that_knows_no_beat_pays_nothing_and_has_a_gradient_of_0(self) -> None:
        recipe, batch = Hybrid(only("beat")), pulses(8)
        unknown = replace(batch, targets={"next_beat_s": torch.full((8,), torch.nan)})
        loss = recipe.loss(unknown, Draws(0))
        assert [float(loss.parts[name]) for name in ("beat", "beat_error_s", "beat_known")] == [0.0, 0.0, 0.0]
        gradients = [grad for grad in _gradients(recipe, unknown).values() if grad is not None]
        assert gradients
        assert all((grad == 0).all() for grad in gradients)

    def test_windows_without_a_known_beat_do_not_count(self) -> None:
        recipe, batch = Hybrid(only("beat")), pulses(8)
        target = batch.targets["next_beat_s"].clone()
        some = target.clone()
        some[::2], some[1] = torch.nan, 99.0  # behind the horizon
        loss = recipe.loss(replace(batch, targets={"next_beat_s": some}), Draws(0))
        assert float(loss.parts["beat_known"]) == 3 / 8
        view = recipe.view(recipe.prepare(batch), Draws(0))
        assert recipe.beat is not None
        guess = 1.5 * recipe.beat(recipe.encode(view.signal, view.seen | view.hidden).vector)[:, 0].sigmoid()
        expected = (guess - target)[[3, 5, 7]].abs().mean()
        torch.testing.assert_close(loss.parts["beat_error_s"], expected.detach())

    def test_a_batch_without_the_target_is_refused_with_a_remedy(self) -> None:
        with pytest.raises(BadConfiguration, match=r"without the target next_beat_s; give the index to recipe.survey\(source"):
            Hybrid(all_parts()).loss(replace(pulses(4), targets={}), Draws(0))

    def test_survey_measures_the_beats_of_a_metronome_once_and_only_if_asked_for(self, tmp_path: Path) -> None:
        phase = (np.arange(32 * 60) / 32 - 0.3 + 0.4) % 0.8 - 0.4
        wave = np.exp(-0.5 * (phase / 0.1) ** 2).astype(np.float32)
        store = Store.create(tmp_path / "s")
        store.commit([recording(name, "a", channel(wave, modality="ppg", rate_hz=32.0)) for name in ("p", "q")])
        recipe = Hybrid(all_parts())
        index = WindowIndex.build(store, recipe.input)
        surveyed = recipe.survey(store, index)
        inner = (index.start_ns - index.start_ns.min()) / 1e9 + 4 < 57
        wait_s = surveyed.targets["next_beat_s"][inner]
        assert np.abs(wait_s - 0.3).max() <= 1.01 / 32  # windows end at multiples of 4 s, beats come at 0.3 + 0.8 k
        assert recipe.survey(store, surveyed) is surveyed
        assert Hybrid(TINY).survey(store, index) is index
        config = TrainingConfig(seed=0, steps=2, batch_size=2, log_every=1, workers=0, validation_share=0.0)
        train(recipe, store, config=config, run=tmp_path / "run")
        assert read_log(tmp_path / "run" / "log.jsonl")[-1]["beat_known"] > 0.5


class TestLearning:
    """Each part alone, on pulse waves with a metronome's regularity, a few seconds of training each."""

    def _trained(self, part: str, steps: int) -> dict[str, float]:
        recipe = Hybrid(only(part), seed=0)
        optimiser = torch.optim.AdamW(recipe.parameters(), lr=3e-3, weight_decay=0.0)
        for step in range(steps):
            optimiser.zero_grad()
            recipe.loss(pulses(64, seed=step), Draws(1, step)).total.backward()
            optimiser.step()
        with torch.no_grad():
            parts = recipe.loss(pulses(400, seed=10**6), Draws(2)).parts
        return {name: float(value) for name, value in parts.items()}

    @pytest.mark.slow
    def test_a_planted_corruption_is_recognised(self) -> None:
        assert self._trained("corruption", 100)["corruption_accuracy"] > 0.7  # chance: 0.2
        assert len(KINDS) == 5

    @pytest.mark.slow
    def test_the_next_beat_is_foreseen_better_than_by_any_constant(self) -> None:
        wait_s = pulses(400, seed=10**6).targets["next_beat_s"]
        constant = (wait_s - wait_s.median()).abs().mean()
        assert self._trained("beat", 250)["beat_error_s"] < 0.7 * constant

    @pytest.mark.slow
    def test_hidden_patches_are_guessed_better_than_by_their_mean(self) -> None:
        assert self._trained("reconstruction", 200)["reconstruction"] < 0.7


class TestUse:
    def test_pairs_are_drawn_for_contrast_and_single_windows_without(self, tmp_path: Path) -> None:
        store = Store.create(tmp_path / "s")
        wave = np.sin(np.arange(32 * 40)).astype(np.float32)
        store.commit([recording(name, "a", channel(wave, modality="ppg", rate_hz=32.0)) for name in ("p", "q")])
        index = WindowIndex.build(store, Hybrid(TINY).input)
        assert isinstance(Hybrid(TINY).plan(index, seed=0), SameParticipant)
        assert isinstance(Hybrid(only("reconstruction")).plan(index, seed=0), Shuffled)

    def test_weights_serve_windows_of_any_length_and_any_number_of_channels(self) -> None:
        recipe = Hybrid(all_parts(), seed=0)
        longer = at_window(recipe, 8.0)
        signal = torch.randn(2, 1, 256, generator=torch.Generator().manual_seed(0))
        stream = Signal(signal=signal, valid=torch.ones_like(signal, dtype=torch.bool), rate_hz=32.0)
        assert longer.embed(replace(pulses(2), streams={"ppg": stream})).vector.shape == (2, 32)
        many = Hybrid(all_parts(channels=3), seed=0)
        assert {n: p.shape for n, p in many.state_dict().items()} == {n: p.shape for n, p in recipe.state_dict().items()}

    def test_the_embedding_is_the_mean_over_measured_tokens_and_the_exported_graph_gives_the_same(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        recipe, batch = Hybrid(all_parts()).eval(), pulses(6, has_gaps=True)
        embedded = recipe.embed(batch)
        frames = recipe.frames(batch)
        assert (frames[::2, 5:9] == 0).all()
        measured = (frames != 0).any(dim=2)
        means = frames.sum(dim=1) / measured.sum(dim=1, keepdim=True)
        torch.testing.assert_close(embedded.vector, means)
        assert embedded.channels is not None
        torch.testing.assert_close(embedded.channels[:, 0], embedded.vector)
        monkeypatch.setattr(torch.compiler, "is_exporting", lambda: True)
        torch.testing.assert_close(recipe.embed(batch).vector, embedded.vector)

    def test_another_stream_or_shape_is_refused(self) -> None:
        recipe, batch = Hybrid(TINY), pulses(2)
        with pytest.raises(BadConfiguration, match="a batch of ppg; this recipe reads ecg: set modality"):
            Hybrid(replace(TINY, modality="ecg")).prepare(batch)
        stream = batch.streams["ppg"]
        short = Signal(signal=stream.signal[..., :64], valid=stream.valid[..., :64], rate_hz=32.0)
        with pytest.raises(BadConfiguration, match="1 channels, 64 samples at 32 Hz; this hybrid was made for 1, 128 at 32 Hz"):
            recipe.prepare(replace(batch, streams={"ppg": short}))


class TestFill:
    def test_what_is_visible_stays_and_the_guess_is_in_physical_units(self) -> None:
        recipe, batch = Hybrid(TINY).eval(), pulses(4, has_gaps=True)
        stream = batch.streams["ppg"]
        physical = torch.where(stream.valid, 2000 + 50 * stream.signal, 0.0)
        batch = replace(batch, streams={"ppg": replace(stream, signal=physical)})
        hidden = torch.zeros_like(stream.valid)
        hidden[..., 80:100] = True
        guess = recipe.fill(batch, hidden)
        visible = stream.valid & ~hidden
        assert torch.equal(guess[visible], physical[visible])
        assert (guess[~visible] - 2000).abs().max() < 300
        nothing = recipe.fill(batch, torch.ones_like(hidden))
        assert (nothing == 0).all()
        series = recipe.series(batch)
        assert (series.names, series.units, series.block, series.step_s) == (("ppg",), ("au",), 8, 1 / 32)

    @pytest.mark.parametrize("changes", [{"is_patch_normalised": True}, {"reconstruction_weight": 0.0}])
    def test_a_network_that_knows_no_levels_fills_nothing_in(self, changes: dict[str, Any]) -> None:
        batch = pulses(2)
        hidden = torch.zeros_like(batch.streams["ppg"].valid)
        with pytest.raises(BadConfiguration, match="has learnt no levels, so it can fill nothing in; train one with"):
            Hybrid(replace(TINY, **changes)).fill(batch, hidden)
