"""Hybrid: masked reconstruction and participant-level contrast in one loss, with two pretext tasks of wearables.

    (B, C, T) ─standardise─▶ patches of one channel each; a patch without a valid sample is no token
        ├─ augment ─┬─ hide half of the moments ─encoder─▶ visible tokens ─ decoder ─▶ hidden patches, not augmented    (MSE)
        │           └─ encoder ─▶ mean over tokens ─┬─ projector ─▶ the other window of the pair                    (InfoNCE)
        │                                           └─ head ─▶ seconds to the next beat                               (Huber)
        └─ corrupt, standardise ─encoder─▶ mean ─ head ─▶ what went wrong: motion, loose contact, dropout ...   (cross-entropy)
    embedding: the mean over all tokens of the whole, plain window

Ours; no paper. What it is put together from: masked autoencoders (He et al. 2022, arXiv:2111.06377), pairs of windows of one
participant (Abbaspourazad et al. 2024, arXiv:2312.05409), gaps that are never tokens (LSM-2, arXiv:2506.05321), KoLeo
(arXiv:1806.03198). Ours are the balance, the corruptions (`augment.corrupt`) and the time to the next beat (`windows.beats`).
A part of weight 0 is not computed and has no network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from wearfm.augment import KINDS, Step, cascade, corrupt, scale_channels, warp_magnitude, white_noise
from wearfm.errors import BadConfiguration, UnknownName
from wearfm.nn.backbones.patches import PatchDecoder, PatchEncoder, every_place
from wearfm.nn.draws import Draws
from wearfm.nn.gather import gather_rows, weight_of_own
from wearfm.nn.heads import ProjectionHead
from wearfm.nn.initial import xavier
from wearfm.nn.normalise import fit_level_and_size, standardise
from wearfm.nn.packing import Packing, group_mean
from wearfm.nn.pooling import masked_mean
from wearfm.nn.positions import sincos_grid
from wearfm.objectives.info_nce import info_nce
from wearfm.objectives.koleo import koleo
from wearfm.objectives.reconstruction import reconstruction_error
from wearfm.objectives.spread import watch
from wearfm.recipes.base import Embedded, Loss, Masked, Series
from wearfm.signals.units import modality
from wearfm.windows.batch import Batch, Signal
from wearfm.windows.beats import NEXT_BEAT, measure_next_beat, refuse_other
from wearfm.windows.contract import InputContract, Stream
from wearfm.windows.index import WindowIndex
from wearfm.windows.pairs import SameParticipant
from wearfm.windows.plan import Plan
from wearfm.windows.sample import Shuffled
from wearfm.windows.source import Source

POOLED = ("whole", "visible")
INTERVAL_S = 0.8  # between beats at 75 a minute: the unit in which the error of the next beat is weighed
BEND = 0.1  # of an interval: smaller errors count squared, larger ones linearly, since a beat more or less is a jump


@dataclass(frozen=True, kw_only=True)
class HybridConfig:
    """Every number is ours. Weights: such that the parts pull at the encoder about equally hard (docs/recipes/hybrid.md)."""

    # input
    modality: str = "ppg"  # any one; the next beat can be told of ppg and ecg only
    channels: int = 1  # any number: weights do not depend on it
    rate_hz: float = 64.0
    window_s: float = 10.0  # 640 samples, 40 patches; weights do not depend on it
    min_valid: float = 0.75  # least share of samples that must have been measured
    apart_s: float = 10.0  # the windows of a pair do not overlap
    patch: int = 16  # samples, 0.25 s: a third of a pulse, so that a hidden one has to be inferred from others
    # network: 9.5 million parameters in the encoder
    width: int = 256
    depth: int = 12
    heads: int = 8
    mlp_width: int = 1024  # 4 x width
    decoder_width: int = 128  # light: what it cannot do the encoder must
    decoder_depth: int = 2
    decoder_heads: int = 4
    decoder_mlp_width: int = 512
    hidden_size: int = 512  # of the projector and of the heads
    projection_size: int = 128
    # what is learnt; a part with weight 0 is not computed
    reconstruction_weight: float = 1.0  # guessing the mean costs 1, in units of variance
    contrast_weight: float = 0.05  # guessing costs ln(2 N - 1) = 4.8 for N = 64 pairs
    koleo_weight: float = 0.0  # reconstruction alone prevents collapse
    corruption_weight: float = 0.0  # 0.2 in preset "pretext"; guessing costs ln 5 = 1.6
    beat_weight: float = 0.0  # 0.5 in preset "pretext"; guessing costs about 0.25
    mask_share: float = 0.5  # of the moments that were measured; hidden in all channels at once
    pooled: str = (
        "whole"  # what contrast, KoLeo and the next beat read: all tokens, in a pass of their own; or "visible": those
    )
    # that reconstruction left, which saves the pass and loses most of the contrast in short windows (docs)
    is_patch_normalised: bool = False  # targets standardised patch by patch: shapes without levels; `fill` is then refused
    temperature: float = 0.1
    corruption_strength: float = 1.0  # of what is given in standard deviations in `augment.corrupt`
    horizon_s: float = 1.5  # behind the end of the window: one interval at 40 beats a minute
    # augmentation of what the encoder sees: the share of windows that undergo each, in this order; none moves in time,
    # because hidden patches are compared where they were
    scale: float = 0.5
    scale_deviation: float = 0.2
    warp_magnitude: float = 0.5
    warp_magnitude_deviation: float = 0.2
    knots: int = 4  # between the two at the ends
    noise: float = 0.5
    noise_lowest: float = 0.05  # standard deviations of the window
    noise_highest: float = 0.2  # standard deviations of the window

    def __post_init__(self) -> None:
        modality(self.modality)
        if self.pooled not in POOLED:
            raise UnknownName("pooled of hybrid", self.pooled, POOLED)
        if self.beat_weight > 0:
            refuse_other(self.modality)
        for value, is_kept, rule in self._rules():
            if not is_kept:
                raise BadConfiguration(f"{value}: {rule}")

    def _rules(self) -> Iterator[tuple[str, bool, str]]:
        """Yield (setting and value, whether it is fine, rule and remedy)."""
        parts = ("reconstruction", "contrast", "koleo", "corruption", "beat")
        for name in (f"{part}_weight" for part in parts):
            yield f"{name}={getattr(self, name):g}", getattr(self, name) >= 0, "a weight is 0 or more"
        is_learning = any(getattr(self, f"{part}_weight") > 0 for part in parts if part != "koleo")
        yield "all weights 0", is_learning, "nothing is learnt; set one besides koleo_weight above 0"
        is_whole = self.patch >= 1 and self.length > 0 and self.length % max(self.patch, 1) == 0
        yield f"window_s={self.window_s:g} at {self.rate_hz:g} Hz", is_whole, f"patches of {self.patch} must fill it"
        for name in ("width", "decoder_width"):
            yield f"{name}={getattr(self, name)}", getattr(self, name) % 4 == 0, "positions need a multiple of 4"
        for name in ("channels", "depth", "decoder_depth"):
            yield f"{name}={getattr(self, name)}", getattr(self, name) >= 1, "give at least 1"
        yield f"min_valid={self.min_valid:g}", 0 < self.min_valid <= 1, "a window needs samples; a share above 0, at most 1"
        yield f"mask_share={self.mask_share:g}", 0 < self.mask_share < 1, "something must be hidden and something seen"
        for name in ("temperature", "corruption_strength", "horizon_s"):
            yield f"{name}={getattr(self, name):g}", getattr(self, name) > 0, "must be positive"

    @property
    def length(self) -> int:
        """Samples of a window."""
        return round(self.rate_hz * self.window_s)

    @property
    def grid(self) -> tuple[int, int]:
        """Channels and patches of each."""
        return self.channels, self.length // self.patch

    @property
    def weights(self) -> dict[str, float]:
        """Part -> weight, of those that are on."""
        parts = {
            "reconstruction": self.reconstruction_weight,
            "contrast": self.contrast_weight,
            "koleo": self.koleo_weight,
            "corruption": self.corruption_weight,
            "beat": self.beat_weight,
        }
        return {name: weight for name, weight in parts.items() if weight > 0}

    @property
    def has_masked_pass(self) -> bool:
        """Whether the encoder is shown windows with hidden moments."""
        return self.reconstruction_weight > 0 or self.pooled == "visible"

    @property
    def has_whole_pass(self) -> bool:
        """Whether the encoder is shown whole windows besides, for the parts that read the mean over all tokens."""
        return self.pooled == "whole" and any(name in self.weights for name in ("contrast", "koleo", "beat"))

    def augmentations(self) -> tuple[Step, ...]:
        """Return the cascade, in order."""
        return (
            Step(self.scale, partial(scale_channels, deviation=self.scale_deviation)),
            Step(self.warp_magnitude, partial(warp_magnitude, knots=self.knots, deviation=self.warp_magnitude_deviation)),
            Step(self.noise, partial(white_noise, lowest=self.noise_lowest, highest=self.noise_highest)),
        )


def paper() -> HybridConfig:
    """Return the full size; ours, there is no paper. Reconstruction and contrast, ten million parameters."""
    return HybridConfig()


def pretext() -> HybridConfig:
    """Return the full size with all four parts on."""
    return replace(paper(), corruption_weight=0.2, beat_weight=0.5)


def small() -> HybridConfig:
    """Return 0.2 million parameters, which learn in minutes on a CPU."""
    return HybridConfig(
        width=64,
        depth=3,
        heads=4,
        mlp_width=256,
        decoder_width=32,
        decoder_depth=1,
        decoder_heads=2,
        decoder_mlp_width=128,
        hidden_size=128,
        projection_size=64,
    )


class Prepared(NamedTuple):
    """What is learnt from. signal: (B, C, T) standardised, 0 in gaps and in channels that do not move. valid: (B, C, T)."""

    signal: Tensor
    valid: Tensor


class View(NamedTuple):
    """What the encoder sees of windows, C channels of P patches, N = C P. signal: (B, C, T). seen, hidden: (B, N) bool."""

    signal: Tensor
    seen: Tensor
    hidden: Tensor


class Encoded(NamedTuple):
    """Packed tokens and their mean. rows: where they lie. latent: (total, D). vector: (B, D), zeros without a token."""

    rows: Packing
    latent: Tensor
    vector: Tensor


class Hybrid(Masked):
    """The recipe; construction is a pure function of config and seed. Networks of parts that are off do not exist."""

    name: ClassVar[str] = "hybrid"
    Config: ClassVar[type[HybridConfig]] = HybridConfig
    config: HybridConfig
    pretext: ClassVar[tuple[str, ...]] = ("decoder.", "projector.", "corruption.", "beat.")

    def __init__(self, config: HybridConfig, *, seed: int = 0) -> None:
        super().__init__()
        self.config, on = config, config.weights
        with torch.random.fork_rng(devices=[]):  # torch's layers draw first values that `xavier` replaces
            self.encoder = _encoder(config)
            self.decoder = _decoder(config) if "reconstruction" in on else None
            self.projector = _head(config, config.projection_size) if "contrast" in on else None
            self.corruption = _head(config, len(KINDS)) if "corruption" in on else None
            self.beat = _head(config, 1) if "beat" in on else None
        xavier(self, torch.Generator().manual_seed(seed))
        self.augmentations = config.augmentations()

    @classmethod
    def presets(cls) -> Mapping[str, Callable[[], HybridConfig]]:
        """Return the presets by name."""
        return {"paper": paper, "small": small, "pretext": pretext}

    @property
    def input(self) -> InputContract:
        """One modality, resampled; gaps are allowed up to `min_valid` because they are no tokens."""
        c = self.config
        stream = Stream(modality=c.modality, rate_hz=c.rate_hz, channels=c.channels)
        return InputContract(streams=(stream,), window_s=c.window_s, min_valid=c.min_valid)

    @property
    def embedding_size(self) -> int:
        """The width."""
        return self.config.width

    def survey(self, source: Source, index: WindowIndex) -> WindowIndex:
        """Return the index with the time to the next beat, where that is learnt and not known yet."""
        c = self.config
        if c.beat_weight == 0 or NEXT_BEAT in index.targets:
            return index
        wait_s = measure_next_beat(source, index, modality=c.modality, horizon_s=c.horizon_s)
        return index.with_targets(**{NEXT_BEAT: wait_s})

    def plan(self, index: WindowIndex, *, seed: int) -> Plan:
        """Return pairs of windows of one participant for contrast; without it every window once an epoch."""
        if self.config.contrast_weight == 0:
            return Shuffled(len(index), seed=seed)
        return SameParticipant(index, seed=seed, apart_s=self.config.apart_s)

    def prepare(self, batch: Batch) -> Prepared:
        """Return each channel standardised over its valid samples."""
        stream = self._stream(batch)
        return Prepared(standardise(stream.signal, stream.valid), stream.valid)

    def loss(self, batch: Batch, draws: Draws) -> Loss:
        """Return the weighted sum of the parts that are on; parts besides are those of `objectives.spread.watch`."""
        c = self.config
        prepared = self.prepare(batch)
        view = self.view(prepared, draws)
        parts: dict[str, Tensor] = {}
        encoded = self.encode(view.signal, view.seen) if c.has_masked_pass else None
        if c.reconstruction_weight > 0:
            assert encoded is not None
            parts["reconstruction"] = self._reconstruction(encoded, prepared, view.hidden)
        if encoded is None or c.has_whole_pass:
            encoded = self.encode(view.signal, view.seen | view.hidden)
        if c.contrast_weight > 0:
            parts["contrast"] = self._contrast(encoded.vector, batch)
        if c.koleo_weight > 0:
            parts["koleo"] = self._koleo(encoded.vector, batch.group_size)
        if c.corruption_weight > 0:
            parts |= self._corruption(prepared, draws)
        if c.beat_weight > 0:
            parts |= self._beat(encoded.vector, batch)
        total = torch.stack([weight * parts[name] for name, weight in c.weights.items()]).sum()
        parts |= watch(gather_rows(encoded.vector.detach()), gather_rows(batch.participant))
        return Loss(total=total, parts={name: part.detach() for name, part in parts.items()})

    def embed(self, batch: Batch) -> Embedded:
        """Return the mean over the tokens that were measured, of a window and of each channel; zeros where none was."""
        signal, valid = self.prepare(batch)
        seen = self._observed(valid)
        if torch.compiler.is_exporting():  # a graph cannot depend on how many tokens there are
            return Embedded(vector=masked_mean(self.encoder.masked(self._patches(signal), seen, every_place(seen)), seen))
        rows, latent, vector = self.encode(signal, seen)
        channels, patches = self.config.grid
        each = group_mean(latent, rows.place // patches, count=len(seen) * channels)  # (B C, D)
        return Embedded(vector=vector, channels=each.reshape(len(seen), channels, -1))

    def frames(self, batch: Batch, draws: Draws | None = None) -> Tensor:  # noqa: ARG002
        """Return the mean over the channels measured in each patch of time, (B, P, D); zeros where none was."""
        signal, valid = self.prepare(batch)
        rows, latent, _ = self.encode(signal, self._observed(valid))
        patches = self.config.grid[1]
        group = rows.row * patches + rows.column % patches
        return group_mean(latent, group, count=len(signal) * patches).reshape(len(signal), patches, -1)

    def series(self, batch: Batch) -> Series:
        """Return the channels in the unit of their modality."""
        stream, c = self._stream(batch), self.config
        names = (c.modality,) if c.channels == 1 else tuple(f"{c.modality} {number}" for number in range(c.channels))
        values = torch.where(stream.valid, stream.signal.float(), 0.0)
        units = (modality(c.modality).unit,) * c.channels
        return Series(values=values, valid=stream.valid, names=names, units=units, step_s=1 / c.rate_hz, block=c.patch)

    @torch.no_grad()
    def fill(self, batch: Batch, hidden: Tensor) -> Tensor:
        """Return the windows with every sample that is hidden or not valid guessed, (B, C, T); what is visible stays.

        A patch with a hidden sample is not looked at. Mean and deviation are those of what is visible; where a channel has
        nothing visible, the guess is 0.
        """
        if self.decoder is None or self.config.is_patch_normalised:
            raise BadConfiguration(
                "this hybrid has learnt no levels, so it can fill nothing in; train one with reconstruction_weight > 0 and"
                " is_patch_normalised=False"
            )
        series = self.series(batch)
        fit = fit_level_and_size(series.values, series.valid & ~hidden)
        seen = self._observed(series.valid) & ~self._patches(hidden).any(dim=2)
        guess = self._guess(self.encode(fit.scaled, seen)).reshape(series.values.shape)  # (B, N, patch) -> (B, C, T)
        return torch.where(series.valid & ~hidden, series.values, guess.float() * fit.size + fit.line)

    def view(self, prepared: Prepared, draws: Draws) -> View:
        """Return augmented windows and which of their tokens are seen and which hidden: whole moments, in all channels.

        Of the moments at which anything was measured, the share `mask_share` is hidden, rounded, one at least is seen.
        """
        signal, _ = cascade(prepared.signal, prepared.valid, draws, steps=self.augmentations)
        observed = self._observed(prepared.valid)
        channels, patches = self.config.grid
        there = observed.reshape(-1, channels, patches).any(dim=1)  # (B, P)
        noise = draws.uniform(len(there), patches, device=there.device)
        place = (noise + 2 * ~there).argsort(dim=1, stable=True).argsort(dim=1)  # moments that are there come first
        count = ((1 - self.config.mask_share) * there.sum(dim=1, keepdim=True)).round().clamp(min=1)
        is_shown = (place < count).repeat(1, channels)  # (B, P) -> (B, N)
        return View(signal, observed & is_shown, observed & ~is_shown)

    def encode(self, signal: Tensor, seen: Tensor) -> Encoded:
        """Return the tokens that are seen and their mean, (B, C, T) and (B, N) bool."""
        rows = Packing.of(seen)
        latent = self.encoder(self._patches(signal), rows)
        return Encoded(rows, latent, group_mean(latent, rows.row, count=len(seen)))

    def _guess(self, encoded: Encoded) -> Tensor:
        """Return all patches guessed from the seen ones, (B, N, patch)."""
        assert self.decoder is not None
        tokens = encoded.rows.unpack(self.decoder.embed(encoded.latent), self.decoder.mask_token)
        return self.decoder(tokens)  # type: ignore[no-any-return]

    def _reconstruction(self, encoded: Encoded, prepared: Prepared, hidden: Tensor) -> Tensor:
        """Return the mean squared error over valid samples of hidden patches, of all processes together."""
        target, valid = self._patches(prepared.signal), self._patches(prepared.valid)
        if self.config.is_patch_normalised:
            target = normalise_patches(target, valid)
        scored = valid & hidden[..., None]
        error = reconstruction_error(self._guess(encoded), target, valid=scored)
        return weight_of_own(scored.sum(dim=(1, 2))) * error

    def _contrast(self, vector: Tensor, batch: Batch) -> Tensor:
        """Return InfoNCE between the windows of pairs, both ways; no window of the same participant is a negative.

        Vectors are standardised over the batch first: what all windows have in common would make all of them alike.
        """
        if batch.group_size != 2:
            raise BadConfiguration(
                f"a batch with groups of {batch.group_size}; contrast needs pairs: draw it with the recipe's own plan, or set"
                " contrast_weight=0"
            )
        assert self.projector is not None
        projected = self.projector(standardise_columns(gather_rows(vector)))
        participant = gather_rows(batch.participant)[::2]
        is_other = participant[:, None] != participant
        return info_nce(projected[::2], projected[1::2], temperature=self.config.temperature, across=is_other, within=is_other)

    def _koleo(self, vector: Tensor, group_size: int) -> Tensor:
        """Return KoLeo of the embeddings, among the first windows of all groups, the second ones ...; the mean of these."""
        vectors = gather_rows(vector)
        return torch.stack([koleo(vectors[number::group_size]) for number in range(group_size)]).mean()

    def _corruption(self, prepared: Prepared, draws: Draws) -> dict[str, Tensor]:
        """Return the cross-entropy of telling what went wrong with whole windows, and how often it is told right."""
        assert self.corruption is not None
        made = corrupt(*prepared, draws, rate_hz=self.config.rate_hz, strength=self.config.corruption_strength)
        signal = standardise(made.signal, made.valid)  # as `prepare` would: size alone must not tell
        logits = self.corruption(self.encode(signal, self._observed(made.valid)).vector).float()  # (B, K)
        right = (logits.detach().argmax(dim=1) == made.kind).float().mean()
        return {"corruption": F.cross_entropy(logits, made.kind), "corruption_accuracy": right}

    def _beat(self, vector: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Return the error of the guessed time to the next beat: as the loss weighs it, and in seconds; 0 if none is known.

        Windows of which it is not known, or known to lie behind the horizon, do not count; "beat_known" is the share of the
        others.
        """
        if NEXT_BEAT not in batch.targets:
            raise BadConfiguration(
                f"a batch without the target {NEXT_BEAT}; give the index to recipe.survey(source, index) before loading, or set"
                " beat_weight=0"
            )
        assert self.beat is not None
        target = batch.targets[NEXT_BEAT].float()
        known = target <= self.config.horizon_s  # NaN is not
        guess = self.config.horizon_s * self.beat(vector)[:, 0].float().sigmoid()  # (B, 1) -> (B,)
        apart = (guess - torch.where(known, target, guess.detach())) / INTERVAL_S
        weight = weight_of_own(known.long()) / known.sum().clamp(min=1)
        error = F.smooth_l1_loss(apart, torch.zeros_like(apart), reduction="sum", beta=BEND)
        return {
            "beat": weight * error,
            "beat_error_s": weight * INTERVAL_S * apart.detach().abs().sum(),
            "beat_known": known.float().mean(),
        }

    def _patches(self, values: Tensor) -> Tensor:
        return values.reshape(len(values), -1, self.config.patch)  # (B, C, T) -> (B, N, patch)

    def _observed(self, valid: Tensor) -> Tensor:
        """Return which patches have a valid sample, (B, C, T) -> (B, N) bool."""
        return self._patches(valid).any(dim=2)

    def _stream(self, batch: Batch) -> Signal:
        c = self.config
        if c.modality not in batch.streams:
            raise BadConfiguration(
                f"a batch of {', '.join(batch.streams) or 'nothing'}; this recipe reads {c.modality}: set modality"
            )
        stream = batch.streams[c.modality]
        if stream.signal.shape[1:] != (c.channels, c.length) or stream.rate_hz != c.rate_hz:
            channels, length = stream.signal.shape[1:]
            raise BadConfiguration(
                f"windows of {channels} channels, {length} samples at {stream.rate_hz:g} Hz; this hybrid was made for"
                f" {c.channels}, {c.length} at {c.rate_hz:g} Hz: set channels, window_s and rate_hz, or cut the windows anew"
            )
        return stream


def normalise_patches(patches: Tensor, valid: Tensor) -> Tensor:
    """Return each patch with mean 0 and deviation 1 over its valid samples, (B, N, patch); He et al. 2022, section 4.1."""
    count = valid.sum(dim=2, keepdim=True).clamp(min=1)
    centred = patches - torch.where(valid, patches, 0.0).sum(dim=2, keepdim=True) / count
    variance = torch.where(valid, centred, 0.0).square().sum(dim=2, keepdim=True) / count
    return torch.where(valid, centred / (variance + 1e-6).sqrt(), 0.0)


def standardise_columns(vectors: Tensor) -> Tensor:
    """Return each dimension with mean 0 and deviation 1 over the batch, (N, D); batch normalisation without a memory."""
    with torch.autocast(vectors.device.type, enabled=False):
        variance, mean = torch.var_mean(vectors.float(), dim=0, correction=0)
        return (vectors.float() - mean) / (variance + 1e-5).sqrt()


def _encoder(config: HybridConfig) -> PatchEncoder:
    positions = sincos_grid(*config.grid, config.width)
    return PatchEncoder(config.patch, positions=positions, depth=config.depth, heads=config.heads, mlp_width=config.mlp_width)


def _decoder(config: HybridConfig) -> PatchDecoder:
    return PatchDecoder(
        config.patch,
        width=config.width,
        positions=sincos_grid(*config.grid, config.decoder_width),
        depth=config.decoder_depth,
        heads=config.decoder_heads,
        mlp_width=config.decoder_mlp_width,
    )


def _head(config: HybridConfig, out: int) -> ProjectionHead:
    return ProjectionHead(config.width, hidden=config.hidden_size, out=out, dropout=0.0)
