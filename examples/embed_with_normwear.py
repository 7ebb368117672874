"""Embed six-second windows of whatever a device recorded, with NormWear.

    python examples/embed_with_normwear.py [normwear_pretrain_ckpt.pth]

Simulates three people with a wrist sensor (PPG, acceleration, skin conductance, each at its own rate, with gaps), puts
them into a store and embeds every window: one vector each, all modalities together. With the released checkpoint the
vectors are those of the published network; without it, of a small untrained one, to see the path.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

from wearfm.embeddings.extract import Cut, embed
from wearfm.recipes import Recipe, create, import_original
from wearfm.store import Store
from wearfm.synthetic import Cohort, CohortConfig


def network(checkpoint: str | None) -> Recipe:
    """Return the published network, or a small one with random weights."""
    if checkpoint is None:
        return create("normwear", preset="small").eval()
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    return import_original("normwear", state, preprocess="house").eval()


def simulate(folder: Path) -> Store:
    """Return a store with one session of three people."""
    config = CohortConfig(num_participants=3, num_sessions=1, session_hours=0.1, modalities=("ppg", "acc", "eda"))
    store = Store.create(folder)
    store.commit(list(Cohort(config, seed=0).recordings()))
    return store


def main(checkpoint: str | None) -> None:
    """Embed, and compare how alike windows are within and between people."""
    recipe = network(checkpoint)
    with tempfile.TemporaryDirectory() as folder:
        table = embed(recipe, simulate(Path(folder)), cut=Cut(stride_s=30.0))
    print(f"{len(table.vector)} windows of {recipe.input.window_s:g} s, {table.vector.shape[1]} numbers each")
    for reason, seconds in table.header.skipped.items():
        print(f"  left out: {seconds:.1f} s, {reason}")
    unit = table.vector - table.vector.mean(axis=0)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    alike, same = unit @ unit.T, table.participant[:, None] == table.participant
    apart = ~np.eye(len(unit), dtype=bool)
    print(f"mean cosine within a person {alike[same & apart].mean():.2f}, between people {alike[~same].mean():.2f}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
