"""Learn a distance between windows of movement, then an encoder that keeps its order for people it has never seen.

    python examples/relative_contrast.py [steps]

Stage 1 learns to rebuild a window from an altered copy of it; windows that explain each other are near. Stage 2 lets the
embeddings be as near. Then, among windows of strangers: of two candidates, how often does the embedding call the one
nearer that the distance calls nearer?
"""

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from wearfm.nn.draws import Draws
from wearfm.objectives.relative import candidate_cosines, without_self
from wearfm.recipes.relcon import RelCon, small
from wearfm.store import Store
from wearfm.synthetic import Cohort, CohortConfig
from wearfm.training import TrainingConfig, train
from wearfm.windows.index import WindowIndex
from wearfm.windows.load import load

CONFIG = replace(small(), distance="learned")


def simulate(folder: Path, *, people: int, seed: int) -> Store:
    """Return a store with two sessions of wrist movement of each participant."""
    config = CohortConfig(num_participants=people, session_hours=0.1, modalities=("acc",))
    store = Store.create(folder)
    store.commit(list(Cohort(config, seed=seed).recordings()))
    return store


def kept_order(recipe: RelCon, store: Store, *, anchors: int) -> float:
    """Return the share of pairs of candidates that the embedding puts in the order of the distance; chance is 0.5."""
    index = WindowIndex.build(store, recipe.input)
    plan = recipe.plan(index, seed=0)
    batch = load(store, index, plan.draw(0, np.arange(anchors)).ravel(), group_size=plan.group_size)
    with torch.no_grad():
        vectors = recipe.eval().embed(batch).vector.view(anchors, plan.group_size, -1)
        similar = candidate_cosines(vectors[:, 0], vectors[:, 1:])
        distance = without_self(recipe.distances(recipe.prepare(batch), Draws(seed=0), group=plan.group_size))
    nearer = distance[:, :, None] < distance[:, None]  # (N, K, K)
    return float((similar[:, :, None] > similar[:, None])[nearer].float().mean())


def show(line) -> None:
    """Print a log line of either stage."""
    names = ("rebuilding", "from_itself", "from_another", "relative", "nearest_found", "effective_rank")
    if "loss" in line:
        print(f"step {line['step']:4d}  " + "  ".join(f"{name} {line[name]:.3f}" for name in names if name in line))


def main(folder: Path, steps: int) -> None:
    """Simulate, train both stages, compare."""
    training, strangers = simulate(folder / "train", people=40, seed=0), simulate(folder / "test", people=20, seed=1)
    settings = TrainingConfig(seed=0, steps=steps, batch_size=16, learning_rate=3e-3, log_every=max(1, steps // 4))

    distance = RelCon(replace(CONFIG, stage="distance"))
    train(distance, training, config=settings, run=folder / "distance", progress=show)

    recipe = RelCon(CONFIG).after(distance)
    before = kept_order(recipe, strangers, anchors=64)
    train(recipe, training, config=settings, run=folder / "encoder", progress=show)
    print(f"order kept among strangers: {kept_order(recipe, strangers, anchors=64):.2f}, before {before:.2f}, chance 0.50")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        main(Path(temporary), steps=int(sys.argv[1]) if len(sys.argv) > 1 else 120)
