"""SleepFM, the clinical model: one encoder for all channels of a night, taught that simultaneous groups belong together.

    group g (B, C, T) ── z-score ── pieces of 5 s ── convolutions ──▶ (B, C, S, D), only of channels that are there
        ── attention over channels, mean ── + positions ── 6 pre-norm layers ──▶ tokens (B, S, D) ── attention, mean ──▶ (B, D)
    brain, breathing, heart, muscle: the same weights, four vectors ── each must find the mean of the other three

Thapa et al. 2026 (Nature Medicine, doi:10.1038/s41591-025-04133-4); code and weights: zou-group/sleepfm-clinical @70ce04e
([code] below).

Same as published: the encoder (4,831,656 parameters), both contrasts, the learnable temperature, names of weights. Different:
channels are standardised over the window, because a window does not know its night (the heads of `sleep_staging` and
`sleep_risk` see whole nights); batch statistics are taken of all groups together, because evaluation knows one set only, and
padded channels are in none; a group that a window lacks is left out of the
contrast, where [code] skips the recording; a piece of 5 s that was not measured is not looked at. Trained with our
optimisers: [code] uses SGD with momentum.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Self

import torch
from torch import Tensor, nn

from wearfm.errors import BadConfiguration, UnknownName
from wearfm.nn.backbones.post_norm import PreNormBlock
from wearfm.nn.draws import Draws
from wearfm.nn.gather import gather_rows
from wearfm.nn.initial import uniform_by_fan_in
from wearfm.nn.modes import evaluating
from wearfm.nn.normalise import standardise
from wearfm.nn.pooling import AttentionPooling, masked_mean
from wearfm.nn.positions import Positions, sincos_in_turn
from wearfm.nn.tokens.conv import ConvTokens
from wearfm.nn.torch_layers import LAYER, pack, unpack
from wearfm.objectives.leave_one_out import Contrast, leave_one_out, pairwise
from wearfm.objectives.spread import watch
from wearfm.recipes.base import (
    Embedded,
    Loss,
    Recipe,
    config_from_json,
    load_renamed,
    preset,
    refuse_difference,
    renamed,
)
from wearfm.signals.units import modality
from wearfm.windows.batch import Batch, Signal
from wearfm.windows.contract import InputContract, Stream
from wearfm.windows.index import WindowIndex
from wearfm.windows.sample import Shuffled

WINDOWS_AT_ONCE = 64  # of a night that are encoded together
CHOICES = {
    "contrast": ("leave_one_out", "pairwise"),
    "negatives": ("all", "other_recordings", "other_people"),
    "merge": ("mean", "concatenate"),
}


@dataclass(frozen=True, kw_only=True)
class Group:
    """Channels that are encoded together. modalities: whose channels, in this order. channels: at most so many."""

    name: str
    modalities: tuple[str, ...]
    channels: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "modalities", tuple(self.modalities))
        for name in self.modalities:
            modality(name)
        if self.channels < 1 or not self.modalities:
            raise BadConfiguration(f"group {self.name!r} of {self.channels} channels of {self.modalities}: 1 at least of each")


GROUPS = (  # names and limits [code]; which of our modalities belong there is ours
    Group(name="BAS", modalities=("eeg", "eog"), channels=10),
    Group(name="RESP", modalities=("resp", "spo2"), channels=7),
    Group(name="EKG", modalities=("ecg",), channels=2),
    Group(name="EMG", modalities=("emg",), channels=4),
)


@dataclass(frozen=True, kw_only=True)
class SleepFMConfig:
    """Every number of the method; [code] is the released configuration, "ours" a choice of this library."""

    # input
    groups: tuple[Group, ...] = GROUPS
    rate_hz: float = 128.0  # [code]
    window_s: float = 300.0  # 60 tokens [code]
    min_valid: float = 0.25  # ours: share of samples measured, over all channels; gaps are masked
    token_s: float = 5.0  # 640 samples [code]
    token_valid: float = 0.5  # ours: least share of a piece's samples that must be measured
    # encoder
    widths: tuple[int, ...] = (4, 8, 16, 32, 64, 128)  # channels after each convolution [code]
    width: int = 128  # [code]
    depth: int = 6  # [code]
    heads: int = 8  # of all attention [code]
    mlp_width: int = 2048  # [code]
    dropout: float = 0.3  # [code]
    is_lone_channel_kept: bool = True  # ours; False: attention is skipped where the batch has one channel slot [code]
    is_normalised_together: bool = True  # ours: batch statistics of all groups at once; False: of each by itself [code]
    merge: str = "mean"  # ours: of the groups that are there; "concatenate": all of them, 0 where one is not
    # loss
    contrast: str = "leave_one_out"  # [code]; "pairwise" [code]
    negatives: str = "all"  # [code]; "other_recordings", "other_people": no window of one's own (ours)
    log_scale: float = 0.0  # at the start; learnt, never below 0 [code]

    def __post_init__(self) -> None:
        groups = tuple(Group(**group) if isinstance(group, Mapping) else group for group in self.groups)  # as JSON gives it
        object.__setattr__(self, "groups", groups)
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                raise UnknownName(f"{name} of sleepfm", getattr(self, name), known)
        for value, is_kept, rule in self._rules():
            if not is_kept:
                raise BadConfiguration(f"{value}: {rule}")

    def _rules(self) -> Iterator[tuple[str, bool, str]]:
        """Yield (setting and value, whether it is fine, rule and remedy)."""
        names = [group.name for group in self.groups]
        read = [name for group in self.groups for name in group.modalities]
        yield f"groups {names}", len(set(names)) == len(names) >= 2, "a contrast needs two or more, each with its own name"
        yield f"modalities {read}", len(set(read)) == len(read), "each belongs to one group"
        whole = self.window_s / self.token_s
        yield f"window_s={self.window_s:g}", abs(whole - round(whole)) < 1e-6, f"use a multiple of token_s={self.token_s:g}"
        samples = self.token_s * self.rate_hz
        yield f"token_s={self.token_s:g} has {samples:g} samples", abs(samples - round(samples)) < 1e-6, "use a whole number"
        yield f"width={self.width}", self.width % (2 * self.heads) == 0, f"use a multiple of twice the {self.heads} heads"
        yield f"dropout={self.dropout:g}", 0 <= self.dropout < 1, "it must lie in [0, 1)"
        yield f"token_valid={self.token_valid:g}", 0 < self.token_valid <= 1, "it must lie in (0, 1]"
        yield f"log_scale={self.log_scale:g}", self.log_scale >= 0, "cosines are scaled by exp of it, at least by 1"

    @property
    def num_tokens(self) -> int:
        """Tokens of a window."""
        return round(self.window_s / self.token_s)

    @property
    def piece(self) -> int:
        """Samples of a token."""
        return round(self.token_s * self.rate_hz)

    @property
    def streams(self) -> tuple[Stream, ...]:
        """Every modality, none of which a recording must have."""
        names = [name for group in self.groups for name in group.modalities]
        return tuple(Stream(modality=name, rate_hz=self.rate_hz, is_optional=True) for name in names)


def paper() -> SleepFMConfig:
    """The released base encoder, 4,831,656 parameters, with its rules for single channels and batch statistics [code]."""
    return SleepFMConfig(is_lone_channel_kept=False, is_normalised_together=False)


def small() -> SleepFMConfig:
    """A minute of a night, 0.1 million parameters: minutes on two cores. All numbers ours."""
    return SleepFMConfig(window_s=60.0, widths=(4, 8, 16, 32), width=64, depth=2, heads=4, mlp_width=128, dropout=0.1)


def from_plain(base: Any) -> SleepFMConfig:
    """Return a base's config from what JSON made of it, where it is a field of another config; a config as it is."""
    config: SleepFMConfig = base if isinstance(base, SleepFMConfig) else config_from_json(SleepFM, base)
    return config


class Channels(NamedTuple):
    """One group of B windows. signal: (B, C, T), standardised, 0 in gaps. measured: (B, C, S) bool, pieces that count."""

    signal: Tensor
    measured: Tensor

    @property
    def pieces(self) -> Tensor:
        """Return the signal cut into pieces, (B, C, T) -> (B, C, S, P)."""
        B, C, S = self.measured.shape
        return self.signal.reshape(B, C, S, self.signal.shape[2] // S)


class Encoded(NamedTuple):
    """Groups encoded. vector: (..., D). tokens: (..., S, D). there: (..., S) bool, moments of which a channel was measured."""

    vector: Tensor
    tokens: Tensor
    there: Tensor

    @property
    def present(self) -> Tensor:
        """Return which windows have the group, (...) bool."""
        return self.there.any(dim=-1)


class Encoder(nn.Module):
    """The encoder that all groups share: (B, C, T) with which pieces count -> a vector and S tokens of every window."""

    def __init__(self, config: SleepFMConfig) -> None:
        super().__init__()
        self.config = c = config
        self.tokens = ConvTokens(c.piece, widths=c.widths, width=c.width)
        self.over_channels = AttentionPooling(c.width, heads=c.heads, mlp_width=c.mlp_width, dropout=c.dropout)
        self.positions = Positions(sincos_in_turn(c.num_tokens, c.width))
        self.norm = nn.LayerNorm(c.width)
        self.blocks = nn.ModuleList(
            PreNormBlock(
                c.width,
                heads=c.heads,
                head_width=c.width // c.heads,
                mlp_width=c.mlp_width,
                dropout=c.dropout,
                inner_dropout=c.dropout,
                eps=1e-5,
            )
            for _ in range(c.depth)
        )
        self.over_time = AttentionPooling(c.width, heads=c.heads, mlp_width=c.mlp_width, dropout=c.dropout)

    def forward(self, group: Channels, draws: Draws | None = None) -> Encoded:
        """Return the windows of one group encoded. draws: for dropout."""
        return self.of_tokens(self.tokens(group.pieces, group.measured), group.measured, draws)

    def of_tokens(self, tokens: Tensor, measured: Tensor, draws: Draws | None = None) -> Encoded:
        """Return the same from the tokens of every channel, (B, C, S, D)."""
        tokens = self.placed(self.pooled(tokens, measured, draws))
        there = measured.any(dim=1)  # (B, S)
        looked_at = there | ~there.any(dim=1, keepdim=True)
        for block in self.blocks:
            tokens = block(tokens, looked_at, draws)
        return Encoded(self.over_time(tokens, there, draws), tokens, there)

    def pooled(self, tokens: Tensor, measured: Tensor, draws: Draws | None = None) -> Tensor:
        """Return one token a moment from those of its channels, (B, C, S, D) -> (B, S, D); 0 without any channel."""
        each = tokens.transpose(1, 2).flatten(0, 1)  # (B, C, S, D) -> (B * S, C, D)
        which = measured.transpose(1, 2).flatten(0, 1)  # (B * S, C)
        alone = masked_mean(each, which)
        if each.shape[1] == 1:
            return alone.reshape(len(tokens), -1, alone.shape[1])  # (B * S, D) -> (B, S, D)
        mixed: Tensor = self.over_channels(each, which, draws)
        if self.config.is_lone_channel_kept:
            is_lone = measured.any(dim=2).sum(dim=1) == 1  # (B,) windows of which one channel was measured
            mixed = torch.where(is_lone.repeat_interleave(tokens.shape[2])[:, None], alone, mixed)
        return mixed.reshape(len(tokens), -1, mixed.shape[1])  # (B * S, D) -> (B, S, D)

    def placed(self, tokens: Tensor) -> Tensor:
        """Return tokens that know their place, normalised, (B, S, D)."""
        return self.norm(self.positions(tokens))  # type: ignore[no-any-return]


class SleepFM(Recipe):
    """The recipe; construction is a pure function of config and seed."""

    name: ClassVar[str] = "sleepfm"
    Config: ClassVar[type[SleepFMConfig]] = SleepFMConfig
    pretext: ClassVar[tuple[str, ...]] = ("log_scale",)
    config: SleepFMConfig

    def __init__(self, config: SleepFMConfig, *, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        with torch.random.fork_rng(devices=[]):  # torch's layers draw first values that are replaced
            self.encoder = Encoder(config)
        uniform_by_fan_in(self.encoder, torch.Generator().manual_seed(seed))
        self.log_scale = nn.Parameter(torch.full((1,), config.log_scale))

    @classmethod
    def presets(cls) -> Mapping[str, Callable[[], SleepFMConfig]]:
        """Return preset name -> function that makes its config."""
        return {"paper": paper, "small": small}

    @property
    def input(self) -> InputContract:
        """Every modality of every group, none of which a recording must have."""
        return InputContract(streams=self.config.streams, window_s=self.config.window_s, min_valid=self.config.min_valid)

    @property
    def embedding_size(self) -> int:
        """The width, or that of every group where they are concatenated."""
        return self.config.width * (1 if self.config.merge == "mean" else len(self.config.groups))

    def plan(self, index: WindowIndex, *, seed: int) -> Shuffled:
        """Return every window once an epoch, people mixed."""
        return Shuffled(len(index), seed=seed)

    def prepare(self, batch: Batch) -> dict[str, Channels]:
        """Return the channels of each group, by its name, standardised over the window."""
        return {group.name: _channels(self.config, batch, group) for group in self.config.groups}

    def loss(self, batch: Batch, draws: Draws) -> Loss:
        """Return the contrast between the groups of the global batch, and how often each group finds what belongs to it."""
        encoded = self.encode(self.prepare(batch), draws if self.training else None)
        return contrast_groups(
            encoded.vector,
            encoded.present,
            batch,
            names=[group.name for group in self.config.groups],
            log_scale=self.log_scale,
            kind=self.config.contrast,
            negatives=self.config.negatives,
        )

    def encode(self, groups: Mapping[str, Channels], draws: Draws | None = None) -> Encoded:
        """Return all groups encoded, one after the other: vector (B, G, D), tokens (B, G, S, D), there (B, G, S)."""
        each = [groups[group.name] for group in self.config.groups]
        if self.config.is_normalised_together:
            every = (torch.cat(parts, dim=1) for parts in zip(*((g.pieces, g.measured) for g in each), strict=True))
            tokens = self.encoder.tokens(*every).split([g.measured.shape[1] for g in each], dim=1)  # (B, all C, S, D)
            encoded = [self.encoder.of_tokens(t, g.measured, draws) for t, g in zip(tokens, each, strict=True)]
        else:
            encoded = [self.encoder(group, draws) for group in each]
        return Encoded(*(torch.stack(parts, dim=1) for parts in zip(*encoded, strict=True)))

    @torch.no_grad()
    def night(self, batch: Batch, *, windows: int, is_scaled_by_night: bool) -> Encoded:
        """Return nights of so many windows in a row encoded, each window by itself: tokens (B, G, N, D), 0 where not there.

        vector: (B, G, windows, D). is_scaled_by_night: channels are standardised over the whole night [code
        preprocessing.py] instead of over each window. No gradient; running statistics; windows without a group cost nothing.
        """
        with evaluating(self):
            each = [self._night(batch, group, windows, is_scaled_by_night) for group in self.config.groups]
        return Encoded(*(torch.stack(parts, dim=1) for parts in zip(*each, strict=True)))

    def _night(self, batch: Batch, group: Group, windows: int, is_scaled_by_night: bool) -> Encoded:
        """Return one group of nights encoded: vector (B, windows, D), tokens (B, N, D), there (B, N)."""
        signal, valid = _raw(self.config, batch, group, windows=windows)
        signal = standardise(signal, valid) if is_scaled_by_night else signal
        signal, valid = (_apart(part, windows) for part in (signal, valid))  # (B, C, T) -> (B * windows, C, T / windows)
        measured = _counts(self.config, valid)
        worth = measured.flatten(1).any(dim=1).nonzero().flatten()  # windows of which anything was measured
        c, rows = self.config, len(signal)
        vector, tokens = signal.new_zeros(rows, c.width), signal.new_zeros(rows, c.num_tokens, c.width)
        for part in torch.split(worth, WINDOWS_AT_ONCE) if len(worth) else ():
            shown = signal[part] if is_scaled_by_night else standardise(signal[part], valid[part])
            encoded = self.encoder(Channels(shown, measured[part]))
            vector[part] = encoded.vector
            tokens[part] = torch.where(encoded.there[..., None], encoded.tokens, 0.0)
        there = measured.any(dim=1).reshape(len(batch), -1)  # (B * windows, S) -> (B, N)
        return Encoded(vector.reshape(len(batch), windows, -1), tokens.reshape(*there.shape, -1), there)

    def embed(self, batch: Batch) -> Embedded:
        """Return the windows' vectors: (B, D), those of each group (B, G, D), and the 5 s tokens of each (B, G, S, D).

        The vector is the mean of the groups that are there, so that its width does not depend on the recording.
        """
        with evaluating(self):
            encoded = self.encode(self.prepare(batch))
        there = encoded.there[..., None]
        return Embedded(
            vector=self._merged(encoded),
            channels=encoded.vector,
            tokens=torch.where(there, encoded.tokens, 0.0),
        )

    def features(self, batch: Batch, draws: Draws | None = None) -> Tensor:
        """Return the embedding with gradient; draws: with dropout and batch statistics, if in training mode, (B, D)."""
        return self._merged(self._encoded(batch, draws))

    def feature_size(self, on: str) -> int:
        """Return the width of the vector or of a token."""
        return self.embedding_size if on == "window" else self.config.width

    def frames(self, batch: Batch, draws: Draws | None = None) -> Tensor:
        """Return a vector for every 5 s, the mean of the groups that were measured then, (B, S, D)."""
        encoded = self._encoded(batch, draws)
        return masked_mean(encoded.tokens.transpose(1, 2), encoded.there.transpose(1, 2))  # (B, G, S, D) -> (B, S, D)

    @torch.no_grad()
    def advance(self) -> None:
        """Keep the learnt scale at 1 or more [code pretrain.py clamps after each step]."""
        self.log_scale.clamp_(min=0)

    @classmethod
    def from_original(cls, state: Mapping[str, Tensor], **settings: Any) -> Self:
        """Return a recipe holding the published base: its `state_dict`, with or without `module.`; strict.

        Sizes are read from the shapes; settings: other fields of the config on top of a preset, `preset="paper"` unless
        another is named. `temperature`, which lies beside the state_dict in the released file, may be among the keys.
        """
        fields = {key: value for key, value in settings.items() if key != "preset"}
        recipe = cls(preset(cls, settings.get("preset", "paper"), **{**fields, **_sizes(plain_names(state))}))
        recipe.take_original(state)
        return recipe

    def take_original(self, state: Mapping[str, Tensor]) -> None:
        """Copy published weights into this recipe, as strictly as `from_original`."""
        given = plain_names(state)
        given.pop(TABLE, None)
        given["temperature"] = given.get("temperature", self.log_scale.detach()).reshape(1)
        refuse_difference(self.to_original(), given, what="sleepfm")
        load_renamed(self, unpack(given), original=self.original_name, what="sleepfm")

    def to_original(self) -> dict[str, Tensor]:
        """Return the weights, not copied save queries, keys and values, in the names of [code], less its fixed table."""
        return pack({self.original_name(key): value.detach() for key, value in self.state_dict().items()})

    def original_name(self, key: str) -> str:
        """Return the name in [code] of one of our tensors; queries, keys and values are still apart."""
        return renamed(key, (*NAMES[:1], *tokenizer_names(len(self.config.widths)), *NAMES[1:]))

    def _merged(self, encoded: Encoded) -> Tensor:
        return merged(encoded.vector, encoded.present, kind=self.config.merge)

    def _encoded(self, batch: Batch, draws: Draws | None) -> Encoded:
        """Return all groups encoded; without draws as nobody trains it, whatever the mode."""
        if draws is not None:
            return self.encode(self.prepare(batch), draws)
        with evaluating(self):
            return self.encode(self.prepare(batch))


def _channels(config: SleepFMConfig, batch: Batch, group: Group) -> Channels:
    """Return a group's channels, standardised over the window."""
    signal, valid = _raw(config, batch, group, windows=1)
    return Channels(standardise(signal, valid), _counts(config, valid))


def _counts(config: SleepFMConfig, valid: Tensor) -> Tensor:
    """Return which pieces were measured well enough, (B, C, T) -> (B, C, S) bool."""
    return valid.reshape(*valid.shape[:2], -1, config.piece).float().mean(dim=3) >= config.token_valid


def _raw(config: SleepFMConfig, batch: Batch, group: Group, *, windows: int) -> tuple[Tensor, Tensor]:
    """Return a group's first channels, those that are there first, of so many windows in a row: (B, C, T) and bool."""
    length = windows * config.num_tokens * config.piece
    streams = [_fitting(config, batch.streams[name], length) for name in group.modalities if name in batch.streams]
    if not streams:
        nothing = next(iter(batch.streams.values())).signal.new_zeros(len(batch), 1, length)
        return nothing, nothing.bool()
    signal = torch.cat([stream.signal for stream in streams], dim=1)
    valid = torch.cat([stream.valid for stream in streams], dim=1)
    if signal.shape[1] > group.channels:
        order = (~valid.any(dim=2)).to(torch.uint8).argsort(dim=1, stable=True)[:, : group.channels, None]
        signal, valid = (each.take_along_dim(order, dim=1) for each in (signal, valid))
    return signal, valid


def _fitting(config: SleepFMConfig, stream: Signal, length: int) -> Signal:
    given = stream.signal.shape[2]
    if given != length or abs(stream.rate_hz - config.rate_hz) > 1e-6:
        raise BadConfiguration(
            f"windows of {given} samples at {stream.rate_hz:g} Hz; this recipe was made for {length} at {config.rate_hz:g} Hz:"
            " set window_s and rate_hz"
        )
    return stream


def night_pieces(config: SleepFMConfig, batch: Batch, *, windows: int, is_scaled_by_night: bool) -> tuple[Tensor, Tensor]:
    """Return all channels of nights of so many windows as pieces, (B, C, N, P), and which were measured, (B, C, N) bool."""
    groups = [_raw(config, batch, group, windows=windows) for group in config.groups]
    signal, valid = (torch.cat(parts, dim=1) for parts in zip(*groups, strict=True))
    B, C, _ = signal.shape
    spans = 1 if is_scaled_by_night else windows  # how many parts are standardised each by itself
    each = standardise(signal.reshape(B, C * spans, -1), valid.reshape(B, C * spans, -1))
    return each.reshape(B, C, -1, config.piece), _counts(config, valid)


def _apart(nights: Tensor, windows: int) -> Tensor:
    """Return nights cut into windows, (B, C, T) -> (B * windows, C, T / windows)."""
    B, C, _ = nights.shape
    return nights.reshape(B, C, windows, -1).transpose(1, 2).flatten(0, 1)


def merged(vectors: Tensor, present: Tensor, *, kind: str) -> Tensor:
    """Return one vector a window from those of its groups, (B, G, D) -> (B, D) for "mean", (B, G * D) for "concatenate".

    present: (B, G) bool; the vector of a group that is not there is 0.
    """
    return masked_mean(vectors, present) if kind == "mean" else vectors.flatten(1)


def contrast_groups(
    vectors: Tensor,
    present: Tensor,
    batch: Batch,
    *,
    names: list[str],
    log_scale: Tensor,
    kind: str,
    negatives: str,
) -> Loss:
    """Return the contrast between groups over the global batch, with the share of right answers of each group's questions.

    vectors: (B, G, D). present: (B, G) bool. kind, negatives: as in the config.
    """
    vectors, present, participant = gather_rows(vectors), gather_rows(present), gather_rows(batch.participant)
    owner = gather_rows(batch.recording) if negatives == "other_recordings" else participant
    rivals = None if negatives == "all" else owner[:, None] != owner  # (N, N)
    contrast = {"leave_one_out": leave_one_out, "pairwise": pairwise}[kind]
    found: Contrast = contrast(vectors.transpose(0, 1), log_scale, present=present.T, negatives=rivals)
    with torch.no_grad():
        right, asked = found.correct.sum(dim=1), found.asked.sum(dim=1)
        parts = {f"accuracy_{name}": each for name, each in zip(names, right / asked.clamp(min=1), strict=True)}
        parts |= {"scale": log_scale.detach().float().exp().squeeze(), **watch(masked_mean(vectors, present), participant)}
    return Loss(total=found.loss, parts=parts)


TABLE = "positional_encoding.pe"
TOKENIZER = "patch_embedding.tokenizer"
STAGE = {"conv": 0, "norm": 1, "scale": 3}  # where each stands among the four layers of a stage [code]
POOLED = (r"\bover_channels\.layer\.", "spatial_pooling.transformer_layer.")
NAMES = (  # ours -> [code]
    (r"^encoder\.", ""),
    POOLED,
    (r"^over_time\.layer\.", "temporal_pooling.transformer_layer."),
    (r"^blocks\.", "transformer_encoder.layers."),
    (r"^norm\.", "layer_norm."),
    (r"^log_scale$", "temperature"),
    *LAYER,
)


def tokenizer_names(stages: int) -> tuple[tuple[str, str], ...]:
    """Return the table of names of a tokenizer of so many stages: ours -> numbers in one long sequence [code]."""
    project = (r"^tokens\.project\.", f"{TOKENIZER}.{4 * stages + 2}.")  # behind a pooling and a flattening layer
    rows = [
        (rf"^tokens\.stages\.{number}\.{layer}\.", f"{TOKENIZER}.{4 * number + place}.")
        for number in range(stages)
        for layer, place in STAGE.items()
    ]
    return (project, *rows)


def plain_names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a state without the prefix `module.` that a parallel wrapper leaves."""
    return {key.removeprefix("module."): value for key, value in state.items()}


def tokenizer_widths(state: Mapping[str, Tensor]) -> tuple[int, ...]:
    """Return the channels after each convolution of a published tokenizer, () if there is none."""
    filters = {int(match[1]): value for key, value in state.items() if (match := _FILTER.fullmatch(key)) and value.ndim == 3}
    return tuple(filters[place].shape[0] for place in sorted(filters))


_FILTER = re.compile(rf"{re.escape(TOKENIZER)}\.(\d+)\.weight")
_BLOCK = re.compile(r"transformer_encoder\.layers\.(\d+)\..*")


def _sizes(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Return the config fields that the shapes of a base tell; what cannot be read is left to the comparison of names."""
    sizes: dict[str, Any] = {}
    if widths := tokenizer_widths(state):
        sizes["widths"] = widths
    if layers := {match[1] for key in state if (match := _BLOCK.fullmatch(key))}:
        sizes["depth"] = len(layers)
    if "layer_norm.weight" in state:
        sizes["width"] = len(state["layer_norm.weight"])
    if "transformer_encoder.layers.0.linear1.bias" in state:
        sizes["mlp_width"] = len(state["transformer_encoder.layers.0.linear1.bias"])
    return sizes
