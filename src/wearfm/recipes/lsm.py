"""LSM: a masked autoencoder on five hours of minute features, seen as an image (arXiv:2410.13638).

    26 features x 300 minutes ─prepare─▶ z-scored; gaps up to 60 min interpolated, the rest 0, which is the feature's mean
                              ─patches─▶ tiles of 10 minutes x 5 features, 26 padded to 30: 30 x 6 tokens + positions
                              ─encoder─▶ a pre-norm transformer over the tokens that are shown (a fifth of them)
                              ─decoder─▶ all tiles from the shown ones and one mask token     (pretraining, `fill`)

Neither code nor weights were published. Same as the paper, as far as it is known: image, patches, imputation before the
network, masks, loss on hidden patches, family of sizes. Ours: minutes that were not measured are never a target, hidden
minutes take no part in the interpolation of their neighbours, and any of the features may be missing. Every number of the
config says where it comes from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from wearfm.errors import BadConfiguration, UnknownName
from wearfm.nn.backbones.transformer import Block, in_parts
from wearfm.nn.draws import Draws
from wearfm.nn.initial import xavier
from wearfm.nn.masking import Mask, choose, first_rows, keep, restore_tokens, whole_columns, whole_rows
from wearfm.nn.moments import Moments
from wearfm.nn.pooling import masked_mean
from wearfm.nn.positions import Positions, sincos_grid
from wearfm.nn.tokens.patch import PatchEmbedding, tiles
from wearfm.objectives.reconstruction import reconstruction_error
from wearfm.recipes.base import Embedded, Loss, Masked, Series
from wearfm.signals.minutes.features import LSM_FEATURES, MINUTE_FEATURES, MINUTE_HZ, feature_number
from wearfm.signals.units import MODALITIES
from wearfm.windows.batch import Batch, Signal
from wearfm.windows.contract import InputContract, Stream
from wearfm.windows.index import WindowIndex
from wearfm.windows.sample import Shuffled

MINUTE_S = 60.0
CALIBRATION_WINDOWS = 1024  # [ours] 5 000 hours: the standard error of a mean is below 1 % of the standard deviation
CONSTANTS = ("learnt", "published")
POSITIONS = ("fixed", "learnt")
MASKS: Mapping[str, Mapping[str, float]] = {  # the paper's schemes [recalled], as changes of a config
    "random": {"mask_random": 1.0, "mask_temporal": 0.0, "mask_forecast": 0.0, "mask_sensor": 0.0},
    "temporal": {"mask_random": 0.0, "mask_temporal": 1.0, "mask_forecast": 0.0, "mask_sensor": 0.0},
    "forecast": {"mask_random": 0.0, "mask_temporal": 0.0, "mask_forecast": 1.0, "mask_sensor": 0.0},
    "sensor": {"mask_random": 0.0, "mask_temporal": 0.0, "mask_forecast": 0.0, "mask_sensor": 1.0},
    "mixture": {"mask_random": 1.0, "mask_temporal": 1.0, "mask_forecast": 1.0, "mask_sensor": 1.0},
}


@dataclass(frozen=True, kw_only=True)
class LSMConfig:
    """ViT-Base. Tags: [abstract], [recalled] of the paper; [third-party]; [inferred]; [code] the SensorLM release; [ours]."""

    features: tuple[str, ...] = tuple(LSM_FEATURES)  # [inferred] 26; any of MINUTE_FEATURES, each at its place in the image
    window_s: float = 18_000.0  # [abstract] 300 minutes
    min_valid: float = 0.1  # [ours] half an hour of the five, on average over the features that a recording has
    constants: str = "learnt"  # [ours] of the training side; "published": of the paper's device, in its own scale [code]
    interpolated_min: int = 60  # [ours] longest gap in minutes that is interpolated; longer ones become the mean
    patch: tuple[int, int] = (10, 5)  # [recalled] minutes x features
    width: int = 768  # [recalled] ViT-Base
    depth: int = 12  # [recalled]
    heads: int = 12  # [recalled]
    mlp_width: int = 3072  # [recalled] 4 x width
    decoder_width: int = 512  # [inferred] with 8 blocks, sizes Base and Large have the 110 M and 328 M of the paper
    decoder_depth: int = 8  # [inferred]
    decoder_heads: int = 16  # [ours] 32 numbers a head, as in masked autoencoders (arXiv:2111.06377)
    decoder_mlp_width: int = 2048  # [inferred] 4 x decoder_width
    positions: str = "fixed"  # [ours] sine-cosine of minute and feature; "learnt": plus an offset that is learnt
    hidden_share: float = 0.8  # [third-party] of the patches, whatever the scheme
    mask_random: float = 1.0  # [third-party] weight of the scheme: patches at random; the best of the paper's five
    mask_temporal: float = 0.0  # [recalled] weight: ten minutes of all features at a time
    mask_forecast: float = 0.0  # [recalled] weight: the end of the window
    mask_sensor: float = 0.0  # [recalled] weight: five features for the whole window

    def __post_init__(self) -> None:
        for name in self.features:
            if name not in MINUTE_FEATURES:
                raise UnknownName("minute feature", name, MINUTE_FEATURES)
        for field, known in (("constants", CONSTANTS), ("positions", POSITIONS)):
            if getattr(self, field) not in known:
                raise UnknownName(f"{field} of lsm", getattr(self, field), known)
        _require(len(set(self.features)) == len(self.features) > 0, f"features {self.features}: name one at least, each once")
        _require(
            self.minutes % self.patch[0] == 0 < self.minutes and self.minutes * MINUTE_S == self.window_s,
            f"window_s={self.window_s:g} is no whole number of patches of {self.patch[0]} min;"
            f" use a multiple of {self.patch[0] * MINUTE_S:g}",
        )
        widths = self.width, self.decoder_width
        _require(not any(w % 4 for w in widths), f"widths {widths}: positions need multiples of 4")
        _require(
            0 < self.shown < self.grid[0] * self.grid[1],
            f"hidden_share={self.hidden_share:g} shows {self.shown} of {self.grid[0] * self.grid[1]} patches;"
            " some must be shown and some hidden: use 0.8",
        )
        _require(
            min(self.masks) >= 0 < max(self.masks),
            f"mask weights {self.masks}: none may be negative and one must be positive; see MASKS",
        )
        _require(
            self.constants == "learnt" or set(self.features) <= set(LSM_FEATURES),
            f"no constants were published of {sorted(set(self.features) - set(LSM_FEATURES))}; use constants='learnt'",
        )

    @property
    def minutes(self) -> int:
        """Samples of a window."""
        return round(self.window_s / MINUTE_S)

    @property
    def masks(self) -> tuple[float, ...]:
        """Weights of the schemes random, temporal, forecast and sensor."""
        return self.mask_random, self.mask_temporal, self.mask_forecast, self.mask_sensor

    @property
    def groups(self) -> list[int]:
        """Columns of the image's grid that hold a feature, of those that the registry of all features would fill."""
        return sorted({feature_number(name) // self.patch[1] for name in self.features})

    @property
    def places(self) -> list[int]:
        """Where each feature stands among the rows of those columns."""
        groups, size = self.groups, self.patch[1]
        numbers = [feature_number(name) for name in self.features]
        return [groups.index(number // size) * size + number % size for number in numbers]

    @property
    def grid(self) -> tuple[int, int]:
        """Patches in time and across features."""
        return self.minutes // self.patch[0], len(self.groups)

    @property
    def shown(self) -> int:
        """How many patches the encoder sees in pretraining."""
        return round(self.grid[0] * self.grid[1] * (1 - self.hidden_share))


def _require(claim: bool, message: str) -> None:
    if not claim:
        raise BadConfiguration(message)


def vit_tiny() -> LSMConfig:
    """Return 2.0 million parameters; the decoder is ours, such that the count is the paper's."""
    return LSMConfig(
        width=192, depth=4, heads=3, mlp_width=768, decoder_width=128, decoder_depth=1, decoder_heads=4, decoder_mlp_width=512
    )


def vit_small() -> LSMConfig:
    """Return 7.0 million parameters; the decoder is ours, such that the count is the paper's."""
    return LSMConfig(
        width=256, depth=8, heads=4, mlp_width=1024, decoder_width=128, decoder_depth=3, decoder_heads=4, decoder_mlp_width=512
    )


def vit_base() -> LSMConfig:
    """Return 110.7 million parameters: the paper's LSM, standardised with the training side."""
    return LSMConfig()


def vit_large() -> LSMConfig:
    """Return 328.1 million parameters, the largest of the paper."""
    return LSMConfig(width=1024, depth=24, heads=16, mlp_width=4096)


def paper() -> LSMConfig:
    """Return `vit_base` with the published means and deviations, which are those of the paper's devices alone."""
    return replace(vit_base(), constants="published")


def small() -> LSMConfig:
    """Return 0.9 million parameters that pretrain on some hundred windows a second on two CPU cores; sizes ours."""
    return LSMConfig(
        width=128, depth=4, heads=4, mlp_width=512, decoder_width=64, decoder_depth=1, decoder_heads=4, decoder_mlp_width=256
    )


class Prepared(NamedTuple):
    """What the network eats. image: (B, C, T) z-scored, gaps imputed. valid: (B, C, T) bool, what was measured."""

    image: Tensor
    valid: Tensor


class Encoder(nn.Module):
    """Tiles of the image into tokens, for all tiles or for those that are shown."""

    def __init__(self, config: LSMConfig) -> None:
        super().__init__()
        self.patches = PatchEmbedding(1, config.width, size=config.patch)
        self.positions = Positions(_table(config, config.width), is_learnt=config.positions == "learnt")
        self.blocks = nn.ModuleList(
            Block(config.width, heads=config.heads, mlp_width=config.mlp_width) for _ in range(config.depth)
        )
        self.norm = nn.LayerNorm(config.width, eps=1e-6)

    def forward(self, plane: Tensor, *, kept: Tensor | None = None, visible: Tensor | None = None) -> Tensor:
        """Return the tokens, (B, 1, T, K) -> (B, N, D).

        kept: (B, M), the only tiles that are encoded, -> (B, M, D). visible: (B, N) bool, the only tokens that may be
        looked at, one at least in every row; the others are encoded too, and mean nothing.
        """
        tokens = self.positions(self.patches(plane, kept), kept)
        for block in self.blocks:
            tokens = in_parts(block, tokens, visible)
        return self.norm(tokens)  # type: ignore[no-any-return]


class Decoder(nn.Module):
    """Tokens, some of them mask tokens, into the numbers of their tiles."""

    def __init__(self, config: LSMConfig) -> None:
        super().__init__()
        width = config.decoder_width
        self.embed = nn.Linear(config.width, width)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = Positions(_table(config, width), is_learnt=config.positions == "learnt")
        self.blocks = nn.ModuleList(
            Block(width, heads=config.decoder_heads, mlp_width=config.decoder_mlp_width) for _ in range(config.decoder_depth)
        )
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.predict = nn.Linear(width, config.patch[0] * config.patch[1])

    def forward(self, tokens: Tensor) -> Tensor:
        """Return tiles, (B, N, decoder_width) -> (B, N, minutes * features of a patch)."""
        tokens = self.positions(tokens)
        for block in self.blocks:
            tokens = in_parts(block, tokens)
        return self.predict(self.norm(tokens))  # type: ignore[no-any-return]


class LSM(Masked):
    """The recipe; construction is a pure function of config and seed."""

    name: ClassVar[str] = "lsm"
    Config: ClassVar[type[LSMConfig]] = LSMConfig
    pretext: ClassVar[tuple[str, ...]] = ("decoder.",)
    config: LSMConfig
    mean: Tensor
    std: Tensor

    def __init__(self, config: LSMConfig, *, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        self._places = config.places
        with torch.random.fork_rng(devices=[]):  # torch's layers draw first values that `xavier` replaces
            self.encoder = Encoder(config)
            self.decoder = Decoder(config)
        xavier(self, torch.Generator().manual_seed(seed))
        known = [MINUTE_FEATURES[name] for name in config.features] if config.constants == "published" else []
        size = len(config.features)
        self.register_buffer("mean", torch.tensor([f.mean for f in known]) if known else torch.zeros(size))
        self.register_buffer("std", torch.tensor([f.std for f in known]) if known else torch.ones(size))

    @classmethod
    def presets(cls) -> Mapping[str, Callable[[], LSMConfig]]:
        """Return preset name -> function that makes its config."""
        return {
            "paper": paper,
            "small": small,
            "vit_tiny": vit_tiny,
            "vit_small": vit_small,
            "vit_base": vit_base,
            "vit_large": vit_large,
        }

    @property
    def input(self) -> InputContract:
        """Five hours, anywhere in a recording, of as many of the features as it has."""
        c = self.config
        streams = tuple(Stream(modality=f, rate_hz=MINUTE_HZ, channels=1, is_optional=True) for f in c.features)
        return InputContract(streams=streams, window_s=c.window_s, min_valid=c.min_valid)

    @property
    def embedding_size(self) -> int:
        """The encoder's width."""
        return self.config.width

    @property
    def calibration_windows(self) -> int:
        """How many windows means and deviations are learnt from; 0 where they are the published ones."""
        return CALIBRATION_WINDOWS if self.config.constants == "learnt" else 0

    def calibrate(self, batches: Iterator[Batch]) -> None:
        """Set mean and deviation of every feature from what was measured of it; 0 and 1 for one that never was."""
        moments = Moments(len(self.config.features))
        for batch in batches:
            values, valid = self._read(batch)
            moments.add(values.transpose(1, 2).flatten(0, 1), valid.transpose(1, 2).flatten(0, 1))  # (B * T, C)
        self.mean.copy_(moments.mean)
        self.std.copy_(moments.std())

    def plan(self, index: WindowIndex, *, seed: int) -> Shuffled:
        """Return every window once an epoch."""
        return Shuffled(len(index), seed=seed)

    def prepare(self, batch: Batch) -> Prepared:
        """Return the features of the config in its order, z-scored, with their gaps imputed."""
        values, valid = self._read(batch)
        return Prepared(self._impute(self._standardise(values, valid), valid), valid)

    def loss(self, batch: Batch, draws: Draws) -> Loss:
        """Return the mean squared error over measured minutes of hidden patches, in standard deviations.

        Besides, "interpolation": the same error of the imputed image, to be beaten.
        """
        values, valid = self._read(batch)
        mask = self.draw_mask(len(batch), draws, device=values.device)
        target = self._standardise(values, valid)
        image = self._impute(target, valid & ~self._cells(mask.hidden))
        truth, counted, hidden = self._tiles(target), self._tiles(valid), mask.hidden[..., None]
        error = reconstruction_error(self.reconstruct(image, mask), truth, valid=counted, hidden=hidden)
        with torch.no_grad():
            interpolation = reconstruction_error(self._tiles(image), truth, valid=counted, hidden=hidden)
        return Loss(total=error, parts={"reconstruction": error.detach(), "interpolation": interpolation})

    def draw_mask(self, rows: int, draws: Draws, *, device: torch.device | None = None) -> Mask:
        """Return which patches are shown; every window draws a scheme by its weight, and all hide the same number."""
        c, (height, width) = self.config, self.config.grid
        noise = draws.uniform(rows, height * width, device=device)
        schemes: list[Tensor] = []
        if c.mask_random:
            schemes.append(noise)
        if c.mask_temporal:
            schemes.append(whole_rows(draws.uniform(rows, height, device=device), noise))
        if c.mask_forecast:
            schemes.append(first_rows(noise, rows=height))
        if c.mask_sensor:
            schemes.append(whole_columns(draws.uniform(rows, width, device=device), noise))
        chosen = choose(draws.uniform(rows, device=device), [w for w in c.masks if w]) if len(schemes) > 1 else 0
        order = torch.stack(schemes)[chosen, torch.arange(rows, device=device)]  # (schemes, B, N) -> (B, N)
        return keep(c.shown, torch.ones_like(order, dtype=torch.bool), noise=order)

    def reconstruct(self, image: Tensor, mask: Mask) -> Tensor:
        """Return all tiles, decoded from the shown ones, (B, C, T) -> (B, N, minutes * features of a patch)."""
        latent = self.decoder.embed(self.encoder(self._plane(image), kept=mask.kept))  # (B, M, decoder_width)
        return self.decoder(restore_tokens(latent, self.decoder.mask_token, mask.restore))  # type: ignore[no-any-return]

    def embed(self, batch: Batch) -> Embedded:
        """Return the mean of the tokens in which a minute was measured, (B, D), and all tokens, (B, N, D)."""
        tokens, seen = self._encode(batch)
        return Embedded(vector=masked_mean(tokens, seen), tokens=tokens)

    def frames(self, batch: Batch, draws: Draws | None = None) -> Tensor:  # noqa: ARG002
        """Return the mean over the features of every ten minutes, (B, 30, D)."""
        tokens, seen = self._encode(batch)
        shape = tokens.shape[0], *self.config.grid
        return masked_mean(tokens.reshape(*shape, -1), seen.reshape(shape))  # (B, rows, columns, D) -> (B, rows, D)

    def series(self, batch: Batch) -> Series:
        """Return the features of the config as they are in the batch."""
        values, valid = self._read(batch)
        names = self.config.features
        units = tuple(MODALITIES[name].unit for name in names)
        return Series(values=values, valid=valid, names=names, units=units, step_s=MINUTE_S, block=self.config.patch[0])

    def fill(self, batch: Batch, hidden: Tensor) -> Tensor:
        """Return guesses in physical units, (B, C, T); what was measured and is not hidden is returned as it is.

        A patch of which `hidden` names one minute of one feature is a mask token, all of it. Gaps that it does not name
        are imputed as in training; `hidden=~series(batch).valid` lets the network fill them.
        """
        values, valid = self._read(batch)
        known = valid & ~hidden
        image = self._impute(self._standardise(values, known), known)
        missing = self._tiles(hidden).any(dim=2)  # (B, N)
        visible = ~missing
        visible[:, 0] |= missing.all(dim=1)  # attention needs one token to look at; the decoder will not see it
        latent = self.decoder.embed(self.encoder(self._plane(image), visible=visible))
        decoded = self.decoder(torch.where(missing[..., None], self.decoder.mask_token, latent))
        guess = torch.where(self._cells(missing), self._series(decoded.float()), image)
        return torch.where(known, values, self._physical(guess))

    def _read(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the features in their units, 0 where not measured, and where they were measured, twice (B, C, T)."""
        signals = [self._stream(batch, name) for name in self.config.features]
        absent = torch.zeros(*batch.participant.shape, self.config.minutes, device=batch.participant.device)
        values = torch.stack([absent if s is None else s.signal[:, 0].float() for s in signals], dim=1)
        valid = torch.stack([absent.bool() if s is None else s.valid[:, 0] for s in signals], dim=1)
        return torch.where(valid, values, 0.0), valid

    def _stream(self, batch: Batch, name: str) -> Signal | None:
        stream = batch.streams.get(name)
        if stream is None:
            return None
        _, channels, length = stream.signal.shape
        if channels != 1 or length != self.config.minutes or abs(stream.rate_hz / MINUTE_HZ - 1) > 1e-6:
            raise BadConfiguration(
                f"{name} comes as {channels} x {length} samples at {stream.rate_hz:g} Hz; lsm reads 1 x {self.config.minutes},"
                " one a minute: cut and resample it first"
            )
        return stream

    def _standardise(self, values: Tensor, known: Tensor) -> Tensor:
        return torch.where(known, (values - self.mean[:, None]) / self.std[:, None], 0.0)

    def _physical(self, standard: Tensor) -> Tensor:
        """Return values in their units; sums over a minute and the sleep coefficient are never negative [code]."""
        values = standard * self.std[:, None] + self.mean[:, None]
        lowest = [0.0 if MODALITIES[f].is_total or f == "acc_sleep" else -torch.inf for f in self.config.features]
        return values.clamp(min=values.new_tensor(lowest)[:, None])

    def _impute(self, standard: Tensor, known: Tensor) -> Tensor:
        return interpolate(standard, known, longest=self.config.interpolated_min)

    def _encode(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the tokens of everything, (B, N, D), and in which of them a minute was measured, (B, N) bool."""
        image, valid = self.prepare(batch)
        return self.encoder(self._plane(image)), self._tiles(valid).any(dim=2)

    def _plane(self, series: Tensor) -> Tensor:
        """Return the features at their places, zeros between them, (B, C, T) -> (B, 1, T, K)."""
        rows = series.new_zeros(series.shape[0], self.config.grid[1] * self.config.patch[1], series.shape[2])
        rows[:, self._places] = series
        return rows.transpose(1, 2)[:, None]

    def _tiles(self, series: Tensor) -> Tensor:
        """Return what stands in each patch, (B, C, T) -> (B, N, minutes * features of a patch)."""
        return tiles(self._plane(series), self.config.patch)

    def _series(self, tiled: Tensor) -> Tensor:
        """Return the features of tiles, the inverse of `_tiles`, (B, N, minutes * features of a patch) -> (B, C, T)."""
        split = tiled.reshape(tiled.shape[0], *self.config.grid, *self.config.patch)  # (B, rows, columns, minutes, features)
        return split.permute(0, 2, 4, 1, 3).flatten(3).flatten(1, 2)[:, self._places]

    def _cells(self, tokens: Tensor) -> Tensor:
        """Return for each minute of each feature what is true of its patch, (B, N) -> (B, C, T)."""
        return self._series(tokens[..., None].expand(-1, -1, self.config.patch[0] * self.config.patch[1]))


def interpolate(signal: Tensor, known: Tensor, *, longest: int) -> Tensor:
    """Return a signal whose gaps of up to `longest` samples are straight lines, (..., T) -> (..., T).

    known: (..., T) bool. Longer gaps, and those at either end, become 0.
    """
    length = signal.shape[-1]
    place = torch.arange(length, device=signal.device).expand(signal.shape)
    before = torch.where(known, place, -1).cummax(dim=-1).values
    after = torch.where(known, place, length).flip(-1).cummin(dim=-1).values.flip(-1)
    left = signal.gather(-1, before.clamp(min=0))
    right = signal.gather(-1, after.clamp(max=length - 1))
    line = left + (right - left) * ((place - before) / (after - before).clamp(min=1))
    is_inside = (before >= 0) & (after < length) & (after - before - 1 <= longest)
    return torch.where(known, signal, torch.where(is_inside, line, 0.0))


def _table(config: LSMConfig, width: int) -> Tensor:
    """Return the positions of the columns that hold a feature, (N, width): the same ones whatever the features."""
    rows, all_groups = config.grid[0], -(-len(MINUTE_FEATURES) // config.patch[1])
    table = sincos_grid(rows, all_groups, width).reshape(rows, all_groups, width)
    return table[:, config.groups].flatten(0, 1)
