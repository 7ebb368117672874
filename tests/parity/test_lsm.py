"""LSM against what is known of it: sizes of the family, shapes, and the algorithm written out with loops.

Neither code nor weights were published, so there are no outputs to compare with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from tests.contracts.cases.lsm import CASE
from wearfm.nn.draws import Draws
from wearfm.recipes.lsm import LSM, MASKS, LSMConfig, vit_base, vit_large, vit_small, vit_tiny
from wearfm.signals.minutes.features import MINUTE_FEATURES, MINUTE_HZ
from wearfm.windows.batch import Batch, Signal

Image = list[list[float | None]]  # feature, minute; None where not measured


@pytest.mark.parametrize(
    ("config", "millions"),
    [(vit_tiny(), 2), (vit_small(), 7), (vit_base(), 110), (vit_large(), 328)],
    ids=["tiny", "small", "base", "large"],
)
def test_the_family_has_the_published_numbers_of_parameters(config: LSMConfig, millions: int) -> None:
    with torch.device("meta"):
        count = sum(p.numel() for p in LSM(config).parameters())
    assert abs(count / 1e6 - millions) <= 0.02 * millions


def test_an_image_is_180_tokens_of_which_36_are_encoded() -> None:
    recipe = LSM(replace(vit_tiny(), depth=0, decoder_depth=0))
    assert recipe.encoder.positions.table.shape == (180, 192)
    assert recipe.draw_mask(2, Draws(seed=0)).kept.shape == (2, 36)


# --- the algorithm with loops: one window, one feature, one minute after the other


def impute_by_hand(series: Sequence[float | None], longest: int) -> list[float]:
    known = [t for t, x in enumerate(series) if x is not None]
    out = []
    for t, x in enumerate(series):
        left = max((k for k in known if k < t), default=None)
        right = min((k for k in known if k > t), default=None)
        if x is not None:
            out.append(x)
        elif left is None or right is None or right - left - 1 > longest:
            out.append(0.0)
        else:
            out.append(series[left] + (series[right] - series[left]) * (t - left) / (right - left))
    return out


def hidden_by_hand(noise: list[float], scheme: str, lines: list[float], rows: int, columns: int, shown: int) -> set[int]:
    """Number of every hidden token: those that come last by row or column and then by their own noise."""
    key = {
        "random": lambda n: (noise[n],),
        "temporal": lambda n: (lines[n // columns], noise[n]),
        "forecast": lambda n: (n // columns, noise[n]),
        "sensor": lambda n: (lines[n % columns], noise[n]),
    }[scheme]
    return set(sorted(range(rows * columns), key=key)[shown:])


def cells_by_hand(config: LSMConfig) -> dict[tuple[int, int], tuple[int, int]]:
    """(feature of the config, minute) -> (token, number within it)."""
    registry = list(MINUTE_FEATURES)
    minutes, size = config.patch
    columns = sorted({registry.index(name) // size for name in config.features})
    found = {}
    for number, name in enumerate(config.features):
        place = registry.index(name)
        for t in range(config.minutes):
            token = t // minutes * len(columns) + columns.index(place // size)
            found[number, t] = token, t % minutes * size + place % size
    return found


def loss_by_hand(recipe: LSM, windows: list[Image], noise: list[list[float]], lines: list[list[float]], scheme: str) -> float:
    config, cells = recipe.config, cells_by_hand(recipe.config)
    rows, columns = config.grid
    shown = round(rows * columns * (1 - config.hidden_share))
    squares = []
    for image, token_noise, line_noise in zip(windows, noise, lines, strict=True):
        hidden = hidden_by_hand(token_noise, scheme, line_noise, rows, columns, shown)
        standard: Image = [
            [None if x is None else (x - recipe.mean[c].item()) / recipe.std[c].item() for x in series]
            for c, series in enumerate(image)
        ]
        seen = [[None if cells[c, t][0] in hidden else x for t, x in enumerate(series)] for c, series in enumerate(standard)]
        tiles = torch.zeros(rows * columns, config.patch[0] * config.patch[1])
        for c, series in enumerate(seen):
            for t, x in enumerate(impute_by_hand(series, config.interpolated_min)):
                tiles[cells[c, t]] = x
        decoded = decode_by_hand(recipe, tiles, hidden)
        for (c, t), place in cells.items():
            if place[0] in hidden and standard[c][t] is not None:
                squares.append((decoded[place].item() - standard[c][t]) ** 2)
    return sum(squares) / max(len(squares), 1)


def decode_by_hand(recipe: LSM, tiles: Tensor, hidden: set[int]) -> Tensor:
    """Tokens of the shown tiles in natural order, mask tokens elsewhere, all tiles back."""
    encoder, decoder = recipe.encoder, recipe.decoder
    order = [n for n in range(len(tiles)) if n not in hidden]
    weight = encoder.patches.weight.flatten(1)
    tokens = torch.stack([weight @ tiles[n] + encoder.patches.bias + encoder.positions.table[n] for n in order])[None]
    for block in encoder.blocks:
        tokens = block(tokens)
    latent = decoder.embed(encoder.norm(tokens))[0]
    full = [latent[order.index(n)] if n in order else decoder.mask_token[0, 0] for n in range(len(tiles))]
    tokens = (torch.stack(full) + decoder.positions.table)[None]
    for block in decoder.blocks:
        tokens = block(tokens)
    return decoder.predict(decoder.norm(tokens))[0]


class Stored:
    """Draws that return stored noise in the order in which it is asked for."""

    def __init__(self, *noise: Tensor) -> None:
        self.noise = list(noise)

    def uniform(self, rows: int, *shape: int, device: torch.device | None = None) -> Tensor:
        noise = self.noise.pop(0)
        assert tuple(noise.shape) == (rows, *shape)
        return noise


@torch.no_grad()
@pytest.mark.parametrize("scheme", ["random", "temporal", "forecast", "sensor"])
@pytest.mark.parametrize("share", [0.5, 0.8])
def test_the_loss_is_what_the_loops_give(scheme: str, share: float) -> None:
    recipe = CASE.make(hidden_share=share, interpolated_min=4, **MASKS[scheme]).eval()
    generator = torch.Generator().manual_seed(2)
    recipe.mean.uniform_(-1, 1, generator=generator)
    recipe.std.uniform_(0.5, 2, generator=generator)
    names, (rows, columns) = recipe.config.features, recipe.config.grid
    values = torch.randn(3, len(names), recipe.config.minutes, generator=generator)
    valid = torch.rand(values.shape, generator=generator) > 0.4
    valid[1, 0] = False
    noise = torch.rand(3, rows * columns, generator=generator)
    lines = torch.rand(3, columns if scheme == "sensor" else rows, generator=generator)
    streams = {
        name: Signal(signal=values[:, c : c + 1], valid=valid[:, c : c + 1], rate_hz=MINUTE_HZ) for c, name in enumerate(names)
    }
    number = torch.arange(3)
    batch = Batch(streams=streams, participant=number, recording=number, start_ns=number, local_ns=number)
    windows = [
        [[x if ok else None for x, ok in zip(*pair, strict=True)] for pair in zip(v.tolist(), k.tolist(), strict=True)]
        for v, k in zip(values, valid, strict=True)
    ]
    expected = loss_by_hand(recipe, windows, noise.tolist(), lines.tolist(), scheme)
    loss = recipe.loss(batch, Stored(noise, lines))  # type: ignore[arg-type]
    torch.testing.assert_close(loss.total, torch.tensor(expected))
