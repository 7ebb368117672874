"""The pulse-shape recipe: input, polarity, indices and classes, losses, pairs, embedding, weights."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from wearfm.errors import BadConfiguration, IncompatibleWeights, UnknownName
from wearfm.nn.draws import Draws
from wearfm.recipes.base import config_from_json, config_to_json, preset
from wearfm.recipes.papagei import (
    SQI,
    SVRI,
    Encoded,
    PaPaGei,
    PaPaGeiConfig,
    absolute_error,
    p,
    s,
    s_released,
    s_svri,
    small,
    standardise,
    upright,
)
from wearfm.signals.morphology import rise_skewness
from wearfm.windows.batch import Batch, Signal
from wearfm.windows.index import WindowIndex
from wearfm.windows.pairs import SameParticipant
from wearfm.windows.sample import Balanced, Shuffled

TINY = replace(small(), width=4, depth=3, widened_every=2, embedding_size=8, expert_size=4, crop=0.0, dropout=0.0)
PERSON = replace(TINY, learns="person")


def _pulses(rows: int, *, rate_hz: float = 64.0, seconds: float = 10.0, seed: int = 0) -> Tensor:
    """Return pulses of different rates and shapes, (B, 1, T): a fast bump and a slower one behind it."""
    generator = np.random.default_rng(seed)
    time_s = np.arange(round(rate_hz * seconds)) / rate_hz
    found = []
    for _ in range(rows):
        phase = (time_s * generator.uniform(0.8, 1.5) + generator.uniform()) % 1
        bumps = [(0.15, 0.05, 1.0), (0.42, 0.12, generator.uniform(0.2, 0.7)), (-0.58, 0.12, 0.0), (1.15, 0.05, 1.0)]
        found.append(sum(height * np.exp(-0.5 * ((phase - centre) / width) ** 2) for centre, width, height in bumps))
    noise = 0.005 * generator.standard_normal((rows, len(time_s)))
    return torch.from_numpy(np.stack(found) + noise).float()[:, None]


def _batch(config: PaPaGeiConfig, *, rows: int = 8, seed: int = 0, group_size: int = 1) -> Batch:
    signal = 50 + 3 * _pulses(rows, rate_hz=config.rate_hz, seconds=config.window_s, seed=seed)
    stream = Signal(signal=signal, valid=torch.ones_like(signal, dtype=torch.bool), rate_hz=config.rate_hz)
    number = torch.arange(rows)
    participant = number // 2
    return Batch(
        streams={"ppg": stream},
        participant=participant,
        recording=participant,
        start_ns=number,
        local_ns=number,
        group_size=group_size,
    )


def _with_signal(batch: Batch, signal: Tensor, valid: Tensor | None = None) -> Batch:
    stream = batch.streams["ppg"]
    return replace(batch, streams={"ppg": replace(stream, signal=signal, valid=stream.valid if valid is None else valid)})


def _draws(rows: int = 8, *, seed: int = 1) -> Draws:
    return Draws(seed=seed, step=0, first=0, rows=rows, total=rows)


def _index(people: list[int]) -> WindowIndex:
    count = len(people)
    starts = np.arange(count, dtype=np.int64) * 10_000_000_000
    return WindowIndex(
        contract=PaPaGei(TINY).input,
        participants=tuple(f"p{person}" for person in sorted(set(people))),
        recordings=tuple(f"r{number}" for number in range(count)),
        participant_of=np.array(people, dtype=np.int64),
        layouts={},
        recording=np.arange(count),
        start_ns=starts,
        timeline=starts,
        local_shift_ns=np.zeros(count, dtype=np.int64),
        skipped={},
    )


class TestConfig:
    @pytest.mark.parametrize("name", PaPaGei.presets())
    def test_configs_survive_json(self, name: str) -> None:
        config = preset(PaPaGei, name)
        assert config_from_json(PaPaGei, config_to_json(config)) == config

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"depth": 0}, "depth=0: must be at least 1"),
            ({"classes": 1}, "classes=1: must be at least 2"),
            ({"dropout": 1.0}, r"dropout=1: must lie in \[0, 1\)"),
            ({"temperature": 0.0}, "temperature=0: it divides, so it must be positive"),
            ({"contrast_weight": 1.5}, r"contrast_weight=1.5: a share lies in \[0, 1\]"),
            ({"rate_hz": 20.0}, "window_s=10 at 20 Hz: the shape of a pulse needs 2 s and 24 Hz"),
        ],
    )
    def test_impossible_settings_are_refused(self, change: dict[str, Any], message: str) -> None:
        with pytest.raises(BadConfiguration, match=message):
            replace(TINY, **change)

    def test_unknown_names_are_refused_with_the_nearest(self) -> None:
        with pytest.raises(UnknownName, match="learns 'shapes' is not known; did you mean 'shape'"):
            replace(TINY, learns="shapes")

    def test_small_is_small(self) -> None:
        assert sum(parameter.numel() for parameter in PaPaGei(small()).parameters()) == 108_268

    @pytest.mark.parametrize(
        ("config", "plan"),
        [(TINY, Shuffled), (PERSON, SameParticipant), (replace(PERSON, pairs="segment"), Balanced)],
    )
    def test_the_plan_follows_what_is_learnt(self, config: PaPaGeiConfig, plan: type) -> None:
        assert isinstance(PaPaGei(config).plan(_index([0, 0, 0, 1, 1, 1]), seed=0), plan)


class TestPrepare:
    def test_windows_are_standardised_over_what_is_valid(self) -> None:
        batch = _batch(TINY, rows=2)
        valid = batch.streams["ppg"].valid.clone()
        valid[1, :, 100:200] = False
        signal = torch.where(valid, batch.streams["ppg"].signal, torch.nan)
        ready = PaPaGei(TINY).prepare(_with_signal(batch, signal, valid))
        for row in range(2):
            known = ready[row][valid[row]]
            assert abs(known.mean()) < 1e-5
            assert known.std(correction=0).item() == pytest.approx(1, rel=1e-4)
        assert (ready[~valid] == 0).all()

    def test_a_window_that_does_not_move_becomes_zeros(self) -> None:
        signal = torch.full((1, 1, 50), 12345.678)
        assert not standardise(signal, torch.ones_like(signal, dtype=torch.bool)).any()

    def test_both_forms_of_the_polarity_agree(self) -> None:
        signal = _pulses(6) * torch.tensor([1, -1, 1, -1, -1, 1])[:, None, None]
        valid = torch.ones_like(signal, dtype=torch.bool)
        sign = upright(signal, valid).flatten()
        assert sign.tolist() == [1, -1, 1, -1, -1, 1]
        np.testing.assert_array_equal(sign.numpy(), np.sign(rise_skewness(signal[:, 0].numpy(), valid[:, 0].numpy())))

    @torch.no_grad()
    def test_upright_windows_are_blind_to_polarity_and_recorded_ones_are_not(self) -> None:
        batch = _batch(TINY)
        turned = _with_signal(batch, -batch.streams["ppg"].signal)
        for polarity, is_blind in (("upright", True), ("recorded", False)):
            recipe = PaPaGei(replace(TINY, polarity=polarity)).eval()
            one, other = recipe.embed(batch).vector, recipe.embed(turned).vector
            assert torch.allclose(one, other, atol=1e-4) == is_blind

    def test_another_modality_and_several_channels_are_refused(self) -> None:
        batch = _batch(TINY)
        two = batch.streams["ppg"].signal.repeat(1, 2, 1)
        with pytest.raises(BadConfiguration, match="windows of 2 ppg channels; this recipe reads 1"):
            PaPaGei(TINY).prepare(_with_signal(batch, two, two > 0))
        with pytest.raises(BadConfiguration, match="a batch of ppg; this recipe reads ecg: set modality"):
            PaPaGei(replace(TINY, modality="ecg")).prepare(batch)


class TestShapes:
    def test_the_total_is_the_weighted_sum_of_its_parts(self) -> None:
        for config, weights in (
            (TINY, {"contrast": 0.6, "ipa": 0.2, "sqi": 0.2}),
            (replace(TINY, is_sqi_learned=False), {"contrast": 0.6, "ipa": 0.4}),
            (replace(TINY, contrast_weight=1.0), {"contrast": 1.0}),
        ):
            loss = PaPaGei(config).loss(_batch(config), _draws())
            assert {"contrast", "ipa", "sqi"} & loss.parts.keys() == weights.keys()
            total = sum(weight * loss.parts[name] for name, weight in weights.items())
            torch.testing.assert_close(loss.total, total)

    def test_pulses_can_be_read_and_noise_and_silence_cannot(self) -> None:
        recipe = PaPaGei(TINY)
        signal = _pulses(3)
        signal[1] = 0.0
        found = recipe.indices(recipe.prepare(_with_signal(_batch(TINY, rows=3), signal)), torch.ones_like(signal).bool())
        assert found[[0, 2]].isfinite().all()
        assert found[1].isnan().all()

    def test_what_is_unusual_is_left_out(self) -> None:
        signal = _pulses(1)
        signal[0, 0, 300] += 40.0  # one spike: the skewness of its half is far above 3
        recipe = PaPaGei(replace(TINY, indices="window"))
        assert recipe.indices(standardise(signal, torch.ones_like(signal).bool()), torch.ones_like(signal).bool()).isnan().all()

    def test_equal_classes_are_positive_and_unknown_rows_are_in_no_pair(self) -> None:
        recipe = PaPaGei(replace(TINY, classes=4))  # edges 0, 0.5, 1, 1.5, 2
        indices = torch.full((4, 3), torch.nan, dtype=torch.float64)
        indices[:, SVRI] = torch.tensor([0.6, 0.9, 1.2, torch.nan])
        pairs = recipe.shape_pairs(torch.zeros(4, 2), indices)
        assert pairs.positive.nonzero().tolist() == [[0, 1], [1, 0]]
        assert pairs.negative.nonzero().tolist() == [[0, 2], [1, 2], [2, 0], [2, 1]]

    def test_edges_of_a_batch_follow_its_values(self) -> None:
        indices = torch.tensor([[1.0, 0, 0], [1.1, 0, 0], [1.2, 0, 0]], dtype=torch.float64)
        fixed, own = (PaPaGei(replace(TINY, classes=2, edges=edges)) for edges in ("training", "batch"))
        assert fixed.shape_pairs(torch.zeros(3, 2), indices).positive.sum() == 6
        assert own.shape_pairs(torch.zeros(3, 2), indices).positive.sum() == 2

    def test_mining_keeps_pairs_of_svri_or_replaces_them_by_those_of_sqi(self) -> None:
        indices = torch.tensor([[0.1, 0, -2.9], [0.1, 0, 2.9], [1.9, 0, -2.9], [1.9, 0, 2.9]], dtype=torch.float64)
        vectors = torch.tensor([[1.0, 0], [0.9, 0.1], [0.9, 0.2], [1.0, 0.1]])
        positive = {
            mining: PaPaGei(replace(TINY, mining=mining)).shape_pairs(vectors, indices).positive.nonzero().tolist()
            for mining in ("none", "both", "quality")
        }
        assert positive["none"] == [[0, 1], [1, 0], [2, 3], [3, 2]]
        assert positive["quality"] == [[0, 2], [1, 3], [2, 0], [3, 1]]
        assert positive["both"] == []

    def test_calibration_sets_the_edges_to_least_and_largest(self) -> None:
        recipe, batches = PaPaGei(TINY), [_batch(TINY, seed=seed) for seed in (0, 1)]
        assert recipe.edges.tolist() == [[0, 2], [-3, 3]]
        recipe.calibrate(iter(batches))
        found = torch.cat([recipe.indices(recipe.prepare(each), each.streams["ppg"].valid) for each in batches])
        found = found[found[:, SVRI].isfinite()]
        for row, column in enumerate((SVRI, SQI)):
            assert recipe.edges[row].tolist() == [found[:, column].min().item(), found[:, column].max().item()]

    def test_calibration_is_asked_for_only_where_it_is_used(self) -> None:
        assert PaPaGei(TINY).calibration_windows > 0
        assert PaPaGei(replace(TINY, edges="batch")).calibration_windows == 0
        assert PaPaGei(PERSON).calibration_windows == 0

    def test_the_embedding_does_not_depend_on_the_edges(self) -> None:
        recipe, batch = PaPaGei(TINY).eval(), _batch(TINY)
        before = recipe.embed(batch).vector
        recipe.calibrate(iter([batch]))
        assert torch.equal(recipe.embed(batch).vector, before)

    def test_unknown_targets_cost_nothing(self) -> None:
        guess = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
        error = absolute_error(guess, torch.tensor([0.0, torch.nan, 5.0]))
        error.backward()
        assert error.item() == 1.5
        assert guess.grad.tolist() == [0.5, 0.0, -0.5]
        assert absolute_error(torch.ones(2), torch.full((2,), torch.nan)).item() == 0


class TestPersons:
    def test_a_batch_without_pairs_is_refused(self) -> None:
        with pytest.raises(BadConfiguration, match="a batch with groups of 1; this loss needs pairs"):
            PaPaGei(PERSON).loss(_batch(PERSON), _draws())

    def test_two_views_of_a_window_without_augmentation_are_alike(self) -> None:
        config = replace(PERSON, pairs="segment", temperature=0.01)
        loss = PaPaGei(config).loss(_batch(config, rows=2), _draws(2))
        apart = PaPaGei(replace(PERSON, temperature=0.01)).loss(_batch(PERSON, rows=4, group_size=2), _draws(4))
        assert loss.total < apart.total

    def test_another_window_of_the_same_person_is_no_rival(self) -> None:
        batch = replace(_batch(PERSON, group_size=2), participant=torch.zeros(8, dtype=torch.int64))
        assert PaPaGei(PERSON).loss(batch, _draws()).parts["contrast"] == 0
        other = replace(PERSON, pairs="segment")
        assert PaPaGei(other).loss(batch, _draws()).parts["contrast"] > 0

    def test_the_published_projector_leaves_the_last_layer_untrained_and_says_so(self) -> None:
        trained = {
            projected: {
                name
                for name, tensor in PaPaGei(replace(PERSON, projected=projected)).named_parameters()
                if tensor.requires_grad
            }
            for projected in ("embedding", "hidden")
        }
        assert trained["embedding"] - trained["hidden"] == {"encoder.dense.weight", "encoder.dense.bias"}


class TestNetwork:
    def test_lengths_are_the_published_ones(self) -> None:
        lengths, signal = [], torch.zeros(1, 1, 1250)
        encoder = PaPaGei(replace(s(), width=2)).eval().encoder.blocks
        signal = encoder.stem(signal)
        for block in encoder.blocks:
            signal = block(signal)
            lengths.append(signal.shape[2])
        assert lengths == [1250, 625, 625, 313, 313, 157, 157, 79, 79, 40, 40, 20, 20, 10, 10, 5, 5, 3]

    def test_dropout_comes_from_the_draws_alone(self) -> None:
        recipe, batch = PaPaGei(replace(TINY, dropout=0.5)).train(), _batch(TINY)
        one, again, other = (recipe.features(batch, _draws(seed=seed)) for seed in (1, 1, 2))
        assert torch.equal(one, again)
        assert not torch.equal(one, other)
        assert torch.equal(recipe.features(batch), recipe.embed(batch).vector)

    def test_experts_are_weighed_by_their_gate(self) -> None:
        recipe = PaPaGei(TINY).eval()
        hidden = torch.randn(3, recipe.encoder.blocks.width, generator=torch.Generator().manual_seed(0))
        guesses = torch.cat([head(hidden) for head in recipe.ipa.experts], dim=1)
        weights = torch.softmax(hidden @ recipe.ipa.gate.weight.T + recipe.ipa.gate.bias, dim=1)
        torch.testing.assert_close(recipe.ipa(hidden), (guesses * weights).sum(dim=1))

    def test_of_shapes_takes_vectors_as_they_are(self) -> None:
        recipe, vectors = PaPaGei(TINY).eval(), torch.zeros(4, 8)
        hidden = torch.zeros(4, recipe.encoder.blocks.width)
        total, parts = recipe.of_shapes(Encoded(hidden, vectors), torch.full((4, 3), torch.nan, dtype=torch.float64), None)
        assert total.item() == 0
        assert parts["readable"].item() == 0


class TestWeights:
    @pytest.mark.parametrize("make", [s, s_released, s_svri, p])
    def test_published_presets_go_out_and_come_back(self, make) -> None:
        recipe = PaPaGei(replace(make(), width=4, embedding_size=16), seed=3)
        name = next(key for key, each in PaPaGei.presets().items() if each is make)
        again = PaPaGei.from_original(recipe.to_original(), preset=name)
        assert again.config == replace(recipe.config, **({"projection_size": 0} if name == "s_svri" else {}))
        assert all(torch.equal(tensor, again.state_dict()[key]) for key, tensor in recipe.state_dict().items())

    def test_the_unused_norm_is_ignored_by_name_and_nothing_else(self) -> None:
        state = PaPaGei(TINY).to_original()
        spare = {"basicblock_list.0.bn1.weight": torch.ones(4)}
        PaPaGei.from_original({**state, **spare}, preset="small", widened_every=2)
        with pytest.raises(IncompatibleWeights, match=r"basicblock_list\.0\.bn3\.weight"):
            PaPaGei.from_original({**state, "basicblock_list.0.bn3.weight": torch.ones(4)}, preset="small", widened_every=2)

    def test_a_setting_that_contradicts_the_weights_is_refused(self) -> None:
        with pytest.raises(BadConfiguration, match="width=8, but the weights have 4; leave width out"):
            PaPaGei.from_original(PaPaGei(TINY).to_original(), preset="small", widened_every=2, width=8)
