"""LSM-2: nothing was released, so the algorithm of the sheet is written again, with loops and -inf, in float64."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tests.parity.transformer import Floats, block_by_hand, linear, norm
from wearfm.nn.draws import Draws
from wearfm.recipes.lsm2 import LSM2, LSM2Config, Noise, paper, small

SIGNALS, TIMES, PATCH = 3, 4, 10
N = SIGNALS * TIMES


def config(*, pack: bool, dropped: float = 0.5) -> LSM2Config:
    return replace(
        small(), features=("hr", "steps", "temp"), window_s=600.0 * TIMES, patch=PATCH, pack=pack, dropped=dropped,
        width=8, depth=2, heads=2, mlp_width=12, decoder_width=8, decoder_depth=2, decoder_heads=2, decoder_mlp_width=12,
    )  # fmt: skip


def masks_by_hand(inherited: NDArray[np.bool_], noise: Noise, *, dropped: float) -> tuple[NDArray[np.bool_], list[list[int]]]:
    """Steps 2 to 4: the artificial mask and the kept tokens of each row, in order."""
    artificial, kept = np.zeros_like(inherited), []
    for b in range(len(inherited)):
        strategy = int(3 * noise.strategy[b, 0])
        for signal in range(SIGNALS):
            for time in range(TIMES):
                n = signal * TIMES + time
                chance = (noise.tokens[b, n] < 0.8, noise.times[b, time] < 0.5, noise.signals[b, signal] < 0.5)
                artificial[b, n] = bool(chance[strategy])
        masked = inherited[b] | artificial[b]
        key = [100.0 * masked[n] + float(noise.order[b, n]) for n in range(N)]
        kept.append(sorted(range(N), key=lambda n: key[n])[: int(N * (1 - dropped))])
    return artificial, kept


def place_by_hand(n: int, width: int, numbers: tuple[int, ...] = (0, 10, 23)) -> Floats:
    """[sines and cosines of the signal's number in the registry, the same of the time]; hr 0, steps 10, temp 23."""
    out: list[float] = []
    for position in (numbers[n // TIMES], n % TIMES):
        rates = [10000.0 ** (-i / (width // 4)) for i in range(width // 4)]
        out += [np.sin(position * rate) for rate in rates] + [np.cos(position * rate) for rate in rates]
    return np.array(out)


def guess_by_hand(values: Floats, kept: list[int], masked: NDArray[np.bool_], weights: Mapping[str, Floats]) -> Floats:
    """Steps 5 and 6 for one row, (N, PATCH) -> (N, PATCH)."""
    gone = [bool(masked[n]) for n in kept]
    keys = [False, *gone[1:]] if all(gone) else gone  # somebody must be looked at
    tokens = [linear(values[n], weights, "encoder.patches") + place_by_hand(n, 8) for n in kept]
    for layer in range(2):
        tokens = block_by_hand(tokens, keys, weights, f"encoder.blocks.{layer}")
    latent = {n: norm(x, weights, "encoder.norm") for n, x in zip(kept, tokens, strict=True)}
    full = []
    for n in range(N):
        is_seen = n in latent and not masked[n]
        full.append(linear(latent[n], weights, "decoder.embed") if is_seen else weights["decoder.mask_token"])
        full[n] = full[n] + place_by_hand(n, 8)
    for layer in range(2):
        full = block_by_hand(full, [False] * N, weights, f"decoder.blocks.{layer}")
    return np.array([linear(norm(x, weights, "decoder.norm"), weights, "decoder.predict") for x in full])


@pytest.mark.parametrize("pack", [True, False])
@pytest.mark.parametrize("dropped", [0.0, 0.5, 0.75])
def test_masks_reconstruction_and_loss_equal_the_algorithm_written_with_loops(pack: bool, dropped: float) -> None:
    recipe, rows = LSM2(config(pack=pack, dropped=dropped), seed=1), 6
    generator = torch.Generator().manual_seed(2)
    values = torch.randn(rows, N, PATCH, generator=generator)
    inherited = torch.rand(rows, N, generator=generator) < torch.tensor([0.0, 0.2, 0.5, 0.5, 0.9, 1.0])[:, None]
    values = torch.where(inherited[..., None], 0.0, values)
    noise = recipe.draw(rows, Draws(seed=3), device=values.device)
    masks = recipe.mask(inherited, noise)
    artificial, kept = masks_by_hand(inherited.numpy(), noise, dropped=dropped)
    assert np.array_equal(masks.artificial.numpy(), artificial)
    assert masks.budget.kept.tolist() == kept

    weights = {name: tensor.double().numpy() for name, tensor in recipe.state_dict().items()}
    with torch.no_grad():
        guess = recipe.reconstruct(values, masks.seen, masks.budget)
    errors = []
    for b in range(rows):
        masked = inherited[b].numpy() | artificial[b]
        by_hand = guess_by_hand(values[b].double().numpy(), kept[b], masked, weights)
        torch.testing.assert_close(guess[b].double(), torch.from_numpy(by_hand), rtol=1e-4, atol=1e-5)
        for n in range(N):
            if artificial[b, n] and not inherited[b, n]:
                errors.append(((by_hand[n] - values[b, n].double().numpy()) ** 2).mean())
    ours = (guess - values).square()[masks.scored].mean()
    assert float(ours) == pytest.approx(np.mean(errors), rel=1e-4)


def test_the_published_construction_has_25_million_parameters() -> None:
    recipe = LSM2(paper())
    encoder = sum(parameter.numel() for parameter in recipe.encoder.parameters())
    decoder = sum(parameter.numel() for parameter in recipe.decoder.parameters())
    assert (encoder, decoder) == (21_298_560, 3_260_938)
    assert 24e6 < encoder + decoder < 25e6
