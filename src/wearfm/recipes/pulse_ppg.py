"""Pulse-PPG: windows of field PPG are near each other as far as one explains what is hidden of the other.

Saha, Xu et al. 2025 (IMWUT 9(3), arXiv:2502.01108, doi:10.1145/3749494); [code] is maxxu05/pulseppg @716eaf9 and its released
configuration. RelCon (`wearfm.recipes.relcon`) on another signal:

    stage "distance"   window, 6 s hidden ── query ──┐
                       the same window ───── key ────┴─ MotifNet, every 10th sample ── squared error where it was hidden
    stage "encoder"    anchors, candidates ─┬─ the frozen MotifNet, half of the anchor hidden ── who is nearer ──┐
                                            └─ ResNet1D ── max over time ── cosines ─────────────────────────────┴─ loss

Same as published: both networks, max pooling (the text says mean), one candidate of the same person, both losses. Different
unless preset "paper" is chosen: softmax attention also while the distance is trained; distances are averaged over four hidden
halves instead of hanging on one draw; dropout drops whole channels. Ours throughout: each window is standardised by its own
valid samples, for the distance too ([code] knows each person's mean and deviation); the half that is hidden follows from seed
and step; the first block's unused batch norm is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar, Self

import torch
from torch import Tensor

from wearfm.nn.backbones.post_norm import drop
from wearfm.nn.backbones.resnet1d import Drop, Layer, ResNet1D, Stem
from wearfm.nn.draws import Draws
from wearfm.nn.motif import measure
from wearfm.nn.normalise import standardise
from wearfm.recipes.relative import Prepared, RelativeConfig, RelativeRecipe, Task, motif_sizes
from wearfm.windows.batch import Batch


@dataclass(frozen=True, kw_only=True)
class PulsePPGConfig(RelativeConfig):
    """Pulse-PPG's own numbers; [code] is the released configuration, "ours" a choice of this library."""

    # input
    modality: str = "ppg"
    channels: int = 1
    rate_hz: float = 50.0  # [code]
    window_s: float = 240.0  # 12,000 samples [paper]; the encoder takes windows of any length
    variance_floor: float = 0.0  # ours; [code] adds 1e-5 to each window's variance, which flattens small units
    # candidates
    candidates: int = 1  # [code]
    # distance
    motif_depth: int = 5  # [code]
    motif_stride: int = 10  # 0.2 s [code]
    hidden_block_s: float = 6.0  # hidden at once while the distance is trained [code]
    scoring_share: float = 0.5  # of the time points hidden to score [code]
    scoring_masks: int = 4  # ours: averaged; [code] takes 1
    # encoder
    width: int = 128  # of the first blocks [code]
    kernel: int = 11  # samples [code]
    blocks: int = 12  # every second one halves the rate [code]
    blocks_per_width: int = 4  # before the width doubles [code]
    dropout: float = 0.5  # before the convolutions of the blocks [code]
    drops_channels: bool = True  # ours: one throw a channel and window; False: one for every sample [code]

    def rules(self) -> Iterator[tuple[str, bool, str]]:
        """Yield (setting and value, whether it is fine, rule and remedy)."""
        yield from super().rules()
        yield f"channels={self.channels}", self.channels >= 1, "a window needs at least 1"
        is_block = self.motif_stride / self.rate_hz <= self.hidden_block_s < self.window_s or self.stage != "distance"
        yield f"hidden_block_s={self.hidden_block_s:g}", is_block, "hide at least one stride, and less than the window"
        yield f"scoring_share={self.scoring_share:g}", 0 < self.scoring_share < 1, "hide a part, neither nothing nor all"
        yield f"scoring_masks={self.scoring_masks}", self.scoring_masks >= 1, "a distance needs at least 1"
        yield f"blocks={self.blocks}", min(self.blocks, self.blocks_per_width) >= 1, "use at least 1, in each width too"
        yield f"variance_floor={self.variance_floor:g}", self.variance_floor >= 0, "it is added to a variance: use 0 or more"
        yield f"dropout={self.dropout:g}", 0 <= self.dropout < 1, "it must lie in [0, 1)"

    def encoder(self) -> ResNet1D:
        """Return a fresh encoder: 28,497,664 parameters as published, less 256 that are stored there and never used."""
        layers = [
            Layer(width=self.width * 2 ** (number // self.blocks_per_width), kernel=self.kernel, stride=1 + number % 2)
            for number in range(self.blocks)
        ]
        stem = Stem(width=self.width, kernel=self.kernel)
        return ResNet1D(self.channels, stem=stem, layers=layers, shortcut="pad", has_active_start=False)


def paper() -> PulsePPGConfig:
    """The released configuration with its quirks [code]; train the distance with Adam, 1e-3, the encoder with 1e-4."""
    return PulsePPGConfig(
        min_valid=1.0, variance_floor=1e-5, attention="sparsemax_in_training", scoring_masks=1, drops_channels=False
    )


def small() -> PulsePPGConfig:
    """10 s, 210 thousand parameters, more candidates, and a distance that needs no first stage. All numbers ours."""
    return PulsePPGConfig(
        window_s=10.0,
        candidates=5,
        distance="spectrum",
        motif_width=16,
        motif_depth=3,
        motif_stride=5,
        hidden_block_s=1.5,
        width=16,
        blocks=6,
        blocks_per_width=2,
        dropout=0.1,
    )


class PulsePPG(RelativeRecipe):
    """The recipe; construction is a pure function of config and seed."""

    name: ClassVar[str] = "pulse_ppg"
    Config: ClassVar[type[PulsePPGConfig]] = PulsePPGConfig
    config: PulsePPGConfig

    @classmethod
    def presets(cls) -> Mapping[str, Callable[[], PulsePPGConfig]]:
        """Return the presets by name; "default" is the published network with our choices."""
        return {"paper": paper, "default": PulsePPGConfig, "small": small}

    def prepare(self, batch: Batch) -> Prepared:
        """Return each channel standardised over its valid samples; 0 in gaps and in channels that do not move."""
        signal, valid = super().prepare(batch)
        scaled, floor = standardise(signal, valid), self.config.variance_floor
        if floor > 0:
            scaled = scaled * measure(signal, valid, floor=0.0)[1] / measure(signal, valid, floor=floor)[1]
        return Prepared(scaled, valid)

    def pool(self, maps: Tensor) -> Tensor:
        """Return the largest value over time, (B, D, N) -> (B, D)."""
        return maps.amax(dim=2)

    def task(self, prepared: Prepared, draws: Draws) -> Task:
        """Return the window itself to rebuild a hidden block of it from."""
        signal, valid = prepared
        length, block = signal.shape[2], round(self.config.hidden_block_s * self.config.rate_hz)
        start = (draws.uniform(len(signal), 1, 1, device=signal.device) * (length - block + 1)).long()
        time = torch.arange(length, device=signal.device)
        hidden = (time >= start) & (time < start + block)  # (B, 1, T)
        return Task(signal, valid, visible=valid & ~hidden, scored=valid & hidden)

    def views(self, valid: Tensor, draws: Draws) -> list[tuple[Tensor, Tensor]]:
        """Return the halves in which anchors are scored: the same time points for all of them, in every process."""
        c, length = self.config, valid.shape[2]
        shared = Draws(seed=draws.seed, step=draws.step)
        count = round(c.scoring_share * length)
        hidden = shared.permutation(c.scoring_masks, length, device=valid.device) < count  # (masks, T)
        return [(valid & ~each, valid & each) for each in hidden]

    def dropout(self, draws: Draws) -> Drop | None:
        """Return the dropout before the convolutions of the encoder's blocks, while it is trained."""
        if not self.training or self.config.dropout == 0:
            return None
        if self.config.drops_channels:
            return partial(_drop_channels, share=self.config.dropout, draws=draws)
        return partial(drop, share=self.config.dropout, draws=draws)

    @classmethod
    def encoder_names(cls) -> tuple[tuple[str, str], ...]:
        """Return the table (ours, original) of the encoder's names."""
        return ENCODER_NAMES

    @classmethod
    def from_original(cls, state: Mapping[str, Any], **settings: Any) -> Self:
        """Return a recipe holding an encoder (175 tensors) or a distance (70) in the names of [code]; strict.

        state: the tensors, or a released checkpoint, whose entry "net" holds them. Which network it is decides the stage, and
        shapes decide sizes; settings: other fields of `Config` on top of "paper". The encoder's `basicblock_list.0.bn1` is
        stored but never used, there or here, and is ignored. An encoder needs `after` before it can be trained on.
        """
        given = state.get("net", state)
        if "revin.affine_weight" in given:
            return cls.import_into(cls(replace(paper(), stage="distance", **{**motif_sizes(given), **settings})), given)
        unused = frozenset(key for key in given if key.startswith("basicblock_list.0.bn1."))
        return cls.import_into(cls(replace(paper(), **{**_encoder_sizes(given), **settings})), given, ignore=unused)


def _drop_channels(signal: Tensor, *, share: float, draws: Draws) -> Tensor:
    """Return a (B, D, T) map with whole channels set to 0 and the others scaled up."""
    keep = draws.uniform(*signal.shape[:2], 1, device=signal.device) >= share
    return signal * keep / (1 - share)


ENCODER_NAMES = (  # ours, original
    (r"^encoder\.stem\.conv\.", "first_block_conv.conv."),
    (r"^encoder\.stem\.norm\.", "first_block_bn."),
    (r"^encoder\.blocks\.(\d+)\.norm", r"basicblock_list.\1.bn"),
    (r"^encoder\.blocks\.(\d+)\.conv(\d)\.", r"basicblock_list.\1.conv\2.conv."),
)


def _encoder_sizes(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Return the config fields that the shapes of an original encoder tell; nothing where a key is missing."""
    stem = state.get("first_block_conv.conv.weight")
    widths: list[int] = []
    while f"basicblock_list.{len(widths)}.conv1.conv.weight" in state:
        widths.append(state[f"basicblock_list.{len(widths)}.conv1.conv.weight"].shape[0])
    if stem is None or not widths:
        return {}
    width, channels, kernel = stem.shape
    same = widths.count(width)
    return {"channels": channels, "width": width, "kernel": kernel, "blocks": len(widths), "blocks_per_width": same}
