"""Risk: the four networks, what each reads, risk sets over outcomes, what it stands on."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from tests.recipes.test_sleepfm import ROWS, TINY, batch, draws, without
from wearfm.errors import BadConfiguration, IncompatibleWeights, UnknownName
from wearfm.nn.draws import Draws
from wearfm.objectives.cox import cox
from wearfm.recipes.base import config_from_json, config_to_json, preset
from wearfm.recipes.sleep_risk import UNUSED, Head, SleepRisk, SleepRiskConfig, paper, small
from wearfm.recipes.sleepfm import SleepFM, night_pieces
from wearfm.windows.batch import Batch

NIGHT = replace(TINY, window_s=12.0)  # three windows of the base, 12 tokens
SMALL = replace(small(), base=TINY, night_s=12.0, heads=2, mlp_width=16, hidden=4, dropout=0.0, outcomes=3, demographics=2)
SOURCES = pytest.mark.parametrize("source", ["tokens", "signals", "nothing"])


def night(**targets: Tensor) -> Batch:
    generator = torch.Generator().manual_seed(1)
    every = {
        "time": torch.rand(ROWS, 3, generator=generator),
        "event": torch.tensor([[1, 0, 0], [1, 1, 0], [0, 1, 0], [1, 0, 0], [0, 1, 0]]),
        "demographics": torch.randn(ROWS, 2, generator=generator),
    }
    return replace(batch(config=NIGHT), targets={**every, **targets})


def recipe(**changes: object) -> SleepRisk:
    return SleepRisk(replace(SMALL, **changes), seed=3).eval()


class TestConfig:
    @pytest.mark.parametrize("name", SleepRisk.presets())
    def test_configs_survive_json_with_the_base_s(self, name: str) -> None:
        config = preset(SleepRisk, name)
        assert config_from_json(SleepRisk, config_to_json(config)) == config

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"night_s": 13.0}, "night_s=13: use a multiple of the base's window of 4 s"),
            ({"outcomes": 0}, "outcomes=0: 1 at least"),
            ({"heads": 3}, "heads=3: the width 16 must divide into them"),
            ({"dropout": 1.0}, "dropout=1"),
            ({"source": "nothing", "demographics": 0}, "demographics=0: nothing is left to learn from"),
        ],
    )
    def test_impossible_settings_are_refused(self, change: dict[str, object], message: str) -> None:
        with pytest.raises(BadConfiguration, match=message):
            replace(SMALL, **change)

    def test_unknown_names_are_refused(self) -> None:
        with pytest.raises(UnknownName, match="source of sleep_risk 'token' is not known; did you mean 'tokens'"):
            replace(SMALL, source="token")
        with pytest.raises(UnknownName, match="likelihood 'exact'"):
            replace(SMALL, likelihood="exact")

    def test_sizes(self) -> None:
        assert sum(p.numel() for p in Head(paper()).parameters()) == 963_497 - 256
        assert sum(p.numel() for p in Head(replace(paper(), demographics=0)).parameters()) == 929_321 - 256
        assert sum(p.numel() for p in Head(replace(paper(), source="nothing", demographics=4)).parameters()) == 35_305


class TestNetworks:
    @SOURCES
    @torch.no_grad()
    def test_hazards_are_a_linear_map_of_the_features(self, source: str) -> None:
        made = recipe(source=source)
        features = made.features(night())
        assert features.shape == (ROWS, made.feature_size("window"))
        torch.testing.assert_close(made.embed(night()).vector, made.head.hazards(features))
        assert made.embedding_size == 3

    @SOURCES
    def test_a_gradient_reaches_every_part(self, source: str) -> None:
        made = recipe(source=source).train()
        made.loss(night(), draws()).total.backward()
        assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in made.head.parameters())

    @pytest.mark.parametrize("source", ["tokens", "signals"])
    @torch.no_grad()
    def test_what_is_missing_never_matters(self, source: str) -> None:
        made = recipe(source=source)
        given = without(night(), "ecg", [1])
        streams = {}
        for name, stream in given.streams.items():
            valid = stream.valid.clone()
            valid[2, :, 1024:] = False
            streams[name] = replace(stream, valid=valid)
        given = replace(given, streams=streams)
        moved = {
            name: replace(stream, signal=torch.where(stream.valid, stream.signal, 50.0)) for name, stream in streams.items()
        }
        assert torch.equal(made.embed(replace(given, streams=moved)).vector, made.embed(given).vector)

    @torch.no_grad()
    def test_the_mean_ends_with_the_night(self) -> None:
        tokens, there = recipe().prepare(night())[:2]
        there = there.clone()
        there[0, :, 9:] = False
        packed, whole = recipe().head, recipe(is_packed=False).head
        states = packed.states(tokens, there)
        torch.testing.assert_close(packed.features((tokens, there), torch.zeros(ROWS, 2))[0, :8], states[0, :9].mean(dim=0))
        states = whole.states(tokens, there)
        torch.testing.assert_close(whole.features((tokens, there), torch.zeros(ROWS, 2))[0, :8], states[0].mean(dim=0))

    @torch.no_grad()
    def test_the_order_of_groups_does_not_matter(self) -> None:
        tokens, there, person = recipe().prepare(night())
        order = [2, 0, 3, 1]
        head = recipe().head
        torch.testing.assert_close(head((tokens[:, order], there[:, order]), person), head((tokens, there), person))

    def test_pieces_of_all_channels_are_standardised_by_window_or_by_night(self) -> None:
        given = night()
        pieces, measured = night_pieces(TINY, given, windows=3, is_scaled_by_night=False)
        assert pieces.shape == (ROWS, 3 + 1 + 2 + 1 + 2, 12, 128)
        assert measured.all()
        torch.testing.assert_close(pieces[:, :, 4:8].mean(dim=(2, 3)), torch.zeros(ROWS, 9), atol=1e-6, rtol=0)  # of 512
        whole, _ = night_pieces(TINY, given, windows=3, is_scaled_by_night=True)
        torch.testing.assert_close(whole.mean(dim=(2, 3)), torch.zeros(ROWS, 9), atol=1e-6, rtol=0)  # sums of 1536
        assert whole[:, :, 4:8].mean(dim=(2, 3)).abs().min() > 1e-5

    def test_dropout_of_demographics_comes_from_the_draws(self) -> None:
        made = recipe(source="nothing", dropout=0.5)
        one, same = (made.features(night(), Draws(seed=1, rows=ROWS, total=ROWS)) for _ in range(2))
        assert torch.equal(one, same)
        assert not torch.equal(one, made.features(night()))

    def test_without_a_night_there_are_no_moments(self) -> None:
        assert recipe(source="nothing").embed(night()).tokens is None
        with pytest.raises(BadConfiguration, match="sleep_risk gives one vector a window and none for its parts"):
            recipe(source="nothing").frames(night())
        assert recipe().frames(night()).shape == (ROWS, 12, 8)


class TestLoss:
    @pytest.mark.parametrize(("likelihood", "ties"), [("breslow", "breslow"), ("efron", "efron"), ("published", "order")])
    def test_the_loss_is_the_partial_likelihood_of_the_batch(self, likelihood: str, ties: str) -> None:
        made, given = recipe(likelihood=likelihood), night()
        hazards = made.embed(given).vector
        wanted = cox(
            hazards,
            given.targets["time"],
            given.targets["event"],
            ties=ties,
            is_mean_of_all=likelihood == "published",
        )
        found = made.loss(given, draws())
        torch.testing.assert_close(found.total, wanted)
        assert found.parts["events"] == 6

    def test_one_time_holds_for_all_outcomes(self) -> None:
        time, event = torch.arange(5.0), torch.tensor([1, 0, 1, 1, 0])
        both = night(time=time[:, None].expand(-1, 3), event=event[:, None].expand(-1, 3))
        torch.testing.assert_close(
            recipe().loss(night(time=time, event=event), draws()).total, recipe().loss(both, draws()).total
        )

    def test_what_a_batch_lacks_is_named(self) -> None:
        given = night()
        for name in ("time", "event", "demographics"):
            less = replace(given, targets={key: value for key, value in given.targets.items() if key != name})
            with pytest.raises(BadConfiguration, match=f"a batch without {name}"):
                recipe().loss(less, draws())
        with pytest.raises(BadConfiguration, match="demographics of 1 numbers, some perhaps missing; this recipe reads 2"):
            recipe().embed(night(demographics=torch.zeros(ROWS)))
        with pytest.raises(BadConfiguration, match="all of them known"):
            recipe().embed(night(demographics=torch.full((ROWS, 2), torch.nan)))


class TestBase:
    def test_a_head_stands_on_a_trained_base_that_stays_as_it_is(self) -> None:
        base = SleepFM(TINY, seed=9)
        base.seen = frozenset({"somebody"})
        made = recipe().after(base).train()
        assert made.seen == {"somebody"}
        assert not made.base.training
        made.loss(night(), draws()).total.backward()
        assert all(torch.equal(value, made.base.state_dict()[key]) for key, value in base.state_dict().items())

    @pytest.mark.parametrize("source", ["signals", "nothing"])
    def test_what_needs_no_base_refuses_one(self, source: str) -> None:
        with pytest.raises(BadConfiguration, match=f'source="{source}" stands on no base; use source="tokens" after sleepfm'):
            recipe(source=source).after(SleepFM(TINY))


class TestWeights:
    @pytest.mark.parametrize("demographics", [0, 2])
    @SOURCES
    def test_names_tell_the_network_and_lead_there_and_back(self, source: str, demographics: int) -> None:
        demographics = demographics or (4 if source == "nothing" else 0)
        made = recipe(source=source, demographics=demographics)
        given = {key: value.clone() for key, value in made.to_original().items()}
        again = SleepRisk.from_original(given, base=TINY, night_s=12.0, heads=2)
        assert (again.config.source, again.config.demographics) == (source, demographics)
        assert all(torch.equal(value, again.state_dict()[key]) for key, value in made.state_dict().items())
        with pytest.raises(IncompatibleWeights, match=r"disease_heads\.bias"):
            SleepRisk.from_original(
                {k: v for k, v in given.items() if k != "disease_heads.bias"}, base=TINY, night_s=12.0, heads=2
            )

    def test_what_the_original_stores_and_never_uses_is_left_behind(self) -> None:
        given = {key: value for key, value in recipe().to_original().items() if not key.startswith("base.")}
        spare = {key: torch.zeros(16) for key in UNUSED}
        made = SleepRisk.from_original({**given, **spare}, base=TINY, night_s=12.0, heads=2)
        assert not UNUSED & made.to_original().keys()
        assert isinstance(made.config, SleepRiskConfig)
