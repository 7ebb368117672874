"""LIFT-PD has published neither code nor weights: checked are the sizes this library states, and twins written with loops.

The twin of the hops is in tests/windows/test_hop.py.
"""

import numpy as np
import pytest
import torch
from torch import nn

from tests.toy import toy_batch
from wearfm.nn.draws import Draws
from wearfm.recipes.lift_pd import LiftPD, LiftPDConfig, hide_spans, paper, small


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(("config", "encoder"), [(paper(), 52_128), (small(), 13_264)])
def test_the_encoder_has_the_stated_number_of_parameters(config: LiftPDConfig, encoder: int) -> None:
    kernels = sum(config.kernel * a * b for a, b in zip((3, *config.widths), config.widths, strict=False))
    assert _count(LiftPD(config).encoder) == encoder == kernels + 2 * sum(config.widths)


def test_shapes_are_those_of_the_picture() -> None:
    recipe = LiftPD(paper()).eval()
    signal = torch.zeros(2, 3, 256)
    steps = recipe.encoder(signal)
    assert steps.shape == (2, 128, 32)
    assert recipe.decoder(steps).shape == signal.shape
    assert recipe.embedding_size == 128


def _hide_by_hand(starts: list[int], lengths: list[int], *, samples: int, num_hidden: int) -> list[bool]:
    hidden = [False] * samples
    for start, length in zip(starts, lengths, strict=True):
        for place in range(start, min(start + length, samples)):
            if sum(hidden) < num_hidden:
                hidden[place] = True
    for place in range(samples):
        if sum(hidden) < num_hidden:
            hidden[place] = True
    return hidden


@pytest.mark.parametrize("seed", range(5))
def test_blots_fall_where_a_loop_lays_them(seed: int) -> None:
    generator = np.random.default_rng(seed)
    start, length = generator.integers(0, 40, (8, 6)), generator.integers(1, 9, (8, 6))
    hidden = hide_spans(torch.from_numpy(start), torch.from_numpy(length), samples=40, num_hidden=15)
    for row in range(8):
        by_hand = _hide_by_hand(start[row].tolist(), length[row].tolist(), samples=40, num_hidden=15)
        assert hidden[row].tolist() == by_hand


def _error_by_hand(recipe: LiftPD, signal: np.ndarray, valid: np.ndarray, hidden: np.ndarray) -> float:
    """Take each channel's line away, put 0 where nothing is seen, compare where something was hidden."""
    B, C, T = signal.shape
    shown, target = np.zeros_like(signal), np.zeros_like(signal)
    for b in range(B):
        for c in range(C):
            seen = np.flatnonzero(valid[b, c] & ~hidden[b, 0])
            line = np.polyval(np.polyfit(seen, signal[b, c, seen], 1), np.arange(T)) if len(seen) else np.zeros(T)
            shown[b, c, seen] = signal[b, c, seen] - line[seen]
            target[b, c] = signal[b, c] - line
    with torch.no_grad():
        guess = recipe.decoder(recipe.encoder(torch.from_numpy(shown.astype(np.float32)))).numpy()
    errors = []
    for b in range(B):
        for c in range(C):
            errors += [
                (guess[b, c, t] - target[b, c, t]) ** 2 for t in range(T) if hidden[b, 0, t] and valid[b, c, t]
            ]  # fmt: skip
    return float(np.mean(errors))


def test_the_loss_is_the_mean_over_what_was_blotted_out_and_measured() -> None:
    recipe = LiftPD(LiftPDConfig(widths=(4, 8), window_s=1.0, noise_share=0.0)).eval()
    batch = toy_batch(6, seed=2, channels={"acc": 3}, length=64, rate_hz=64.0)
    stream = batch.streams["acc"]
    hidden = recipe._blots(6, Draws(seed=4), device=torch.device("cpu"))
    by_hand = _error_by_hand(recipe, stream.signal.numpy().astype(np.float64), stream.valid.numpy(), hidden.numpy())
    assert float(recipe.loss(batch, Draws(seed=4)).total.detach()) == pytest.approx(by_hand, rel=1e-4)
