"""RelCon: both stages, the distances with and without training, alterations, two processes, whose weights it takes.

The file runs itself as `python -m tests.recipes.test_relcon RANK FOLDER` to be both of the processes.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import Tensor

from tests.objectives.test_relative import relative_contrast_by_hand
from wearfm.augment import negate, reverse
from wearfm.errors import BadConfiguration, IncompatibleWeights, UnknownName
from wearfm.nn.draws import Draws
from wearfm.recipes.relcon import RelCon, RelConConfig, alter, paper, small
from wearfm.training.batch_norm import synchronise
from wearfm.windows.batch import Batch, Signal


def tiny(**changes: Any) -> RelConConfig:
    sizes = {"widths": (8, 12), "repeats": (1, 1), "kernels": (3, 4), "motif_width": 8, "motif_bottleneck": 4}
    return replace(small(), **{**sizes, **changes})


def batch(config: RelConConfig, rows: int = 8, *, group: int = 4, seed: int = 0) -> Batch:
    """Waves of three axes, each window at a pace of its own."""
    generator = torch.Generator().manual_seed(seed)
    time_s = torch.arange(config.length) / config.rate_hz
    pace, phase = torch.rand(2, rows, 3, 1, generator=generator)
    signal = torch.sin(2 * torch.pi * ((1 + 3 * pace[:, :1]) * time_s + phase))
    signal += 0.1 * torch.randn(signal.shape, generator=generator)
    stream = Signal(signal=signal, valid=torch.ones_like(signal, dtype=torch.bool), rate_hz=config.rate_hz)
    numbers = torch.arange(rows)
    return Batch(
        streams={"acc": stream}, participant=numbers // group, recording=numbers, start_ns=numbers, local_ns=numbers,
        group_size=group,
    )  # fmt: skip


def both(**changes: Any) -> tuple[RelCon, RelCon]:
    """A distance and an encoder that has taken it."""
    distance = RelCon(tiny(stage="distance", **changes), seed=3).eval()
    return distance, RelCon(tiny(distance="learned", **changes)).after(distance).eval()


def count(module: torch.nn.Module | None) -> int:
    assert module is not None
    return sum(parameter.numel() for parameter in module.parameters())


def test_the_published_networks_have_their_sizes() -> None:
    recipe = RelCon(paper())
    assert (count(recipe.encoder), count(recipe.motif)) == (3_635_840, 58_617)
    assert recipe.embedding_size == 256
    assert count(RelCon(small()).encoder) == 35_872


def test_the_distance_is_frozen_and_the_encoder_is_not() -> None:
    trained = {name.split(".")[0] for name, p in RelCon(paper()).named_parameters() if p.requires_grad}
    assert trained == {"encoder"}
    assert {name.split(".")[0] for name, p in RelCon(tiny(stage="distance")).named_parameters() if p.requires_grad} == {"motif"}


def test_an_untrained_distance_is_never_used_silently() -> None:
    recipe = RelCon(tiny(distance="learned"))
    with pytest.raises(BadConfiguration, match=r"no trained distance.*stage='distance'.*after.*'spectrum' or 'raw'"):
        recipe.loss(batch(recipe.config), Draws(seed=0))
    assert recipe.embed(batch(recipe.config)).vector.shape == (8, 12)


def test_a_trained_distance_is_taken_with_whom_it_has_seen_and_kept_in_the_weights() -> None:
    distance = RelCon(tiny(stage="distance"), seed=3)
    distance.seen = frozenset({"a"})
    recipe = RelCon(tiny(distance="learned"))
    recipe.seen = frozenset({"b"})
    assert recipe.after(distance) is recipe
    assert recipe.seen == {"a", "b"}
    again = RelCon(tiny(distance="learned"), seed=5)
    again.load_state_dict(recipe.state_dict())
    losses = [each.eval().loss(batch(recipe.config), Draws(seed=0)).total for each in (recipe, again)]
    assert torch.equal(*losses)


def test_a_distance_that_does_not_fit_is_refused() -> None:
    distance, encoder = both()
    with pytest.raises(BadConfiguration, match="in stage 'encoder'; train one with stage='distance'"):
        encoder.after(encoder)
    with pytest.raises(BadConfiguration, match="stage='encoder' with distance='learned'"):
        RelCon(tiny()).after(distance)
    with pytest.raises(BadConfiguration, match=r"rate_hz=100\.0, but the distance was trained with 50\.0"):
        RelCon(tiny(distance="learned", rate_hz=100.0)).after(distance)
    with pytest.raises(IncompatibleWeights, match="distance of relcon"):
        RelCon(tiny(distance="learned", motif_width=12)).after(distance)


def test_distances_are_those_of_every_pair_by_itself() -> None:
    distance, encoder = both(motif_stride=3)
    given = batch(encoder.config, 9, group=3)
    signal, valid = encoder.prepare(given)
    table = encoder.distances(encoder.prepare(given), Draws(seed=0), group=3)
    assert distance.motif is not None
    for row, anchor in enumerate((0, 3, 6)):
        for column, candidate in enumerate((0, 3, 6, anchor + 1, anchor + 2)):
            key, query = slice(candidate, candidate + 1), slice(anchor, anchor + 1)
            memory = distance.motif.remember(signal[key], valid[key])
            wrong = distance.motif.rebuild(signal[query], valid[query], memory) - signal[query][..., ::3]
            torch.testing.assert_close(table[row, column], wrong.square().sum(), rtol=1e-4, atol=1e-4)  # batched sums


@pytest.mark.parametrize(("name", "sees_when"), [("raw", True), ("spectrum", False)])
def test_distances_without_training_see_samples_or_paces(name: str, sees_when: bool) -> None:
    recipe = RelCon(tiny(distance=name, rate_hz=50.0, window_s=2.0))
    time_s = torch.arange(100) / 50
    waves = [torch.sin(2 * torch.pi * (pace * time_s + shift)) for pace, shift in ((2.0, 0), (2.0, 0.25), (3.0, 0), (2.0, 0))]
    signal = torch.stack(waves)[:, None].expand(-1, 3, -1)
    given = batch(recipe.config, 4)
    stream = Signal(signal=signal, valid=torch.ones_like(signal, dtype=torch.bool), rate_hz=50.0)
    _, shifted, faster, same = recipe.distances(
        recipe.prepare(replace(given, streams={"acc": stream})), Draws(seed=0), group=4
    )[0]
    assert same < 1e-3
    assert (shifted > 1) == sees_when
    assert faster > 1


def test_the_loss_is_that_of_loops_over_embeddings_and_distances() -> None:
    _, encoder = both()
    given = batch(encoder.config, 12, group=4)
    vectors = encoder.embed(given).vector
    table = encoder.distances(encoder.prepare(given), Draws(seed=0), group=4)
    cosine, distance = torch.zeros(3, 5), torch.zeros(3, 5)
    for row, anchor in enumerate((0, 4, 8)):
        others = [other for other in range(3) if other != row]
        candidates = [4 * other for other in others] + [anchor + 1, anchor + 2, anchor + 3]
        cosine[row] = torch.cosine_similarity(vectors[anchor], vectors[candidates])
        distance[row] = table[row, [*others, 3, 4, 5]]
    loss = encoder.loss(given, Draws(seed=0))
    assert float(loss.total.detach()) == pytest.approx(relative_contrast_by_hand(cosine, distance, 0.1), rel=1e-4)
    assert {"relative", "nearest_found", "effective_rank", "uniformity", "dispersion_between"} == set(loss.parts)


def test_the_loss_needs_candidates() -> None:
    recipe = RelCon(tiny())
    with pytest.raises(BadConfiguration, match=r"groups of 1.*draw it with the recipe's own plan"):
        recipe.loss(replace(batch(recipe.config), group_size=1), Draws(seed=0))


def test_two_different_alterations_hit_each_window_in_any_order() -> None:
    signal, valid = torch.arange(1.0, 7).expand(64, 1, 6), torch.ones(64, 1, 6, dtype=torch.bool)

    def add(signal: Tensor, valid: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:
        return signal + 100, valid

    changed, _ = alter(signal, valid, Draws(seed=0), changes=(negate, reverse, add), count=2)
    outcomes = {tuple(row[0].tolist()) for row in changed}
    up = range(1, 7)
    expected = [[-x for x in up][::-1], [x + 100 for x in up][::-1], [100 - x for x in up], [-x - 100 for x in up]]
    assert outcomes == {tuple(map(float, row)) for row in expected}


def test_a_window_is_altered_alike_whatever_else_is_computed_here() -> None:
    config = tiny(stage="distance")
    signal, valid = RelCon(config).prepare(batch(config))
    whole, _ = alter(signal, valid, Draws(seed=1, first=0, rows=8, total=8), changes=config.changes(), count=2)
    part, _ = alter(signal[4:], valid[4:], Draws(seed=1, first=4, rows=4, total=8), changes=config.changes(), count=2)
    torch.testing.assert_close(part, whole[4:])


def test_the_inverted_switch_acts_in_training_only() -> None:
    ours, theirs = (RelCon(tiny(stage="distance", attention=name)) for name in ("softmax", "sparsemax_in_training"))
    losses = [recipe.train().loss(batch(ours.config), Draws(seed=0)).total for recipe in (ours, theirs)]
    scores = [recipe.eval().loss(batch(ours.config), Draws(seed=0)).total for recipe in (ours, theirs)]
    assert not torch.equal(*losses)
    assert torch.equal(*scores)


@pytest.mark.slow
def test_a_distance_learns_to_rebuild_a_window_better_from_itself_than_from_another() -> None:
    recipe = RelCon(tiny(stage="distance"), seed=0).train()
    optimiser = torch.optim.Adam(recipe.parameters(), lr=5e-3)
    for step in range(60):
        optimiser.zero_grad()
        loss = recipe.loss(batch(recipe.config, 32, seed=step), Draws(seed=0, step=step))
        loss.total.backward()
        optimiser.step()
    parts = recipe.eval().loss(batch(recipe.config, 32, seed=99), Draws(seed=1)).parts
    assert parts["from_itself"] < 0.8 * parts["from_another"]


def test_gaps_stand_at_their_channels_mean() -> None:
    recipe = RelCon(tiny())
    given = batch(recipe.config, 4)
    valid = torch.ones_like(given.streams["acc"].valid)
    valid[0, 1, 5:9] = False
    stream = Signal(signal=given.streams["acc"].signal.where(valid, torch.nan), valid=valid, rate_hz=50.0)
    signal, _ = recipe.prepare(replace(given, streams={"acc": stream}))
    measured = given.streams["acc"].signal[0, 1][valid[0, 1]]
    torch.testing.assert_close(signal[0, 1, 5:9], measured.mean().expand(4))


def test_frames_are_the_parts_that_the_embedding_is_the_mean_of() -> None:
    recipe = RelCon(tiny())
    frames = recipe.frames(batch(recipe.config))
    torch.testing.assert_close(frames.mean(dim=1), recipe.embed(batch(recipe.config)).vector)


def test_batches_of_something_else_are_refused() -> None:
    recipe = RelCon(tiny())
    given = batch(recipe.config)
    with pytest.raises(BadConfiguration, match="a batch of gyro; relcon was made for acc: set modality"):
        recipe.prepare(replace(given, streams={"gyro": given.streams["acc"]}))
    one = given.streams["acc"]
    with pytest.raises(BadConfiguration, match="windows of 1 channels; relcon was made for 3: set channels"):
        recipe.prepare(replace(given, streams={"acc": Signal(signal=one.signal[:, :1], valid=one.valid[:, :1], rate_hz=50.0)}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"channels": 2}, "channels=2: give x, y, z of every sensor"),
        ({"kernels": (3,)}, "give each as many"),
        ({"window_s": 0.1}, "5 samples a window: the stem needs 11"),
        ({"alterations": 9}, "choose 1 to 8"),
        ({"motif_kernel": 4}, "motif_kernel=4: symmetric padding needs an odd kernel"),
        ({"temperature": 0.0}, "must be positive"),
    ],
)
def test_impossible_configurations_name_the_rule(change: dict[str, Any], message: str) -> None:
    with pytest.raises(BadConfiguration, match=message):
        tiny(**change)


def test_unknown_choices_are_named() -> None:
    for setting in ("stage", "distance", "attention"):
        with pytest.raises(UnknownName, match=setting):
            tiny(**{setting: "other"})


def test_weights_that_do_not_fit_are_listed_by_their_original_names() -> None:
    state = RelCon(tiny()).to_original()
    del state["basicblock_list.1.projection_conv.weight"]
    with pytest.raises(IncompatibleWeights, match=r"basicblock_list\.1\.projection_conv\.weight"):
        RelCon.from_original(state)
    distance = RelCon(tiny(stage="distance")).to_original()
    del distance["out_proj.bias"]
    with pytest.raises(IncompatibleWeights, match=r"out_proj\.bias"):
        RelCon.from_original(distance)


def _step(first: int, rows: int) -> tuple[Tensor, Tensor]:
    """Return loss and gradient of a part of twelve windows, batch norms seeing all of them."""
    _, encoder = both()
    synchronise(encoder)
    part = batch(encoder.config, 12, group=3).select(slice(first, first + rows))
    loss = encoder.train().loss(part, Draws(seed=1, first=first, rows=rows, total=12)).total
    loss.backward()
    return loss.detach(), torch.cat([p.grad.flatten() for p in encoder.parameters() if p.grad is not None])


def _run(rank: int, folder: Path) -> None:
    """Be one of two processes with half of the anchors each; write the loss and the gradient averaged over both."""
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    loss, gradient = _step(6 * rank, 6)
    dist.all_reduce(gradient)
    torch.save((loss, gradient / 2), folder / f"{rank}.pt")
    dist.destroy_process_group()


@pytest.mark.slow
def test_two_processes_equal_one_with_the_whole_batch(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.recipes.test_relcon"]
    running = [subprocess.Popen([*command, str(rank), str(tmp_path)]) for rank in (0, 1)]
    assert [process.wait(timeout=120) for process in running] == [0, 0]
    loss, gradient = _step(0, 12)
    for rank in (0, 1):
        their_loss, their_gradient = torch.load(tmp_path / f"{rank}.pt")
        torch.testing.assert_close(their_loss, loss)
        torch.testing.assert_close(their_gradient, gradient, rtol=1e-4, atol=3e-5)  # batch statistics sum in another order


if __name__ == "__main__":
    _run(int(sys.argv[1]), Path(sys.argv[2]))
