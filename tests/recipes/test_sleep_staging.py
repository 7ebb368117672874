"""Staging: tokens of nights, masks of groups and moments, what the loss counts, what comes out, what it stands on."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from tests.recipes.test_sleepfm import ROWS, TINY, batch, draws, without
from wearfm.errors import BadConfiguration, IncompatibleWeights, UnknownName
from wearfm.nn.normalise import standardise
from wearfm.recipes import create
from wearfm.recipes.base import config_from_json, config_to_json, preset
from wearfm.recipes.sleep_staging import Head, SleepStaging, SleepStagingConfig, paper, small, stage_error
from wearfm.recipes.sleepfm import Channels, SleepFM
from wearfm.windows.batch import Batch

NIGHT = replace(TINY, window_s=12.0)  # three windows of the base, 12 tokens
SMALL = replace(small(), base=TINY, night_s=12.0, heads=2, mlp_width=16, hidden=4, dropout=0.0)
LABEL = torch.tensor([[0, 1, 2, 3, 4, -1, 0, 0, 2, 2, 1, 1]] * ROWS)


def night(label: Tensor | None = LABEL) -> Batch:
    given = batch(config=NIGHT)
    return given if label is None else replace(given, targets={"label": label})


@pytest.fixture
def recipe() -> SleepStaging:
    return SleepStaging(SMALL, seed=3).eval()


class TestConfig:
    @pytest.mark.parametrize("name", SleepStaging.presets())
    def test_configs_survive_json_with_the_base_s(self, name: str) -> None:
        config = preset(SleepStaging, name)
        assert config_from_json(SleepStaging, config_to_json(config)) == config

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"night_s": 13.0}, "night_s=13: use a multiple of the base's window of 4 s"),
            ({"stages": ("sleep",), "stage_weight": (1.0,)}, "name two or more"),
            ({"stage_weight": (1.0,)}, "1 weights for 5 stages: give one a stage"),
            ({"heads": 3}, "heads=3: the width 16 must divide into them"),
            ({"dropout": 1.0}, "dropout=1"),
        ],
    )
    def test_impossible_settings_are_refused(self, change: dict[str, object], message: str) -> None:
        with pytest.raises(BadConfiguration, match=message):
            replace(SMALL, **change)

    def test_an_unknown_masking_is_named(self) -> None:
        with pytest.raises(UnknownName, match="masking of sleep_staging 'last' is not known"):
            replace(SMALL, masking="last")


class TestNights:
    def test_every_window_of_a_night_is_encoded_as_if_it_were_alone(self, recipe: SleepStaging) -> None:
        given = night()
        tokens, there = recipe.prepare(given)
        assert tokens.shape == (ROWS, 4, 12, 16)
        assert there.all()
        cut = {
            name: replace(stream, signal=stream.signal[:, :, 512:1024], valid=stream.valid[:, :, 512:1024])
            for name, stream in given.streams.items()
        }
        alone = recipe.base.embed(replace(given, streams=cut)).tokens
        torch.testing.assert_close(tokens[:, :, 4:8], alone)

    def test_a_night_can_be_standardised_as_a_whole(self) -> None:
        recipe = SleepStaging(replace(SMALL, is_scaled_by_night=True), seed=3).eval()
        given = night()
        tokens, _ = recipe.prepare(given)
        stream = given.streams["ecg"]
        whole = standardise(stream.signal, stream.valid)[:, :, 512:1024]
        alone = recipe.base.encoder(Channels(whole, torch.ones(ROWS, 1, 4, dtype=torch.bool))).tokens
        torch.testing.assert_close(tokens[:, 2, 4:8], alone)

    def test_what_was_not_measured_has_no_tokens(self, recipe: SleepStaging) -> None:
        given = without(night(), "ecg", [1])
        tokens, there = recipe.prepare(given)
        assert there[1].any(dim=1).tolist() == [True, True, False, True]
        assert not tokens[1, 2].any()

    def test_a_group_that_no_night_has_costs_nothing_and_has_no_tokens(self, recipe: SleepStaging) -> None:
        given = batch({"eeg": 2, "ecg": 1}, config=NIGHT)
        tokens, there = recipe.prepare(given)
        assert there.any(dim=2)[0].tolist() == [True, False, True, False]
        assert not tokens[:, 1].any()
        assert torch.isfinite(recipe.embed(given).tokens).all()

    def test_the_input_is_nights_that_may_lack_anything(self, recipe: SleepStaging) -> None:
        assert recipe.input.window_s == 12.0
        assert all(stream.is_optional for stream in recipe.input.streams)


class TestHead:
    def _tokens(self, seed: int = 0) -> tuple[Tensor, Tensor]:
        tokens = torch.randn(2, 4, 12, 16, generator=torch.Generator().manual_seed(seed))
        return tokens, torch.ones(2, 4, 12, dtype=torch.bool)

    @torch.no_grad()
    def test_the_order_of_groups_does_not_matter(self, recipe: SleepStaging) -> None:
        tokens, there = self._tokens()
        there[0, 1] = False
        order = [2, 0, 3, 1]
        torch.testing.assert_close(recipe.head(tokens[:, order], there[:, order]), recipe.head(tokens, there))

    @torch.no_grad()
    def test_neither_a_missing_group_nor_the_padded_tail_matters(self, recipe: SleepStaging) -> None:
        tokens, there = self._tokens()
        there[0, 0] = False  # the first group, which [code] takes the moments from
        there[1, :, 9:] = False
        moved = torch.where(there[..., None], tokens, 50.0)
        assert torch.equal(recipe.head(moved, there), recipe.head(tokens, there))
        assert torch.isfinite(recipe.head(tokens, there)).all()

    @torch.no_grad()
    def test_a_gap_in_one_group_hides_that_group_then_and_no_other(self, recipe: SleepStaging) -> None:
        tokens, there = self._tokens()
        there[0, 2, 5] = False
        moved = tokens.clone()
        moved[0, 2, 5] += 50
        assert torch.equal(recipe.head(moved, there), recipe.head(tokens, there))
        moved[0, 3, 5] += 50
        assert not torch.allclose(recipe.head(moved, there)[0], recipe.head(tokens, there)[0])

    @torch.no_grad()
    def test_masks_of_the_first_moment_and_group_are_the_published_ones(self) -> None:
        head = SleepStaging(replace(SMALL, masking="first", is_packed=False), seed=3).eval().head
        ours = SleepStaging(SMALL, seed=3).eval().head
        tokens, there = self._tokens()
        torch.testing.assert_close(head(tokens, there), ours(tokens, there))  # nothing is missing
        there[0, 2, 5] = False
        assert torch.equal(head(tokens, there), head(tokens, torch.ones_like(there)))  # gaps later on are not seen

    def test_states_are_read_from_both_sides(self, recipe: SleepStaging) -> None:
        tokens, there = self._tokens()
        tokens.requires_grad_()
        recipe.head.states(tokens, there)[0, 6].sum().backward()
        assert tokens.grad[0, :, [0, 11]].abs().sum(dim=-1).min() > 0


class TestLoss:
    def test_the_loss_is_the_weighted_surprise_over_the_number_of_moments(self, recipe: SleepStaging) -> None:
        scores = recipe.head(*recipe.prepare(night())).log_softmax(dim=2)
        weight, total, count = SMALL.stage_weight, 0.0, 0
        for row in range(ROWS):
            for moment, stage in enumerate(LABEL[row].tolist()):
                if stage >= 0:
                    total -= weight[stage] * scores[row, moment, stage].item()
                    count += 1
        assert count == 11 * ROWS
        assert recipe.loss(night(), draws()).total.item() == pytest.approx(total / count, rel=1e-5)

    def test_moments_without_a_label_or_a_measurement_do_not_count(self, recipe: SleepStaging) -> None:
        given = night()
        streams = {}
        for name, stream in given.streams.items():
            valid = stream.valid.clone()
            valid[0, :, 1024:] = False
            streams[name] = replace(stream, valid=valid, signal=torch.where(valid, stream.signal, 0.0))
        cut = replace(given, streams=streams)
        other = LABEL.clone()
        other[0, 8:] = 3
        assert torch.equal(recipe.loss(cut, draws()).total, recipe.loss(replace(cut, targets={"label": other}), draws()).total)

    def test_labels_of_longer_epochs_or_of_the_night_hold_for_all_their_tokens(self, recipe: SleepStaging) -> None:
        epochs = torch.tensor([[0, 3, 4]] * ROWS)
        torch.testing.assert_close(
            recipe.loss(night(epochs), draws()).total, recipe.loss(night(epochs.repeat_interleave(4, dim=1)), draws()).total
        )
        whole = torch.tensor([0, 1, 2, 3, 4])
        torch.testing.assert_close(
            recipe.loss(night(whole), draws()).total, recipe.loss(night(whole[:, None].expand(-1, 12)), draws()).total
        )
        with pytest.raises(BadConfiguration, match="5 labels for nights of 12 tokens; give one a token"):
            recipe.loss(night(torch.zeros(ROWS, 5)), draws())

    def test_a_batch_without_labels_says_what_to_do(self, recipe: SleepStaging) -> None:
        with pytest.raises(BadConfiguration, match=r"a batch without labels; train on index\.with_targets\(label="):
            recipe.loss(night(None), draws())

    def test_nothing_labelled_loses_nothing(self) -> None:
        scores = torch.randn(2, 3, 5, generator=torch.Generator().manual_seed(0), requires_grad=True)
        error = stage_error(scores, torch.full((2, 3), -1), torch.zeros(2, 3, dtype=torch.bool), weight=torch.ones(5))
        error.backward()
        assert error == 0
        assert not scores.grad.any()

    def test_the_base_stays_as_it_is(self, recipe: SleepStaging) -> None:
        before = {key: value.clone() for key, value in recipe.base.state_dict().items()}
        recipe.train()
        assert not recipe.base.training
        recipe.loss(night(), draws()).total.backward()
        assert all(parameter.grad is None for parameter in recipe.base.parameters())
        assert all(torch.equal(value, before[key]) for key, value in recipe.base.state_dict().items())


class TestEmbedding:
    def test_chances_of_each_moment_and_shares_of_the_night(self, recipe: SleepStaging) -> None:
        embedded = recipe.embed(night(None))
        assert embedded.tokens.shape == (ROWS, 12, 5)
        torch.testing.assert_close(embedded.tokens.sum(dim=2), torch.ones(ROWS, 12))
        torch.testing.assert_close(embedded.vector, embedded.tokens.mean(dim=1))
        assert recipe.frames(night(None)).shape == (ROWS, 12, recipe.feature_size("frames"))
        torch.testing.assert_close(recipe.features(night(None)), recipe.frames(night(None)).mean(dim=1))


class TestBase:
    def test_a_head_stands_on_a_trained_base_and_knows_whom_it_has_seen(self) -> None:
        base = SleepFM(TINY, seed=9)
        base.seen = frozenset({"somebody"})
        recipe = SleepStaging(SMALL, seed=3)
        assert recipe.after(base) is recipe
        assert recipe.seen == {"somebody"}
        assert all(torch.equal(value, recipe.base.state_dict()[key]) for key, value in base.state_dict().items())

    def test_another_method_or_another_base_is_refused(self) -> None:
        with pytest.raises(BadConfiguration, match="sleep_staging stands on a trained sleepfm, which himae is not"):
            SleepStaging(SMALL).after(create("himae"))
        with pytest.raises(BadConfiguration, match="the trained sleepfm differs in depth, merge; give its config as base="):
            SleepStaging(SMALL).after(SleepFM(replace(TINY, depth=2, merge="concatenate")))


class TestWeights:
    def test_the_base_may_come_along_or_not(self) -> None:
        given = SleepStaging(SMALL, seed=7).to_original()
        settings = {"base": TINY, "night_s": 12.0, "heads": 2}
        alone = {key: value for key, value in given.items() if not key.startswith("base.")}
        recipe = SleepStaging.from_original({**alone, "positional_encoding.pe": torch.zeros(1, 9, 16)}, **settings)
        assert torch.equal(recipe.head.classify.weight, given["fc.weight"])
        assert recipe.config.hidden == 4
        with pytest.raises(IncompatibleWeights, match=r"lstm\.bias_ih_l0_reverse"):
            SleepStaging.from_original({k: v for k, v in alone.items() if k != "lstm.bias_ih_l0_reverse"}, **settings)
        del given["base.layer_norm.bias"]
        with pytest.raises(IncompatibleWeights, match=r"layer_norm\.bias"):
            SleepStaging.from_original(given, **settings)

    def test_sizes(self) -> None:
        assert sum(p.numel() for p in Head(paper()).parameters()) == 1_286_277
        assert SleepStagingConfig(base=TINY, night_s=12.0).num_tokens == 12
