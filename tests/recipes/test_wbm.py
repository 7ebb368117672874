"""WBM: hours out of minutes, where they stand in the week, what is dropped, pairs of weeks, the teacher, the embedding."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.recordings import channel, recording
from wearfm.errors import BadConfiguration, UnknownName
from wearfm.nn.draws import Draws
from wearfm.recipes.base import config_from_json, config_to_json, preset
from wearfm.recipes.wbm import APPLE_VARIABLES, OPENMHC_VARIABLES, WBM, Prepared, WBMConfig, paper, small
from wearfm.signals.units import modality
from wearfm.store import Store
from wearfm.windows.batch import Batch, Signal
from wearfm.windows.index import SECOND, UNDATED, WindowIndex
from wearfm.windows.load import load

HOUR = 3600
MONDAY_NS = 1_700_438_400 * SECOND  # 2023-11-20, midnight
TINY = replace(
    small(), variables=("steps", "hr"), window_s=4.0 * HOUR, align_s=4.0 * HOUR, apart_s=4.0 * HOUR, width=16, states=4,
    head_width=8, hidden_size=16, projection_size=8, head_dropout=0.0,
)  # fmt: skip


def batch_of(
    values: dict[str, Tensor], valid: dict[str, Tensor] | None = None, *, start_ns: int = MONDAY_NS, rate_hz: float = 1 / 60
) -> Batch:
    """Return windows of (B, T) series, one channel each; everything valid unless said otherwise."""
    rows = len(next(iter(values.values())))
    streams = {}
    for name, series in values.items():
        known = torch.ones_like(series, dtype=torch.bool) if valid is None or name not in valid else valid[name]
        streams[name] = Signal(signal=torch.where(known, series, 0.0)[:, None], valid=known[:, None], rate_hz=rate_hz)
    number = torch.arange(rows)
    local_ns = torch.full((rows,), start_ns)
    return Batch(streams=streams, participant=number // 2, recording=number, start_ns=number, local_ns=local_ns, group_size=2)


def noise(config: WBMConfig, *, rows: int = 8, seed: int = 0) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    count = round(config.window_s * config.rate_hz)
    return batch_of({name: torch.rand(rows, count, generator=generator) for name in config.variables}, rate_hz=config.rate_hz)


class TestConfig:
    @pytest.mark.parametrize(("name", "count"), [("paper", 23_903_616), ("openmhc", 6_104_960), ("small", 128_752)])
    def test_encoders_have_the_documented_number_of_parameters(self, name: str, count: int) -> None:
        with torch.device("meta"):
            recipe = WBM(preset(WBM, name))
        assert sum(p.numel() for key, p in recipe.student.named_parameters() if not key.startswith("head.")) == count

    def test_the_variables_are_27_and_19_known_modalities(self) -> None:
        assert (len(set(APPLE_VARIABLES)), len(set(OPENMHC_VARIABLES))) == (27, 19)
        assert all(modality(name) for name in (*APPLE_VARIABLES, *OPENMHC_VARIABLES))

    @pytest.mark.parametrize("name", WBM.presets())
    def test_configs_survive_json(self, name: str) -> None:
        config = preset(WBM, name)
        assert config_from_json(WBM, config_to_json(config)) == config

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"variables": ()}, r"variables=\(\): name at least one, each once"),
            ({"unscaled": ("temp",)}, "name some of the variables"),
            ({"rate_hz": 0.001}, "rate_hz=0.001: an hour must have a whole number of samples"),
            ({"window_s": 5000.0}, "window_s=5000: windows are two or more whole hours; a week is 604800"),
            ({"align_s": 7 * 3600.0}, "align_s=25200: it must divide the window of 14400 s"),
            ({"width": 15}, "width=15: positions need an even number"),
            ({"dropped_most": 1.0}, r"dropped 0.1 to 1: shares must rise and lie in \[0, 1\)"),
            ({"dropped_least": 0.6}, "dropped 0.6 to 0.5"),
            ({"temperature": 0.0}, "temperature=0: it divides"),
            ({"momentum": 1.5}, "momentum=1.5"),
            ({"hour_share": -0.1}, "hour_share=-0.1"),
            ({"head_width": 7}, "width 32 does not divide into heads of 7"),
        ],
    )
    def test_impossible_settings_are_refused(self, change: dict[str, object], message: str) -> None:
        with pytest.raises(BadConfiguration, match=message):
            WBM(replace(TINY, **change))  # type: ignore[arg-type]

    def test_unknown_names_are_refused_with_the_nearest(self) -> None:
        with pytest.raises(UnknownName, match="did you mean 'mamba2'"):
            replace(TINY, backbone="mamba")
        with pytest.raises(UnknownName, match="did you mean 'steps'"):
            replace(TINY, variables=("step",))


class TestHours:
    def test_totals_are_summed_and_levels_averaged_over_valid_minutes(self) -> None:
        steps, hr = torch.full((1, 240), 2.0), torch.arange(240.0)[None]
        valid = torch.ones(1, 240, dtype=torch.bool)
        valid[0, 30:60] = False  # half of the first hour
        valid[0, 120:180] = False  # the third hour
        hours, there = WBM(TINY).hours(batch_of({"steps": steps, "hr": hr}, {"steps": valid, "hr": valid}))
        assert hours[0, :, 0].tolist() == [60, 120, 0, 120]
        assert hours[0, :, 1].tolist() == [14.5, 89.5, 0, 209.5]
        assert there[0].tolist() == [[True, True], [True, True], [False, False], [True, True]]

    def test_an_hour_may_need_a_share_of_its_minutes(self) -> None:
        valid = torch.zeros(1, 240, dtype=torch.bool)
        valid[0, :30] = valid[0, 60:89] = valid[0, 120:180] = True  # 30, 29, 60 and 0 minutes
        recipe = WBM(replace(TINY, hour_share=0.5))
        _, there = recipe.hours(batch_of({"hr": torch.ones(1, 240)}, {"hr": valid}))
        assert there[0, :, 1].tolist() == [True, False, True, False]

    def test_hours_may_come_as_hours(self) -> None:
        config = replace(TINY, rate_hz=1 / 3600)
        hours, there = WBM(config).hours(batch_of({"steps": torch.tensor([[1.0, 2, 3, 4]])}, rate_hz=1 / 3600))
        assert hours[0, :, 0].tolist() == [1, 2, 3, 4]
        assert there[0].tolist() == [[True, False]] * 4

    def test_another_rate_or_length_is_refused(self) -> None:
        with pytest.raises(BadConfiguration, match=r"steps comes as 1 x 4 samples at 0\.000277778 Hz; .* one channel of 240"):
            WBM(TINY).hours(batch_of({"steps": torch.zeros(1, 4)}, rate_hz=1 / 3600))

    def test_prepared_hours_are_z_scores_then_flags(self) -> None:
        recipe = WBM(replace(TINY, unscaled=("hr",)))
        valid = torch.ones(1, 240, dtype=torch.bool)
        valid[0, 60:120] = False
        recipe.mean.fill_(60.0)
        recipe.std.fill_(30.0)
        batch = batch_of({"steps": torch.ones(1, 240) * 2, "hr": torch.full((1, 240), 70.0)}, {"steps": valid})
        values, hour = recipe.prepare(batch)
        assert values[0, 0].tolist() == [2.0, 70.0, 0.0, 0.0]
        assert values[0, 1].tolist() == [0.0, 70.0, 1.0, 0.0]
        assert hour.tolist() == [[0, 1, 2, 3]]

    def test_calibration_takes_mean_and_deviation_of_hours_that_are_there(self) -> None:
        recipe = WBM(TINY)
        steps = torch.arange(4.0).repeat_interleave(60)[None] / 60  # hours of 0, 1, 2, 3 steps
        valid = torch.ones(1, 240, dtype=torch.bool)
        valid[0, 180:] = False
        recipe.calibrate(iter([batch_of({"steps": steps}, {"steps": valid})]))
        torch.testing.assert_close(recipe.mean, torch.tensor([1.0, 0.0]))
        torch.testing.assert_close(recipe.std, torch.tensor([(2 / 3) ** 0.5, 1.0]))


class TestWeek:
    def test_hours_are_counted_from_monday_on_the_wearers_clock(self) -> None:
        recipe = WBM(TINY)
        sunday_evening = batch_of({"steps": torch.zeros(1, 240)}, start_ns=MONDAY_NS - 2 * HOUR * SECOND)
        assert recipe.prepare(sunday_evening).hour.tolist() == [[166, 167, 0, 1]]
        undated = batch_of({"steps": torch.zeros(1, 240)}, start_ns=UNDATED)
        assert recipe.prepare(undated).hour.tolist() == [[0, 1, 2, 3]]

    def test_the_hour_of_the_week_tells_weeks_apart_only_with_positions(self) -> None:
        for has_positions in (True, False):
            recipe = WBM(replace(TINY, has_positions=has_positions)).eval()
            there, later = (batch_of({"steps": torch.ones(1, 240)}, start_ns=MONDAY_NS + h * HOUR * SECOND) for h in (0, 9))
            assert torch.equal(recipe.embed(there).vector, recipe.embed(later).vector) != has_positions

    def test_weeks_of_a_store_begin_where_the_contract_says_and_single_weeks_are_left_out(self, tmp_path: Path) -> None:
        """Three people with 3, 2 and 1 weeks of minutes; the pair plan takes two of them."""
        config = replace(small(), variables=("steps", "hr"), align_s=604_800.0)
        store, monday_s = Store.create(tmp_path), MONDAY_NS / SECOND
        ones = {weeks: np.ones(weeks * 10_080) for weeks in (1, 2, 3)}
        store.commit(
            [
                recording(f"p{weeks}", "a", channel(steps, modality="steps", rate_hz=1 / 60, start_s=monday_s))
                for weeks, steps in ones.items()
            ]
        )
        recipe = WBM(config)
        index = WindowIndex.build(store, recipe.input)
        plan = recipe.plan(index, seed=0)
        assert (len(index), plan.left_out) == (6, 1)
        pairs = plan.draw(0, np.arange(20))
        assert (index.participant[pairs[:, 0]] == index.participant[pairs[:, 1]]).all()
        assert (abs(index.start_ns[pairs[:, 0]] - index.start_ns[pairs[:, 1]]) >= 604_800 * SECOND).all()
        hours, there = recipe.hours(load(store, index, np.array([0])))
        assert hours[0, :, 0].tolist() == [60.0] * 168
        assert there.all(dim=1).tolist() == [[True, False]]


class TestTraining:
    @pytest.mark.parametrize("least_most", [(0.25, 0.5), (0.0, 0.0), (0.9, 0.9)])
    def test_each_view_loses_its_own_share_of_hours_and_keeps_one(self, least_most: tuple[float, float]) -> None:
        least, most = least_most
        recipe = WBM(replace(small(), dropped_least=least, dropped_most=most))
        kept = recipe.thin(400, Draws(seed=0), device=torch.device("cpu")).sum(dim=1)
        assert 168 - int(168 * most) <= kept.min()
        assert kept.max() <= 168 - int(168 * least)
        assert len(kept.unique()) > 20 or least == most

    def test_a_dropped_hour_cannot_move_the_loss(self) -> None:
        recipe = WBM(TINY, seed=1).eval()
        batch = noise(TINY)
        visible = recipe.thin(8, Draws(seed=3), device=torch.device("cpu"))
        minutes = visible.repeat_interleave(60, dim=1)[:, None]
        poisoned = {n: replace(s, signal=torch.where(minutes, s.signal, 1e3)) for n, s in batch.streams.items()}
        assert not visible.all()
        one, other = (recipe.loss(b, Draws(seed=3)).total for b in (batch, replace(batch, streams=poisoned)))
        assert torch.equal(one, other)

    @pytest.mark.parametrize("backbone", ["mamba2", "mamba2_post_norm", "transformer"])
    def test_dropping_an_hour_is_cutting_it_out_of_the_sequence(self, backbone: str) -> None:
        recipe = WBM(replace(TINY, backbone=backbone), seed=1).eval().double()
        whole = recipe.prepare(noise(TINY))
        left = [0, 2, 3]
        seen, _ = recipe.student(whole, torch.tensor([True, False, True, True]).expand(8, -1))
        cut, _ = recipe.student(Prepared(whole.values[:, left], whole.hour[:, left]))
        torch.testing.assert_close(seen, cut, rtol=1e-10, atol=1e-10)  # float64

    def test_no_week_of_the_same_person_is_a_negative(self) -> None:
        """Two pairs of one person: there is nobody else, so nothing to tell apart."""
        recipe = WBM(replace(TINY, koleo_weight=0.0)).eval()
        batch = noise(TINY, rows=4)
        alone = replace(batch, participant=torch.zeros(4, dtype=torch.int64))
        assert recipe.loss(alone, Draws(seed=0)).total.abs() < 1e-6
        assert recipe.loss(batch, Draws(seed=0)).total > 0.1

    def test_the_total_is_the_weighted_sum_and_the_parts_watch_for_collapse(self) -> None:
        recipe = WBM(TINY).eval()
        loss = recipe.loss(noise(TINY), Draws(seed=0))
        assert set(loss.parts) == {"nce", "koleo", "alignment", "effective_rank", "uniformity", "dispersion_between"}
        torch.testing.assert_close(loss.total, loss.parts["nce"] + 0.1 * loss.parts["koleo"])
        assert "koleo" not in WBM(replace(TINY, koleo_weight=0.0)).loss(noise(TINY), Draws(seed=0)).parts

    def test_a_batch_without_pairs_is_refused(self) -> None:
        with pytest.raises(BadConfiguration, match="groups of 1; this loss needs pairs"):
            WBM(TINY).loss(replace(noise(TINY), group_size=1), Draws(seed=0))

    def test_the_teacher_follows_and_receives_no_gradient(self) -> None:
        recipe = WBM(replace(TINY, momentum=0.75))
        recipe.loss(noise(TINY), Draws(seed=0)).total.backward()
        assert all(p.grad is None for p in recipe.teacher.parameters())
        with torch.no_grad():
            recipe.student.head.layers[0].bias += 1
        recipe.advance()
        moved = recipe.teacher.head.layers[0].bias - (recipe.student.head.layers[0].bias - 1)
        torch.testing.assert_close(moved, torch.full_like(moved, 0.25))


class TestEmbedding:
    def test_a_week_is_the_mean_of_its_hours(self) -> None:
        recipe = WBM(TINY).eval()
        embedded = recipe.embed(noise(TINY))
        assert embedded.tokens is not None
        assert embedded.tokens.shape == (8, 4, 16)
        torch.testing.assert_close(embedded.vector, embedded.tokens.mean(dim=1))
        assert torch.equal(recipe.frames(noise(TINY)), embedded.tokens)

    def test_features_carry_gradient_to_the_encoder_and_dropout_only_with_draws(self) -> None:
        recipe = WBM(replace(TINY, backbone="mamba2_post_norm", dropout=0.3, tokenizer_hidden=8)).train()
        features = recipe.features(noise(TINY))
        features.sum().backward()
        assert all(p.grad is not None for key, p in recipe.student.named_parameters() if not key.startswith("head."))
        torch.testing.assert_close(features, recipe.embed(noise(TINY)).vector)
        assert not torch.allclose(recipe.features(noise(TINY), Draws(seed=0)), features)

    @pytest.mark.parametrize("backbone", ["mamba2", "transformer"])
    def test_empty_hours_may_be_cut_out_so_that_a_short_week_is_what_is_there_of_it(self, backbone: str) -> None:
        """Four hours of which one is empty, against the three that are not."""
        recipe = WBM(replace(TINY, backbone=backbone), seed=1).eval()
        batch = noise(TINY, rows=2)
        minutes = torch.ones(2, 1, 240, dtype=torch.bool)
        minutes[:, :, 60:120] = False
        short = replace(batch, streams={name: replace(s, valid=minutes) for name, s in batch.streams.items()})
        prepared = recipe.prepare(short)
        left = [0, 2, 3]
        cut, _ = recipe.student(Prepared(prepared.values[:, left], prepared.hour[:, left]))
        torch.testing.assert_close(recipe.embed(short).vector, cut)
        torch.testing.assert_close(recipe.features(short), cut)
        flagged = WBM(replace(TINY, backbone=backbone, skips_empty=False), seed=1).eval()
        assert not torch.allclose(flagged.embed(short).vector, cut)

    def test_a_week_without_any_value_is_all_its_empty_hours(self) -> None:
        recipe = WBM(TINY, seed=1).eval()
        batch = noise(TINY, rows=4)
        nothing = torch.zeros(4, 1, 240, dtype=torch.bool)
        empty = replace(batch, streams={name: replace(s, valid=nothing) for name, s in batch.streams.items()})
        assert recipe.present(recipe.prepare(empty)).all()  # type: ignore[union-attr]
        assert torch.isfinite(recipe.loss(empty, Draws(seed=0)).total)

    def test_variables_that_a_device_does_not_report_need_not_be_there(self) -> None:
        recipe = WBM(replace(TINY, variables=paper().variables)).eval()
        batch = batch_of({"steps": torch.ones(2, 240), "hr": torch.full((2, 240), 70.0)})
        values, _ = recipe.prepare(batch)
        assert values.shape == (2, 4, 54)
        assert values[..., 27:].sum().item() == 2 * 4 * 25
        assert torch.isfinite(recipe.embed(batch).vector).all()
