"""Nothing of LTA2V was published but its existence; what is checked is what this library says of it.

Sizes, that SelfPAB's spectra are underneath, and the hiding of blocks written as loops over tokens.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from wearfm.errors import BadConfiguration
from wearfm.nn.draws import Draws
from wearfm.recipes.lta2v import LTA2V, LTA2VConfig, Noise, epochs, hide, paper, small
from wearfm.recipes.selfpab import SelfPAB
from wearfm.recipes.selfpab import paper as selfpab_paper
from wearfm.windows.batch import Batch, Signal


@pytest.mark.parametrize(
    ("config", "count"), [(paper(), 4_909_624), (small(), 116_070), (epochs(), 202_946)], ids=["paper", "small", "epochs"]
)
def test_the_number_of_parameters_is_the_one_on_the_page(config: LTA2VConfig, count: int) -> None:
    with torch.device("meta"):
        recipe = LTA2V(config)
    assert sum(p.numel() for p in recipe.parameters()) == count


def test_there_are_no_published_weights_to_take() -> None:
    with pytest.raises(BadConfiguration, match="no weights of lta2v were published"):
        LTA2V.from_original({})


def test_an_epoch_is_the_mean_and_deviation_of_the_frames_that_selfpab_sees() -> None:
    ours, frames = replace(paper(), window_s=3600.0), replace(selfpab_paper(), window_s=30.0)
    signal = torch.randn(2, 6, 180_000, generator=torch.Generator().manual_seed(0))
    number = torch.arange(2)

    def windows(samples: torch.Tensor) -> Batch:
        stream = Signal(signal=samples, valid=torch.ones_like(samples, dtype=torch.bool), rate_hz=50.0)
        return Batch(streams={"acc": stream}, participant=number, recording=number, start_ns=number, local_ns=number)

    with torch.device("meta"):
        selfpab, lta2v = SelfPAB(frames), LTA2V(ours)
    series = lta2v.series(windows(signal))
    inside = selfpab.series(windows(signal[:, :, 1500 * 7 : 1500 * 8])).values  # (2, 6 * 26, 59)
    for channel, bin_ in ((0, 0), (3, 5), (5, 25)):
        values = inside[:, channel * 26 + bin_]
        for kind, expected in (("mean", values.mean(dim=1)), ("std", values.std(dim=1, correction=0))):
            made = series.values[:, series.names.index(f"acc {channel} {kind} {bin_} Hz"), 7]
            torch.testing.assert_close(made, expected, rtol=1e-4, atol=1e-6)


def hidden_by_hand(noise: Noise, row: int, config: LTA2VConfig) -> list[list[bool]]:
    """Token after token, block after block."""
    lengths = [config.block_shortest + int(u * (config.block_longest - config.block_shortest + 1)) for u in noise.lengths[row]]
    start = -int(noise.offset[row] * lengths[0])
    blocks = []
    for length in lengths:
        blocks.append([n for n in range(start, start + length) if 0 <= n < config.num_tokens])
        start += length
    wanted = (config.share_lowest + noise.share[row] * (config.share_highest - config.share_lowest)) * config.num_tokens
    gone: set[int] = set()
    for block in sorted(range(len(blocks)), key=lambda number: float(noise.order[row, number])):
        if len(gone) >= wanted:
            break
        gone |= set(blocks[block])
    bands: set[int] = set()
    if noise.band[row] < config.band_probability:
        bands = {first + step for first in noise.bands[row].tolist() for step in range(config.band_block)}
    return [[n in gone or k in bands for k in range(config.features[0])] for n in range(config.num_tokens)]


@pytest.mark.parametrize("config", [replace(paper(), window_s=7200.0), small(), epochs()], ids=["two hours", "small", "epochs"])
def test_what_is_hidden_is_what_the_loops_hide(config: LTA2VConfig) -> None:
    with torch.device("meta"):
        recipe = LTA2V(config)
    recipe.mean = torch.zeros(1)  # where draws go
    noise = recipe.draw(20, Draws(seed=2))
    made = hide(noise, config=config)[..., 0]
    assert [made[row].tolist() for row in range(20)] == [hidden_by_hand(noise, row, config) for row in range(20)]
