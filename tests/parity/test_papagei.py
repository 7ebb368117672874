"""The published pulse model: filter, windows, indices, encoders, heads, losses with their gradients, augmentations."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.parity.oracle import Oracle, check, load, state
from wearfm.augment import crop_pad, negate, reverse, scale_channels, white_noise
from wearfm.nn.draws import Draws
from wearfm.objectives.supervised_contrast import pairs_by_label, supervised_contrast
from wearfm.recipes.base import preset
from wearfm.recipes.papagei import Encoded, PaPaGei, absolute_error, p, s, s_released, s_svri, standardise
from wearfm.signals.indices import moment_ratio
from wearfm.signals.morphology import equal_bins, window_ipa, window_sqi, window_svri
from wearfm.signals.pulse_filter import PulseBand, cut_windows, derivatives, standardise_windows

pytestmark = pytest.mark.parity

STIFF_HZ = 250  # from here on the polynomials of the published filter amplify rounding
ROUNDING = 0.06  # of 500 Hz: what one unit in the last place of the coefficients changes, measured


@pytest.fixture(scope="module")
def oracle(oracle_folder: Path) -> Oracle:
    return load(oracle_folder, "papagei")


@pytest.fixture(scope="module")
def recipes(oracle: Oracle) -> dict[str, PaPaGei]:
    return {name: PaPaGei.from_original(state(oracle, name)).eval() for name in oracle.json["networks"]}


def _rates(oracle: Oracle) -> list[int]:
    return [int(match[1]) for match in oracle.matches(r"prep/(\d+)/raw")]


def _filtered(oracle: Oracle, rate_hz: int) -> np.ndarray:
    """Return our filtered trace; where rounding alone would move it, the stored one, so that what follows is tested."""
    if rate_hz > STIFF_HZ:
        return np.asarray(oracle.arrays[f"prep/{rate_hz}/filtered"], dtype=np.float64)[None]
    raw = np.asarray(oracle.arrays[f"prep/{rate_hz}/raw"], dtype=np.float64)
    return PulseBand(in_sections=False)(raw[None], rate_hz=rate_hz)


def _every(oracle: Oracle, name: str, values: np.ndarray) -> Tensor:
    """Return the samples that a description names: "every 5. sample"."""
    found = re.search(r"every (\d+)\. sample", oracle.what(name))
    return torch.from_numpy(np.ascontiguousarray(values[..., :: int(found[1]) if found else 1]))


class TestPreprocessing:
    def test_the_filter_agrees(self, oracle: Oracle) -> None:
        for rate_hz in _rates(oracle):
            raw = np.asarray(oracle.arrays[f"prep/{rate_hz}/raw"], dtype=np.float64)[None]
            ours = torch.from_numpy(PulseBand(in_sections=False)(raw, rate_hz=rate_hz)[0])
            if rate_hz <= STIFF_HZ:
                check(oracle, f"prep/{rate_hz}/filtered", ours)
            else:
                stored = oracle.input(f"prep/{rate_hz}/filtered").double()
                torch.testing.assert_close(ours, stored, rtol=0, atol=ROUNDING)  # ill-conditioned: see ROUNDING
                assert torch.corrcoef(torch.stack((ours, stored)))[0, 1] > 0.9999

    def test_derivatives_agree(self, oracle: Oracle) -> None:
        for rate_hz in _rates(oracle):
            for order, values in enumerate(derivatives(_filtered(oracle, rate_hz), rate_hz=rate_hz), start=1):
                name = f"prep/{rate_hz}/d{order}"
                ours = _every(oracle, name, values[0] * (rate_hz / 10) ** order)
                if rate_hz > STIFF_HZ and order == 3:  # of a trace stored in float32: the third difference shows its rounding
                    torch.testing.assert_close(ours.float(), oracle.input(name), rtol=1e-4, atol=2e-3)
                else:
                    check(oracle, name, ours)

    def test_windows_agree_before_and_after_resampling(self, oracle: Oracle) -> None:
        for rate_hz in _rates(oracle):
            pulse = _filtered(oracle, rate_hz)[0]
            for what, target_hz in (("zscored", rate_hz), ("segments_125hz", 125)):
                name = f"prep/{rate_hz}/{what}"
                windows = cut_windows(pulse, rate_hz=rate_hz, target_hz=target_hz, drop_last_full=True)
                check(oracle, name, _every(oracle, name, windows))
            counted = cut_windows(pulse, rate_hz=rate_hz, target_hz=rate_hz, drop_last_full=True)
            assert list(counted.shape) == oracle.arrays[f"prep/{rate_hz}/n_segments"].tolist()

    def test_the_recipe_standardises_as_the_original(self, oracle: Oracle, recipes: dict[str, PaPaGei]) -> None:
        pulse = _filtered(oracle, 125)[0]
        count = oracle.arrays["prep/125/zscored"].shape[0]
        windows = torch.from_numpy(pulse[: count * 1250].reshape(count, 1, 1250)).float()
        ours = standardise(windows, torch.ones_like(windows, dtype=torch.bool))[:, 0]
        check(oracle, "prep/125/segments_125hz", ours)


class TestMorphology:
    def test_indices_of_windows_agree(self, oracle: Oracle) -> None:
        for rate_hz in _rates(oracle):
            count = oracle.arrays[f"morphology/{rate_hz}/svri"].shape[0]
            windows = _filtered(oracle, rate_hz)[0][: count * 10 * rate_hz].reshape(count, -1)
            found = {
                "svri": window_svri(windows),
                "sqi": window_sqi(windows),
                "skewness_10s": moment_ratio(windows, power=3),
                "ipa": window_ipa(standardise_windows(windows), rate_hz=rate_hz),
                "ipa_not_scaled": window_ipa(windows, rate_hz=rate_hz),
            }
            for what, values in found.items():
                check(oracle, f"morphology/{rate_hz}/{what}", torch.from_numpy(values))

    def test_a_pulse_with_a_notch_and_a_ramp_agree(self, oracle: Oracle) -> None:
        windows = np.asarray(oracle.arrays["morphology/notch/x"], dtype=np.float64)[None]
        scaled = (windows - windows.mean()) / (windows.std() + 1e-7)
        values = [window_svri(windows), moment_ratio(windows, power=3)]
        values += [window_ipa(rows, rate_hz=125.0) for rows in (windows, scaled)]
        check(oracle, "morphology/notch/values", torch.from_numpy(np.concatenate(values)))
        check(oracle, "morphology/ramp_ipa", torch.from_numpy(window_ipa(np.arange(1250.0)[None], rate_hz=125.0)))

    def test_classes_of_svri_agree(self, oracle: Oracle) -> None:
        values = np.asarray(oracle.arrays["morphology/bins/values"], dtype=np.float64)
        stored = oracle.arrays["morphology/bins/labels"]
        ours = equal_bins(values, low=values.min(), high=values.max(), count=8)
        published = equal_bins(values, low=values.min(), high=values.max(), count=8, clip=False)
        is_inner = stored >= 0
        assert (ours[is_inner] == stored[is_inner]).all()
        assert (published[is_inner] == stored[is_inner]).all()
        assert (ours[~is_inner].tolist(), published[~is_inner].tolist()) == ([7], [8])


class TestNetworks:
    def test_sizes_are_read_from_the_weights(self, oracle: Oracle, recipes: dict[str, PaPaGei]) -> None:
        for name, recipe in recipes.items():
            published = oracle.json["networks"][name]["config"]
            assert recipe.config.width == published["base_filters"]
            assert recipe.config.depth == published["n_block"]
            assert recipe.config.embedding_size == published["n_classes"]
            assert recipe.config.learns == ("shape" if "n_experts" in published else "person")
            assert bool(recipe.config.projection_size) == (published.get("use_projection", False) or "n_experts" in published)

    def test_parameters_are_as_many_but_for_the_unused_norm(self, oracle: Oracle, recipes: dict[str, PaPaGei]) -> None:
        for name, recipe in recipes.items():
            count = sum(parameter.numel() for parameter in recipe.parameters())
            assert count + 2 * recipe.config.width == oracle.json["networks"][name]["n_parameters"]

    @pytest.mark.parametrize(("make", "count"), [(s, 5_785_612), (s_svri, 4_993_024), (p, 5_157_760)])
    def test_presets_have_the_published_number_of_parameters(self, make, count: int) -> None:
        assert sum(parameter.numel() for parameter in PaPaGei(make()).parameters()) == count - 64

    def test_every_norm_has_the_published_epsilon(self, recipes: dict[str, PaPaGei]) -> None:
        for recipe in recipes.values():
            assert {norm.eps for norm in recipe.modules() if isinstance(norm, torch.nn.BatchNorm1d)} == {1e-5}

    def test_weights_go_out_as_they_came_in_with_or_without_the_prefix(self, oracle: Oracle) -> None:
        for name in oracle.json["networks"]:
            given = state(oracle, name)
            returned = PaPaGei.from_original({f"module.{key}": tensor for key, tensor in given.items()}).to_original()
            unused = given.keys() - returned.keys()
            assert {key.rpartition(".")[0] for key in unused} == {"basicblock_list.0.bn1"}
            assert all(torch.equal(returned[key], given[key]) for key in returned)

    @torch.no_grad()
    def test_every_output_agrees(self, oracle: Oracle, recipes: dict[str, PaPaGei]) -> None:
        checked = 0
        for match in oracle.matches(r"(papagei_\w+)/(x\w*)/(embedding|hidden|ipa|sqi|0|1)"):
            recipe = recipes[match[1]]
            encoded = recipe.encoder(oracle.input(f"model/{match[2]}"))
            found = {"embedding": encoded.vector, "hidden": encoded.hidden, "1": encoded.hidden}
            if recipe.config.has_experts:
                found |= {name: getattr(recipe, name)(encoded.hidden)[:, None] for name in ("ipa", "sqi")}
            elif recipe.config.projection_size:
                found["0"] = recipe.project(encoded)
            check(oracle, match[0], found[match[3]])
            checked += 1
        assert checked >= 24

    @torch.no_grad()
    def test_heads_agree_where_every_expert_counts(self, oracle: Oracle, recipes: dict[str, PaPaGei]) -> None:
        hidden = oracle.input("papagei_s/heads/hidden")
        recipe = recipes["papagei_s"]
        check(oracle, "papagei_s/heads/embedding", recipe.encoder.dense(hidden))
        check(oracle, "papagei_s/heads/ipa", recipe.ipa(hidden)[:, None])
        check(oracle, "papagei_s/heads/sqi", recipe.sqi(hidden)[:, None])

    @torch.no_grad()
    def test_every_block_agrees(self, oracle: Oracle, recipes: dict[str, PaPaGei]) -> None:
        for name, recipe in recipes.items():
            maps = [recipe.encoder.blocks.stem(oracle.input("model/x"))]
            for block in recipe.encoder.blocks.blocks:
                maps.append(block(maps[-1]))
            check(oracle, f"{name}/x/block_mean_abs", torch.stack([each.abs().mean(dim=(1, 2)) for each in maps[1:]]))
            check(oracle, f"{name}/x/block_shapes", torch.tensor([each.shape[1:] for each in maps[1:]]))
            for match in oracle.matches(rf"{name}/x/after_block_(\d+)"):
                check(oracle, match[0], maps[int(match[1]) + 1])


class TestLosses:
    def test_the_contrast_of_classes_and_its_gradient_agree(self, oracle: Oracle) -> None:
        vectors = oracle.input("loss/embeddings").requires_grad_()
        loss = supervised_contrast(vectors, pairs_by_label(oracle.input("loss/svri_bins")), temperature=s().temperature)
        check(oracle, "loss/contrastive", loss)
        (100 * loss).backward()
        check(oracle, "loss/contrastive_grad", vectors.grad)

    def test_errors_of_the_indices_agree(self, oracle: Oracle) -> None:
        for name in ("ipa", "sqi"):
            guess, target = oracle.input(f"loss/{name}_predicted")[:, 0], oracle.input(f"loss/{name}")
            check(oracle, f"loss/{name}_l1", absolute_error(guess, target))

    @pytest.mark.parametrize(("name", "config"), [("total_with_sqi", s()), ("total_without_sqi", s_released())])
    def test_totals_agree(self, oracle: Oracle, name: str, config) -> None:
        recipe = PaPaGei(config)
        classes = oracle.input("loss/svri_bins").double()
        low, high = classes.min(), classes.max()
        recipe.edges[0] = torch.stack((low, low + 8.0))  # so that class and value are the same number
        indices = torch.stack((classes, oracle.input("loss/ipa").double(), oracle.input("loss/sqi").double()), dim=1)
        assert high - low < 8
        recipe.ipa.forward = lambda *_: oracle.input("loss/ipa_predicted")[:, 0]
        if recipe.sqi is not None:
            recipe.sqi.forward = lambda *_: oracle.input("loss/sqi_predicted")[:, 0]
        vectors = oracle.input("loss/embeddings")
        total, _ = recipe.of_shapes(Encoded(hidden=vectors, vector=vectors), indices, None)
        check(oracle, f"loss/{name}", total)

    def test_the_contrast_of_views_and_its_gradient_agree(self, oracle: Oracle) -> None:
        first, second = oracle.input("loss/view1").requires_grad_(), oracle.input("loss/view2")
        vectors = torch.stack((first, second), dim=1).flatten(0, 1)  # (N, 2, D) -> (2N, D)
        loss = supervised_contrast(vectors, pairs_by_label(torch.arange(len(vectors)) // 2), temperature=p().temperature)
        check(oracle, "loss/self_supervised", loss)
        loss.backward()
        check(oracle, "loss/self_supervised_grad_view1", first.grad)


@dataclass
class Replayed:
    """Draws that repeat what the original's generator gave."""

    normals: list[np.ndarray] = field(default_factory=list)

    def normal(self, rows: int, *shape: int, device: torch.device | None = None) -> Tensor:
        return torch.from_numpy(np.asarray(self.normals.pop(0), dtype=np.float32)).reshape(rows, *shape).to(device)

    def uniform(self, rows: int, *shape: int, device: torch.device | None = None) -> Tensor:
        return torch.zeros(rows, *shape, device=device)


class TestAugmentations:
    def test_what_needs_no_chance_agrees(self, oracle: Oracle) -> None:
        signal = oracle.input("augment/x")[None]
        valid = torch.ones_like(signal, dtype=torch.bool)
        for name, change in (("negation", negate), ("time_flip", reverse)):
            check(oracle, f"augment/{name}", change(signal, valid, Draws(seed=0))[0][0])

    def test_noise_and_scaling_agree_given_the_original_s_numbers(self, oracle: Oracle) -> None:
        signal = oracle.input("augment/x")[None]
        valid = torch.ones_like(signal, dtype=torch.bool)
        seeded = int(re.search(r"seeded (\d+)", oracle.what("augment/gaussian_noise"))[1])
        numbers = np.random.RandomState(seeded).standard_normal(signal.shape[-1])
        noise = white_noise(signal, valid, Replayed([numbers]), lowest=0.05, highest=0.05)[0][0]
        check(oracle, "augment/gaussian_noise", noise)
        scaled = scale_channels(signal, valid, Replayed([numbers[:1]]), deviation=0.1)[0][0]
        check(oracle, "augment/scaling", scaled)

    def test_the_crop_is_one_of_ours(self, oracle: Oracle) -> None:
        signal, stored = oracle.input("augment/x"), oracle.input("augment/crop_pad_0.5")
        kept = torch.nonzero(stored[0]).flatten()
        first, last = int(kept[0]), int(kept[-1])
        assert last - first + 1 >= signal.shape[1] / 2
        assert torch.equal(stored[:, first : last + 1], signal[:, first : last + 1])
        valid = torch.ones_like(signal, dtype=torch.bool)[None]
        ours = crop_pad(signal[None], valid, Draws(seed=1), concentration=0.5)[0][0]
        mine = torch.nonzero(ours[0]).flatten()
        assert len(mine) >= signal.shape[1] / 2 - 1
        assert torch.equal(ours[:, mine], signal[:, mine])


def test_the_presets_have_the_published_shares_of_augmentations() -> None:
    shares = {name: [step.probability for step in preset(PaPaGei, name).augmentations()] for name in ("s", "s_svri", "p")}
    assert shares["s"] == [0, 0, 0, 0, 0, 0.25]
    assert shares["s_svri"] == [0.25, 0, 0, 0, 0, 0.25]
    assert shares["p"] == [0.35, 0.20, 0, 0.20, 0.40, 0.50]
