"""The hybrid is ours, so there is no original: its whole loss is written again from the definition, with loops, in float64."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tests.parity.transformer import Floats, Weights, block_by_hand, linear, norm
from tests.toy import toy_batch
from wearfm.augment import corrupt
from wearfm.nn.draws import Draws
from wearfm.recipes.hybrid import Hybrid, HybridConfig, small
from wearfm.windows.batch import Batch

CHANNELS, TIMES, PATCH, ROWS = 2, 6, 4, 6
N = CHANNELS * TIMES
CONFIG = replace(
    small(), channels=CHANNELS, rate_hz=8.0, window_s=3.0, patch=PATCH, width=8, depth=2, heads=2, mlp_width=12,
    decoder_width=8, decoder_depth=1, decoder_heads=2, decoder_mlp_width=12, hidden_size=10, projection_size=6,
    corruption_weight=0.3, beat_weight=0.7, koleo_weight=0.2, contrast_weight=0.4, mask_share=0.4,
    scale=0.0, warp_magnitude=0.0, noise=0.0,
)  # fmt: skip
PEOPLE = torch.tensor([0, 0, 1, 1, 0, 0])  # the first and the third pair are the same person's
WAIT_S = torch.tensor([0.3, 0.8, float("nan"), 1.2, 0.05, 1.9])  # the last lies behind the horizon


def _batch() -> Batch:
    batch = toy_batch(ROWS, seed=3, channels={"ppg": CHANNELS}, length=TIMES * PATCH, rate_hz=8.0, group_size=2)
    stream = batch.streams["ppg"]
    valid = stream.valid.clone()
    valid[0, :, 8:13] = False  # one patch and a sample of the next, in both channels
    batch = replace(batch, streams={"ppg": replace(stream, valid=valid, signal=torch.where(valid, stream.signal, 0.0))})
    return replace(batch, participant=PEOPLE, targets={"next_beat_s": WAIT_S})


def _standardised(signal: Floats, valid: NDArray[np.bool_]) -> Floats:
    out = np.zeros_like(signal)
    for b in range(ROWS):
        for c in range(CHANNELS):
            inside = signal[b, c][valid[b, c]]
            if len(inside) and inside.std() > 0:
                out[b, c][valid[b, c]] = (inside - inside.mean()) / inside.std()
    return out


def _place(n: int, width: int) -> Floats:
    """[sines and cosines of the time, the same of the channel]."""
    out: list[float] = []
    for position in (n % TIMES, n // TIMES):
        rates = [10000.0 ** (-i / (width // 4)) for i in range(width // 4)]
        out += [np.sin(position * rate) for rate in rates] + [np.cos(position * rate) for rate in rates]
    return np.array(out)


def _seen_and_hidden(valid: NDArray[np.bool_], noise: Floats, share: float) -> tuple[list[list[int]], list[list[int]]]:
    """Of the moments with a valid sample, those with the smallest noise are seen; tokens without a sample are neither."""
    seen, hidden = [], []
    for b in range(ROWS):
        there = [t for t in range(TIMES) if valid[b, :, t * PATCH : (t + 1) * PATCH].any()]
        shown = sorted(there, key=lambda t: noise[b, t])[: max(1, round((1 - share) * len(there)))]
        tokens = [n for n in range(N) if valid[b, n // TIMES, n % TIMES * PATCH : (n % TIMES + 1) * PATCH].any()]
        seen.append([n for n in tokens if n % TIMES in shown])
        hidden.append([n for n in tokens if n % TIMES not in shown])
    return seen, hidden


def _encoded(window: Floats, seen: list[int], weights: Weights) -> list[Floats]:
    patches = window.reshape(N, PATCH)
    tokens = [linear(patches[n], weights, "encoder.patches") + _place(n, 8) for n in seen]
    for layer in range(CONFIG.depth):
        tokens = block_by_hand(tokens, [False] * len(tokens), weights, f"encoder.blocks.{layer}")
    return [norm(x, weights, "encoder.norm") for x in tokens]


def _guessed(latent: list[Floats], seen: list[int], weights: Weights) -> Floats:
    full = []
    for n in range(N):
        token = linear(latent[seen.index(n)], weights, "decoder.embed") if n in seen else weights["decoder.mask_token"]
        full.append(token + _place(n, 8))
    full = block_by_hand(full, [False] * N, weights, "decoder.blocks.0")
    return np.array([linear(norm(x, weights, "decoder.norm"), weights, "decoder.predict") for x in full])


def _head(vector: Floats, weights: Weights, name: str) -> Floats:
    return linear(np.maximum(linear(vector, weights, f"{name}.inner"), 0), weights, f"{name}.outer")


def _reconstruction(
    config: HybridConfig, windows: Floats, valid: NDArray[np.bool_], guesses: list[Floats], hidden: list[list[int]]
) -> float:
    errors = []
    for b in range(ROWS):
        for n in hidden[b]:
            target, inside = windows[b].reshape(N, PATCH)[n], valid[b].reshape(N, PATCH)[n]
            if config.is_patch_normalised:
                known = target[inside]
                target = (target - known.mean()) / np.sqrt(known.var() + 1e-6)
            errors += [(guesses[b][n, i] - target[i]) ** 2 for i in range(PATCH) if inside[i]]
    return float(np.mean(errors))


def _contrast(config: HybridConfig, vectors: list[Floats], weights: Weights) -> float:
    mean, deviation = np.mean(vectors, axis=0), np.sqrt(np.var(vectors, axis=0) + 1e-5)
    units = [_head((vector - mean) / deviation, weights, "projector") for vector in vectors]
    units = [unit / np.linalg.norm(unit) for unit in units]
    terms = []
    for anchor in range(ROWS):
        partner = anchor + 1 - 2 * (anchor % 2)
        rivals = [partner] + [row for row in range(ROWS) if PEOPLE[row] != PEOPLE[anchor]]
        scores = [units[anchor] @ units[row] / config.temperature for row in rivals]
        terms.append(np.log(np.sum(np.exp(scores))) - scores[0])
    return float(np.mean(terms))


def _koleo(vectors: list[Floats]) -> float:
    units = [vector / np.linalg.norm(vector) for vector in vectors]
    means = []
    for side in (0, 1):
        own = units[side::2]
        nearest = [min(np.linalg.norm(u - v) for j, v in enumerate(own) if j != i) for i, u in enumerate(own)]
        means.append(-np.mean(np.log(nearest)))
    return float(np.mean(means))


def _beat(config: HybridConfig, vectors: list[Floats], weights: Weights) -> tuple[float, float]:
    costs, errors = [], []
    for vector, wait in zip(vectors, WAIT_S.tolist(), strict=True):
        if not wait <= config.horizon_s:
            continue
        guess = config.horizon_s / (1 + np.exp(-_head(vector, weights, "beat")[0]))
        apart = abs(guess - wait) / 0.8
        costs.append(apart**2 / 0.2 if apart < 0.1 else apart - 0.05)
        errors.append(abs(guess - wait))
    return float(np.mean(costs)), float(np.mean(errors))


@pytest.mark.parametrize(("is_patch_normalised", "pooled"), [(False, "whole"), (True, "visible")])
def test_the_loss_and_all_its_parts_equal_the_definition_written_with_loops(is_patch_normalised: bool, pooled: str) -> None:
    config = replace(CONFIG, is_patch_normalised=is_patch_normalised, pooled=pooled)
    recipe, batch = Hybrid(config, seed=1), _batch()
    weights = {name: tensor.double().numpy() for name, tensor in recipe.state_dict().items()}
    signal, valid = batch.streams["ppg"].signal.double().numpy(), batch.streams["ppg"].valid.numpy()
    windows = _standardised(signal, valid)

    draws = Draws(seed=5)
    seen, hidden = _seen_and_hidden(valid, draws.uniform(ROWS, TIMES).double().numpy(), config.mask_share)
    latent = [_encoded(windows[b], seen[b], weights) for b in range(ROWS)]
    read = latent if pooled == "visible" else [_encoded(windows[b], sorted(seen[b] + hidden[b]), weights) for b in range(ROWS)]
    vectors = [np.mean(tokens, axis=0) for tokens in read]
    guesses = [_guessed(latent[b], seen[b], weights) for b in range(ROWS)]
    made = corrupt(torch.from_numpy(windows).float(), torch.from_numpy(valid), draws, rate_hz=8.0, strength=1.0)
    corrupted = _standardised(made.signal.double().numpy(), valid)
    costs, right = [], []
    for b in range(ROWS):
        logits = _head(np.mean(_encoded(corrupted[b], sorted(seen[b] + hidden[b]), weights), axis=0), weights, "corruption")
        costs.append(np.log(np.sum(np.exp(logits))) - logits[int(made.kind[b])])
        right.append(int(np.argmax(logits)) == int(made.kind[b]))

    beat, beat_error_s = _beat(config, vectors, weights)
    by_hand = {
        "reconstruction": _reconstruction(config, windows, valid, guesses, hidden),
        "contrast": _contrast(config, vectors, weights),
        "koleo": _koleo(vectors),
        "corruption": float(np.mean(costs)),
        "corruption_accuracy": float(np.mean(right)),
        "beat": beat,
        "beat_error_s": beat_error_s,
        "beat_known": 4 / 6,
    }
    loss = recipe.loss(batch, Draws(seed=5))
    assert {name: float(loss.parts[name]) for name in by_hand} == pytest.approx(by_hand, rel=1e-4, abs=1e-5)
    total = (
        by_hand["reconstruction"] + 0.4 * by_hand["contrast"] + 0.2 * by_hand["koleo"] + 0.3 * by_hand["corruption"]
        + 0.7 * by_hand["beat"]
    )  # fmt: skip
    assert float(loss.total.detach()) == pytest.approx(total, rel=1e-4)
    assert len(set(map(len, seen))) > 1, "rows of different lengths were meant to be compared"
