"""harnet: the network's filters and lengths, the tasks and their labels, gaps, whose weights it takes."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from math import log
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.toy import toy_store
from wearfm.errors import BadConfiguration, IncompatibleWeights, UnknownName
from wearfm.nn.draws import Draws
from wearfm.recipes.harnet import TASKS, Harnet, HarnetConfig, Thin, box, harnet5, harnet10, harnet30, judge, paper, small
from wearfm.windows.batch import Batch, Signal
from wearfm.windows.index import WindowIndex
from wearfm.windows.motion import MotionWeighted, measure_motion
from wearfm.windows.sample import Shuffled


def tiny(**changes: Any) -> HarnetConfig:
    """Three stages of a few channels on 60 samples."""
    base = replace(
        small(), window_s=2.0, widths=(8, 12, 16), blocks=(1, 1, 0), factors=(2, 3, 10), orders=(2, 1, 0), shortest=5
    )
    return replace(base, **changes)


def still(**changes: Any) -> HarnetConfig:
    """A device that always sits the same way, so that the tasks' own changes can be seen."""
    return tiny(switch_axes=False, largest_angle=0.0, **changes)


def batch(config: HarnetConfig, rows: int = 6, *, seed: int = 0) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    signal = torch.randn(rows, 3, config.lengths[0], generator=generator).cumsum(dim=2) / 5
    numbers = torch.arange(rows)
    stream = Signal(signal=signal, valid=torch.ones_like(signal, dtype=torch.bool), rate_hz=config.rate_hz)
    return Batch(streams={"acc": stream}, participant=numbers, recording=numbers, start_ns=numbers, local_ns=numbers)


def ramps(rows: int, length: int = 60) -> tuple[Tensor, Tensor]:
    signal = torch.arange(1.0, length + 1).repeat(rows, 3, 1)
    return signal, torch.ones_like(signal, dtype=torch.bool)


@pytest.mark.parametrize(
    ("make", "lengths", "parameters"),
    [
        (harnet5, (150, 75, 37, 12, 4, 1), 4_227_904),
        (harnet10, (300, 150, 75, 15, 3, 1), 10_457_408),
        (harnet30, (900, 300, 100, 20, 4, 1), 10_457_408),
        (small, (150, 75, 37, 12, 4, 1), 265_936),
    ],
)
def test_lengths_and_sizes_are_the_published_ones(make: Any, lengths: tuple[int, ...], parameters: int) -> None:
    recipe = Harnet(make()).eval()
    assert make().lengths == lengths
    assert sum(p.numel() for p in recipe.stages.parameters()) == parameters
    with torch.no_grad():
        maps = recipe.maps(torch.zeros(1, 3, lengths[0]))
    assert [each.shape for each in maps] == [(1, w, n) for w, n in zip(make().widths, lengths[1:], strict=True)]


def test_the_whole_networks_have_the_published_number_of_parameters() -> None:
    """Features and a classifier of 512 hidden units for 5 classes: 4,493,125 and 10,984,773."""
    for make, published in ((harnet5, 4_493_125), (harnet10, 10_984_773), (harnet30, 10_984_773)):
        recipe = Harnet(make())
        classifier = (recipe.embedding_size + 1) * 512 + (512 + 1) * 5
        assert sum(p.numel() for p in recipe.stages.parameters()) + classifier == published


def box_by_hand(factor: int, order: int) -> list[float]:
    values = [1.0] * factor
    for _ in range(order):
        longer = [0.0] * (len(values) + factor - 1)
        for at, value in enumerate(values):
            for step in range(factor):
                longer[at + step] += value
        values = longer
    return [value / sum(values) for value in values]


@pytest.mark.parametrize(("factor", "order"), [(2, 2), (3, 1), (5, 1), (4, 0), (3, 3)])
def test_the_low_pass_is_a_box_convolved_with_itself(factor: int, order: int) -> None:
    assert box(factor, order).tolist() == pytest.approx(box_by_hand(factor, order))


def test_thinning_keeps_a_level_and_removes_what_would_alias() -> None:
    thin = Thin(1, factor=2, order=2)
    level, flicker = torch.ones(1, 1, 40), torch.tensor([1.0, -1.0]).repeat(20)[None, None]
    torch.testing.assert_close(thin(level)[..., 1:-1], torch.ones(1, 1, 18))
    assert thin(flicker)[..., 1:-1].abs().max() < 1e-6
    assert not list(thin.state_dict())  # it follows from the config


def test_each_task_throws_a_fair_coin_of_its_own() -> None:
    recipe = Harnet(tiny(tasks=tuple(TASKS)))
    _, _, labels = recipe.disguise(*ramps(4000), Draws(0))
    assert list(labels) == ["reverse", "scale", "permute", "warp"]
    told = torch.stack(list(labels.values())).float()
    assert ((told.mean(dim=1) - 0.5).abs() < 0.04).all()
    assert (torch.corrcoef(told) - torch.eye(4)).abs().max() < 0.06


@pytest.mark.parametrize("task", TASKS)
def test_a_label_says_whether_the_window_was_changed(task: str) -> None:
    signal, valid = ramps(200)
    changed, _, labels = Harnet(still(tasks=(task,))).disguise(signal, valid, Draws(0))
    assert torch.equal((changed != signal).flatten(1).any(dim=1), labels[task].bool())


def test_the_published_coin_calls_a_whole_window_cut_up_once_in_24() -> None:
    signal, valid = ramps(6000)
    changed, _, labels = Harnet(still(tasks=("permute",), with_identity=True)).disguise(signal, valid, Draws(0))
    called = labels["permute"].bool()
    is_whole = (changed == signal).flatten(1).all(dim=1)
    assert is_whole[~called].all()
    assert float(is_whole[called].float().mean()) == pytest.approx(1 / 24, abs=0.015)
    assert paper().with_identity
    assert not harnet10().with_identity


def test_changes_come_one_after_the_other_in_the_published_order() -> None:
    recipe = Harnet(still(tasks=("warp", "reverse")))
    signal, valid = ramps(300)
    changed, _, labels = recipe.disguise(signal, valid, Draws(0))
    both = (labels["reverse"] * labels["warp"]).bool()
    assert (changed[both].diff(dim=2) <= 0).all()
    assert (changed[both][..., 0] == 60).all()  # a warp keeps the first sample: of the window that was reversed before


def test_how_the_device_sits_is_drawn_for_every_window_and_tells_nothing() -> None:
    recipe = Harnet(tiny(tasks=("reverse",)))
    signal, valid = ramps(50)
    turned, _, labels = recipe.disguise(signal * torch.tensor([1.0, 2.0, 3.0])[:, None], valid, Draws(0))
    length = turned.norm(dim=1)[:, [0, -1]].sort(dim=1).values
    torch.testing.assert_close(length, torch.tensor([1.0, 60.0]).mul(14**0.5).repeat(50, 1))
    directions = {
        tuple(row) for row in (turned[:, :, 0] / turned[:, :, 0].norm(dim=1, keepdim=True)).round(decimals=4).tolist()
    }
    assert len(directions) == 50
    assert Counter(labels["reverse"].tolist()).keys() == {0, 1}


def test_the_loss_is_the_mean_of_the_cross_entropies_and_each_part_is_logged() -> None:
    logits = {"reverse": torch.tensor([[0.0, 0.0], [0.0, 0.0]]), "warp": torch.tensor([[3.0, 0.0], [0.0, 1.0]])}
    labels = {"reverse": torch.tensor([0, 1]), "warp": torch.tensor([1, 1])}
    loss = judge(logits, labels)
    by_hand = [log(1 + np.exp(3.0)), log(1 + np.exp(-1.0))]
    assert float(loss.parts["reverse"]) == pytest.approx(log(2))
    assert float(loss.parts["warp"]) == pytest.approx(sum(by_hand) / 2)
    assert float(loss.total) == pytest.approx((log(2) + sum(by_hand) / 2) / 2)
    assert float(loss.parts["warp_accuracy"]) == 0.5
    assert loss.parts.keys() == {"reverse", "reverse_accuracy", "warp", "warp_accuracy"}


def test_gravity_stays_as_published_or_is_taken_out_over_valid_samples() -> None:
    windows = batch(tiny(), 2)
    stream = windows.streams["acc"]
    stream.valid[0, 1, 50:] = False
    kept = Harnet(tiny(remove_mean=False)).prepare(windows)
    assert torch.equal(kept, torch.where(stream.valid, stream.signal, 0.0))
    centred = Harnet(tiny(remove_mean=True)).prepare(windows)
    assert centred.mean(dim=2).abs().max() < 1e-6
    torch.testing.assert_close(centred[0, 1, :50], stream.signal[0, 1, :50] - stream.signal[0, 1, :50].mean())
    assert not centred[0, 1, 50:].any()
    assert (harnet10().remove_mean, small().remove_mean) == (False, True)


def test_windows_without_signal_do_not_reach_the_batch_norms() -> None:
    windows = batch(tiny(), 4)
    windows.streams["acc"].valid[2:] = False
    whole, half = Harnet(tiny()).train(), Harnet(tiny()).train()
    whole.loss(windows, Draws(seed=1, first=0, rows=4, total=4))
    half.loss(windows.select(slice(0, 2)), Draws(seed=1, first=0, rows=2, total=4))
    for one, other in zip(whole.buffers(), half.buffers(), strict=True):
        torch.testing.assert_close(one, other)


@torch.no_grad()
def test_a_window_without_signal_has_a_vector_of_zeros() -> None:
    windows = batch(tiny(), 2)
    windows.streams["acc"].valid[1] = False
    vector = Harnet(tiny()).embed(windows).vector
    assert vector[0].any()
    assert not vector[1].any()


@torch.no_grad()
def test_a_window_is_a_ring_to_the_convolutions() -> None:
    recipe = Harnet(tiny()).eval()
    signal = recipe.prepare(batch(tiny(), 2))
    first = recipe.stages[0].widen
    torch.testing.assert_close(first(signal.roll(7, dims=2)), first(signal).roll(7, dims=2))


def test_embedding_uses_running_statistics_and_leaves_the_mode_alone() -> None:
    recipe, windows = Harnet(tiny()), batch(tiny())
    recipe.loss(windows, Draws(seed=1))
    before = [buffer.clone() for buffer in recipe.buffers()]
    training = recipe.train().embed(windows).vector
    assert recipe.training
    assert torch.equal(training, recipe.eval().embed(windows).vector)
    assert torch.equal(training, recipe.features(windows))
    assert all(torch.equal(one, other) for one, other in zip(before, recipe.buffers(), strict=True))


def test_windows_are_drawn_by_motion_once_they_are_surveyed(tmp_path: Path) -> None:
    recipe = Harnet(tiny())
    with toy_store(tmp_path, seconds=8.0, rate_hz=30.0, channels={"acc": 3}) as store:
        index = WindowIndex.build(store, recipe.input)
        assert isinstance(recipe.plan(index, seed=0), Shuffled)
        moving = recipe.survey(store, index)
        assert moving.targets["motion"].tolist() == measure_motion(store, index, modality="acc").tolist()
        assert recipe.survey(store, moving) is moving
        assert isinstance(recipe.plan(moving, seed=0), MotionWeighted)
        even = Harnet(tiny(by_motion=False))
        assert even.survey(store, index) is index
        assert isinstance(even.plan(moving, seed=0), Shuffled)


@pytest.mark.slow
def test_it_learns_to_tell_cut_up_windows_from_whole_ones() -> None:
    recipe = Harnet(tiny(tasks=("permute",), largest_angle=0.5)).train()
    optimiser = torch.optim.AdamW(recipe.parameters(), lr=3e-3)
    time, generator = torch.arange(60) / 30, torch.Generator().manual_seed(0)

    def waves(rows: int) -> Batch:
        phase, speed = 6.3 * torch.rand(rows, 3, 1, generator=generator), 1 + torch.rand(rows, 1, 1, generator=generator)
        stream = replace(batch(tiny(), rows).streams["acc"], signal=torch.sin(6.3 * speed * time + phase))
        return replace(batch(tiny(), rows), streams={"acc": stream})

    for step in range(200):
        optimiser.zero_grad()
        recipe.loss(waves(32), Draws(seed=0, step=step)).total.backward()
        optimiser.step()
    with torch.no_grad():
        loss = recipe.eval().loss(waves(200), Draws(seed=9))
    assert loss.parts["permute_accuracy"] > 0.8


def original(config: HarnetConfig, *, prefix: str = "") -> dict[str, Tensor]:
    return {prefix + key: value for key, value in Harnet(config, seed=3).to_original().items()}


@pytest.mark.parametrize("prefix", ["", "module.", "net."])
@pytest.mark.parametrize("make", [harnet5, harnet30])
def test_published_weights_tell_their_network_and_return_whole(make: Any, prefix: str) -> None:
    state = original(make(), prefix=prefix)
    recipe = Harnet.from_original(state)
    assert recipe.config == make()
    assert all(torch.equal(value, state[prefix + key]) for key, value in recipe.to_original().items())


def test_a_classifier_lends_its_features_and_the_heads_stay_as_initialised() -> None:
    trunk = {key: value for key, value in original(harnet5()).items() if key.startswith("feature_extractor.")}
    state = {**trunk, "classifier.linear1.weight": torch.zeros(512, 512), "classifier.linear2.bias": torch.zeros(5)}
    recipe = Harnet.from_original(state)
    assert torch.equal(recipe.stages[0].widen.weight, trunk["feature_extractor.layer1.0.weight"])
    assert torch.equal(recipe.heads["warp"].weight, Harnet(harnet5()).heads["warp"].weight)


def test_heads_in_the_file_are_the_tasks_unless_fewer_are_named() -> None:
    state = original(replace(harnet5(), tasks=tuple(TASKS)))
    assert Harnet.from_original(state).config.tasks == tuple(TASKS)
    released = Harnet.from_original(state, tasks=("reverse", "permute", "warp"))
    assert list(released.heads) == ["reverse", "permute", "warp"]
    assert torch.equal(released.heads["warp"].weight, state["time_w_h.linear1.weight"])


def test_networks_that_differ_in_their_filters_only_are_not_guessed() -> None:
    state = {key: value for key, value in original(harnet30()).items() if not key.endswith("kernel")}
    with pytest.raises(BadConfiguration, match="fit harnet10 and harnet30; name window_s, factors and orders"):
        Harnet.from_original(state)
    assert Harnet.from_original(state, window_s=30.0).config == harnet30()
    with pytest.raises(BadConfiguration, match="fit no published network; name window_s, factors and orders"):
        Harnet.from_original(original(tiny()))


def test_filters_of_another_network_are_refused() -> None:
    state = original(harnet5())
    state["feature_extractor.layer1.5.kernel"] = state["feature_extractor.layer1.5.kernel"] * 1.1
    with pytest.raises(BadConfiguration, match=r"feature_extractor.layer1.5.kernel is not the filter that factors"):
        Harnet.from_original(state)


def test_weights_that_do_not_fit_are_listed_under_their_own_names() -> None:
    state = original(harnet5())
    del state["feature_extractor.layer2.1.bn1.bias"]
    state["aot_h.linear1.bias"] = torch.zeros(3)
    state["feature_extractor.zebra"] = torch.zeros(1)
    with pytest.raises(IncompatibleWeights) as caught:
        Harnet.from_original(state)
    assert caught.value.missing == ("feature_extractor.layer2.1.bn1.bias",)
    assert caught.value.unexpected == ("feature_extractor.zebra",)
    assert caught.value.shapes == {"aot_h.linear1.bias": ((3,), (2,))}
    with pytest.raises(IncompatibleWeights, match=r"feature_extractor\.layer1\.0\.weight"):
        Harnet.from_original({"conv.weight": torch.zeros(1)})


def test_construction_is_a_function_of_the_seed() -> None:
    first, second, third = (Harnet(tiny(), seed=seed).state_dict() for seed in (4, 4, 5))
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert not torch.equal(first["stages.0.widen.weight"], third["stages.0.widen.weight"])


def test_starting_values_follow_the_rule_over_outputs() -> None:
    recipe = Harnet(harnet5())
    for weight, outputs in ((recipe.stages[1].widen.weight, 128 * 5), (recipe.heads["warp"].weight, 2)):
        assert float(weight.detach().std()) == pytest.approx((2 / outputs) ** 0.5, rel=0.05)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tasks": ()}, r"tasks=\(\): name at least one, each once"),
        ({"tasks": ("warp", "warp")}, "name at least one, each once"),
        ({"orders": (2, 2)}, "give each stage one number of each"),
        ({"factors": (2, 2, 5, 5, 0)}, "they must be at least 1"),
        ({"blocks": (2, 2, 2, 2, -1)}, "they cannot be negative"),
        ({"kernel": 4}, "kernel=4: symmetric padding needs an odd kernel"),
        ({"window_s": 5.0}, r"window_s=5 at 30 Hz becomes \(150, 75, 37, 7, 1, .* no stage may run dry; use a longer window"),
        ({"segments": 8}, "8 segments of 11 samples: 2 to 7 must fit into the window's 300"),
        ({"shortest": 80}, "4 segments of 80 samples: 2 to 7 must fit into the window's 300"),
        ({"knots": -1}, "knots=-1: it cannot be negative"),
        ({"warp_deviation": 0.0}, "warp_deviation=0: a warp by nothing cannot be told"),
        ({"scale_least": 0.6}, "gains 0.6 to 0.5 away from 1: they must rise"),
        ({"largest_angle": -1.0}, "largest_angle=-1: 0 turns nothing; it cannot be negative"),
    ],
)
def test_settings_that_cannot_work_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(BadConfiguration, match=message):
        replace(harnet10(), **changes)


def test_an_unknown_task_is_refused() -> None:
    with pytest.raises(UnknownName, match="task 'reverso' is not known; did you mean 'reverse'"):
        tiny(tasks=("reverso",))


def test_batches_of_something_else_are_refused() -> None:
    recipe, windows = Harnet(tiny()), batch(tiny())
    with pytest.raises(BadConfiguration, match="a batch of ppg; harnet reads acc, of a wrist in g"):
        recipe.prepare(replace(windows, streams={"ppg": windows.streams["acc"]}))
    slow = replace(windows.streams["acc"], rate_hz=20.0)
    with pytest.raises(BadConfiguration, match="60 samples at 20 Hz; this network was made for 3, 60 at 30 Hz: set window_s"):
        recipe.prepare(replace(windows, streams={"acc": slow}))
