"""A frozen teacher and a student with other sensors: who moves, who is still, what is kept, what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.contracts.alternatives import CASES
from tests.contracts.cases.distillation import MOTION, PULSE
from tests.recordings import channel, recording
from tests.toy import toy_store
from wearfm.augment import warp_time
from wearfm.errors import BadConfiguration, IncompatibleWeights, UnknownName
from wearfm.nn.draws import Draws
from wearfm.nn.normalise import standardise
from wearfm.recipes.base import Recipe
from wearfm.recipes.distillation import Distillation, augmented, compressed, paper
from wearfm.recipes.method import Method
from wearfm.store import Store
from wearfm.training import TrainingConfig, train
from wearfm.windows.batch import Batch, Signal
from wearfm.windows.index import WindowIndex
from wearfm.windows.load import load
from wearfm.windows.pairs import Simultaneous

CASE = CASES["distillation"]
ROWS = 8


def _draws(step: int = 0) -> Draws:
    return Draws(seed=1, step=step, first=0, rows=ROWS, total=ROWS)


def _of(**settings: Any) -> Distillation:
    teacher = PULSE.build(seed=5)
    teacher.seen = frozenset({"somebody"})
    chosen = {"still_g": None, "hidden_size": 16, "projection_size": 8, **settings}
    return Distillation.of(teacher, chosen.pop("student", MOTION), seed=0, **chosen)


def _bits(recipe: Recipe) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in recipe.state_dict().items()}


def _step(recipe: Distillation, batch: Batch) -> None:
    optimiser = torch.optim.SGD([p for p in recipe.parameters() if p.requires_grad], lr=0.1)
    recipe.loss(batch, _draws()).total.backward()
    optimiser.step()


def test_the_teacher_keeps_every_bit_and_the_student_does_not() -> None:
    recipe = _of().train()
    before = _bits(recipe)
    _step(recipe, CASE.batch(recipe))
    moved = {name for name, tensor in recipe.state_dict().items() if not torch.equal(tensor, before[name])}
    assert not any(name.startswith("teacher.") for name in moved)
    assert {name.partition(".")[0] for name in moved} == {"student", "student_head", "teacher_head"}
    assert "student.student.encoder.stem.norm.running_mean" in moved, "batch norms of the student do not learn the batch"
    assert not any(part.training for part in recipe.teacher.modules())
    assert not any(p.requires_grad for p in recipe.teacher.parameters())


def test_what_the_students_own_pretraining_uses_is_left_alone() -> None:
    recipe = _of().train()
    trained = {name for name, p in recipe.named_parameters() if p.requires_grad}
    assert not any(name.startswith(("student.student.head.", "student.teacher.")) for name in trained)


def test_the_distilled_student_is_a_recipe_of_its_own_that_needs_no_pulse() -> None:
    recipe = _of().train()
    batch = CASE.batch(recipe)
    _step(recipe, batch)
    recipe.seen |= {"another"}
    alone = recipe.distilled()
    moving = replace(batch, streams={"acc": batch.streams["acc"]})
    assert (alone.name, alone.config, alone.seen) == (MOTION.name, MOTION.config, {"somebody", "another"})
    assert not alone.training
    assert torch.equal(alone.embed(moving).vector, recipe.embed(batch).vector)
    assert torch.equal(recipe.embed(moving).vector, recipe.embed(batch).vector)
    _step(recipe, batch)
    assert not torch.equal(alone.embed(moving).vector, recipe.embed(batch).vector), "the copy moved along"


def test_windows_hold_what_either_side_reads_each_at_its_own_rate() -> None:
    slow = Method(name=MOTION.name, config=replace(MOTION.config, rate_hz=32.0, min_valid=0.5))
    contract = _of(student=slow).input
    assert {(s.modality, s.rate_hz, s.channels) for s in contract.streams} == {("ppg", 64.0, 1), ("acc", 32.0, 3)}
    assert (contract.window_s, contract.min_valid) == (6.0, 0.9)


def test_a_method_that_takes_every_modality_reads_those_named() -> None:
    anything = CASE.alternatives["student_reads"].given["student"]
    contract = _of(student=anything, student_reads=("acc", "gyro")).input
    assert {s.modality for s in contract.streams} == {"ppg", "acc", "gyro"}


def test_the_teachers_features_are_standardised_over_what_it_was_shown() -> None:
    recipe = _of()
    batch = CASE.batch(recipe, has_gaps=False)
    recipe.calibrate(iter([batch]))
    features = recipe.teacher.features(replace(batch, streams={"ppg": batch.streams["ppg"]}))
    scaled = (features - recipe.centre) / recipe.scale
    torch.testing.assert_close(scaled.mean(dim=0), torch.zeros(scaled.shape[1]), rtol=0, atol=1e-3)  # float32, small spreads
    assert _of(is_standardised=False).calibration_windows == 0


def _wave(rows: int = 400) -> Signal:
    generator = torch.Generator().manual_seed(0)
    signal = 3000 + 5 * torch.randn(rows, 3, 128, generator=generator)
    valid = torch.ones_like(signal, dtype=torch.bool)
    valid[:, 0, :20] = False
    signal[:, 2] = 1.0  # a channel that does not move
    return Signal(signal=torch.where(valid, signal, 0.0), valid=valid, rate_hz=64.0)


def test_augmented_windows_keep_their_unit_their_gaps_and_their_flat_channels() -> None:
    recipe, wave = _of(student_augmentation=2.0), _wave()
    changed = augmented(wave, Draws(seed=0), steps=recipe._steps["student"])
    assert changed.valid.float().mean().item() == pytest.approx(wave.valid.float().mean().item(), rel=0.05)  # gaps are warped
    there = changed.valid[:, 1]
    assert 2900 < changed.signal[:, 1][there].min() < changed.signal[:, 1][there].max() < 3100
    assert (changed.signal[~changed.valid] == 0).all()
    assert not torch.equal(changed.signal, wave.signal)
    assert torch.equal(augmented(wave, Draws(seed=0), steps=()).valid, wave.valid)
    torch.testing.assert_close(augmented(wave, Draws(seed=0), steps=()).signal, wave.signal)


def test_the_axes_of_a_student_share_their_time() -> None:
    """Three equal axes stay equal under the warps: only noise and the order of channels tell them apart."""
    (warp,) = [step for step in _of()._steps["student"] if getattr(step.change, "func", None) is warp_time]
    wave = _wave().signal[:, 1:2].expand(-1, 3, -1).contiguous()
    same = Signal(signal=wave, valid=torch.ones_like(wave, dtype=torch.bool), rate_hz=64.0)
    changed = augmented(same, Draws(seed=0), steps=(replace(warp, probability=1.0),)).signal
    torch.testing.assert_close(changed[:, 0], changed[:, 2])
    assert not torch.equal(changed, same.signal)


def test_each_side_has_its_own_switch() -> None:
    plain, teacher, student = (
        _of(teacher_augmentation=a, student_augmentation=b) for a, b in ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0))
    )
    batch = CASE.batch(plain)
    for recipe, changed in ((plain, set()), (teacher, {"teacher"}), (student, {"student"})):
        for side in ("teacher", "student"):
            (before,), (after,) = (
                made.streams.values() for made in (recipe._side(side, batch), recipe._augmented(side, batch, _draws()))
            )
            is_same = torch.equal(standardise(before.signal, before.valid), standardise(after.signal, after.valid))
            assert (side not in changed) is bool(is_same) or torch.allclose(before.signal, after.signal, atol=1e-5)


def test_only_still_windows_teach(tmp_path: Path) -> None:
    recipe = _of(still_g=0.5)
    with toy_store(tmp_path, seconds=60.0, rate_hz=64.0, channels={"ppg": 1, "acc": 3}) as store:
        index = recipe.survey(store, WindowIndex.build(store, recipe.input))
        motion = index.targets["motion"]
        limit = float(np.median(motion))
        plan = _of(still_g=limit).plan(index, seed=0)
        assert isinstance(plan, Simultaneous)
        drawn = plan.draw(0, np.arange(len(plan)))[:, 0]
        assert set(drawn) == set(np.flatnonzero(motion <= limit))
        restless = _of(still_g=1e-6).survey(store, WindowIndex.build(store, recipe.input, stride_s=3.0))
        assert restless.skipped["moves more than 1e-06 g"] == 4 * 60.0, "overlaps count once"
        everything = _of().plan(index, seed=0)
        assert len(everything) == len(index)
        assert _of().survey(store, index) is index
        with pytest.raises(BadConfiguration, match=r"0 of \d+ windows move at most 1e-06 g"):
            _of(still_g=1e-6).plan(index, seed=0)


def test_presets_of_the_sheet() -> None:
    sizes = [sum(p.numel() for p in config().student.config.encoder().parameters()) for config in (paper, compressed)]
    assert paper().student.config.embedding_size == compressed().student.config.embedding_size == 256
    assert sizes[0] / sizes[1] == pytest.approx(5, abs=0.1)
    assert (paper().teacher.config.channels, paper().student.config.channels) == (4, 3)


def test_another_teacher_than_the_configured_is_refused() -> None:
    recipe = _of()
    other = Method(name=PULSE.name, config=replace(PULSE.config, kernel=5)).build(seed=0)
    with pytest.raises(BadConfiguration, match=r"a teacher with kernel=5, but this recipe was made for 7"):
        recipe.after(other)
    with pytest.raises(BadConfiguration, match=r"a teacher of normwear, but this recipe was made for apple_contrastive"):
        recipe.after(CASES["normwear"].make())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"window_s": 8.0}, r"the teacher reads windows of 6 s and the student of 8 s.* set the student's window_s=6"),
        ({"modality": "ppg"}, r"both read ppg, 1 channels at 64.0 Hz and 3 at 64.0 Hz; give both the same"),
        ({"modality": "ppg", "channels": 1, "rate_hz": 32.0}, "both read ppg, 1 channels at 64.0 Hz and 1 at 32.0 Hz"),
    ],
)
def test_sides_that_do_not_go_together_are_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(BadConfiguration, match=message):
        _of(student=Method(name=MOTION.name, config=replace(MOTION.config, **changes)))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"temperature": 0.0}, "temperature=0: it divides, so it must be positive"),
        ({"student_share": 1.5}, r"student_share=1.5: a share must lie in \[0, 1\]"),
        ({"dropout": 1.0}, r"dropout=1: it must lie in \[0, 1\)"),
        ({"teacher_augmentation": 3.0}, "teacher_augmentation=3: the published shares can be multiplied by 0 to 2"),
        ({"still_g": 0.0}, "still_g=0: stillness has a positive limit; None takes all windows"),
        ({"negatives": "some"}, "negatives 'some'"),
    ],
)
def test_mistakes_are_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises((BadConfiguration, UnknownName), match=message):
        _of(**settings)


def test_stillness_needs_an_accelerometer() -> None:
    eye = Method(name=MOTION.name, config=replace(MOTION.config, modality="ecg", channels=1))
    with pytest.raises(BadConfiguration, match=r"still_g=0.03 asks for windows without motion, but neither side reads acc"):
        _of(student=eye, still_g=0.03)


def test_a_teacher_of_other_shapes_is_refused() -> None:
    recipe, teacher = _of(), PULSE.build(seed=0)
    teacher.student.encoder.last.norm.weight = torch.nn.Parameter(torch.ones(3))  # type: ignore[union-attr]
    with pytest.raises(IncompatibleWeights, match="apple_contrastive as a teacher"):
        recipe.after(teacher)


def _planted(folder: Path, *, people: int, seed: int) -> Store:
    """Return a store whose windows have a pace each, which both sensors see, in shapes that have nothing else in common."""
    generator = np.random.default_rng(seed)
    recordings = []
    for person in range(people):
        pace_hz = np.repeat(np.exp(generator.uniform(np.log(2), np.log(16), 16)), 6 * 64)
        phase = 2 * np.pi * np.cumsum(pace_hz) / 64
        rows = {"ppg": np.sin(phase)} | {f"acc {n}": gain * np.cos(phase / 2 + 2) ** 3 for n, gain in enumerate((1, -0.5, 0.3))}
        noisy = {name: (row + 0.2 * generator.standard_normal(len(row))).astype(np.float32) for name, row in rows.items()}
        made = [channel(row, name=name, modality=name.split()[0], rate_hz=64.0) for name, row in noisy.items()]
        recordings.append(recording(f"p{person:02d}", "a", *made))
    store = Store.create(folder)
    store.commit(recordings)
    return store


@pytest.mark.slow
def test_a_student_learns_to_find_its_teacher_among_strangers(tmp_path: Path) -> None:
    """Chance is 1 in 32; even a teacher that nobody trained knows paces apart."""
    recipe = _of(dropout=0.0, temperature=0.1, hidden_size=64, projection_size=32)
    config = TrainingConfig(
        seed=0, steps=60, batch_size=32, learning_rate=3e-3, weight_decay=0.0, validation_share=0.0, workers=0
    )
    with _planted(tmp_path / "train", people=16, seed=0) as store:
        train(recipe, store, config=config, run=tmp_path / "run")
    with _planted(tmp_path / "test", people=4, seed=1) as strangers:
        index = WindowIndex.build(strangers, recipe.input)
        batch = load(strangers, index, np.arange(0, 64, 2))
    plain = Distillation(replace(recipe.config, teacher_augmentation=0.0, student_augmentation=0.0))
    plain.load_state_dict(recipe.state_dict())
    with torch.no_grad():
        parts = plain.eval().loss(batch, Draws(seed=0)).parts
    assert parts["student_finds_teacher"].item() > 5 / 32
    assert parts["teacher_finds_student"].item() > 5 / 32
