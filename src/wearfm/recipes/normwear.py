"""NormWear: a masked autoencoder on scalograms of any number of one-dimensional channels (arXiv:2412.09758).

    (B, C, T) ─prepare─▶ detrended, smoothed, mean |x| = 1
              ─scalogram─▶ (B, C, 3, T', K) planes: the signal, its first and its second difference
              ─patches─▶ (B C, N, D) tokens + sine-cosine positions, [CLS] first
              ─12 layers─▶ each channel by itself; in even layers the [CLS] tokens of all channels meet in a second block
              ─decoder─▶ the prepared signal again                  (pretraining; the encoder sees visible tokens only)

Same as the released code (github.com/Mobile-Sensing-and-UbiComp-Laboratory/NormWear at 07517fc): both of its transforms,
encoder, decoder, masks, collate, five-step preprocessing; weights load strictly and agree to 1e-4. Ours: the "aligned"
scalogram, "house" preprocessing, a decoder for any number of channels (`decoder_channels=1`), and gaps: samples that are
not valid touch nothing, patches whose wavelets would see them are looked at by nobody, absent channels do not fuse.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from wearfm.errors import BadConfiguration, UnknownName
from wearfm.nn.backbones.transformer import Block, in_parts
from wearfm.nn.channels import choose_channels
from wearfm.nn.draws import Draws
from wearfm.nn.initial import xavier
from wearfm.nn.masking import Mask, count_kept, keep, restore_tokens, seen_in_grid
from wearfm.nn.modes import evaluating
from wearfm.nn.normalise import detrend_smooth_scale, fit_line_and_size, limits
from wearfm.nn.pooling import masked_mean
from wearfm.nn.positions import resize_grid, sincos_grid
from wearfm.nn.tokens.cwt import VARIANTS, clear_of_gaps, scalogram, scalogram_length
from wearfm.nn.tokens.patch import PatchEmbedding
from wearfm.objectives.reconstruction import reconstruction_error
from wearfm.recipes.base import Embedded, Loss, Masked, Series, load_renamed, renamed
from wearfm.signals.conditioning import condition
from wearfm.signals.units import modality
from wearfm.windows.batch import Batch
from wearfm.windows.contract import ANY, InputContract, Stream
from wearfm.windows.index import WindowIndex
from wearfm.windows.sample import Shuffled

DIFFERENCES = 2  # the planes need two more samples than they have
MASKS: Mapping[str, Mapping[str, float]] = {  # the paper's four, as changes of a config
    "structured": {"time_share": 0.6, "scale_share": 0.5, "random_share": 0.0},
    "unstructured": {"time_share": 0.0, "scale_share": 0.0, "random_share": 0.8},
    "time": {"time_share": 0.8, "scale_share": 0.0, "random_share": 0.0},
    "scale": {"time_share": 0.0, "scale_share": 0.8, "random_share": 0.0},
}


@dataclass(frozen=True, kw_only=True)
class NormWearConfig:
    """The released construction; tags: [paper] arXiv:2412.09758 v2, [code] the repository at 07517fc, [ours]."""

    rate_hz: float = 65.0  # [paper] B.1
    window_s: float = 6.0  # [paper] B.1: 390 samples
    min_valid: float = 0.25  # [ours] gaps are masked, but a quarter of the samples should be there
    length: int = 388  # [code] samples of a window that pretraining uses and the decoder returns; the first ones [ours]
    preprocess: str = "house"  # [ours]; "original": the five steps of the code; "none": the input is prepared already
    smoothing_s: float = 0.02  # [paper] B.1: a Gaussian of 1.3 samples
    scalogram: str = "torch"  # [code] of pretraining; "scipy": its default for embedding; "aligned": ours
    first_scale: float = 0.1  # [code], samples; the paper says 1
    scale_step: float = 1.0  # [code], samples
    num_scales: int = 65  # [code]: 0.1, 1.1 ... 64.1
    plane_rows: int = 387  # [code] time steps of the planes that positions and decoder are made for
    patch: tuple[int, int] = (9, 5)  # [paper] time steps, scales
    width: int = 768  # [code]
    depth: int = 12  # [code]
    heads: int = 12  # [code]
    mlp_width: int = 3072  # [code]
    fusion_every: int = 2  # [code] layers 0, 2, 4 ...; channels meet in each of them
    decoder_width: int = 512  # [code]
    decoder_depth: int = 2  # [code]
    decoder_heads: int = 8  # [code]
    decoder_mlp_width: int = 2048  # [code]
    decoder_channels: int = 4  # [code] channels decoded together; 1: each by itself, so any number trains [ours]
    decoder_hidden: int = 384  # [code] between the two pointwise convolutions
    time_share: float = 0.6  # [paper] time steps hidden, in every channel anew; the best of its four masks, see MASKS
    scale_share: float = 0.5  # [paper] scales hidden
    random_share: float = 0.0  # of the patches left by these two; [code] its default is the mask "unstructured"
    pooling: str = "mean"  # [code] over tokens and [CLS], the feature of the paper's probes; "cls"
    channel_pooling: str = "average"  # [code, README]; "concatenate": the paper's probes, for windows of equal channels

    def __post_init__(self) -> None:
        choices = {
            "preprocess": ("house", "none", "original"),
            "scalogram": VARIANTS,
            "pooling": ("cls", "mean"),
            "channel_pooling": ("average", "concatenate"),
        }
        for name, known in choices.items():
            if getattr(self, name) not in known:
                raise UnknownName(f"{name} of normwear", getattr(self, name), known)
        if self.width % 4 or self.decoder_width % 4:
            raise BadConfiguration(f"widths {self.width} and {self.decoder_width}: positions need multiples of 4")
        if min(self.grid) < 1:
            raise BadConfiguration(
                f"planes of {self.plane_rows} x {self.num_scales} hold no patch of {self.patch}; lower patch"
            )

    @property
    def scales(self) -> tuple[float, ...]:
        """Wavelet scales in samples, ascending."""
        return tuple(self.first_scale + self.scale_step * k for k in range(self.num_scales))

    @property
    def grid(self) -> tuple[int, int]:
        """Patches in time and in scale that positions and decoder are made for."""
        return self.plane_rows // self.patch[0], self.num_scales // self.patch[1]


def paper() -> NormWearConfig:
    """Return the released construction, 136 million parameters."""
    return NormWearConfig()


def medium() -> NormWearConfig:
    """Return a model of 15 million parameters with all scales, for one GPU or a patient laptop."""
    return replace(small(), num_scales=65, scale_step=1.0, patch=(9, 5), width=320, depth=8, heads=5, mlp_width=1280)


def small() -> NormWearConfig:
    """Return a model that pretrains hundreds of windows a second on two CPU cores: 32 scales 0.1, 2.1 ... 62.1."""
    return NormWearConfig(
        scalogram="aligned",
        num_scales=32,
        scale_step=2.0,
        plane_rows=386,
        patch=(18, 8),
        width=128,
        depth=4,
        heads=4,
        mlp_width=512,
        decoder_width=64,
        decoder_depth=1,
        decoder_heads=4,
        decoder_mlp_width=128,
        decoder_channels=1,
        decoder_hidden=64,
    )


class Prepared(NamedTuple):
    """What the encoder eats. signal: (B, C, T), 0 where not valid. valid: (B, C, T) bool."""

    signal: Tensor
    valid: Tensor


class Encoded(NamedTuple):
    """What the encoder makes. tokens: (B, C, 1 + N, D), [CLS] first. valid: (B, C, 1 + N) bool; None if all are."""

    tokens: Tensor
    valid: Tensor | None


class Gaps(NamedTuple):
    """What is missing in B windows of C channels with N patches.

    clear: (B * C, N) bool, patches that no missing sample reaches. present: (B, C) bool, channels that a window has.
    rows: (R,) int64, which of the B * C channels are computed at all; None for every one (while exporting).
    """

    clear: Tensor
    present: Tensor
    rows: Tensor | None


class Layer(nn.Module):
    """One layer of the encoder: a block for each channel and, in some layers, one among the channels' [CLS] tokens."""

    def __init__(self, config: NormWearConfig, *, fuses: bool) -> None:
        super().__init__()
        self.channel = Block(config.width, heads=config.heads, mlp_width=config.mlp_width)
        self.fusion = Block(config.width, heads=config.heads, mlp_width=config.mlp_width) if fuses else None

    def forward(self, tokens: Tensor, *, channels: int, visible: Tensor | None = None, gaps: Gaps | None = None) -> Tensor:
        """Return the tokens one layer deeper, (R, 1 + N, D). visible: (R, 1 + N) bool, which may be looked at; None: all."""
        tokens = in_parts(self.channel, tokens, visible)
        if self.fusion is None:
            return tokens
        classes = _spread(tokens[:, 0], gaps)
        classes = classes.reshape(-1, channels, classes.shape[1])  # (B * C, D) -> (B, C, D)
        fused = self.fusion(classes, None if gaps is None else _among_present(gaps.present)).flatten(0, 1)  # (B * C, D)
        fused = fused if gaps is None or gaps.rows is None else fused[gaps.rows]  # (R, D)
        return torch.cat([fused[:, None], tokens[:, 1:]], dim=1)


class Encoder(nn.Module):
    """Planes into tokens: the same weights for every channel, and layers in which the channels meet."""

    positions: Tensor

    def __init__(self, config: NormWearConfig) -> None:
        super().__init__()
        self.grid, self.patch = config.grid, config.patch
        self.class_token = nn.Parameter(torch.zeros(1, 1, config.width))
        self.register_buffer("positions", _positions(config.grid, config.width))
        self.patches = PatchEmbedding(1 + DIFFERENCES, config.width, size=config.patch)
        self.layers = nn.ModuleList(Layer(config, fuses=i % config.fusion_every == 0) for i in range(config.depth))
        self.norm = nn.LayerNorm(config.width)

    def forward(self, planes: Tensor, *, kept: Tensor | None = None, gaps: Gaps | None = None) -> Tensor:
        """Return the tokens of every channel, [CLS] first, (B, C, 3, T', K) -> (B * C, 1 + N, D); absent channels are 0.

        kept: (B * C, M) the only patches to look at, -> (B * C, 1 + M, D); nothing is computed for the others.
        """
        channels, planes = planes.shape[1], planes.flatten(0, 1)
        visible = None
        if gaps is not None:
            visible = F.pad(gaps.clear if kept is None else gaps.clear.gather(1, kept), (1, 0), value=True)
            if gaps.rows is not None:
                planes, visible = planes[gaps.rows], visible[gaps.rows]
                kept = None if kept is None else kept[gaps.rows]
        tokens = self.embed(planes, kept)
        for layer in self.layers:
            tokens = layer(tokens, channels=channels, visible=visible, gaps=gaps)
        return _spread(self.norm(tokens), gaps)

    def embed(self, planes: Tensor, kept: Tensor | None = None) -> Tensor:
        """Return the first layer's input, (R, 3, T', K) -> (R, 1 + N, D); kept as in `forward`."""
        grid = planes.shape[2] // self.patch[0], planes.shape[3] // self.patch[1]
        table = resize_grid(self.positions[0, 1:], grid=self.grid, target=grid)  # (N, D)
        patches = self.patches(planes, kept) + (table if kept is None else table[kept])
        first = (self.class_token + self.positions[:, :1]).expand(len(patches), -1, -1)
        return torch.cat([first.to(patches.dtype), patches], dim=1)


class Decoder(nn.Module):
    """From latent tokens back to the signals of `decoder_channels` channels at once."""

    positions: Tensor

    def __init__(self, config: NormWearConfig) -> None:
        super().__init__()
        self.channels, width, tokens = config.decoder_channels, config.decoder_width, config.grid[0] * config.grid[1] + 1
        self.embed = nn.Linear(config.width, width)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, width))
        self.register_buffer("positions", _positions(config.grid, width))
        self.blocks = nn.ModuleList(
            Block(width, heads=config.decoder_heads, mlp_width=config.decoder_mlp_width, qkv_bias=False)
            for _ in range(config.decoder_depth)
        )
        self.norm = nn.LayerNorm(width)
        self.temporal = nn.Linear(tokens, config.length)
        self.channel_norm = nn.BatchNorm1d(self.channels * width)
        self.mix = nn.Conv1d(self.channels * width, config.decoder_hidden, 1)
        self.predict = nn.Conv1d(config.decoder_hidden, self.channels, 1)

    def forward(self, latent: Tensor, restore: Tensor) -> Tensor:
        """Return signals, visible tokens (B * C, 1 + M, D) and the places of all (B * C, N) -> (B * C, T)."""
        embedded = self.embed(latent)
        return self.decode(embedded[:, :1], restore_tokens(embedded[:, 1:], self.mask_token, restore))

    def fill(self, latent: Tensor, clear: Tensor | None) -> Tensor:
        """Return signals, tokens of all patches (B * C, 1 + N, D) -> (B * C, T); clear: (B * C, N) those to use, None: all."""
        embedded = self.embed(latent)
        patches = embedded[:, 1:] if clear is None else torch.where(clear[..., None], embedded[:, 1:], self.mask_token)
        return self.decode(embedded[:, :1], patches)

    def decode(self, first: Tensor, patches: Tensor) -> Tensor:
        """Return signals, (B * C, 1, width) and (B * C, N, width) -> (B * C, T)."""
        tokens = torch.cat([first, patches], dim=1) + self.positions  # (B * C, 1 + N, width)
        for block in self.blocks:
            tokens = block(tokens)
        series = self.temporal(self.norm(tokens).transpose(1, 2))  # (B * C, width, T)
        joined = series.reshape(-1, self.channels * series.shape[1], series.shape[2])  # (B, C * width, T)
        return self.predict(F.gelu(self.mix(self.channel_norm(joined)))).flatten(0, 1)  # type: ignore[no-any-return]


class NormWear(Masked):
    """The recipe; construction is a pure function of config and seed."""

    name: ClassVar[str] = "normwear"
    pretext: ClassVar[tuple[str, ...]] = ("decoder.",)
    Config: ClassVar[type[NormWearConfig]] = NormWearConfig
    config: NormWearConfig

    def __init__(self, config: NormWearConfig, *, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        with torch.random.fork_rng(devices=[]):  # torch's layers draw first values that `xavier` replaces
            self.encoder = Encoder(config)
            self.decoder = Decoder(config)
        xavier(self, torch.Generator().manual_seed(seed))

    @classmethod
    def presets(cls) -> Mapping[str, Callable[[], NormWearConfig]]:
        """Return the presets by name."""
        return {"paper": paper, "medium": medium, "small": small}

    @property
    def input(self) -> InputContract:
        """Windows of all modalities at 65 Hz; few samples need be valid, because gaps are masked."""
        stream = Stream(modality=ANY, rate_hz=self.config.rate_hz)
        return InputContract(streams=(stream,), window_s=self.config.window_s, min_valid=self.config.min_valid)

    @property
    def embedding_size(self) -> int | None:
        """The width; None where the vectors of the channels are concatenated."""
        return self.config.width if self.config.channel_pooling == "average" else None

    def plan(self, index: WindowIndex, *, seed: int) -> Shuffled:
        """Return every window once an epoch."""
        return Shuffled(len(index), seed=seed)

    def prepare(self, batch: Batch) -> Prepared:
        """Return all modalities stacked into channels, in the order of their names, each channel prepared by itself."""
        return self._prepared(self._physical(batch))

    def _physical(self, batch: Batch) -> Prepared:
        """Return all channels in their own units, 0 where not valid."""
        streams = [batch.streams[name] for name in sorted(batch.streams)]
        for name, stream in batch.streams.items():
            if abs(stream.rate_hz - self.config.rate_hz) > 1e-6:
                raise BadConfiguration(
                    f"{name} comes at {stream.rate_hz:g} Hz; normwear reads {self.config.rate_hz:g} Hz: resample it first"
                )
        valid = torch.cat([stream.valid for stream in streams], dim=1)  # (B, C, T)
        return Prepared(torch.where(valid, torch.cat([stream.signal for stream in streams], dim=1), 0.0), valid)

    def _prepared(self, physical: Prepared) -> Prepared:
        signal, valid = physical
        if self.config.preprocess == "house":
            signal = detrend_smooth_scale(signal, valid, sigma=self._sigma)
        elif self.config.preprocess == "original":
            signal = _prepare_as_original(signal, valid, self.config)
        return Prepared(signal, valid)

    @property
    def _sigma(self) -> float:
        return self.config.smoothing_s * self.config.rate_hz

    def loss(self, batch: Batch, draws: Draws) -> Loss:
        """Return the mean squared error over all valid samples, seen and hidden alike, as the code does."""
        signal, valid = self._collate(self.prepare(batch), draws)
        gaps = self._gaps(valid, rows=self.config.grid[0])
        mask = self.draw_mask(signal.shape[0] * signal.shape[1], draws, gaps=gaps, device=signal.device)
        error = reconstruction_error(self.reconstruct(signal, mask, gaps=gaps), signal, valid=valid)
        return Loss(total=error, parts={"reconstruction": error})

    def embed(self, batch: Batch) -> Embedded:
        """Return tokens, one vector per channel and one per window; float32 unless the caller sets autocast."""
        signal, valid = self.prepare(batch)
        tokens, seen = self.encode(signal, valid)
        channels = tokens[:, :, 0] if self.config.pooling == "cls" else masked_mean(tokens, seen)  # (B, C, D)
        present = None if seen is None else valid.any(dim=2)
        if self.config.channel_pooling == "average":
            return Embedded(vector=masked_mean(channels, present), channels=channels, tokens=tokens)
        if present is not None and not bool(present.all()):
            window, channel = (int(i) for i in (~present).nonzero()[0])
            raise BadConfiguration(
                f"window {window} lacks channel {channel}; vectors are concatenated over equal channels only: "
                'use channel_pooling="average"'
            )
        return Embedded(vector=channels.flatten(1), channels=channels, tokens=tokens)

    def series(self, batch: Batch) -> Series:
        """Return the first `length` samples of all channels in their own units; names: "acc", "acc 2", "acc 3", "ppg"."""
        signal, valid = self._decodable(self._physical(batch))
        kinds = [(name, k + 1) for name in sorted(batch.streams) for k in range(batch.streams[name].signal.shape[1])]
        names = tuple(name if number == 1 else f"{name} {number}" for name, number in kinds)
        units = tuple(modality(name).unit for name, _ in kinds)
        step_s, block = 1 / self.config.rate_hz, self.config.patch[0]
        return Series(values=signal, valid=valid, names=names, units=units, step_s=step_s, block=block)

    def fill(self, batch: Batch, hidden: Tensor) -> Tensor:
        """Return what the decoder makes of the patches that nothing hidden reaches, back in the channels' units.

        Approximate: what is decoded was smoothed before (`smoothing_s`), and size and line are those of the visible
        samples, the line held within their range. Channels without a visible sample are 0.
        """
        signal, valid = self._decodable(self._physical(batch))
        visible = valid & ~hidden
        signal = torch.where(visible, signal, 0.0)
        prepared, channels = self._prepared(Prepared(signal, visible)).signal, signal.shape[1]
        together = channels if self.config.decoder_channels == 1 else self.config.decoder_channels
        places = torch.arange(-(-channels // together) * together, device=signal.device).clamp(max=channels - 1)
        with evaluating(self):
            parts = [self._decode_visible(prepared[:, each], visible[:, each]) for each in torch.split(places, together)]
        guess = torch.cat(parts, dim=1)[:, :channels]
        if self.config.preprocess == "none":
            return guess
        fit, range_ = fit_line_and_size(signal, visible, sigma=self._sigma), limits(signal, visible)
        return guess * fit.size + fit.line.clamp(range_.low, range_.high)

    def _decode_visible(self, signal: Tensor, visible: Tensor) -> Tensor:
        """Return prepared signals decoded from all patches that see visible samples only, (B, C, T) -> (B, C, T)."""
        gaps = self._gaps(visible, rows=self.config.grid[0])
        latent = self.encoder(_fit_rows(self.planes(signal), self.config.plane_rows), gaps=gaps)
        return self.decoder.fill(latent, None if gaps is None else gaps.clear).reshape(signal.shape)

    def planes(self, signal: Tensor) -> Tensor:
        """Return the scalograms of the signal, its first and its second difference, (B, C, T) -> (B, C, 3, T', K)."""
        first = signal.diff(dim=2)
        stacked = torch.stack([signal[..., 2:], first[..., 1:], first.diff(dim=2)], dim=2)  # (B, C, 3, T - 2)
        return scalogram(stacked, scales=self.config.scales, variant=self.config.scalogram)

    def encode(self, signal: Tensor, valid: Tensor | None = None) -> Encoded:
        """Return the tokens of prepared windows of any length and any number of channels, (B, C, T) -> (B, C, 1 + N, D)."""
        B, C, T = signal.shape
        config, inner = self.config, max(T - DIFFERENCES, 1)
        rows = scalogram_length(inner, scales=config.scales, variant=config.scalogram) // config.patch[0]
        if rows < 1:
            raise BadConfiguration(
                f"a window of {T} samples is shorter than a patch of {config.patch[0]} steps; use a longer one"
            )
        gaps = None if valid is None else self._gaps(valid, rows=rows)
        tokens = self.encoder(self.planes(signal), gaps=gaps)
        seen = None if gaps is None else F.pad(gaps.clear, (1, 0), value=True) & gaps.present.flatten()[:, None]
        return Encoded(tokens.reshape(B, C, *tokens.shape[1:]), None if seen is None else seen.reshape(B, C, -1))

    def draw_mask(self, rows: int, draws: Draws, *, gaps: Gaps | None, device: torch.device) -> Mask:
        """Return an independent mask for every channel of every window; rows: B * C."""
        config, (height, width) = self.config, self.config.grid
        nothing = torch.zeros(rows, 1, device=device)
        times = draws.uniform(rows, height, device=device) if config.time_share else nothing.expand(-1, height)
        scales = draws.uniform(rows, width, device=device) if config.scale_share else nothing.expand(-1, width)
        candidates = seen_in_grid(times, scales, row_share=config.time_share, column_share=config.scale_share)
        count = count_kept(height, config.time_share) * count_kept(width, config.scale_share)
        noise = draws.uniform(rows, height * width, device=device) if config.random_share else None
        return keep(count_kept(count, config.random_share), candidates, noise=noise, valid=None if gaps is None else gaps.clear)

    def reconstruct(self, signal: Tensor, mask: Mask, *, gaps: Gaps | None = None) -> Tensor:
        """Return prepared signals decoded from what a mask leaves visible, (B, C, T) -> (B, C, T); 0 for absent channels."""
        planes = _fit_rows(self.planes(signal), self.config.plane_rows)
        latent = self.encoder(planes, kept=mask.kept, gaps=gaps)
        if gaps is None or self.config.decoder_channels > 1:
            return self.decoder(latent, mask.restore).reshape(signal.shape)  # type: ignore[no-any-return]
        there = gaps.present.flatten()  # absent channels must not enter the decoder's batch statistics
        decoded = self.decoder(latent[there], mask.restore[there])
        full: Tensor = decoded.new_zeros(len(there), signal.shape[2]).masked_scatter(there[:, None], decoded)
        return full.reshape(signal.shape)

    def _collate(self, prepared: Prepared, draws: Draws) -> Prepared:
        """Return the first `length` samples of the channels that the decoder takes: four of them, or all."""
        signal, valid = self._decodable(prepared)
        if self.config.decoder_channels == 1:
            return Prepared(signal, valid)
        noise = draws.uniform(*signal.shape[:2], device=signal.device)
        chosen = choose_channels(valid.any(dim=2), noise, count=self.config.decoder_channels)
        wanted = chosen[..., None].expand(-1, -1, signal.shape[2])  # (B, count, T)
        return Prepared(signal.gather(1, wanted), valid.gather(1, wanted))

    def _decodable(self, prepared: Prepared) -> Prepared:
        """Return the first `length` samples."""
        signal, valid = prepared
        if signal.shape[2] < self.config.length:
            raise BadConfiguration(
                f"a window of {signal.shape[2]} samples; the decoder returns {self.config.length}: use a longer window_s"
            )
        return Prepared(signal[..., : self.config.length], valid[..., : self.config.length])

    def _gaps(self, valid: Tensor, *, rows: int) -> Gaps | None:
        """Return what is missing of planes with `rows` rows of patches, (B, C, T) bool; None if nothing is."""
        exporting = torch.compiler.is_exporting()
        if not exporting and bool(valid.all()):
            return None
        config, present = self.config, valid.any(dim=2)
        clear = clear_of_gaps(valid, scales=config.scales, variant=config.scalogram, patch=config.patch, lead=DIFFERENCES)
        clear = _fit_rows(clear, rows, dim=2).flatten(2).flatten(0, 1)  # (B, C, h, w) -> (B * C, N)
        return Gaps(clear, present, None if exporting else present.flatten().nonzero()[:, 0])

    @classmethod
    def from_original(cls, state: Mapping[str, Tensor], **settings: Any) -> Self:
        """Return a recipe holding published weights, bare or wrapped as {"model": ...}; sizes are read from the shapes.

        settings: fields of the config that no shape tells. Defaults are those of the original's class for embedding,
        `NormWearModel`: scalogram "scipy" and preprocessing outside the model ("none"). Pretraining, and so in all
        likelihood the released weights, used scalogram "torch" with 388 samples.
        """
        bare: Mapping[str, Tensor] = state["model"] if isinstance(state.get("model"), Mapping) else state  # type: ignore[assignment]
        config = replace(
            _config_of(bare, settings.get("num_scales", 65)), **{"scalogram": "scipy", "preprocess": "none"} | settings
        )
        with torch.device("meta"):
            recipe = cls(config)
        recipe.to_empty(device="cpu")
        load_renamed(recipe, bare, original=original_name, what="normwear")
        return recipe

    def to_original(self) -> dict[str, Tensor]:
        """Return the weights under the original's names, a bare state dict that its code loads."""
        return {original_name(key): value.detach().clone() for key, value in self.state_dict().items()}


def _prepare_as_original(signal: Tensor, valid: Tensor, config: NormWearConfig) -> Tensor:
    """Return channels prepared by the original's steps, gaps and what they leave empty as 0; not exportable."""
    rows = torch.where(valid, signal, torch.nan).flatten(0, 1).double().cpu().numpy()  # (B, C, T) -> (B * C, T)
    out = np.zeros_like(rows)
    known = np.isfinite(rows).sum(axis=1) > 3
    with np.errstate(divide="ignore", invalid="ignore"):
        out[known] = condition(rows[known], config.rate_hz, target_hz=config.rate_hz, smoothing_s=config.smoothing_s)
    clean = np.nan_to_num(out, nan=0.0, posinf=0.0, neginf=0.0)
    made = torch.as_tensor(clean, dtype=signal.dtype, device=signal.device).view_as(signal)
    return torch.where(valid, made, 0.0)


def _spread(vectors: Tensor, gaps: Gaps | None) -> Tensor:
    """Return the vectors of computed channels at their places among all, zeros between, (R, ...) -> (B * C, ...)."""
    if gaps is None or gaps.rows is None:
        return vectors
    full = vectors.new_zeros(gaps.present.numel(), *vectors.shape[1:])
    return full.index_copy(0, gaps.rows, vectors)


def _among_present(present: Tensor) -> Tensor:
    """Return which channels each channel may look at, itself at least, (B, C) -> (B, C, C) bool."""
    return present[:, None, :] | torch.eye(present.shape[1], dtype=torch.bool, device=present.device)


def _fit_rows(planes: Tensor, rows: int, dim: int = 3) -> Tensor:
    """Return planes with exactly `rows` time steps: cut, or continued with zeros as the original's collate does."""
    if planes.shape[dim] >= rows:
        return planes.narrow(dim, 0, rows)
    missing = list(planes.shape)
    missing[dim] = rows - planes.shape[dim]
    return torch.cat([planes, planes.new_zeros(missing)], dim=dim)


def _positions(grid: tuple[int, int], width: int) -> Tensor:
    """Return the table of a grid with zeros for [CLS] in front, (1, 1 + N, width)."""
    return F.pad(sincos_grid(*grid, width), (0, 0, 1, 0))[None]


RENAMED = (  # ours, original
    (r"^encoder\.class_token$", "cls_token"),
    (r"^encoder\.positions$", "pos_embed"),
    (r"^encoder\.patches\.", "patch_embed.proj."),
    (r"^encoder\.layers\.(\d+)\.channel\.", r"encoder_blocks.\1.variate_encoder."),
    (r"^encoder\.layers\.(\d+)\.fusion\.", r"encoder_blocks.\1.cls_fusion."),
    (r"^encoder\.norm\.", "norm."),
    (r"^decoder\.mask_token$", "mask_token"),
    (r"^decoder\.positions$", "decoder_pos_embed"),
    (r"^decoder\.(embed|blocks|norm)\.", r"decoder_\1."),
    (r"^decoder\.temporal\.", "temporal_recon."),
    (r"^decoder\.channel_norm\.", "spatial_recon.norm."),
    (r"^decoder\.mix\.", "spatial_recon.conv1."),
    (r"^decoder\.predict\.", "spatial_recon.conv2."),
    (r"\.attention\.qkv\.", ".attn.qkv."),
    (r"\.attention\.project\.", ".attn.proj."),
    (r"\.mlp\.expand\.", ".mlp.fc1."),
    (r"\.mlp\.contract\.", ".mlp.fc2."),
)


def original_name(key: str) -> str:
    """Return the original's name of one of our tensors."""
    return renamed(key, RENAMED)


def _config_of(state: Mapping[str, Tensor], num_scales: int) -> NormWearConfig:
    """Return the config that the shapes of an original state dict tell; the released one where a key is missing."""

    def size(key: str, axis: int, default: int) -> int:
        return state[key].shape[axis] if key in state and state[key].ndim > axis else default

    def count(pattern: str, default: int) -> int:
        return len({match[1] for match in (re.match(pattern, key) for key in state) if match}) or default

    base = NormWearConfig()
    width, inner = size("cls_token", 2, base.width), size("mask_token", 2, base.decoder_width)
    depth = count(r"encoder_blocks\.(\d+)\.", base.depth)
    patch = size("patch_embed.proj.weight", 2, base.patch[0]), size("patch_embed.proj.weight", 3, base.patch[1])
    rows = (size("pos_embed", 1, 1 + base.grid[0] * base.grid[1]) - 1) // max(num_scales // patch[1], 1)
    return replace(
        base,
        length=size("temporal_recon.weight", 0, base.length),
        plane_rows=rows * patch[0],
        patch=patch,
        width=width,
        depth=depth,
        heads=max(width // 64, 1),
        mlp_width=size("encoder_blocks.0.variate_encoder.mlp.fc1.weight", 0, base.mlp_width),
        decoder_width=inner,
        decoder_depth=count(r"decoder_blocks\.(\d+)\.", base.decoder_depth),
        decoder_heads=max(inner // 64, 1),
        decoder_mlp_width=size("decoder_blocks.0.mlp.fc1.weight", 0, base.decoder_mlp_width),
        decoder_channels=size("spatial_recon.conv2.weight", 0, base.decoder_channels),
        decoder_hidden=size("spatial_recon.conv1.weight", 0, base.decoder_hidden),
    )
