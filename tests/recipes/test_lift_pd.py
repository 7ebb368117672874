"""LIFT-PD fills in what was blotted out, from what is seen and nothing else."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.toy import toy_batch, toy_store
from wearfm.errors import BadConfiguration
from wearfm.nn.draws import Draws
from wearfm.recipes.lift_pd import LiftPD, LiftPDConfig, fit_line, hide_spans, small
from wearfm.training import TrainingConfig, train
from wearfm.windows.batch import Batch
from wearfm.windows.index import WindowIndex
from wearfm.windows.load import load

TINY = replace(small(), widths=(4, 8), window_s=1.0)  # 64 samples, 16 steps


def _batch(rows: int = 4, *, has_gaps: bool = False, seed: int = 0) -> Batch:
    return toy_batch(rows, seed=seed, channels={"acc": 3}, length=TINY.length, rate_hz=64.0, has_gaps=has_gaps)


def _at_rest(level_g: tuple[float, float, float]) -> Batch:
    batch = _batch()
    signal = torch.tensor(level_g)[:, None].expand(4, 3, TINY.length).clone()
    return replace(batch, streams={"acc": replace(batch.streams["acc"], signal=signal)})


def test_every_window_loses_as_many_samples_as_asked_for() -> None:
    recipe = LiftPD(TINY)
    hidden = recipe._blots(50, Draws(seed=0), device=torch.device("cpu"))
    assert hidden.shape == (50, 1, 64)
    assert hidden.sum(dim=2).unique().tolist() == [19]  # 0.3 of 64
    assert len({tuple(row.tolist()) for row in hidden[:, 0]}) == 50


def test_spans_are_laid_in_turn_until_enough_is_hidden() -> None:
    start, length = torch.tensor([[6, 1, 0]]), torch.tensor([[9, 2, 8]])
    hidden = hide_spans(start, length, samples=8, num_hidden=5)
    assert hidden.int().tolist() == [[1, 1, 1, 0, 0, 0, 1, 1]]  # 6 and 7, then 1 and 2, then the third span ends early
    too_few = hide_spans(torch.tensor([[5]]), torch.tensor([[1]]), samples=8, num_hidden=3)
    assert too_few.int().tolist() == [[1, 1, 0, 0, 0, 1, 0, 0]]


def test_the_line_goes_through_what_is_seen() -> None:
    time = torch.arange(10.0)
    signal = torch.stack((2 + 3 * time, time.square(), torch.full((10,), 7.0), time))[None]
    seen = torch.ones_like(signal, dtype=torch.bool)
    seen[0, 1, 5:] = False
    seen[0, 2, 1:] = False
    seen[0, 3] = False
    line = fit_line(torch.where(seen, signal, torch.nan), seen, otherwise=torch.tensor([0.0, 0.0, 0.0, -1.0]))
    torch.testing.assert_close(line[0, 0], signal[0, 0])
    slope, level = np.polyfit(np.arange(5), np.arange(5) ** 2, 1)
    torch.testing.assert_close(line[0, 1], (level + slope * time).float(), rtol=1e-4, atol=1e-4)
    assert line[0, 2].tolist() == [7.0] * 10  # a line through one sample is level
    assert line[0, 3].tolist() == [-1.0] * 10


def test_blots_hold_noise_as_strong_as_the_rest_or_nothing() -> None:
    batch = _batch(64)
    stream = batch.streams["acc"]
    for noise_share, expected in ((1.0, 1.0), (0.0, 0.0)):
        recipe = LiftPD(replace(TINY, noise_share=noise_share))
        hidden = recipe._blots(64, Draws(seed=0), device=torch.device("cpu"))
        prepared = recipe._prepared(stream, stream.valid & ~hidden)
        blotted = recipe._blotted(prepared, stream.valid & hidden, Draws(seed=1))
        inside = hidden.expand_as(blotted)
        assert torch.equal(blotted[~inside], prepared.signal[~inside])
        strength = blotted[inside].std() / prepared.signal[~inside].std()
        assert float(strength) == pytest.approx(expected, abs=0.05)


def test_a_sensor_at_rest_is_filled_with_gravity() -> None:
    recipe, batch = LiftPD(TINY).eval(), _at_rest((0.0, -1.0, 0.2))
    hidden = torch.zeros(4, 3, 64, dtype=torch.bool)
    hidden[:, :, 10:40] = True
    torch.testing.assert_close(recipe.fill(batch, hidden), batch.streams["acc"].signal, rtol=0, atol=1e-5)


def test_with_nothing_to_see_the_guess_is_where_gravity_pointed_in_training() -> None:
    recipe = LiftPD(TINY).eval()
    recipe.calibrate(iter([_at_rest((0.5, 0.0, 0.0)), _at_rest((0.0, -1.0, 0.0))]))
    guess = recipe.fill(_batch(), torch.ones(4, 3, 64, dtype=torch.bool))
    torch.testing.assert_close(guess.mean(dim=(0, 2)), torch.tensor([0.25, -0.5, 0.0]))


def test_the_series_is_the_acceleration_in_g() -> None:
    series = LiftPD(TINY).series(_at_rest((0.0, -1.0, 0.2)))
    assert series.units == ("g", "g", "g")
    assert series.step_s == 1 / 64
    assert series.values[0, :, 5].tolist() == pytest.approx([0.0, -1.0, 0.2])


def test_frames_are_parts_of_the_window_in_order() -> None:
    recipe, batch = LiftPD(TINY).eval(), _batch()
    prepared = recipe.prepare(batch)
    late = prepared._replace(signal=prepared.signal.clone())
    late.signal[:, :, 48:] = -late.signal[:, :, 48:]  # the last of four quarters
    before, after = (recipe._encoded(each)[0] for each in (prepared, late))
    changed = (before != after).any(dim=2).any(dim=0)
    assert recipe.frames(batch).shape == (4, 16, 8)
    assert changed.tolist() == [False] * 11 + [True] * 5  # a step of 4 samples sees 6 on either side of its first


def test_fine_tuning_moves_the_batch_norms_and_embedding_does_not() -> None:
    recipe, batch = LiftPD(TINY).train(), _batch()
    before = {name: buffer.clone() for name, buffer in recipe.named_buffers()}
    recipe.embed(batch)
    assert recipe.training
    assert all(torch.equal(buffer, before[name]) for name, buffer in recipe.named_buffers())
    recipe.features(batch, Draws(seed=0, step=0, first=0, rows=len(batch), total=len(batch))).sum().backward()
    assert not torch.equal(recipe.encoder[1].running_mean, before["encoder.1.running_mean"])
    assert all(p.grad is not None for p in recipe.encoder.parameters())
    assert [name for name, p in recipe.named_parameters() if p.grad is None] == [
        name for name, _ in recipe.named_parameters() if name.startswith(LiftPD.pretext)
    ]


def test_a_window_that_ends_early_is_judged_by_what_was_measured() -> None:
    recipe, batch = LiftPD(TINY).eval(), _batch()
    stream = batch.streams["acc"]
    valid = stream.valid.clone()
    valid[:, :, 32:] = False
    tokens, vector = recipe._encoded(recipe._prepared(stream, valid))
    torch.testing.assert_close(vector, tokens[:, :8].mean(dim=1))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"window_s": 1.01},
            r"window_s=1.01 at 64 Hz has 65 samples: the encoder divides time by 4; use a multiple of 0.0625 s",
        ),
        ({"kernel": 4}, "kernel=4: symmetric padding needs an odd kernel"),
        ({"stride": 6}, "stride=6: a stride of 1 to the kernel leaves no sample out"),
        ({"widths": ()}, r"widths=\(\): give at least one width"),
        ({"channels": 0}, "channels=0: a window needs at least 1"),
        ({"hidden_share": 1.0}, "hidden_share=1: something must be hidden and something seen"),
        ({"shortest": 20}, "blots of 20 to 16 samples: lengths must rise from 1 and fit"),
        ({"noise_share": 1.5}, r"noise_share=1.5: a share lies in \[0, 1\]"),
    ],
)
def test_settings_that_cannot_work_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(BadConfiguration, match=message):
        replace(TINY, **changes)  # type: ignore[arg-type]


def test_a_batch_of_something_else_is_refused() -> None:
    ppg = toy_batch(2, seed=0, channels={"ppg": 3}, length=64, rate_hz=64.0)
    with pytest.raises(BadConfiguration, match="a batch of ppg; this recipe reads acc"):
        LiftPD(TINY).embed(ppg)
    two_axes = toy_batch(2, seed=0, channels={"acc": 2}, length=64, rate_hz=64.0)
    with pytest.raises(BadConfiguration, match="windows of 2 acc channels; this recipe was made for 3: set channels=2"):
        LiftPD(TINY).embed(two_axes)


def test_the_defaults_are_the_numbers_of_the_docs() -> None:
    config = LiftPDConfig()
    assert (config.length, config.total_stride, config.num_hidden) == (256, 8, 77)


@pytest.mark.slow
def test_it_learns_to_fill_in_a_swing(tmp_path: Path) -> None:
    recipe = LiftPD(TINY, seed=0)
    with toy_store(tmp_path / "store", seconds=120.0, rate_hz=64.0, channels={"acc": 3}) as store:
        config = TrainingConfig(seed=0, steps=150, batch_size=32, learning_rate=1e-2, validation_share=0.0, workers=0)
        train(recipe, store, config=config, run=tmp_path / "run")
        index = WindowIndex.build(store, recipe.input)
        batch = load(store, index, np.arange(64))
    hidden = torch.zeros(64, 3, 64, dtype=torch.bool)
    hidden[:, :, 20:26] = True
    truth, line = recipe.series(batch).values, recipe._prepared(batch.streams["acc"], ~hidden).line
    with torch.no_grad():
        error, of_line = ((guess - truth)[hidden].square().mean() for guess in (recipe.fill(batch, hidden), line))
    assert error < 0.6 * of_line
