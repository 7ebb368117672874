"""The contrastive recipe: input, normalisation, pairs, loss, teacher, embedding, weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from wearfm.errors import BadConfiguration, IncompatibleWeights, UnknownName
from wearfm.nn.draws import Draws
from wearfm.nn.normalise import standardise
from wearfm.objectives.koleo import koleo
from wearfm.recipes.apple_contrastive import (
    AppleContrastive,
    ContrastiveConfig,
    ecg,
    paper,
    ppg_paper,
    small,
)
from wearfm.recipes.base import config_from_json, config_to_json, preset
from wearfm.windows.batch import Batch, Signal
from wearfm.windows.index import WindowIndex

TINY = replace(small(), embedding_size=24, repeats=(1, 1, 1), window_s=1.0, apart_s=1.0, hidden_size=16, projection_size=8)
TINY_4 = replace(TINY, channels=4, permute_channels=0.25)


def _batch(config: ContrastiveConfig, *, people: tuple[int, ...] = (0, 1, 2, 3), seed: int = 0) -> Batch:
    """Return one pair of windows for each entry of `people`."""
    rows = 2 * len(people)
    shape = (rows, config.channels, round(config.rate_hz * config.window_s))
    signal = 5 + 3 * torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    stream = Signal(signal=signal, valid=torch.ones(shape, dtype=torch.bool), rate_hz=config.rate_hz)
    numbers = torch.arange(rows)
    participant = torch.tensor(people).repeat_interleave(2)
    streams = {config.modality: stream}
    return Batch(streams=streams, participant=participant, recording=numbers, start_ns=numbers, local_ns=numbers, group_size=2)


def _with_signal(batch: Batch, signal: Tensor, valid: Tensor) -> Batch:
    (name, stream), *_ = batch.streams.items()
    return replace(batch, streams={name: replace(stream, signal=signal, valid=valid)})


def _index(people: list[int]) -> WindowIndex:
    """Return windows of 1 s, one after the other, each entry of `people` saying whose."""
    count = len(people)
    starts = np.arange(count, dtype=np.int64) * 1_000_000_000
    return WindowIndex(
        contract=AppleContrastive(TINY).input,
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


@pytest.fixture(scope="module")
def published() -> dict[str, Tensor]:
    """Weights in the names and shapes of the released PPG model."""
    return {key: tensor.clone() for key, tensor in AppleContrastive(paper(), seed=7).to_original().items()}


class TestConfig:
    @pytest.mark.parametrize(
        ("config", "millions"), [(paper(), 3_146_129), (ppg_paper(), 3_299_513), (ecg(), 2_468_755)], ids=["ppg", "k15", "ecg"]
    )
    def test_encoders_have_the_published_number_of_parameters(self, config: ContrastiveConfig, millions: int) -> None:
        assert sum(p.numel() for p in config.encoder().parameters()) == millions

    def test_the_head_has_the_published_number_of_parameters(self) -> None:
        assert sum(p.numel() for p in AppleContrastive(paper()).student.head.parameters()) == 394_368

    def test_small_is_small(self) -> None:
        assert sum(p.numel() for p in small().encoder().parameters()) == 45_983

    @pytest.mark.parametrize("name", AppleContrastive.presets())
    def test_configs_survive_json(self, name: str) -> None:
        config = preset(AppleContrastive, name)
        assert config_from_json(AppleContrastive, config_to_json(config)) == config

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"kernel": 4}, "kernel=4: symmetric padding needs an odd kernel"),
            ({"window_s": 0.1}, r"window_s=0.1 at 64 Hz has 6 samples: the encoder divides time by 8; use a longer window"),
            ({"repeats": (1, 0)}, r"repeats=\(1, 0\): give 1 to 7 numbers of blocks, each at least 1"),
            ({"temperature": 0.0}, "temperature=0: it divides, so it must be positive"),
            ({"cut_out_shortest": 0.6}, "cut_out 0.6 to 0.5: shares must rise"),
            ({"dropout": 1.0}, "dropout=1"),
            ({"momentum": 1.5}, "momentum=1.5"),
            ({"channels": 0}, "channels=0"),
            ({"embedding_size": 4}, "embedding_size=4: widths need at least 9"),
            ({"noise_lowest": 0.2}, "noise 0.2 to 0.1"),
        ],
    )
    def test_impossible_settings_are_refused(self, change: dict[str, object], message: str) -> None:
        with pytest.raises(BadConfiguration, match=message):
            replace(TINY, **change)  # type: ignore[arg-type]

    def test_unknown_names_are_refused_with_the_nearest(self) -> None:
        with pytest.raises(UnknownName, match="did you mean 'others'"):
            replace(TINY, negatives="other")
        with pytest.raises(UnknownName, match="did you mean 'ppg'"):
            replace(TINY, modality="pgg")

    def test_the_contract_follows_the_config(self) -> None:
        contract = AppleContrastive(TINY).input
        (stream,) = contract.streams
        assert (stream.modality, stream.rate_hz, stream.channels) == ("ppg", 64.0, 1)
        assert (contract.window_s, contract.min_valid) == (1.0, 0.9)


class TestPrepare:
    def test_channels_have_mean_zero_and_population_deviation_one(self) -> None:
        x = AppleContrastive(TINY_4).prepare(_batch(TINY_4))
        torch.testing.assert_close(x.mean(dim=2), torch.zeros(8, 4), atol=1e-6, rtol=0)
        torch.testing.assert_close(x.std(dim=2, correction=0), torch.ones(8, 4))

    def test_gaps_count_for_nothing(self) -> None:
        signal = torch.tensor([[[1.0, torch.nan, 3.0, 1e9]]])
        x = standardise(signal, torch.tensor([[[True, False, True, False]]]))
        assert x.tolist() == [[[-1.0, 0.0, 1.0, 0.0]]]

    @pytest.mark.parametrize("level", [0.0, 1.0, -123_456.78])
    def test_a_constant_channel_is_zero(self, level: float) -> None:
        signal = torch.full((1, 1, 1000), level)
        assert not standardise(signal, torch.ones_like(signal, dtype=torch.bool)).any()

    def test_an_absent_channel_is_zero(self) -> None:
        signal = torch.full((1, 1, 10), torch.nan)
        assert not standardise(signal, torch.zeros_like(signal, dtype=torch.bool)).any()

    def test_a_pulse_on_a_large_level_survives(self) -> None:
        pulse = torch.linspace(0, 60, 1000).sin()[None, None]
        valid = torch.ones_like(pulse, dtype=torch.bool)
        torch.testing.assert_close(standardise(pulse + 1e4, valid), standardise(pulse, valid), atol=2e-3, rtol=0)

    def test_the_unit_does_not_matter(self) -> None:
        signal = _batch(TINY).streams["ppg"].signal
        valid = torch.ones_like(signal, dtype=torch.bool)
        torch.testing.assert_close(standardise(signal * 1e-6, valid), standardise(signal, valid))

    def test_other_modalities_and_channel_counts_are_refused(self) -> None:
        with pytest.raises(BadConfiguration, match="a batch of ppg; this recipe reads ecg: set modality"):
            AppleContrastive(replace(TINY, modality="ecg")).prepare(_batch(TINY))
        with pytest.raises(BadConfiguration, match="windows of 4 ppg channels; this recipe was made for 1: set channels=4"):
            AppleContrastive(TINY).prepare(_batch(TINY_4))


class TestPlan:
    def test_pairs_are_different_windows_of_one_participant(self) -> None:
        index = _index([0, 0, 0, 1, 1, 2, 2])
        plan = AppleContrastive(TINY).plan(index, seed=0)
        pairs = plan.draw(0, np.arange(len(plan)))
        assert plan.group_size == 2
        assert (index.participant[pairs[:, 0]] == index.participant[pairs[:, 1]]).all()
        assert (pairs[:, 0] != pairs[:, 1]).all()

    def test_windows_of_a_pair_start_far_enough_apart(self) -> None:
        plan = AppleContrastive(replace(TINY, apart_s=2.0)).plan(_index([0, 0, 0, 0, 1, 1, 1, 1]), seed=0)
        pairs = plan.draw(0, np.arange(len(plan)))
        assert (abs(pairs[:, 0] - pairs[:, 1]) >= 2).all()

    def test_a_single_participant_is_refused(self) -> None:
        with pytest.raises(BadConfiguration, match=r"1 participants .* need at least 2"):
            AppleContrastive(TINY).plan(_index([0, 0, 0]), seed=0)


class TestLoss:
    def test_parts_are_named_and_add_up(self) -> None:
        loss = AppleContrastive(TINY)(_batch(TINY), Draws(0))
        assert set(loss.parts) == {"nce", "koleo", "alignment", "uniformity", "effective_rank", "dispersion_between"}
        expected = loss.parts["nce"] + TINY.koleo_weight * loss.parts["koleo"]
        torch.testing.assert_close(loss.total.detach(), expected)
        assert loss.total.requires_grad
        assert not any(part.requires_grad for part in loss.parts.values())

    def test_a_part_without_weight_is_not_computed(self) -> None:
        loss = AppleContrastive(replace(TINY, koleo_weight=0.0))(_batch(TINY), Draws(0))
        assert "koleo" not in loss.parts
        torch.testing.assert_close(loss.total.detach(), loss.parts["nce"])

    def test_a_gradient_reaches_every_student_parameter_and_no_teacher(self) -> None:
        recipe = AppleContrastive(TINY_4)
        recipe(_batch(TINY_4), Draws(0)).total.backward()
        assert [name for name, p in recipe.student.named_parameters() if p.grad is None or not p.grad.any()] == []
        assert all(p.grad is None for p in recipe.teacher.parameters())

    def test_same_seed_same_bits_other_step_other_numbers(self) -> None:
        batch = _batch(TINY_4)
        totals = [AppleContrastive(TINY_4, seed=3)(batch, Draws(0, step)).total for step in (0, 0, 1)]
        assert torch.equal(totals[0], totals[1])
        assert not torch.equal(totals[0], totals[2])
        assert not torch.equal(totals[0], AppleContrastive(TINY_4, seed=4)(batch, Draws(0)).total)

    def test_the_global_generator_is_neither_used_nor_moved(self) -> None:
        before = torch.random.get_rng_state()
        AppleContrastive(TINY)(_batch(TINY), Draws(0))
        assert torch.equal(torch.random.get_rng_state(), before)

    def test_the_order_of_pairs_does_not_matter(self) -> None:
        recipe = AppleContrastive(replace(TINY, cut_out=0, warp_magnitude=0, warp_time=0, noise=0, dropout=0))
        batch = _batch(TINY, people=(0, 1, 1, 2))
        order = torch.tensor([4, 5, 0, 1, 6, 7, 2, 3])
        torch.testing.assert_close(recipe(batch.select(order), Draws(0)).total, recipe(batch, Draws(0)).total)

    def test_batches_without_pairs_are_refused(self) -> None:
        with pytest.raises(BadConfiguration, match="groups of 1; this loss needs pairs: draw it with the recipe's own plan"):
            AppleContrastive(TINY)(replace(_batch(TINY), group_size=1), Draws(0))

    def test_it_falls_on_participants_that_differ(self) -> None:
        """Four people, each with a frequency of their own: chance is log 7 = 1.95."""
        recipe = AppleContrastive(replace(TINY, momentum=0.9))
        optimiser = torch.optim.Adam([p for p in recipe.parameters() if p.requires_grad], 1e-2)
        cycles = torch.tensor([1, 1, 2, 2, 4, 4, 8, 8])[:, None] * torch.arange(64) / 64
        losses = []
        for step in range(60):
            phase = torch.rand(8, 1, generator=torch.Generator().manual_seed(step))
            signal = torch.sin(2 * torch.pi * (cycles + phase))[:, None]
            recipe.advance()
            loss = recipe(_with_signal(_batch(TINY), signal, torch.ones_like(signal, dtype=torch.bool)), Draws(0, step))
            optimiser.zero_grad()
            loss.total.backward()
            optimiser.step()
            losses.append(float(loss.parts["nce"]))
        assert sum(losses[:10]) / 10 > 1.6
        assert sum(losses[-10:]) / 10 < 1.0


class TestContrast:
    """Rows 0 and 2 are windows of one person; the rest are strangers."""

    participant = torch.tensor([0, 1, 0, 2])

    def test_windows_of_one_person_are_negatives_across_views_in_the_released_code_only(self) -> None:
        student = torch.eye(4, 8)
        for negatives, is_moved in (("others", False), ("apple_code", True)):
            recipe = AppleContrastive(replace(TINY, negatives=negatives, koleo_weight=0.0))
            near, far = torch.eye(4, 8), torch.eye(4, 8)
            near[2] = torch.tensor([0.5, 0, 0.5, 0, 0, 0, 0, 0.0])
            far[2] = torch.tensor([-0.5, 0, 0.5, 0, 0, 0, 0, 0.0])
            values = [recipe.contrast(student, teacher, self.participant)["nce"] for teacher in (near, far)]
            assert (abs(values[0] - values[1]) > 1e-4) == is_moved

    def test_without_repeated_people_both_forms_agree(self) -> None:
        student, teacher = torch.randn(2, 4, 8, generator=torch.Generator().manual_seed(0))
        numbers = torch.arange(4)
        forms = [AppleContrastive(replace(TINY, negatives=form)) for form in ("others", "apple_code")]
        ours, theirs = (recipe.contrast(student, teacher, numbers)["nce"] for recipe in forms)
        torch.testing.assert_close(ours, theirs)

    def test_the_teacher_half_of_koleo_is_a_choice(self) -> None:
        student, teacher = torch.randn(2, 4, 8, generator=torch.Generator().manual_seed(0))
        with_half, without = (AppleContrastive(replace(TINY, koleo_teacher=choice)) for choice in (True, False))
        torch.testing.assert_close(without.contrast(student, teacher, self.participant)["koleo"], koleo(student))
        mean = (koleo(student) + koleo(teacher)) / 2
        torch.testing.assert_close(with_half.contrast(student, teacher, self.participant)["koleo"], mean)

    def test_our_koleo_has_the_gradient_of_the_released_one(self) -> None:
        teacher = torch.randn(4, 8, generator=torch.Generator().manual_seed(1))
        gradients = []
        for config in (ContrastiveConfig(), paper()):
            student = torch.randn(4, 8, generator=torch.Generator().manual_seed(0)).requires_grad_()
            parts = AppleContrastive(replace(TINY, koleo_teacher=config.koleo_teacher)).contrast(
                student, teacher, torch.arange(4)
            )
            gradients += torch.autograd.grad(config.koleo_weight * parts["koleo"], student)
        torch.testing.assert_close(*gradients)


class TestTeacher:
    def test_it_starts_as_the_student_and_follows(self) -> None:
        recipe = AppleContrastive(TINY)
        weight, copy = recipe.student.head.inner.weight, recipe.teacher.head.inner.weight
        assert torch.equal(weight, copy)
        with torch.no_grad():
            weight += 1
        recipe.advance()
        torch.testing.assert_close(copy, weight - TINY.momentum)

    def test_its_running_statistics_are_its_own(self) -> None:
        recipe = AppleContrastive(TINY)
        recipe(_batch(TINY), Draws(0))
        student, teacher = recipe.student.encoder.stem.norm, recipe.teacher.encoder.stem.norm
        assert int(teacher.num_batches_tracked) == 2  # one view after the other
        before = teacher.running_mean.clone()
        with torch.no_grad():
            student.running_mean += 5
        recipe.advance()
        assert torch.equal(teacher.running_mean, before)

    def test_the_optimiser_never_sees_it(self) -> None:
        recipe = AppleContrastive(TINY)
        trained = {id(p) for group in recipe.parameter_groups(weight_decay=1e-5) for p in group["params"]}
        assert trained == {id(p) for p in recipe.student.parameters()}


class TestEmbedding:
    @pytest.mark.parametrize("is_training", [True, False])
    def test_it_is_one_vector_per_window_whatever_the_mode(self, is_training: bool) -> None:
        recipe, batch = AppleContrastive(TINY), _batch(TINY)
        recipe(batch, Draws(0))
        recipe.train(is_training)
        vector = recipe.embed(batch).vector
        assert vector.shape == (8, recipe.embedding_size)
        assert recipe.student.encoder.training == is_training
        torch.testing.assert_close(vector, recipe.eval().embed(batch).vector)

    def test_rows_do_not_depend_on_one_another(self) -> None:
        recipe, batch = AppleContrastive(TINY).eval(), _batch(TINY)
        whole = recipe.embed(batch).vector
        torch.testing.assert_close(recipe.embed(batch.select(torch.tensor([5, 2]))).vector, whole[[5, 2]])

    def test_what_is_not_valid_cannot_move_it(self) -> None:
        recipe, batch = AppleContrastive(TINY_4).eval(), _batch(TINY_4)
        signal, valid = batch.streams["ppg"].signal, torch.ones_like(batch.streams["ppg"].valid)
        valid[:, 1, 20:30] = False
        valid[:, 3] = False
        vectors = [
            recipe.embed(_with_signal(batch, signal.masked_fill(~valid, junk), valid)).vector for junk in (0.0, 1e8, torch.nan)
        ]
        assert torch.equal(vectors[0], vectors[1])
        assert torch.equal(vectors[0], vectors[2])

    def test_longer_windows_than_those_of_training_work(self) -> None:
        recipe, longer = AppleContrastive(TINY).eval(), _batch(replace(TINY, window_s=3.0))
        assert recipe.embed(longer).vector.shape == (8, 24)


class TestWeights:
    def test_there_are_724_published_names(self, published: dict[str, Tensor]) -> None:
        assert len(published) == 724
        assert published["backbone.layers.MBConv1d_2.filter_expansion.weight"].shape == (196, 28, 1)
        assert published["mlp_head_momentum.mlp.3.bias"].shape == (128,)

    def test_they_come_back_bit_by_bit(self, published: dict[str, Tensor]) -> None:
        returned = AppleContrastive.from_original(published).to_original()
        assert all(torch.equal(returned[key], tensor) for key, tensor in published.items())

    def test_an_encoder_alone_loads_with_and_without_prefix(self, published: dict[str, Tensor]) -> None:
        alone = {key: tensor for key, tensor in published.items() if key.startswith("backbone.")}
        bare = {key.removeprefix("backbone."): tensor for key, tensor in alone.items()}
        for state in (alone, bare):
            recipe = AppleContrastive.from_original(state)
            assert torch.equal(recipe.student.encoder.last.conv.weight, bare["layers.Conv1D_Final_Expansion.conv1d.weight"])
            assert torch.equal(recipe.teacher.encoder.last.conv.weight, recipe.student.encoder.last.conv.weight)

    def test_sizes_come_from_the_shapes_and_the_rest_from_settings(self) -> None:
        config = replace(ppg_paper(), channels=2, expansion=2, embedding_size=72, hidden_size=10, projection_size=6)
        state = AppleContrastive(config).to_original()
        assert AppleContrastive.from_original(state).config == config
        as_ecg = AppleContrastive.from_original(state, preset="ecg", window_s=10.0).config
        assert (as_ecg.modality, as_ecg.rate_hz, as_ecg.window_s, as_ecg.channels) == ("ecg", 128.0, 10.0, 2)

    def test_everything_that_does_not_fit_is_listed(self, published: dict[str, Tensor]) -> None:
        broken = dict(published)
        del broken["backbone.layers.MBConv1d_3.bn1.weight"]
        del broken["backbone_momentum.layers.MBConv1d_4.bn1.weight"]
        broken["mlp_head.mlp.1.weight"] = torch.zeros(2)
        broken["backbone.layers.MBConv1d_9.bn2.bias"] = torch.zeros(2)
        with pytest.raises(IncompatibleWeights) as caught:
            AppleContrastive.from_original(broken)
        assert caught.value.missing == (
            "backbone.layers.MBConv1d_3.bn1.weight",
            "backbone_momentum.layers.MBConv1d_4.bn1.weight",
        )
        assert caught.value.unexpected == ("mlp_head.mlp.1.weight",)
        assert caught.value.shapes == {"backbone.layers.MBConv1d_9.bn2.bias": ((2,), (78,))}

    def test_half_a_teacher_is_refused(self, published: dict[str, Tensor]) -> None:
        half = {key: tensor for key, tensor in published.items() if not key.startswith("mlp_head_momentum")}
        with pytest.raises(IncompatibleWeights, match=r"missing \(4\): mlp_head_momentum"):
            AppleContrastive.from_original(half)

    def test_weights_of_something_else_are_refused(self) -> None:
        with pytest.raises(IncompatibleWeights, match=r"backbone\.layers\.Conv1D_Initial\.conv1d\.weight"):
            AppleContrastive.from_original({"patch_embed.weight": torch.zeros(2)})

    def test_settings_that_contradict_the_weights_are_refused(self, published: dict[str, Tensor]) -> None:
        with pytest.raises(BadConfiguration, match="channels=1, but the weights have 4; leave channels out"):
            AppleContrastive.from_original(published, channels=1)
        with pytest.raises(UnknownName, match="field of apple_contrastive 'windows' is not known; did you mean 'window_s'"):
            AppleContrastive.from_original(published, windows=1)
