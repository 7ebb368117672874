"""SelfPAB: what moves a body, from spectra of one or two accelerometers in which moments and frequencies are hidden.

    (B, C, T) g ─Hann, 1 s every 0.5 s─▶ magnitudes (B, N, C, F) ─standardise─▶ hide ─▶ 4 post-norm layers ─▶ all of it again
                                                                                          └─ mean of frames: the embedding

Logacjov et al. 2024 (Applied Intelligence 54:4545), SelfPAB; Logacjov & Bach 2023 (NIKT), MonoSelfPAB; code and weights:
ntnu-ai-lab/SelfPAB @1d14e70 ([code] below). The masking follows TERA (Liu et al. 2021, arXiv:2007.06028).

Same as published: spectra, masking, network (61,107,848 parameters), masked L1, names of weights. MonoSelfPAB
(`target="other"`) sees one accelerometer and says what the other measured. Ours: gaps (a channel's frame with a missing
sample is 0, a frame without any channel is looked at by no other, neither is in the loss), windows of other lengths,
standardisation learned from the training side, and what `fill` gives for imputation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple, Self

import torch
from torch import Tensor, nn

from wearfm.errors import BadConfiguration, UnknownName
from wearfm.nn.backbones.post_norm import PostNormBlock
from wearfm.nn.draws import Draws
from wearfm.nn.initial import xavier
from wearfm.nn.masking import last_block
from wearfm.nn.moments import Moments
from wearfm.nn.pooling import masked_mean
from wearfm.nn.positions import sincos_in_turn
from wearfm.nn.tokens.stft import amplitude_of, magnitudes, measured, num_bins, num_frames
from wearfm.objectives.reconstruction import masked_l1
from wearfm.recipes.base import Embedded, Loss, Masked, Series, load_strictly, refuse_difference
from wearfm.signals.units import modality
from wearfm.windows.batch import Batch, Signal
from wearfm.windows.contract import InputContract, Stream
from wearfm.windows.index import WindowIndex
from wearfm.windows.sample import Shuffled

AXES = 3  # channels of an accelerometer: x, y, z
TARGETS = ("other", "same")
MERGES = ("concatenate", "max", "mean")
CALIBRATION_WINDOWS = 512
ORIGINAL_POSITIONS = 10_000  # rows of the table that published files carry


@dataclass(frozen=True, kw_only=True)
class SelfPABConfig:
    """Every number of the method; [code] is ntnu-ai-lab/SelfPAB @1d14e70, "ours" a choice of this library."""

    # input
    modality: str = "acc"  # [code]
    sensors: int = 2  # in a window, three channels each: lower back, then thigh [code]
    rate_hz: float = 50.0  # [code]
    window_s: float = 300.0  # 15,000 samples, 599 frames [code]
    min_valid: float = 0.5  # ours: share of samples that must have been measured; gaps are masked
    frame_s: float = 1.0  # 50 samples, 26 frequencies 1 Hz apart [code]
    hop_s: float = 0.5  # [code]
    # network
    width: int = 1500  # [code]
    depth: int = 4  # [code]
    heads: int = 6  # [code]
    mlp_width: int = 2048  # [code]
    dropout: float = 0.1  # of attention weights, hidden units and what is added [code]
    # task
    target: str = "same"  # SelfPAB; "other": MonoSelfPAB, one accelerometer in, the other one out [code]
    merge: str = "mean"  # of two accelerometers that were embedded one by one; "max", "concatenate" [code]
    time_share: float = 0.15  # of the frames, in blocks that may overlap [code]
    time_block: int = 3  # frames, 2 s [code]
    zero_probability: float = 0.8  # that a window's blocks become 0 [code]
    swap_probability: float = 0.1  # that they become copies of other blocks; else they stay, and count as seen [code]
    band_probability: float = 0.9  # that a band of frequencies becomes 0 in all frames and channels [code]
    band_share: float = 0.2  # of the frequencies [code]
    band_block: int = 3  # frequencies, 3 Hz [code]

    def __post_init__(self) -> None:
        modality(self.modality)
        for name, known in (("target", TARGETS), ("merge", MERGES)):
            if getattr(self, name) not in known:
                raise UnknownName(name, getattr(self, name), known)
        for value, is_kept, rule in self._rules():
            if not is_kept:
                raise BadConfiguration(f"{value}: {rule}")

    def _rules(self) -> Iterator[tuple[str, bool, str]]:
        """Yield (setting and value, whether it is fine, rule and remedy)."""
        yield f"sensors={self.sensors}", self.sensors in (1, 2), "a window has 1 or 2 accelerometers"
        yield f"width={self.width}", self.width % (2 * self.heads) == 0, f"use a multiple of twice the {self.heads} heads"
        yield f"dropout={self.dropout:g}", 0 <= self.dropout < 1, "it must lie in [0, 1)"
        yield f"hop_s={self.hop_s:g}", self.hop >= 1, f"at {self.rate_hz:g} Hz a hop needs at least {1 / self.rate_hz:g} s"
        yield (
            f"window_s={self.window_s:g} has {self.frames} frames",
            self.frames - self.time_block >= max(self.time_blocks, 1),
            f"hiding {self.time_blocks} blocks of {self.time_block} frames needs more: use a longer window",
        )
        yield (
            f"frame_s={self.frame_s:g} has {self.bins} frequencies",
            self.bins - self.band_block >= max(self.bands, 1),
            f"hiding {self.bands} bands of {self.band_block} needs more: use longer frames or a lower band_block",
        )

    @property
    def frame(self) -> int:
        """Samples of a frame."""
        return round(self.frame_s * self.rate_hz)

    @property
    def hop(self) -> int:
        """Samples from one frame to the next."""
        return round(self.hop_s * self.rate_hz)

    @property
    def frames(self) -> int:
        """Frames of a window."""
        return num_frames(round(self.window_s * self.rate_hz), size=self.frame, hop=self.hop)

    @property
    def bins(self) -> int:
        """Frequencies of a frame."""
        return num_bins(self.frame)

    @property
    def channels(self) -> int:
        """Channels of a window."""
        return AXES * self.sensors

    @property
    def branches(self) -> int:
        """How many times the network looks at a window: once, or at each accelerometer by itself."""
        return 1 if self.target == "same" else self.sensors

    @property
    def features(self) -> int:
        """What a frame comes to when the network looks at it: 156 of two accelerometers, 78 of one [code]."""
        return self.channels // self.branches * self.bins

    @property
    def time_blocks(self) -> int:
        """How many blocks of frames are altered, int(0.15 * 599 / 3) = 29 [code]; in short windows at least one (ours)."""
        return _count(self.time_share, self.frames, self.time_block)

    @property
    def bands(self) -> int:
        """How many bands of frequencies are hidden, int(0.2 * 26 / 3) = 1 [code]; at least one (ours)."""
        return _count(self.band_share, self.bins, self.band_block)


def _count(share: float, length: int, block: int) -> int:
    return max(int(share * length / block), 1) if share > 0 else 0


def paper() -> SelfPABConfig:
    """SelfPAB as released: two accelerometers, five minutes, 61,107,848 parameters [code]."""
    return SelfPABConfig()


def mono() -> SelfPABConfig:
    """MonoSelfPAB as released: one accelerometer predicts the other, 60,873,770 parameters [code]."""
    return SelfPABConfig(target="other")


def medium() -> SelfPABConfig:
    """One accelerometer, 30 s, 3.2 million parameters: hours on two cores. All numbers ours."""
    return SelfPABConfig(sensors=1, window_s=30.0, width=256, depth=4, heads=4, mlp_width=1024)


def small() -> SelfPABConfig:
    """One accelerometer, 10 s, 0.4 million parameters: minutes on two cores. All numbers ours."""
    return replace(medium(), window_s=10.0, width=128, depth=3, mlp_width=256)


class Prepared(NamedTuple):
    """Standardised spectra. values: (B, N, C, F), 0 where not known. known: (B, N, C) bool, frames without a missing sample."""

    values: Tensor
    known: Tensor

    def halves(self) -> tuple[Prepared, Prepared]:
        """Return the first and the second accelerometer's, (B, N, C, F) -> (B, N, C / 2, F) twice."""
        values, known = self.values.chunk(2, dim=2), self.known.chunk(2, dim=2)
        return Prepared(values[0], known[0]), Prepared(values[1], known[1])


class Noise(NamedTuple):
    """What decides how B windows are altered.

    kind, band: (B,) uniform, what happens to blocks of frames, and whether bands are hidden. to, source: (B, n) int64,
    first frames of altered blocks and of those that may be copied there. bands: (B, m) int64, first frequencies.
    """

    kind: Tensor
    band: Tensor
    to: Tensor
    source: Tensor
    bands: Tensor


class Encoder(nn.Module):
    """Frames into tokens: one linear map, fixed positions, post-norm layers (`nn.TransformerEncoderLayer` of torch)."""

    positions: Tensor

    def __init__(self, config: SelfPABConfig) -> None:
        super().__init__()
        self.project = nn.Linear(config.features, config.width)
        self.register_buffer("positions", sincos_in_turn(config.frames, config.width), persistent=False)
        self.blocks = nn.ModuleList(
            PostNormBlock(
                config.width,
                heads=config.heads,
                head_width=config.width // config.heads,
                mlp_width=config.mlp_width,
                dropout=config.dropout,
                inner_dropout=config.dropout,
                eps=1e-5,
            )
            for _ in range(config.depth)
        )

    def forward(self, frames: Tensor, visible: Tensor, draws: Draws | None = None) -> Tensor:
        """Return the tokens, (B, N, C, F) -> (B, N, D). visible: (B, N) bool, frames that may be looked at. draws: dropout."""
        tokens = self.project(frames.flatten(2)) + self.positions  # (B, N, C, F) -> (B, N, D)
        visible = visible | ~visible.any(dim=1, keepdim=True)  # an empty window looks at its own zeros
        for block in self.blocks:
            tokens = block(tokens, visible, draws)
        return tokens  # type: ignore[no-any-return]


class SelfPAB(Masked):
    """The recipe; construction is a pure function of config and seed."""

    name: ClassVar[str] = "selfpab"
    Config: ClassVar[type[SelfPABConfig]] = SelfPABConfig
    pretext: ClassVar[tuple[str, ...]] = ("predict.",)
    config: SelfPABConfig
    mean: Tensor
    std: Tensor

    def __init__(self, config: SelfPABConfig, *, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        with torch.random.fork_rng(devices=[]):  # torch's layers draw first values that `xavier` replaces
            self.encoder = Encoder(config)
            self.predict = nn.Linear(config.width, config.features)
        xavier(self, torch.Generator().manual_seed(seed))
        self.register_buffer("mean", torch.zeros(config.channels * config.bins))
        self.register_buffer("std", torch.ones(config.channels * config.bins))

    @classmethod
    def presets(cls) -> Mapping[str, Callable[[], SelfPABConfig]]:
        """Return preset name -> function that makes its config."""
        return {"paper": paper, "mono": mono, "medium": medium, "small": small}

    @property
    def input(self) -> InputContract:
        """One modality, three channels an accelerometer, in the order of the recording."""
        c = self.config
        stream = Stream(modality=c.modality, rate_hz=c.rate_hz, channels=c.channels)
        return InputContract(streams=(stream,), window_s=c.window_s, min_valid=c.min_valid)

    @property
    def embedding_size(self) -> int:
        """The width, twice that where the vectors of two accelerometers are concatenated."""
        return self.config.width * (self.config.branches if self.config.merge == "concatenate" else 1)

    def plan(self, index: WindowIndex, *, seed: int) -> Shuffled:
        """Return every window once an epoch."""
        return Shuffled(len(index), seed=seed)

    @property
    def calibration_windows(self) -> int:
        """Windows from which mean and deviation of each feature are learned; the paper uses all of HUNT4."""
        return CALIBRATION_WINDOWS

    def calibrate(self, batches: Iterator[Batch]) -> None:
        """Set mean and standard deviation of every channel's every frequency, over all measured frames."""
        moments = Moments(len(self.mean))
        for batch in batches:
            spectra, known = self._spectra(batch)
            counted = known[..., None].expand(spectra.shape)
            moments.add(spectra.flatten(2).flatten(0, 1), counted.flatten(2).flatten(0, 1))  # (B, N, C, F) -> (B * N, C * F)
        self.mean.copy_(moments.mean)
        self.std.copy_(moments.std())

    def prepare(self, batch: Batch) -> Prepared:
        """Return the standardised spectra of a batch."""
        spectra, known = self._spectra(batch)
        shape = spectra.shape[2:]
        values = (spectra - self.mean.view(shape)) / self.std.view(shape)
        return Prepared(torch.where(known[..., None], values, 0.0), known)

    def loss(self, batch: Batch, draws: Draws) -> Loss:
        """Return how far the network is off where it was led astray, in standard deviations."""
        shown, (target, wanted) = self._task(self.prepare(batch), draws)
        altered, changed = alter(shown.values, self.draw(len(target), draws), config=self.config)
        dropout = draws if self.training else None
        guess = self._guess(Prepared(altered, shown.known), dropout)
        mask = changed & wanted[..., None]
        error = masked_l1(guess, target, mask=mask)
        return Loss(total=error, parts={"masked_l1": error.detach(), "masked_share": mask.float().mean()})

    def draw(self, rows: int, draws: Draws) -> Noise:
        """Return what decides how `rows` windows are altered."""
        c, device = self.config, self.mean.device
        kinds = draws.uniform(rows, 2, device=device)
        to, source = (draws.permutation(rows, c.frames - c.time_block, device=device)[:, : c.time_blocks] for _ in range(2))
        bands = draws.permutation(rows, c.bins - c.band_block, device=device)[:, : c.bands]
        return Noise(kind=kinds[:, 0], band=kinds[:, 1], to=to, source=source, bands=bands)

    def embed(self, batch: Batch) -> Embedded:
        """Return the mean of the measured frames' tokens, and the tokens."""
        tokens, seen = self._tokens(batch)
        return Embedded(vector=masked_mean(tokens, seen), tokens=tokens)

    def features(self, batch: Batch, draws: Draws | None = None) -> Tensor:
        """Return the embedding with gradient and, while training, with dropout, (B, D)."""
        return masked_mean(*self._tokens(batch, draws))

    def frames(self, batch: Batch, draws: Draws | None = None) -> Tensor:
        """Return a token for each frame, (B, N, D); its middle lies within half a hop of the middle of the N-th part."""
        return self._tokens(batch, draws)[0]

    def series(self, batch: Batch) -> Series:
        """Return the amplitude of every frequency of every channel, a value each hop; neighbours share half their samples."""
        c = self.config
        spectra, known = self._spectra(batch)
        scaled = torch.where(known[..., None], spectra * amplitude_of(c.frame).to(spectra), 0.0)
        names = [f"{c.modality} {channel} {bin_ / c.frame_s:g} Hz" for channel in range(c.channels) for bin_ in range(c.bins)]
        return Series(
            values=scaled.flatten(2).transpose(1, 2),  # (B, N, C, F) -> (B, C * F, N)
            valid=known[..., None].expand(scaled.shape).flatten(2).transpose(1, 2),
            names=tuple(names),
            units=(modality(c.modality).unit,) * len(names),
            step_s=c.hop / c.rate_hz,
        )

    def fill(self, batch: Batch, hidden: Tensor) -> Tensor:
        """Return the network's guess of `series`, hidden values shown as 0, as in training; each hides alone.

        MonoSelfPAB's guess of one accelerometer comes from the other alone, and needs both.
        """
        c = self.config
        values, known = self.prepare(batch)
        shape = values.shape
        values = values.masked_fill(hidden.transpose(1, 2).reshape(shape), 0.0)  # (B, C * F, N) -> (B, N, C, F)
        if c.target == "same":
            guess = self._guess(Prepared(values, known))
        else:
            self._need_two()
            first, second = Prepared(values, known).halves()
            guess = torch.cat([self._guess(second), self._guess(first)], dim=2)  # what each says of the other
        spectra = (guess * self.std.view(shape[2:]) + self.mean.view(shape[2:])).clamp(min=0)
        return (spectra * amplitude_of(c.frame).to(spectra)).flatten(2).transpose(1, 2)  # (B, N, C, F) -> (B, C * F, N)

    def _guess(self, shown: Prepared, draws: Draws | None = None) -> Tensor:
        """Return what the network says of spectra like those it sees, (B, N, C, F)."""
        tokens = self.encoder(shown.values, shown.known.any(dim=2), draws)
        guess: Tensor = self.predict(tokens)
        return guess.view_as(shown.values)  # (B, N, C * F) -> (B, N, C, F)

    def _spectra(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return magnitudes (B, N, C, F) in g times samples, and which frames were measured, (B, N, C) bool."""
        c, stream = self.config, self._stream(batch)
        signal = torch.where(stream.valid, stream.signal, 0.0)
        known = measured(stream.valid, size=c.frame, hop=c.hop)
        return magnitudes(signal, size=c.frame, hop=c.hop).transpose(1, 2), known.transpose(1, 2)

    def _task(self, prepared: Prepared, draws: Draws) -> tuple[Prepared, Prepared]:
        """Return what the network sees before it is altered, and what it is to say of it."""
        if self.config.target == "same":
            return prepared, prepared
        self._need_two()
        is_second = (draws.uniform(len(prepared.values), device=prepared.values.device) >= 0.5)[:, None, None]
        first, second = prepared.halves()

        def choose(is_other: Tensor) -> Prepared:
            values = torch.where(is_other[..., None], second.values, first.values)
            return Prepared(values, torch.where(is_other, second.known, first.known))

        return choose(is_second), choose(~is_second)

    def _tokens(self, batch: Batch, draws: Draws | None = None) -> tuple[Tensor, Tensor]:
        """Return the tokens of unaltered windows, (B, N, D), and which frames were measured, (B, N) bool."""
        branches = self.config.branches
        values, known = self.prepare(batch)
        parts = torch.stack(values.chunk(branches, dim=2), dim=1)  # (B, N, C, F) -> (B, S, N, C / S, F)
        seen = torch.stack(known.chunk(branches, dim=2), dim=1).any(dim=3)  # (B, N, C) -> (B, S, N)
        tokens = self.encoder(parts.flatten(0, 1), seen.flatten(0, 1), draws)  # (B * S, N, D)
        tokens = tokens.reshape(*seen.shape, -1)  # (B * S, N, D) -> (B, S, N, D)
        return merge(tokens, seen, kind=self.config.merge), seen.any(dim=1)

    def _need_two(self) -> None:
        if self.config.sensors != 2:
            raise BadConfiguration(
                f"sensors={self.config.sensors}: one accelerometer says what the other measured; use windows with sensors=2,"
                ' or target="same"'
            )

    def _stream(self, batch: Batch) -> Signal:
        c = self.config
        if c.modality not in batch.streams:
            raise BadConfiguration(
                f"a batch of {', '.join(batch.streams) or 'nothing'}; this recipe reads {c.modality}: set modality"
            )
        stream = batch.streams[c.modality]
        given, expected = stream.signal.shape[1:], (c.channels, round(c.window_s * c.rate_hz))
        if tuple(given) != expected or abs(stream.rate_hz - c.rate_hz) > 1e-6:
            raise BadConfiguration(
                f"windows of {given[0]} channels and {given[1]} samples at {stream.rate_hz:g} Hz; this recipe was made for"
                f" {expected[0]} and {expected[1]} at {c.rate_hz:g} Hz: set sensors, window_s and rate_hz"
            )
        return stream

    @classmethod
    def from_original(cls, state: Mapping[str, Tensor], **settings: Any) -> Self:
        """Return a recipe holding published weights: a Lightning checkpoint or its `state_dict`; strict.

        settings: fields of the config on top of the released ones; sizes are read from the shapes, and 78 features mean
        MonoSelfPAB unless `target` is given. mean, std: the published constants of each feature (156 numbers, for
        MonoSelfPAB those of the back and then of the thigh), which lie beside the checkpoint; without them `calibrate`.
        """
        inner = state.get("state_dict")
        given = dict(inner if isinstance(inner, Mapping) else state)
        constants: dict[str, Sequence[float]] = {key: settings.pop(key) for key in ("mean", "std") if key in settings}
        bins = num_bins(round(settings.get("frame_s", 1.0) * settings.get("rate_hz", 50.0)))
        recipe = cls(replace(paper(), **_sizes(given, bins=bins) | settings))
        expected = recipe.to_original()
        refuse_difference(expected, given, what="selfpab")
        if not torch.allclose(given[POSITIONS].float(), expected[POSITIONS], atol=1e-2):  # float32 angles of up to 10,000
            raise BadConfiguration(f"{POSITIONS} holds no sines and cosines in turn; these are weights of another model")
        load_strictly(recipe, {**recipe.state_dict(), **_unpacked(given, recipe.config.depth)}, what="selfpab")
        for name, numbers in constants.items():
            own = getattr(recipe, name)
            if len(numbers) != len(own):
                raise BadConfiguration(f"{name} of {len(numbers)} numbers; the windows have {len(own)} features")
            own.copy_(torch.as_tensor(numbers))
        return recipe

    def to_original(self) -> dict[str, Tensor]:
        """Return the network's weights in the names of [code], with its table of positions; the inverse of `from_original`.

        The constants of standardisation are not part of the original's checkpoint: they are `mean` and `std`.
        """
        own = {key: value.detach().clone() for key, value in self.state_dict().items()}
        out = {theirs: own[ours] for ours, theirs in original_names(self.config.depth).items()}
        for theirs, ours in packed_names(self.config.depth).items():
            out[theirs] = torch.cat([own[key] for key in ours])
        return out | {POSITIONS: sincos_in_turn(ORIGINAL_POSITIONS, self.config.width)[None]}


def one_sensor(recipe: SelfPAB, number: int) -> SelfPAB:
    """Return a MonoSelfPAB for recordings of one accelerometer, standardised as number 0 or 1 of its training windows."""
    config = recipe.config
    if config.target != "other" or not 0 <= number < config.sensors:
        raise BadConfiguration(
            f'sensor {number} of {config.sensors}, target="{config.target}": one of two is read with target="other" only'
        )
    single = SelfPAB(replace(config, sensors=1))
    own = {key: recipe.state_dict()[key].chunk(config.sensors)[number] for key in ("mean", "std")}
    load_strictly(single, {**recipe.state_dict(), **own}, what="selfpab of one accelerometer")
    single.seen = recipe.seen
    return single.eval()


def alter(values: Tensor, noise: Noise, *, config: SelfPABConfig) -> tuple[Tensor, Tensor]:
    """Return altered spectra (B, N, C, F), and which of their numbers count in the loss, bool of the same shape.

    A window's blocks of frames all become 0, or all become copies of other blocks of the clean window, or all stay; then,
    mostly, a band of frequencies becomes 0 everywhere. Where copies overlap, the later one stays (as in a loop).
    """
    B, N, _, F = values.shape
    is_zeroed = noise.kind < config.zero_probability
    is_swapped = ~is_zeroed & (noise.kind < config.zero_probability + config.swap_probability)
    last = last_block(noise.to, size=config.time_block, length=N)  # (B, N)
    in_block = (last >= 0) & (is_zeroed | is_swapped)[:, None]
    shift = (noise.source - noise.to).gather(1, last.clamp(min=0)) if noise.to.shape[1] else last.new_zeros(B, N)
    origin = torch.arange(N, device=values.device) + shift * (is_swapped[:, None] & in_block)  # (B, N), frame that is read
    copied = values.gather(1, origin[:, :, None, None].expand(values.shape))
    band = (last_block(noise.bands, size=config.band_block, length=F) >= 0) & (noise.band < config.band_probability)[:, None]
    hidden = (in_block & is_zeroed[:, None])[:, :, None, None] | band[:, None, None]  # (B, N, 1, F)
    changed = in_block[:, :, None, None] | band[:, None, None]
    return copied.masked_fill(hidden, 0.0), changed.expand(values.shape)


def merge(tokens: Tensor, seen: Tensor, *, kind: str) -> Tensor:
    """Return one token a frame from those of S accelerometers, (B, S, N, D) -> (B, N, D), or (B, N, S * D) to concatenate.

    seen: (B, S, N) bool; what was not measured does not enter, and is 0 where there is no other.
    """
    there = seen[..., None]
    if kind == "concatenate":
        return torch.where(there, tokens, 0.0).transpose(1, 2).flatten(2)  # (B, S, N, D) -> (B, N, S * D)
    if kind == "mean":
        return masked_mean(tokens.transpose(1, 2), seen.transpose(1, 2))
    highest = tokens.masked_fill(~there, -torch.inf).amax(dim=1)
    return torch.where(seen.any(dim=1)[..., None], highest, 0.0)


POSITIONS = "emb.pos_encoder.pe"
OUTSIDE = {"encoder.project": "emb.lin_proj_layer", "predict": "prediction_head.mlp.out_layer"}  # ours, original
INSIDE = {  # a layer: ours, original
    "attention.project": "self_attn.out_proj",
    "expand": "linear1",
    "contract": "linear2",
    "norm1": "norm1",
    "norm2": "norm2",
}


def original_names(depth: int) -> dict[str, str]:
    """Return our name -> the original's, of all tensors but queries, keys and values."""
    pairs = list(OUTSIDE.items())
    for number in range(depth):
        ours, theirs = f"encoder.blocks.{number}", f"transformer_encoder.layers.{number}"
        pairs += [(f"{ours}.{one}", f"{theirs}.{other}") for one, other in INSIDE.items()]
    return {f"{ours}.{kind}": f"{theirs}.{kind}" for ours, theirs in pairs for kind in ("weight", "bias")}


def packed_names(depth: int) -> dict[str, tuple[str, ...]]:
    """Return the original's name of each tensor that holds queries, keys and values in turn -> our names of the three."""
    return {
        f"transformer_encoder.layers.{number}.self_attn.in_proj_{kind}": tuple(
            f"encoder.blocks.{number}.attention.{part}.{kind}" for part in ("query", "key", "value")
        )
        for number in range(depth)
        for kind in ("weight", "bias")
    }


def _unpacked(state: Mapping[str, Tensor], depth: int) -> dict[str, Tensor]:
    """Return the original's tensors under our names."""
    out = {ours: state[theirs] for ours, theirs in original_names(depth).items()}
    for theirs, ours in packed_names(depth).items():
        out |= dict(zip(ours, state[theirs].chunk(3), strict=True))
    return out


def _sizes(state: Mapping[str, Tensor], *, bins: int) -> dict[str, Any]:
    """Return the config fields that an original state dict tells; those of the release where a key is missing.

    bins: frequencies of a frame; a network of no more features than one accelerometer gives is MonoSelfPAB.
    """

    def size(key: str, axis: int, default: int) -> int:
        return state[key].shape[axis] if key in state and state[key].ndim > axis else default

    base = paper()
    layers = {match[1] for match in (re.match(r"transformer_encoder\.layers\.(\d+)\.", key) for key in state) if match}
    is_mono = size("emb.lin_proj_layer.weight", 1, base.features) <= AXES * bins
    return {
        "width": size("emb.lin_proj_layer.weight", 0, base.width),
        "depth": len(layers) or base.depth,
        "mlp_width": size("transformer_encoder.layers.0.linear1.weight", 0, base.mlp_width),
        "target": "other" if is_mono else "same",
    }
