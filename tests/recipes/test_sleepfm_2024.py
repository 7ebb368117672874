"""SleepFM of 2024: slots, groups that are missing, dropout, contrast, weights."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from tests.recipes.test_sleepfm import ROWS, draws, without
from tests.recipes.test_sleepfm import batch as any_batch
from wearfm.errors import BadConfiguration, IncompatibleWeights, UnknownName
from wearfm.nn.draws import Draws
from wearfm.nn.normalise import standardise
from wearfm.objectives.leave_one_out import leave_one_out, pairwise
from wearfm.recipes.base import config_from_json, config_to_json, preset
from wearfm.recipes.sleepfm_2024 import SENSORS, Chance, Channels, Sensors, SleepFM2024, paper, small
from wearfm.windows.batch import Batch

TINY = replace(small(), window_s=2.0, stem=4, widths=(4, 6), blocks=(1, 2), smoothed=(2,), last=12, width=8, dropout=0.0)
NIGHT = {"resp": 2, "spo2": 1, "eeg": 4, "eog": 1, "ecg": 1}


def batch(channels: dict[str, int] = NIGHT) -> Batch:
    return any_batch(channels, config=TINY)


@pytest.fixture
def recipe() -> SleepFM2024:
    return SleepFM2024(TINY, seed=3).eval()


class TestConfig:
    @pytest.mark.parametrize("name", SleepFM2024.presets())
    def test_configs_survive_json_with_their_sensors(self, name: str) -> None:
        config = preset(SleepFM2024, name)
        assert config_from_json(SleepFM2024, config_to_json(config)) == config
        assert all(isinstance(each, Sensors) for each in config.sensors)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"sensors": SENSORS[:1]}, r"sensors \['respiratory'\]: a contrast needs two or more"),
            ({"sensors": (SENSORS[0], replace(SENSORS[2], slots=("resp",)))}, "each belongs to one group"),
            ({"blocks": (1,)}, r"blocks=\(1,\): give 1 or more for each of the 2 widths"),
            ({"smoothed": (4,)}, r"smoothed=\(4,\): stages are \(2, 3\)"),
            ({"window_s": 0.125}, "window_s=0.125 has 8 samples: the encoder divides time by 8"),
            ({"dropout": 1.0}, "dropout=1"),
            ({"group_valid": 0.0}, "group_valid=0"),
            ({"log_scale": -1.0}, "log_scale=-1"),
        ],
    )
    def test_impossible_settings_are_refused(self, change: dict[str, object], message: str) -> None:
        with pytest.raises(BadConfiguration, match=message):
            replace(TINY, **change)

    def test_unknown_names_are_refused(self) -> None:
        with pytest.raises(UnknownName, match="merge of sleepfm_2024 'sum' is not known"):
            replace(TINY, merge="sum")
        with pytest.raises(UnknownName, match="modality 'egg'"):
            Sensors(name="brain", slots=("egg",))
        with pytest.raises(BadConfiguration, match="group 'brain' reads nothing"):
            Sensors(name="brain", slots=())

    def test_the_contract_asks_for_as_many_channels_as_there_are_slots(self, recipe: SleepFM2024) -> None:
        assert {stream.modality: stream.channels for stream in recipe.input.streams} == NIGHT
        assert all(stream.is_optional for stream in recipe.input.streams)

    def test_small_is_small(self) -> None:
        assert sum(p.numel() for p in SleepFM2024(small()).parameters()) == 34_873


class TestInput:
    def test_slots_are_filled_in_their_order(self, recipe: SleepFM2024) -> None:
        given = batch()
        signal = recipe.prepare(given)["respiratory"].signal
        resp, spo2 = (standardise(given.streams[name].signal, given.streams[name].valid) for name in ("resp", "spo2"))
        assert torch.equal(signal, torch.stack([resp[:, 0], spo2[:, 0], resp[:, 1]], dim=1))

    def test_a_missing_channel_is_a_slot_of_zeros_and_a_missing_group_is_not_there(self, recipe: SleepFM2024) -> None:
        groups = recipe.prepare(batch({"resp": 1, "spo2": 1, "eeg": 4}))
        assert not groups["respiratory"].signal[:, 2].any()
        assert groups["respiratory"].present.all()
        assert groups["sleep_stages"].present.all()
        assert not groups["ekg"].present.any()

    def test_a_group_counts_if_enough_of_it_was_measured(self) -> None:
        given = without(batch(), "resp", [1])
        for share, is_there in ((0.3, True), (0.4, False)):  # SaO2 alone is a third
            assert SleepFM2024(replace(TINY, group_valid=share)).prepare(given)["respiratory"].present[1] == is_there

    def test_windows_of_another_length_say_what_to_set(self, recipe: SleepFM2024) -> None:
        given = any_batch(NIGHT, config=replace(TINY, window_s=1.0))
        with pytest.raises(BadConfiguration, match="windows of 64 samples at 64 Hz; this recipe was made for 128 at 64 Hz"):
            recipe.prepare(given)


class TestEncoders:
    def test_only_windows_that_have_a_group_are_in_its_statistics(self) -> None:
        given = without(batch(), "ecg", [0, 3])
        stream = given.streams["ecg"]
        moved = {**given.streams, "ecg": replace(stream, signal=torch.where(stream.valid, stream.signal, 100.0))}
        one, other = SleepFM2024(TINY, seed=3).train(), SleepFM2024(TINY, seed=3).train()
        assert torch.equal(one.loss(given, draws()).total, other.loss(replace(given, streams=moved), draws()).total)
        rest = torch.tensor([1, 2, 4])
        alone = SleepFM2024(TINY, seed=3).train()
        heart = Channels(*(part[rest] for part in alone.prepare(given)["ekg"]))
        alone._encoded(alone.encoders["ekg"], heart, None)
        torch.testing.assert_close(alone.encoders["ekg"].norm.running_mean, one.encoders["ekg"].norm.running_mean)

    def test_a_group_that_nobody_has_leaves_its_statistics_and_still_has_a_gradient(self) -> None:
        recipe = SleepFM2024(TINY, seed=3).train()
        before = recipe.encoders["ekg"].norm.running_mean.clone()
        recipe.loss(batch({name: count for name, count in NIGHT.items() if name != "ecg"}), draws()).total.backward()
        assert torch.equal(recipe.encoders["ekg"].norm.running_mean, before)
        assert all(p.grad is not None and not p.grad.any() for p in recipe.encoders["ekg"].parameters())
        assert recipe.encoders["ekg"].training

    def test_dropout_of_some_rows_is_that_of_the_whole_batch(self) -> None:
        maps, rows = torch.ones(4, 3, 5), torch.tensor([True, False, True, True])
        whole = Chance(Draws(seed=1), torch.ones(4, dtype=torch.bool), 0.5).drop(maps)
        part = Chance(Draws(seed=1), rows, 0.5).drop(maps[rows])
        assert torch.equal(part, whole[rows])
        assert set(whole.unique().tolist()) == {0.0, 2.0}
        assert torch.equal(Chance(None, rows, 0.5).drop(maps[rows]), maps[rows])

    def test_stages_halve_time_and_smoothing_keeps_its_length(self) -> None:
        encoder = SleepFM2024(TINY).encoders["ekg"]
        nothing = Chance(None, torch.ones(2, dtype=torch.bool), 0.0)
        maps = encoder.norm(encoder.stem(torch.zeros(2, 1, 128)))
        assert maps.shape == (2, 4, 64)
        for stage, shape in zip(encoder.stages, ((2, 4, 32), (2, 6, 16)), strict=True):
            maps = stage(maps, nothing)
            assert maps.shape == shape


class TestLoss:
    @pytest.mark.parametrize(("kind", "contrast"), [("leave_one_out", leave_one_out), ("pairwise", pairwise)])
    def test_the_loss_is_the_contrast_of_the_groups(self, kind: str, contrast) -> None:
        recipe = SleepFM2024(replace(TINY, contrast=kind, log_scale=0.5), seed=3).eval()
        given = without(batch(), "ecg", [2])
        vectors, present = recipe.encode(recipe.prepare(given))
        assert present[:, 2].tolist() == [True, True, False, True, True]
        wanted = contrast(vectors.transpose(0, 1), torch.tensor(0.5), present=present.T)
        found = recipe.loss(given, draws())
        torch.testing.assert_close(found.total, wanted.loss)
        assert {"accuracy_respiratory", "accuracy_sleep_stages", "accuracy_ekg", "effective_rank"} <= found.parts.keys()

    def test_the_scale_is_never_below_one(self, recipe: SleepFM2024) -> None:
        with torch.no_grad():
            recipe.log_scale -= 1
        recipe.advance()
        assert recipe.log_scale.item() == 0


class TestEmbedding:
    def test_groups_stand_side_by_side_or_are_averaged(self, recipe: SleepFM2024) -> None:
        given = without(batch(), "ecg", [2])
        embedded = recipe.embed(given)
        assert embedded.vector.shape == (ROWS, recipe.embedding_size) == (ROWS, 24)
        assert not embedded.channels[2, 2].any()
        mean = SleepFM2024(replace(TINY, merge="mean"), seed=3).eval()
        torch.testing.assert_close(mean.embed(given).vector[2], embedded.channels[2, :2].mean(dim=0))


class TestWeights:
    def test_what_does_not_fit_is_listed_with_its_group(self) -> None:
        given = SleepFM2024(TINY, seed=7).to_original()
        settings = {name: getattr(TINY, name) for name in ("rate_hz", "window_s", "stem", "widths", "blocks", "smoothed")}
        settings |= {name: getattr(TINY, name) for name in ("expansion", "last", "width")}
        again = SleepFM2024.from_original(given, **settings)
        assert all(torch.equal(value, again.to_original()[key]) for key, value in given.items())
        del given["ekg.stage3.stack.s1.conv2.bias"]
        with pytest.raises(IncompatibleWeights, match=r"sleepfm_2024, ekg.*stage3\.stack\.s1\.conv2\.bias"):
            SleepFM2024.from_original(given, **settings)

    def test_another_group_is_named(self, recipe: SleepFM2024) -> None:
        with pytest.raises(UnknownName, match="group of sleepfm_2024 'emg' is not known"):
            recipe.take_original("emg", {})

    def test_the_paper_s_input(self) -> None:
        assert paper().length == 7680
        assert [len(each.slots) for each in paper().sensors] == [3, 5, 1]
