"""RelCon: windows of movement are near each other as far as one can be rebuilt from the other, and so are their embeddings.

Xu et al. 2025 (ICLR, arXiv:2411.18822), "RelCon: Relative Contrastive Learning for a Motion Foundation Model for Wearable
Data"; [code] is maxxu05/relcon @aed836f and its released configuration. Weights were not released.

    stage "distance"   window ── altered twice ── key ──┐
                          └────────────────────── query ┴─ MotifNet ── squared error of the rebuilt query
    stage "encoder"    anchors, candidates ─┬─ the frozen MotifNet ── who is nearer ──┐
                                            └─ ResNet1D ── mean over time ── cosines ─┴─ relative contrast

Same as published: both networks, the eight alterations, both losses, no projection head, no augmentation of what the encoder
sees. Different unless preset "paper" is chosen: the distance is trained with the softmax attention it is used with ([code]
trains with sparsemax). What else is ours stands in `wearfm.recipes.relative`, which has all but the numbers, the alterations
and the names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from math import pi
from typing import Any, ClassVar, Self

import torch
from torch import Tensor

from wearfm.augment import (
    Augmentation,
    negate,
    permute_segments,
    reverse,
    rotate,
    scale_channels,
    switch_axes,
    warp_pace,
    white_noise,
)
from wearfm.nn.backbones.resnet1d import Layer, ResNet1D, Stem
from wearfm.nn.draws import Draws
from wearfm.recipes.relative import Prepared, RelativeConfig, RelativeRecipe, Task, motif_sizes


@dataclass(frozen=True, kw_only=True)
class RelConConfig(RelativeConfig):
    """RelCon's own numbers besides."""

    # encoder
    stem_kernel: int = 7  # samples, stride 2, then a max pool of 3 with stride 2 [code]
    widths: tuple[int, ...] = (64, 128, 256)  # of the groups of blocks; the stem has the first [code]
    repeats: tuple[int, ...] = (3, 4, 6)  # blocks of each group [code]
    kernels: tuple[int, ...] = (3, 4, 4)  # samples [code]
    # how a window is altered to train the distance
    alterations: int = 2  # of the eight, different ones, one after the other [code]
    noise_g: float = 0.1  # standard deviation [code]
    gain_deviation: float = 0.25  # of a factor around 1, one an axis [code]
    segments: int = 5  # that are put in another order [code]
    shortest_segment: int = 10  # ours: samples
    warp_deviation: float = 0.2  # of the pace, around 1 [code]
    warp_knots: int = 4  # between the two at the ends [code]

    def rules(self) -> Iterator[tuple[str, bool, str]]:
        """Yield (setting and value, whether it is fine, rule and remedy)."""
        yield from super().rules()
        groups = len(self.widths), len(self.repeats), len(self.kernels)
        yield f"widths, repeats, kernels of {groups} groups", len(set(groups)) == 1 and groups[0] > 0, "give each as many"
        yield f"channels={self.channels}", self.channels % 3 == 0 and self.channels > 0, "give x, y, z of every sensor"
        yield f"alterations={self.alterations}", 1 <= self.alterations <= 8, "choose 1 to 8 of the eight"
        shortest = self.stem_kernel + 4
        yield f"{self.length} samples a window", self.length >= shortest, f"the stem needs {shortest}; raise window_s"

    def encoder(self) -> ResNet1D:
        """Return a fresh encoder: 3,635,840 parameters as published."""
        groups = zip(self.widths, self.repeats, self.kernels, strict=True)
        return ResNet1D(
            self.channels,
            stem=Stem(width=self.widths[0], kernel=self.stem_kernel, stride=2, is_padded=False, pool=(3, 2)),
            layers=[Layer(width=width, kernel=kernel) for width, repeat, kernel in groups for _ in range(repeat)],
            shortcut="project",
            has_active_start=True,
        )

    def changes(self) -> tuple[Augmentation, ...]:
        """Return the eight alterations [code]; the time warp in the dialect of `warp_pace` (ours)."""
        permute = partial(permute_segments, segments=self.segments, shortest=self.shortest_segment, with_identity=False)
        return (
            partial(white_noise, lowest=self.noise_g, highest=self.noise_g),
            partial(scale_channels, deviation=self.gain_deviation),
            partial(rotate, largest_angle=pi),
            negate,
            reverse,
            partial(switch_axes, with_identity=False),
            permute,
            partial(warp_pace, knots=self.warp_knots, deviation=self.warp_deviation, is_shared=True),
        )


def paper() -> RelConConfig:
    """The released configuration with its quirks [code]; train the distance with Adam, 1e-3."""
    return RelConConfig(min_valid=1.0, attention="sparsemax_in_training")


def small() -> RelConConfig:
    """50 Hz, 36 thousand parameters, and a distance that needs no first stage. All numbers ours."""
    return RelConConfig(
        rate_hz=50.0,
        candidates=5,
        distance="spectrum",
        motif_width=16,
        widths=(16, 32, 64),
        repeats=(1, 1, 1),
        warp_knots=3,
    )


class RelCon(RelativeRecipe):
    """The recipe; construction is a pure function of config and seed."""

    name: ClassVar[str] = "relcon"
    Config: ClassVar[type[RelConConfig]] = RelConConfig
    config: RelConConfig

    @classmethod
    def presets(cls) -> Mapping[str, Callable[[], RelConConfig]]:
        """Return the presets by name; "default" is the published network with our choices."""
        return {"paper": paper, "default": RelConConfig, "small": small}

    def pool(self, maps: Tensor) -> Tensor:
        """Return the mean over time, (B, D, N) -> (B, D)."""
        return maps.mean(dim=2)

    def task(self, prepared: Prepared, draws: Draws) -> Task:
        """Return an altered copy to rebuild the whole window from."""
        signal, valid = prepared
        key, key_valid = alter(signal, valid, draws, changes=self.config.changes(), count=self.config.alterations)
        return Task(key, key_valid, visible=valid, scored=valid)

    @classmethod
    def encoder_names(cls) -> tuple[tuple[str, str], ...]:
        """Return the table (ours, original) of the encoder's names."""
        return ENCODER_NAMES

    @classmethod
    def from_original(cls, state: Mapping[str, Any], **settings: Any) -> Self:
        """Return a recipe holding an encoder (193 tensors) or a distance (34) in the names of [code]; strict.

        state: the tensors, or a checkpoint of [code], whose entry "net" holds them. Which network it is decides the stage, and
        shapes decide sizes; settings: other fields of `Config` on top of "paper". An encoder needs `after` before it
        can be trained on.
        """
        given = state.get("net", state)
        if "revin.affine_weight" in given:
            return cls.import_into(cls(replace(paper(), stage="distance", **{**motif_sizes(given), **settings})), given)
        return cls.import_into(cls(replace(paper(), **{**_encoder_sizes(given), **settings})), given)


def alter(signal: Tensor, valid: Tensor, draws: Draws, *, changes: Sequence[Augmentation], count: int) -> tuple[Tensor, Tensor]:
    """Return windows after `count` different changes, drawn and put in order for each row by itself.

    signal, valid: (B, C, T). Every change is computed for every row each time, so that no row's numbers depend on others.
    """
    order = draws.permutation(len(signal), len(changes), device=signal.device)[:, :count]
    row = torch.arange(len(signal), device=signal.device)
    for chosen in order.unbind(dim=1):
        outcomes = [change(signal, valid, draws) for change in changes]
        signal = torch.stack([outcome[0] for outcome in outcomes])[chosen, row]  # (K, B, C, T) -> (B, C, T)
        valid = torch.stack([outcome[1] for outcome in outcomes])[chosen, row]
    return signal, valid


ENCODER_NAMES = (
    (r"^encoder\.stem\.conv\.", "first_block_conv."),
    (r"^encoder\.stem\.norm\.", "first_block_bn."),
    (r"^encoder\.blocks\.(\d+)\.norm", r"basicblock_list.\1.bn"),
    (r"^encoder\.blocks\.(\d+)\.conv", r"basicblock_list.\1.conv"),
    (r"^encoder\.blocks\.(\d+)\.project\.", r"basicblock_list.\1.projection_conv."),
)


def _encoder_sizes(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Return the config fields that the shapes of an original encoder tell; blocks of one width and kernel are a group."""
    stem = state.get("first_block_conv.weight")
    blocks: list[tuple[int, int]] = []
    while f"basicblock_list.{len(blocks)}.conv1.weight" in state:
        shape = state[f"basicblock_list.{len(blocks)}.conv1.weight"].shape
        blocks.append((shape[0], shape[2]))
    if stem is None or not blocks:
        return {}
    groups = [(width, kernel, len(list(same))) for (width, kernel), same in groupby(blocks)]
    widths, kernels, repeats = zip(*groups, strict=True)
    return {
        "channels": stem.shape[1],
        "stem_kernel": stem.shape[2],
        "widths": widths,
        "repeats": repeats,
        "kernels": kernels,
    }
