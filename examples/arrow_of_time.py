"""Teach a network how a wrist moves: which windows run backwards, which are cut up, which are warped?

    python examples/arrow_of_time.py [steps]

Simulated people rest and walk; every step is a jolt that dies away, so time has an arrow. Each window is weighed by its
motion, so that rest does not crowd out walking, harnet's three tasks are trained, and strangers' windows are asked.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

from wearfm.nn.draws import Draws
from wearfm.recipes.harnet import Harnet, small
from wearfm.signals.recording import Channel, Recording
from wearfm.signals.spans import Spans
from wearfm.store import Store
from wearfm.training import TrainingConfig, train
from wearfm.windows.index import WindowIndex
from wearfm.windows.load import load

RATE_HZ, REST_S, WALK_S = 30.0, 60, 30


def wrist(name: str, generator: np.random.Generator) -> Recording:
    """Return six minutes of a person who rests, walks, rests ... with a sensor that sits as it happens to sit."""
    hz, decay_s, gravity = generator.uniform(1.6, 2.2), generator.uniform(0.08, 0.15), generator.normal(size=3)
    time_s = np.arange(4 * (REST_S + WALK_S) * RATE_HZ) / RATE_HZ
    since_step_s = time_s % (1 / hz)
    jolt = 0.6 * np.exp(-since_step_s / decay_s) * np.cos(2 * np.pi * 6 * since_step_s)
    swing = 0.2 * np.sin(np.pi * hz * time_s)
    is_walking = time_s % (REST_S + WALK_S) >= REST_S
    along = generator.normal(size=(2, 3))
    moved = is_walking * (np.outer(along[0], jolt) + np.outer(along[1], swing))
    signal_g = (gravity / np.linalg.norm(gravity))[:, None] + moved + generator.normal(0, 0.01, moved.shape)
    channels = [
        Channel(name=f"acc {axis}", modality="acc", rate_hz=RATE_HZ, start_ns=0, samples=g, valid=Spans.all(len(g)), axis=axis)
        for axis, g in zip("xyz", signal_g.astype(np.float32), strict=True)
    ]
    return Recording(participant=name, name="day", channels=tuple(channels))


def moving(recipe: Harnet, store: Store) -> WindowIndex:
    """Return all windows of a store, each with how much it moves, as training surveys them: the recipe draws by it."""
    return recipe.survey(store, WindowIndex.build(store, recipe.input))


def ask(recipe: Harnet, store: Store, index: WindowIndex) -> dict[str, float]:
    """Return the share of right answers of each task, over windows drawn by motion."""
    windows = recipe.plan(index, seed=0).draw(0, np.arange(len(index))).ravel()
    recipe.eval()
    with torch.no_grad():
        parts = recipe.loss(load(store, index, windows), Draws(seed=1)).parts
    return {task: float(parts[f"{task}_accuracy"]) for task in recipe.heads}


def main(folder: Path, steps: int) -> None:
    """Simulate, weigh, train, and print what strangers' windows give away."""
    generator, stores = np.random.default_rng(0), []
    for side, people in (("watched", 40), ("strangers", 10)):
        stores.append(Store.create(folder / side))
        stores[-1].commit([wrist(f"{side} {number}", generator) for number in range(people)])
    watched, strangers = stores
    recipe = Harnet(small())
    taught, asked = moving(recipe, watched), moving(recipe, strangers)
    share = (taught.targets["motion"] > 0.05).mean()
    drawn = recipe.plan(taught, seed=0).draw(0, np.arange(len(taught)))
    print(f"of {len(taught)} windows {share:.0%} move, of those drawn {(taught.targets['motion'][drawn] > 0.05).mean():.0%}")
    before = ask(recipe, strangers, asked)
    config = TrainingConfig(seed=0, steps=steps, batch_size=64, learning_rate=2e-3, warmup_steps=steps // 10, log_every=50)
    train(recipe, watched, config=config, run=folder / "run", index=taught, progress=show)
    after = ask(recipe, strangers, asked)
    for task, question in {"reverse": "does it run backwards?", "permute": "is it cut up?", "warp": "is it warped?"}.items():
        print(f"{question:<23} {before[task]:4.0%} right before and {after[task]:4.0%} after training")


def show(line) -> None:
    """Print a log line."""
    if "loss" in line:
        print(f"step {line['step']:4d}  loss {line['loss']:.3f}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        main(Path(temporary), steps=int(sys.argv[1]) if len(sys.argv) > 1 else 300)
