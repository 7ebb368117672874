"""Pulse-PPG: what is hidden, how a distance is scored, dropout, scaling, whose weights it takes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from wearfm.errors import BadConfiguration, IncompatibleWeights
from wearfm.nn.draws import Draws
from wearfm.recipes.base import at_window
from wearfm.recipes.pulse_ppg import PulsePPG, PulsePPGConfig, paper, small
from wearfm.recipes.relative import Prepared
from wearfm.windows.batch import Batch, Signal


def tiny(**changes: Any) -> PulsePPGConfig:
    sizes = {"window_s": 4.0, "width": 8, "kernel": 5, "blocks": 3, "motif_width": 8, "motif_bottleneck": 4}
    return replace(small(), **{**sizes, "hidden_block_s": 1.0, **changes})


def batch(config: PulsePPGConfig, rows: int = 8, *, group: int = 4, seed: int = 0) -> Batch:
    """Noisy pulses at a rate of each window's own."""
    generator = torch.Generator().manual_seed(seed)
    time_s = torch.arange(round(config.window_s * config.rate_hz)) / config.rate_hz
    pace, phase = torch.rand(2, rows, 1, 1, generator=generator)
    signal = 5 + torch.sin(2 * torch.pi * ((1 + pace) * time_s + phase)).exp()
    signal += 0.1 * torch.randn(signal.shape, generator=generator)
    stream = Signal(signal=signal, valid=torch.ones_like(signal, dtype=torch.bool), rate_hz=config.rate_hz)
    numbers = torch.arange(rows)
    return Batch(
        streams={"ppg": stream}, participant=numbers // group, recording=numbers, start_ns=numbers, local_ns=numbers,
        group_size=group,
    )  # fmt: skip


def _valid(rows: int, length: int) -> Prepared:
    return Prepared(torch.zeros(rows, 1, length), torch.ones(rows, 1, length, dtype=torch.bool))


def test_the_published_networks_have_their_sizes() -> None:
    recipe = PulsePPG(paper())
    assert recipe.encoder is not None
    assert recipe.motif is not None
    assert sum(p.numel() for p in recipe.encoder.parameters()) == 28_497_920 - 2 * 128  # bn1 of the first block is not used
    assert sum(p.numel() for p in recipe.motif.parameters()) == 127_099
    assert recipe.embedding_size == 512


@torch.no_grad()
def test_every_second_block_halves_the_rate() -> None:
    recipe = PulsePPG(replace(paper(), width=2)).eval()
    assert recipe.encoder is not None
    maps = recipe.encoder.stem(torch.zeros(1, 1, 500))
    lengths = [(maps := block(maps)).shape[2] for block in recipe.encoder.blocks]
    assert lengths == [500, 250, 250, 125, 125, 63, 63, 32, 32, 16, 16, 8]


def test_one_block_of_each_window_is_hidden_and_scored() -> None:
    recipe = PulsePPG(tiny(stage="distance"))
    task = recipe.task(_valid(300, 200), Draws(seed=0))
    hidden = ~task.visible[:, 0]
    assert hidden.sum(dim=1).tolist() == [50] * 300
    assert (hidden.int().diff(dim=1).abs().sum(dim=1) <= 2).all()
    assert torch.equal(task.scored, ~task.visible)
    assert hidden[:, 0].any()  # blocks may touch both ends
    assert hidden[:, -1].any()
    assert task.valid.all()


def test_a_distance_is_scored_on_half_of_the_time_points_which_are_the_same_for_all() -> None:
    recipe = PulsePPG(tiny(scoring_masks=3))
    whole = recipe.views(_valid(8, 200).valid, Draws(seed=1, step=7, first=0, rows=8, total=8))
    part = recipe.views(_valid(4, 200).valid, Draws(seed=1, step=7, first=4, rows=4, total=8))
    later = recipe.views(_valid(8, 200).valid, Draws(seed=1, step=8, first=0, rows=8, total=8))
    assert len(whole) == 3
    for visible, scored in whole:
        assert torch.equal(scored, ~visible)
        assert scored.sum(dim=2).unique().tolist() == [100]
        assert (scored == scored[0]).all()
    assert torch.equal(part[0][0], whole[0][0][4:])
    assert not torch.equal(whole[0][0], whole[1][0])
    assert not torch.equal(whole[0][0], later[0][0])


@torch.no_grad()
def test_a_distance_is_the_mean_over_its_masks() -> None:
    distance = PulsePPG(tiny(stage="distance"), seed=2).eval()
    signal, valid = distance.prepare(batch(distance.config, 2))
    assert distance.motif is not None
    memory, views = distance.motif.remember(signal, valid), distance.views(valid, Draws(seed=0))
    single = torch.stack([distance.score(signal, [view], memory) for view in views])
    torch.testing.assert_close(distance.score(signal, views, memory), single.mean(dim=0))
    assert single.std(dim=0).min() > 0


@torch.no_grad()
def test_what_is_visible_is_not_scored() -> None:
    distance = PulsePPG(tiny(stage="distance", motif_stride=1), seed=2).eval()
    signal, valid = distance.prepare(batch(distance.config, 1, group=1))
    assert distance.motif is not None
    memory = distance.motif.remember(signal, valid)
    hidden = torch.zeros_like(valid)
    hidden[..., 10] = True
    rebuilt = distance.motif.rebuild(signal, ~hidden, memory)
    expected = (rebuilt - signal)[..., 10].square().sum()
    torch.testing.assert_close(distance.score(signal, [(~hidden, hidden)], memory)[0], expected)


def test_both_stages_work_together() -> None:
    distance = PulsePPG(tiny(stage="distance"), seed=1)
    encoder = PulsePPG(tiny(distance="learned")).after(distance)
    loss = encoder.loss(batch(encoder.config), Draws(seed=0))
    loss.total.backward()
    assert loss.total.isfinite()
    assert encoder.motif is not None
    assert all(p.grad is None for p in encoder.motif.parameters())


def test_a_distance_of_another_stride_is_refused() -> None:
    distance = PulsePPG(tiny(stage="distance", motif_stride=2))
    with pytest.raises(BadConfiguration, match="motif_stride=5, but the distance was trained with 2"):
        PulsePPG(tiny(distance="learned")).after(distance)


@pytest.mark.parametrize("drops_channels", [True, False])
def test_dropout_takes_channels_or_samples_and_keeps_the_mean(drops_channels: bool) -> None:
    recipe = PulsePPG(tiny(dropout=0.5, drops_channels=drops_channels)).train()
    drop = recipe.dropout(Draws(seed=0))
    assert drop is not None
    dropped: Tensor = drop(torch.ones(20, 30, 10))
    assert set(dropped.unique().tolist()) == {0.0, 2.0}
    assert dropped.mean().item() == pytest.approx(1, abs=0.1)
    assert bool((dropped == dropped[..., :1]).all()) == drops_channels
    assert recipe.eval().dropout(Draws(seed=0)) is None


def test_windows_are_standardised_and_the_published_floor_flattens_small_units() -> None:
    given = batch(tiny())
    small_units = replace(given.streams["ppg"], signal=given.streams["ppg"].signal * 1e-3)
    for floor, least, most in ((0.0, 0.9999, 1.0001), (1e-5, 0.1, 0.5)):
        recipe = PulsePPG(tiny(variance_floor=floor))
        signal = recipe.prepare(replace(given, streams={"ppg": small_units})).signal
        deviation = signal.std(dim=2, correction=0)
        assert least < deviation.min() <= deviation.max() < most


def test_the_embedding_is_the_largest_value_over_time() -> None:
    recipe = PulsePPG(tiny())
    frames = recipe.frames(batch(recipe.config))
    torch.testing.assert_close(frames.amax(dim=1), recipe.embed(batch(recipe.config)).vector)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hidden_block_s": 4.0, "stage": "distance"}, "hidden_block_s=4: hide at least one stride, and less than the window"),
        ({"scoring_share": 1.0}, "scoring_share=1: hide a part"),
        ({"scoring_masks": 0}, "scoring_masks=0"),
        ({"dropout": 1.0}, r"dropout=1: it must lie in \[0, 1\)"),
        ({"motif_stride": 200, "distance": "learned"}, "motif_stride=200 leaves 1 of 200 samples: keep at least 2"),
    ],
)
def test_impossible_configurations_name_the_rule(change: dict[str, Any], message: str) -> None:
    with pytest.raises(BadConfiguration, match=message):
        tiny(**change)


def test_the_unused_norm_is_ignored_and_nothing_else() -> None:
    recipe = PulsePPG(tiny())
    state = recipe.to_original()
    unused = {f"basicblock_list.0.bn1.{name}": torch.zeros(8) for name in ("weight", "bias", "running_mean", "running_var")}
    again = PulsePPG.from_original({"net": {**state, **unused}})
    assert all(torch.equal(tensor, again.to_original()[key]) for key, tensor in state.items())
    with pytest.raises(IncompatibleWeights, match=r"basicblock_list\.0\.bn3\.weight"):
        PulsePPG.from_original({**state, "basicblock_list.0.bn3.weight": torch.zeros(8)})
    del state["basicblock_list.2.bn1.weight"]
    with pytest.raises(IncompatibleWeights, match=r"basicblock_list\.2\.bn1\.weight"):
        PulsePPG.from_original({**state, **unused})


def test_an_encoder_takes_windows_shorter_than_the_block_that_the_distance_hides() -> None:
    recipe = PulsePPG(tiny())
    shorter = at_window(recipe, 0.8)
    assert shorter.embed(batch(shorter.config)).vector.shape == recipe.embed(batch(recipe.config)).vector.shape
