"""SleepFM: groups, channels and gaps; what the contrast compares; what comes out for a night with something missing."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from wearfm.errors import BadConfiguration, IncompatibleWeights, UnknownName
from wearfm.nn.draws import Draws
from wearfm.nn.normalise import standardise
from wearfm.objectives.leave_one_out import leave_one_out, pairwise
from wearfm.recipes.base import config_from_json, config_to_json, preset
from wearfm.recipes.sleepfm import GROUPS, Channels, Group, SleepFM, SleepFMConfig, merged, paper, small
from wearfm.windows.batch import Batch, Signal

TINY = replace(small(), window_s=4.0, token_s=1.0, widths=(4, 8), width=16, depth=1, heads=2, mlp_width=16, dropout=0.0)
NIGHT = {"eeg": 3, "eog": 1, "resp": 2, "ecg": 1, "emg": 2}
ROWS = 5


def batch(channels: dict[str, int] = NIGHT, *, seed: int = 0, config: SleepFMConfig = TINY) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    streams = {}
    for name, count in channels.items():
        signal = torch.randn(ROWS, count, round(config.window_s * config.rate_hz), generator=generator)
        streams[name] = Signal(signal=signal, valid=torch.ones_like(signal, dtype=torch.bool), rate_hz=config.rate_hz)
    numbers = torch.arange(ROWS)
    return Batch(streams=streams, participant=numbers // 2, recording=numbers // 2, start_ns=numbers, local_ns=numbers)


def without(whole: Batch, name: str, rows: list[int], channels: slice = slice(None)) -> Batch:
    """Return the batch with some channels of a stream not measured in some windows."""
    stream = whole.streams[name]
    valid = stream.valid.clone()
    valid[torch.tensor(rows), channels] = False
    signal = torch.where(valid, stream.signal, 0.0)
    return replace(whole, streams={**whole.streams, name: replace(stream, signal=signal, valid=valid)})


def draws() -> Draws:
    return Draws(seed=1, step=0, first=0, rows=ROWS, total=ROWS)


@pytest.fixture
def recipe() -> SleepFM:
    return SleepFM(TINY, seed=3).eval()


class TestConfig:
    @pytest.mark.parametrize("name", SleepFM.presets())
    def test_configs_survive_json_with_their_groups(self, name: str) -> None:
        config = preset(SleepFM, name)
        assert config_from_json(SleepFM, config_to_json(config)) == config
        assert all(isinstance(group, Group) for group in config.groups)

    def test_sizes(self) -> None:
        assert sum(p.numel() for p in SleepFM(paper()).encoder.parameters()) == 4_831_656
        assert sum(p.numel() for p in SleepFM(small()).parameters()) == 149_929

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"groups": GROUPS[:1]}, r"groups \['BAS'\]: a contrast needs two or more"),
            ({"groups": (GROUPS[0], replace(GROUPS[1], modalities=("eog",)))}, "each belongs to one group"),
            ({"window_s": 4.5}, "window_s=4.5: use a multiple of token_s=1"),
            ({"token_s": 0.3, "window_s": 3.0}, "token_s=0.3 has 38.4 samples: use a whole number"),
            ({"width": 18}, "width=18: use a multiple of twice the 2 heads"),
            ({"dropout": 1.0}, "dropout=1"),
            ({"token_valid": 0.0}, "token_valid=0"),
            ({"log_scale": -1.0}, "log_scale=-1: cosines are scaled by exp of it, at least by 1"),
        ],
    )
    def test_impossible_settings_are_refused(self, change: dict[str, object], message: str) -> None:
        with pytest.raises(BadConfiguration, match=message):
            replace(TINY, **change)

    def test_unknown_names_are_refused(self) -> None:
        with pytest.raises(UnknownName, match="contrast of sleepfm 'leave_out' is not known"):
            replace(TINY, contrast="leave_out")
        with pytest.raises(UnknownName, match="modality 'egg'"):
            Group(name="BAS", modalities=("egg",), channels=1)
        with pytest.raises(BadConfiguration, match="group 'BAS' of 0 channels"):
            Group(name="BAS", modalities=("eeg",), channels=0)

    def test_a_recording_may_lack_anything(self, recipe: SleepFM) -> None:
        assert [stream.modality for stream in recipe.input.streams] == ["eeg", "eog", "resp", "spo2", "ecg", "emg"]
        assert all(stream.is_optional and stream.rate_hz == 128.0 for stream in recipe.input.streams)


class TestInput:
    def test_a_group_is_its_modalities_one_after_the_other_each_channel_standardised(self, recipe: SleepFM) -> None:
        given = batch()
        brain = recipe.prepare(given)["BAS"]
        parts = [standardise(given.streams[name].signal, given.streams[name].valid) for name in ("eeg", "eog")]
        assert torch.equal(brain.signal, torch.cat(parts, dim=1))
        assert brain.measured.shape == (ROWS, 4, 4)

    def test_a_missing_modality_is_a_group_of_which_nothing_was_measured(self, recipe: SleepFM) -> None:
        groups = recipe.prepare(batch({"eeg": 2}))
        assert not groups["EKG"].measured.any()
        assert not groups["EKG"].signal.any()
        assert groups["BAS"].measured.all()

    def test_more_channels_than_a_group_takes_are_cut_those_that_are_there_first(self) -> None:
        recipe = SleepFM(replace(TINY, groups=(replace(GROUPS[0], channels=2), *GROUPS[1:])))
        given = without(batch(), "eeg", [1], slice(0, 2))
        brain = recipe.prepare(given)["BAS"].signal
        assert torch.equal(brain[0], standardise(given.streams["eeg"].signal[:1, :2], given.streams["eeg"].valid[:1, :2])[0])
        kept = [given.streams["eeg"].signal[1, 2], given.streams["eog"].signal[1, 0]]
        wanted = standardise(torch.stack(kept)[None], torch.ones(1, 2, 512, dtype=torch.bool))[0]
        assert torch.equal(brain[1], wanted)

    def test_a_piece_counts_if_enough_of_it_was_measured(self) -> None:
        given = batch()
        valid = given.streams["ecg"].valid.clone()
        valid[0, 0, 128:200] = False  # 72 of 128 samples of the second piece
        streams = {**given.streams, "ecg": replace(given.streams["ecg"], valid=valid)}
        given = replace(given, streams=streams)
        for share, counts in ((0.4, True), (0.5, False)):
            measured = SleepFM(replace(TINY, token_valid=share)).prepare(given)["EKG"].measured[0, 0]
            assert measured.tolist() == [True, counts, True, True]

    def test_windows_of_another_length_say_what_to_set(self, recipe: SleepFM) -> None:
        with pytest.raises(BadConfiguration, match="windows of 256 samples at 128 Hz; this recipe was made for 512 at 128 Hz"):
            recipe.prepare(batch(config=replace(TINY, window_s=2.0)))


class TestEncoder:
    def test_the_order_of_channels_does_not_matter(self, recipe: SleepFM) -> None:
        given = batch()
        stream = given.streams["eeg"]
        turned = replace(given, streams={**given.streams, "eeg": replace(stream, signal=stream.signal.flip(1))})
        torch.testing.assert_close(recipe.embed(turned).vector, recipe.embed(given).vector)

    @pytest.mark.parametrize("is_lone_channel_kept", [True, False])
    def test_channels_that_are_not_there_never_matter(self, is_lone_channel_kept: bool) -> None:
        recipe = SleepFM(replace(TINY, is_lone_channel_kept=is_lone_channel_kept), seed=3).eval()
        few = without(batch(), "eeg", list(range(ROWS)), slice(2, 3))
        eeg = few.streams["eeg"]
        narrow = replace(eeg, signal=eeg.signal[:, :2], valid=eeg.valid[:, :2])
        torch.testing.assert_close(
            recipe.embed(replace(few, streams={**few.streams, "eeg": narrow})).channels, recipe.embed(few).channels
        )

    def test_padded_channels_are_in_no_batch_statistic(self) -> None:
        few = without(batch(), "eeg", list(range(ROWS)), slice(1, 3))
        eeg = few.streams["eeg"]
        narrow = replace(eeg, signal=eeg.signal[:, :1], valid=eeg.valid[:, :1])
        one, other = SleepFM(TINY, seed=3).train(), SleepFM(TINY, seed=3).train()
        wide_loss = one.loss(few, draws()).total
        narrow_loss = other.loss(replace(few, streams={**few.streams, "eeg": narrow}), draws()).total
        torch.testing.assert_close(wide_loss, narrow_loss)
        torch.testing.assert_close(one.encoder.tokens.state_dict(), other.encoder.tokens.state_dict())

    def test_statistics_are_of_all_groups_together_or_of_each_by_itself(self) -> None:
        given = batch()
        stream = given.streams["ecg"]
        changed = {**given.streams, "ecg": replace(stream, signal=stream.signal.cumsum(dim=2))}
        other = replace(given, streams=changed)  # a slower heart
        for is_together in (True, False):
            config = replace(TINY, is_normalised_together=is_together)
            brains = [
                made.encode(made.prepare(each)).vector[:, 0]
                for made, each in ((SleepFM(config, seed=3).train(), given), (SleepFM(config, seed=3).train(), other))
            ]
            assert torch.equal(*brains) != is_together
        together, apart = (SleepFM(replace(TINY, is_normalised_together=flag), seed=3).eval() for flag in (True, False))
        torch.testing.assert_close(together.embed(given).vector, apart.embed(given).vector)  # running statistics: no difference

    def test_a_single_channel_is_passed_on_untouched_whoever_is_beside_it(self) -> None:
        tokens = torch.randn(2, 3, 4, 16, generator=torch.Generator().manual_seed(0))
        measured = torch.ones(2, 3, 4, dtype=torch.bool)
        measured[0, 1:] = False
        kept, original = (SleepFM(replace(TINY, is_lone_channel_kept=flag), seed=3).encoder.eval() for flag in (True, False))
        torch.testing.assert_close(kept.pooled(tokens, measured)[0], tokens[0, 0])
        assert not torch.allclose(original.pooled(tokens, measured)[0], tokens[0, 0])
        torch.testing.assert_close(original.pooled(tokens[:1, :1], measured[:1, :1])[0], tokens[0, 0])
        torch.testing.assert_close(original.pooled(tokens, measured)[1], kept.pooled(tokens, measured)[1])

    def test_moments_that_were_not_measured_are_not_looked_at(self, recipe: SleepFM) -> None:
        group = recipe.prepare(batch())["RESP"]
        measured = group.measured.clone()
        measured[0, :, 2] = False
        moved = group.signal.clone()
        moved[0, :, 256:384] += 7
        one, other = recipe.encoder(Channels(group.signal, measured)), recipe.encoder(Channels(moved, measured))
        assert torch.equal(one.vector, other.vector)
        assert torch.equal(one.tokens[0, [0, 1, 3]], other.tokens[0, [0, 1, 3]])
        assert one.there[0].tolist() == [True, True, False, True]

    def test_dropout_acts_in_training_only_and_comes_from_the_draws(self) -> None:
        recipe = SleepFM(replace(TINY, dropout=0.4), seed=3)
        for part in recipe.encoder.tokens.stages:
            part.norm.momentum = 0.0  # so that only dropout tells the calls apart
        one, again = (recipe.train().loss(batch(), draws()).total for _ in range(2))
        assert torch.equal(one, again)
        assert not torch.equal(one, SleepFM(TINY, seed=3).train().loss(batch(), draws()).total)
        assert torch.equal(
            recipe.eval().loss(batch(), draws()).total, SleepFM(TINY, seed=3).eval().loss(batch(), draws()).total
        )


class TestLoss:
    @pytest.mark.parametrize(("kind", "contrast"), [("leave_one_out", leave_one_out), ("pairwise", pairwise)])
    def test_the_loss_is_the_contrast_of_the_groups(self, kind: str, contrast) -> None:
        recipe = SleepFM(replace(TINY, contrast=kind, log_scale=0.5), seed=3).eval()
        encoded = recipe.encode(recipe.prepare(batch()))
        found = recipe.loss(batch(), draws())
        wanted = contrast(encoded.vector.transpose(0, 1), torch.tensor(0.5))
        torch.testing.assert_close(found.total, wanted.loss)
        torch.testing.assert_close(found.parts["accuracy_EMG"], wanted.correct[3].sum() / wanted.asked[3].sum())
        assert found.parts["scale"].item() == pytest.approx(1.6487, rel=1e-4)

    def test_a_window_without_a_group_asks_and_answers_nothing_there(self, recipe: SleepFM) -> None:
        given = without(batch(), "ecg", [2])
        encoded = recipe.encode(recipe.prepare(given))
        assert encoded.present[:, 2].tolist() == [True, True, False, True, True]
        wanted = leave_one_out(encoded.vector.transpose(0, 1), torch.zeros(1), present=encoded.present.T)
        torch.testing.assert_close(recipe.loss(given, draws()).total, wanted.loss)

    def test_windows_of_the_same_recording_or_person_can_be_spared(self) -> None:
        plain, spared = (
            SleepFM(replace(TINY, negatives=kind), seed=3).eval().loss(batch(), draws()).total
            for kind in ("all", "other_people")
        )
        assert spared < plain
        given = replace(batch(), recording=torch.arange(ROWS))
        by_recording = SleepFM(replace(TINY, negatives="other_recordings"), seed=3).eval()
        torch.testing.assert_close(by_recording.loss(given, draws()).total, plain)
        torch.testing.assert_close(by_recording.loss(batch(), draws()).total, spared)

    def test_the_scale_is_learnt_and_never_below_one(self, recipe: SleepFM) -> None:
        recipe.loss(batch(), draws()).total.backward()
        assert recipe.log_scale.grad.abs() > 0
        with torch.no_grad():
            recipe.log_scale -= 1
        recipe.advance()
        assert recipe.log_scale.item() == 0


class TestEmbedding:
    def test_the_vector_is_the_mean_of_the_groups_that_are_there(self, recipe: SleepFM) -> None:
        embedded = recipe.embed(without(batch(), "ecg", [2]))
        assert embedded.channels.shape == (ROWS, 4, 16)
        torch.testing.assert_close(embedded.vector[2], embedded.channels[2, [0, 1, 3]].mean(dim=0))
        torch.testing.assert_close(embedded.vector[0], embedded.channels[0].mean(dim=0))
        assert not embedded.channels[2, 2].any()
        assert embedded.tokens.shape == (ROWS, 4, 4, 16)
        assert not embedded.tokens[2, 2].any()

    def test_groups_can_stand_side_by_side(self) -> None:
        recipe = SleepFM(replace(TINY, merge="concatenate"), seed=3).eval()
        embedded = recipe.embed(without(batch(), "ecg", [2]))
        assert recipe.embedding_size == 64
        assert torch.equal(embedded.vector, embedded.channels.flatten(1))
        encoded = recipe.encode(recipe.prepare(batch()))
        assert torch.equal(merged(encoded.vector, encoded.present, kind="concatenate")[:, :16], encoded.vector[:, 0])

    def test_frames_are_the_means_of_what_was_measured_then(self, recipe: SleepFM) -> None:
        frames, tokens = recipe.frames(without(batch(), "ecg", [2])), recipe.embed(without(batch(), "ecg", [2])).tokens
        assert frames.shape == (ROWS, 4, recipe.feature_size("frames"))
        torch.testing.assert_close(frames[2], tokens[2, [0, 1, 3]].mean(dim=0))


class TestWeights:
    @pytest.fixture
    def published(self) -> dict[str, Tensor]:
        """Weights in the names and shapes of the released file, in a small size."""
        return {key: tensor.clone() for key, tensor in SleepFM(TINY, seed=7).to_original().items()}

    def test_names_are_the_published_ones(self) -> None:
        names = set(SleepFM(paper()).to_original())
        assert len(names) == 154 + 1  # less the fixed table, with the temperature
        assert {
            "patch_embedding.tokenizer.20.weight",
            "patch_embedding.tokenizer.21.num_batches_tracked",
            "patch_embedding.tokenizer.23.weight",
            "patch_embedding.tokenizer.26.bias",
            "spatial_pooling.transformer_layer.self_attn.in_proj_weight",
            "temporal_pooling.transformer_layer.self_attn.out_proj.bias",
            "transformer_encoder.layers.5.linear2.weight",
            "layer_norm.weight",
        } <= names

    def test_the_fixed_table_and_the_temperature_may_be_there_or_not(self, published: dict[str, Tensor]) -> None:
        settings = {name: getattr(TINY, name) for name in ("window_s", "token_s", "heads")}
        bare = {f"module.{key}": value for key, value in published.items() if key != "temperature"}
        recipe = SleepFM.from_original({**bare, "module.positional_encoding.pe": torch.zeros(1, 128, 16)}, **settings)
        assert recipe.log_scale.item() == 0
        assert (recipe.config.widths, recipe.config.depth, recipe.config.mlp_width) == ((4, 8), 1, 16)
        warm = SleepFM.from_original({**published, "temperature": torch.tensor(0.7)}, **settings)
        assert warm.log_scale.item() == pytest.approx(0.7)

    def test_what_does_not_fit_is_listed_by_its_published_name(self, published: dict[str, Tensor]) -> None:
        del published["spatial_pooling.transformer_layer.linear1.bias"]
        with pytest.raises(IncompatibleWeights, match=r"spatial_pooling\.transformer_layer\.linear1\.bias"):
            SleepFM.from_original(published, window_s=4.0, token_s=1.0, heads=2)
